package reconcile_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim"
)

// TestANewClusterSpreadsItsTasks: Swarm moves no task, so they must not start before the machines are there.
func TestANewClusterSpreadsItsTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 5}, webFile(1, 3, 1, 8))
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		on := c.nodesOf(t, "web_app0")
		for node, n := range on {
			if n != 2 || len(on) != 4 {
				t.Errorf("%d of 8 tasks on node %s of %d", n, node, len(on))
			}
		}
		if r := c.loop.Last(); len(r.Holds) != 0 {
			t.Errorf("holds %+v", r.Holds)
		}
	})
}

// nodesOf counts the running tasks of a service by node id.
func (c *cluster) nodesOf(t *testing.T, name string) map[string]int {
	t.Helper()
	var tasks []api.Task
	if err := c.Ask(http.MethodGet, "/tasks", nil, &tasks); err != nil {
		t.Fatal(err)
	}
	id, out := c.engineService(t, name).ID, map[string]int{}
	for _, k := range tasks {
		if k.ServiceID == id && k.Status.State == api.TaskStateRunning && k.DesiredState == api.TaskStateRunning {
			out[k.NodeID]++
		}
	}
	return out
}
