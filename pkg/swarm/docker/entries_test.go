package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/google/go-cmp/cmp"
)

// TestEntriesAreGivenOutWhereverTheyAreCut: in texts, after a backslash, between entries; whatever the bytes come in.
func TestEntriesAreGivenOutWhereverTheyAreCut(t *testing.T) {
	long := `{"a":"` + strings.Repeat(`}],\"`, firstPart) + `"}`
	for _, tc := range []struct {
		list string
		want []string
		says string // "" for well
	}{
		{`[]`, nil, ""}, {" [ \n] x", nil, ""},
		{`[{}]`, []string{`{}`}, ""},
		{` [{"a":[1,{"b":2}]} , {"c":"]}"}]`, []string{`{"a":[1,{"b":2}]}`, `{"c":"]}"}`}, ""},
		{`[{"a":"\\"},{"b":"\\\""},{"c\"{":1}]`, []string{`{"a":"\\"}`, `{"b":"\\\""}`, `{"c\"{":1}`}, ""},
		{`[` + long + `,{}]`, []string{long, `{}`}, ""},
		{``, nil, "unexpected EOF"}, {`{}`, nil, "not with a list"}, {`[{}`, []string{`{}`}, "unexpected EOF"}, {`[{"a":"}`, nil, "unexpected EOF"},
		{`[{},`, []string{`{}`}, "unexpected EOF"}, {`[{},]`, []string{`{}`}, "begins with ']'"}, {`[null]`, nil, "begins with 'n'"}, {`[{}{}]`, []string{`{}`}, "after an entry"},
	} {
		for how, reader := range map[string]func(io.Reader) io.Reader{"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with its end": iotest.DataErrReader} {
			list := &entries{r: reader(strings.NewReader(tc.list)), most: maxList}
			var got []string
			entry, err := list.next()
			for ; err == nil && entry != nil; entry, err = list.next() {
				got = append(got, string(entry))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || (tc.says == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%.40s %s: %v, -want +got\n%.300s", tc.list, how, err, diff)
			}
		}
	}
}

// TestABrokenConnectionIsTold and nothing that came before it is taken for the whole.
func TestABrokenConnectionIsTold(t *testing.T) {
	reset := errors.New("reset")
	list := &entries{r: io.MultiReader(strings.NewReader(`[{}`), iotest.ErrReader(reset)), most: maxList}
	if _, err := list.next(); err != nil {
		t.Fatal(err)
	}
	if entry, err := list.next(); !errors.Is(err, reset) {
		t.Errorf("%s, %v", entry, err)
	}
}

// TestATaskOfALongListMeansTheSame as one of a short list, which the engine's own library decodes.
func TestATaskOfALongListMeansTheSame(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	secret := api.TaskSpec{ContainerSpec: &api.ContainerSpec{Image: "web:1", Env: []string{"TOKEN=canary-value"}, Args: []string{"web", "--password=canary-argument"}}}
	all := []api.Task{
		{ID: "a", ServiceID: "s", NodeID: "n", Slot: 3, DesiredState: "running", Meta: api.Meta{CreatedAt: at, UpdatedAt: at.Add(time.Hour)}, Spec: secret,
			Status: api.TaskStatus{State: "running", Message: "started", ContainerStatus: &api.ContainerStatus{ExitCode: 3}}},
		{ID: "b", ServiceID: "s", DesiredState: "running", Spec: secret, Status: api.TaskStatus{State: "rejected", Message: "no canary-value", Err: "No such image: --password=canary-argument"}},
		{ID: "c", ServiceID: "s", DesiredState: "complete", Spec: secret, JobIteration: &api.Version{Index: 7}, Status: api.TaskStatus{State: "complete", Err: strings.Repeat("é", maxText)}},
		{ID: "d", ServiceID: "s", NodeID: "n", DesiredState: "remove", Status: api.TaskStatus{State: "pending", Message: "canary-value", Err: "no suitable node"}},
		{ID: "e"},
	}
	few, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	many := strings.Builder{}
	many.WriteString(strings.TrimSuffix(string(few), "]"))
	for i := range 5000 {
		fmt.Fprintf(&many, `,{"ID":"z%04d","ServiceID":"z","Labels":{"a":"%s"}}`, i, strings.Repeat("x", 4000))
	}
	many.WriteString("]")
	tasks := func(answer string) (out []string) {
		f := newFake(t)
		f.on("GET /tasks", func(*http.Request) (*http.Response, error) { return reply(200, answer), nil })
		got, err := f.client(Options{}).Tasks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range got[:len(all)] {
			out = append(out, fmt.Sprintf("%+v", k))
		}
		return out
	}
	want, got := tasks(string(few)), tasks(many.String())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("-short +long\n" + diff)
	}
	if said := strings.Join(got, "\n"); strings.Contains(said, "canary-argument") || !strings.Contains(said, "(value not shown)") {
		t.Errorf("what may be passwords is shown: %s", said)
	}
}
