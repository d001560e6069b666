package conform

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"
	"github.com/google/go-cmp/cmp"
)

// T is one case being played on a testbed.
type T struct {
	testing.TB
	testbed  Testbed
	together bool
	prefix   string // of every name that the case makes, so that those who play together do not meet
}

// patience is how long a case waits for what must come; a silent node is down after fifteen seconds.
const patience = 40 * time.Second

// name is the case's own name for an object.
func (t *T) name(what string) string { return t.prefix + "-" + what }

// ask makes a call to machine i. Whatever it answers is fine; no answer is not.
func (t *T) ask(i int, method, path string, query url.Values, body any) answer {
	t.Helper()
	a, err := t.testbed.Machines[i].ask(t.Context(), method, path, query, body)
	if err != nil {
		t.Fatalf("%s %s on machine %d: %v", method, path, i, err)
	}
	return a
}

// get reads from the first machine.
func (t *T) get(path string, query url.Values, out any) {
	t.Helper()
	t.getFrom(0, path, query, out)
}

func (t *T) getFrom(i int, path string, query url.Values, out any) {
	t.Helper()
	t.parse(t.done("GET "+path, t.ask(i, "GET", path, query, nil)), out)
}

func (t *T) parse(a answer, out any) {
	t.Helper()
	if err := json.Unmarshal(a.body, out); err != nil {
		t.Fatalf("%v in %.300s", err, a.body)
	}
}

// done fails the case unless the call was accepted.
func (t *T) done(what string, a answer) answer {
	t.Helper()
	if a.Status >= 300 {
		t.Fatalf("%s: %d %s", what, a.Status, a.Message)
	}
	return a
}

// refused holds a refusal to its code and text.
func (t *T) refused(a answer, status int, text string) {
	t.Helper()
	if got := masked(a.Message); a.Status != status || got != text {
		t.Errorf("answered %d %q\n    want %d %q", a.Status, got, status, text)
	}
}

var anyID = regexp.MustCompile(`\b[0-9a-z]{25}\b`)

// columnOf is the place in a template, which the version of Go decides that an engine was built with.
var columnOf = regexp.MustCompile(`(expansion:1):\d+:`)

// masked puts ID where an id stands, and N where a template's column does.
func masked(text string) string {
	return columnOf.ReplaceAllString(anyID.ReplaceAllString(text, "ID"), "$1:N:")
}

// same compares facts.
func (t *T) same(what string, want, got any) {
	t.Helper()
	if w, isText := want.(string); isText && w != got {
		t.Errorf("%s:\n %v\nwant:\n %s", what, got, w)
	} else if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// until waits for a fact.
func (t *T) until(what string, fact func() (bool, any)) {
	t.Helper()
	began, last := time.Now(), any(nil)
	for time.Since(began) < patience {
		ok, now := fact()
		if ok {
			return
		}
		last = now
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not within %v: %s; %s", patience, what, text(last))
}

// always samples a fact that must not stop to hold for as long.
func (t *T) always(what string, d time.Duration, fact func() (bool, any)) {
	t.Helper()
	for began := time.Now(); time.Since(began) < d; time.Sleep(100 * time.Millisecond) {
		if ok, now := fact(); !ok {
			t.Fatalf("%s: no more after %v; %s", what, time.Since(began), text(now))
		}
	}
}

func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSpace(string(data))
}

func (t *T) info(i int) system.Info {
	t.Helper()
	var out system.Info
	t.getFrom(i, "/info", nil, &out)
	return out
}

// node is machine i's node as the first machine shows it.
func (t *T) node(i int) api.Node {
	t.Helper()
	var out api.Node
	t.get("/nodes/"+t.info(i).Swarm.NodeID, nil, &out)
	return out
}

// setNode changes machine i's node.
func (t *T) setNode(i int, edit func(*api.NodeSpec)) answer {
	t.Helper()
	n := t.node(i)
	edit(&n.Spec)
	return t.ask(0, "POST", "/nodes/"+n.ID+"/update", at(n.Version.Index), n.Spec)
}
