package explore

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden transcripts")

// TestTranscripts holds what whole roll-outs write, call by call, against golden files: with seed 0 the calls that wait at the same time go in
// a fixed order, with the others in one that comes from the seed.
func TestTranscripts(t *testing.T) {
	var got strings.Builder
	for _, text := range []string{"rolling-update/0/-", "rolling-update/7/-", "failed-update/0/-", "failed-update/7/-", "edit-in-roll-out/0/-",
		"edit-in-roll-out/7/-", "grow-managers/0/-", "grow-managers/7/-", "shrink-managers/0/-", "shrink-managers/7/-"} {
		p := parsed(t, text)
		p.Watch = true
		out := New().Run(t, p)
		for _, v := range out.Violations {
			t.Errorf("%s: %s", p, v)
		}
		got.WriteString("== " + text + "\n" + writes(out.Trace) + "\n")
	}
	const path = "testdata/transcripts.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(read(t, path), got.String()); diff != "" {
		t.Errorf("%s (-golden +got; -update writes it):\n%s", path, diff)
	}
}

// writes are a trace's writes since it was armed, without numbers and times, and with small numbers in the place of ids.
func writes(trace []string) string {
	var out []string
	armed, ids := false, map[string]string{}
	for _, line := range trace {
		armed = armed || strings.HasSuffix(line, "armed")
		f := strings.Fields(line)
		if !armed || len(f) < 5 || f[3] == "GET" || f[3] == "HEAD" {
			continue
		}
		path, _, _ := strings.Cut(f[4], "?")
		parts := strings.Split(path, "/")
		for i, part := range parts {
			if len(part) == 25 || len(part) == 9 && part[0] == '4' {
				if ids[part] == "" {
					ids[part] = strconv.Itoa(len(ids) + 1)
				}
				parts[i] = ids[part]
			}
		}
		out = append(out, strings.Join(append([]string{f[2], f[3], strings.Join(parts, "/")}, f[5:]...), " "))
	}
	return strings.Join(out, "\n") + "\n"
}
