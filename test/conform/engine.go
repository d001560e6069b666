package conform

import (
	"testing"

	"github.com/docker/docker/api/types/versions"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// either is a fact that differs by engine: old on a 20.10, now since 26.1.
func either[V any](t *T, old, now V) V {
	if t.testbed.Engine == dockerd.Release20 {
		return old
	}
	return now
}

// refusal is a code and a text.
type refusal struct {
	status int
	text   string
}

// refusedBy holds a refusal to what the engine is known to say.
func (t *T) refusedBy(a answer, old, now refusal) {
	t.Helper()
	want := either(t, old, now)
	t.refused(a, want.status, want.text)
}

// unknownFilter asks for a list by what is no filter.
func (t *T) unknownFilter(path string) {
	t.Helper()
	t.refused(t.ask(0, "GET", path, filter("colour", "red"), nil), 400, either(t, "Invalid", "invalid")+" filter 'colour'")
}

// Speaks is what an engine says of itself, and of the versions of the API that it takes.
type Speaks struct {
	Engine  string `json:"Version"`
	Highest string `json:"ApiVersion"`
	Lowest  string `json:"MinAPIVersion"`
}

// Ask asks each machine what it is. It fails the test unless all are the same.
func Ask(tb testing.TB, g Testbed) Speaks {
	tb.Helper()
	t := on(tb, g)
	for i := range g.Machines {
		var other Speaks
		t.getFrom(i, "/version", nil, &other)
		t.same("what machines are", t.speaks(), other)
	}
	return t.speaks()
}

func (t *T) speaks() (out Speaks) {
	t.Helper()
	t.get("/version", nil, &out)
	return out
}

// badVersions takes the versions from what the engine says, so that one which has moved on differs in nothing here.
func badVersions(t *T) {
	s := t.speaks()
	t.refused(t.raw("GET", "/v1.99/nodes", ""), 400, "client version 1.99 is too new. Maximum supported API version is "+s.Highest)
	for _, v := range []string{"1.1", "1.23"} { // an engine that still takes the second has no such node
		a := t.raw("GET", "/v"+v+"/nodes/nothere", "")
		if versions.LessThan(v, s.Lowest) {
			t.refused(a, 400, "client version "+v+" is too old. Minimum supported API version is "+s.Lowest+", please upgrade your client to a newer version")
		} else {
			t.refused(a, 404, "node nothere not found")
		}
		t.same("in plain text", t.testbed.Engine != dockerd.Release26, a.plain)
	}
	t.same("an older one", 200, t.raw("GET", "/v1.30/nodes", "").Status)
}
