package docker

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
)

const goldenErrors = "testdata/errors.json"

// golden is what real engines answered, a column for each, and what each answer means. Column 20.10 was written by -update. Those of 26.1 and 28.5
// were taken from the cases of test/conform that provoke the same refusals, where they were seen; what none of these provokes is empty there
// until -update is run on such engines.
type golden struct {
	Engines map[string]goldenEngine `json:"engines"` // by column
	Cases   []goldenCase            `json:"cases"`
}

type goldenEngine struct {
	Version string `json:"version"`
	API     string `json:"api"` // that was spoken with it
}

type goldenCase struct {
	Name    string         `json:"name"`
	Write   bool           `json:"write"`
	Kind    apierr.Kind    `json:"kind"`
	Answers []goldenAnswer `json:"answers"`
}

// goldenAnswer is what these engines said alike.
type goldenAnswer struct {
	Engines []string `json:"engines"`
	Code    int      `json:"code"`
	Message string   `json:"message"` // ids stand as ID
}

// column of an engine with this version: "28.5" of "28.5.2+dfsg4".
func column(version string) string {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return major + "." + minor
}

// of is what an engine of this column said, and whether one was asked.
func (k goldenCase) of(column string) (goldenAnswer, bool) {
	i := slices.IndexFunc(k.Answers, func(a goldenAnswer) bool { return slices.Contains(a.Engines, column) })
	if i < 0 {
		return goldenAnswer{}, false
	}
	return k.Answers[i], true
}

// put writes an answer into a column.
func (k *goldenCase) put(column string, said goldenAnswer) {
	for i := range k.Answers {
		k.Answers[i].Engines = slices.DeleteFunc(k.Answers[i].Engines, func(c string) bool { return c == column })
	}
	k.Answers = slices.DeleteFunc(k.Answers, func(a goldenAnswer) bool { return len(a.Engines) == 0 })
	i := slices.IndexFunc(k.Answers, func(a goldenAnswer) bool { return a.Code == said.Code && a.Message == said.Message })
	if i < 0 {
		i = len(k.Answers)
		k.Answers = append(k.Answers, goldenAnswer{Code: said.Code, Message: said.Message})
	}
	k.Answers[i].Engines = slices.Sorted(slices.Values(append(k.Answers[i].Engines, column)))
}

func readGolden(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile(goldenErrors)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestErrorsOfARealEngineHaveTheirKind(t *testing.T) {
	g := readGolden(t)
	for column := range g.Engines {
		count := 0
		for _, k := range g.Cases {
			a, asked := k.of(column)
			if !asked {
				continue
			}
			count++
			if got := kindOf(a.Code, a.Message, k.Write); got != k.Kind {
				t.Errorf("%s on %s: %q (%d) is %s, want %s", k.Name, column, a.Message, a.Code, got, k.Kind)
			}
		}
		if count < 50 {
			t.Errorf("the table has %d cases of engine %s", count, column)
		}
	}
	if len(g.Engines) < 3 {
		t.Errorf("%d engines", len(g.Engines))
	}
}

// TestAnAnswerGoesIntoItsColumn has what -update writes: the columns that say the same stand together.
func TestAnAnswerGoesIntoItsColumn(t *testing.T) {
	k := goldenCase{Answers: []goldenAnswer{{[]string{"20.10", "28.5"}, 400, "no"}}}
	k.put("26.1", goldenAnswer{Code: 500, Message: "no"})
	k.put("28.5", goldenAnswer{Code: 500, Message: "no"})
	want := []goldenAnswer{{[]string{"20.10"}, 400, "no"}, {[]string{"26.1", "28.5"}, 500, "no"}}
	if d := cmp.Diff(want, k.Answers); d != "" {
		t.Error(d)
	}
	if k.put("20.10", goldenAnswer{Code: 500, Message: "no"}); len(k.Answers) != 1 {
		t.Error(k.Answers)
	}
	if a, asked := k.of("29.0"); asked || column("29.0.1-rc.2") != "29.0" {
		t.Error(a)
	}
}

// TestLockedManager has the answer of a manager with autolock after its restart, as engine 28.5.2 gave it: no test can restart an engine.
func TestLockedManager(t *testing.T) {
	const text = `Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.`
	if got := kindOf(503, text, false); got != apierr.NotManager {
		t.Fatal(got)
	}
}

// TestEveryRuleIsUsed keeps the table free of rules that no real answer needed. The exceptions are codes of proxies and registries, the
// locked manager of above, and safeguards of the engine that this release does not have.
func TestEveryRuleIsUsed(t *testing.T) {
	unseen := map[string]bool{"swarm is encrypted and needs to be unlocked": true, "code = failedprecondition": true}
	unseenCodes := map[int]bool{401: true, 403: true, 429: true}
	g := readGolden(t)
	for i, r := range rules() {
		if unseen[r.text] || (r.text == "" && unseenCodes[r.code]) {
			continue
		}
		if !decides(g, i) {
			t.Errorf("rule %d %q decides no case of the table", r.code, r.text)
		}
	}
}

// decides reports whether the i-th rule is the first to match some case.
func decides(g golden, i int) bool {
	for _, k := range g.Cases {
		if slices.ContainsFunc(k.Answers, func(a goldenAnswer) bool { return firstMatch(a.Code, a.Message) == i }) {
			return true
		}
	}
	return false
}

func TestUnknownAnswers(t *testing.T) {
	for _, k := range []struct {
		code  int
		write bool
		want  apierr.Kind
	}{
		{500, true, apierr.Unknown}, {500, false, apierr.Unavailable}, {502, true, apierr.Unknown}, {504, false, apierr.Unavailable},
		{400, true, apierr.Invalid}, {404, true, apierr.NotFound}, {418, true, apierr.Unknown},
	} {
		if got := kindOf(k.code, "never seen before", k.write); got != k.want {
			t.Errorf("%d, write %v: %s, want %s", k.code, k.write, got, k.want)
		}
	}
}

func TestErrorTextIsTheEnginesAndBounded(t *testing.T) {
	long := make([]byte, 5000)
	for i := range long {
		long[i] = 'x'
	}
	e := classify("update node", true, exchange{tried: true, status: http.StatusBadGateway}, errors.New(string(long)))
	if len(e.Err.Error()) > textLimit+4 {
		t.Fatalf("text of %d bytes", len(e.Err.Error()))
	}
	e = classify("update node", true, exchange{tried: true, status: 500},
		errors.New("Error response from daemon: rpc error: code = Unknown desc = update out of sequence"))
	if e.Err.Error() != "update out of sequence" || e.Kind != apierr.Conflict || e.Side != "swarm" || e.Code != 500 {
		t.Fatalf("%+v", e)
	}
}

// masked hides what differs from run to run.
func masked(message string) string {
	message = regexp.MustCompile(`\b[a-z0-9]{25}\b`).ReplaceAllString(message, "ID")
	message = regexp.MustCompile(`\b[0-9a-f]{12,64}\b`).ReplaceAllString(message, "ID")
	message = regexp.MustCompile(`\d+\.\d+\.\d+\.\d+:(\d+)->\d+\.\d+\.\d+\.\d+`).ReplaceAllString(message, "ADDR->ADDR")
	return message
}
