package docker

import (
	"encoding/json"
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
