package docker

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// listing is an engine that filters tasks as moby does: by each filter that is there, and by any of its values.
func listing(f *fake, all []api.Task) {
	f.on("GET /tasks", func(r *http.Request) (*http.Response, error) {
		var args map[string]map[string]bool
		if text := r.URL.Query().Get("filters"); text != "" {
			if err := json.Unmarshal([]byte(text), &args); err != nil {
				return nil, err
			}
		}
		if args["node"]["gone"] {
			return reply(404, `{"message":"node gone not found"}`), nil
		}
		found, err := json.Marshal(slices.DeleteFunc(slices.Clone(all), func(k api.Task) bool {
			return args["desired-state"] != nil && !args["desired-state"][string(k.DesiredState)] || args["node"] != nil && !args["node"][k.NodeID]
		}))
		return reply(200, string(found)), err
	})
}

func TestTasksAreThoseOfNowAndOnANodeAll(t *testing.T) {
	f := newFake(t)
	c := f.client(Options{})
	var all []api.Task
	for i, state := range []api.TaskState{"new", "ready", "running", "shutdown", "remove"} {
		all = append(all, api.Task{ID: string(state), Slot: i, NodeID: "n" + string(rune('1'+i%2)), DesiredState: state})
	}
	listing(f, all)
	ids := func(nodes ...string) string {
		got, err := c.Tasks(t.Context())
		if nodes != nil {
			got, err = c.TasksOn(t.Context(), nodes)
		}
		var out []string
		for _, k := range got {
			out = append(out, k.ID)
		}
		if err != nil {
			out = append(out, string(apierr.KindOf(err)))
		}
		return strings.Join(out, " ")
	}
	for _, step := range []struct {
		nodes []string
		want  string
	}{
		{nil, "ready running remove"}, {[]string{"n1"}, "new running remove"}, {[]string{"n1", "n2"}, "new ready running shutdown remove"},
		{[]string{"n1", "gone"}, "not_found"},
	} {
		if diff := cmp.Diff(step.want, ids(step.nodes...)); diff != "" {
			t.Errorf("%v: -want +got\n%s", step.nodes, diff)
		}
	}
	before := len(f.asked)
	if got, err := c.TasksOn(t.Context(), nil); len(got) > 0 || err != nil || len(f.asked) > before {
		t.Errorf("of no nodes: %v, %v, %v", got, err, f.asked[before:])
	}
}

// TestALongListIsNotDecodedAgain: it is known again by its hash, and another one is another one.
func TestALongListIsNotDecodedAgain(t *testing.T) {
	f := newFake(t)
	c := f.client(Options{})
	all := make([]api.Task, 12_000)
	for i := range all {
		all[i] = api.Task{ID: fmt.Sprintf("t%05d", i), NodeID: strings.Repeat("n", 200), DesiredState: "running"}
	}
	hear := func(last string) {
		t.Helper()
		f.gives("GET /tasks", 200, all)
		got, err := c.Tasks(t.Context())
		if err != nil || len(got) != len(all) || got[len(got)-1].ID != last {
			t.Fatalf("%d tasks, %v", len(got), err)
		}
	}
	hear("t11999")
	if n := len(c.tasks.mark); n != sha256.Size {
		t.Fatalf("%d bytes are kept", n)
	}
	c.tasks.value[0].Message = "as it was decoded before"
	hear("t11999")
	if c.tasks.value[0].Message == "" {
		t.Error("it was decoded again")
	}
	all[len(all)-1].ID = "t12000"
	hear("t12000")
	if c.tasks.value[0].Message != "" {
		t.Error("another list was not decoded")
	}
}
