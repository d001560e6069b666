package reconcile_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// liveNode is a node as the engine shows it.
type liveNode struct {
	ID      string
	Version struct{ Index uint64 }
	Spec    struct {
		Name, Role, Availability string
		Labels                   map[string]string
	}
}

// workers returns the nodes of the pool.
func (c *cluster) workers(t *testing.T) []liveNode {
	t.Helper()
	var all, out []liveNode
	if err := c.Ask(http.MethodGet, "/nodes", nil, &all); err != nil {
		t.Fatal(err)
	}
	for _, n := range all {
		if n.Spec.Labels[swarm.LabelPool] == "workers" {
			out = append(out, n)
		}
	}
	return out
}

// set changes a node as a person does.
func (c *cluster) set(t *testing.T, n liveNode, availability, label string) {
	t.Helper()
	n.Spec.Availability = availability
	if delete(n.Spec.Labels, swarm.LabelMaintenance); label != "" {
		n.Spec.Labels[swarm.LabelMaintenance] = label
	}
	if err := c.Ask(http.MethodPost, fmt.Sprintf("/nodes/%s/update?version=%d", n.ID, n.Version.Index), n.Spec, nil); err != nil {
		t.Fatal(err)
	}
}

// A node that is drained for maintenance stays so, and in its pool, until a person or an edit of its pool ends it. One that docker drains does not.
func TestANodeInMaintenanceIsLeftDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, webFile(1, 2, 1, 2))
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		machines := len(c.alive())
		wants := func(availability, why string) {
			t.Helper()
			time.Sleep(2 * time.Minute)
			if got := string(c.workers(t)[0].Spec.Availability); got != availability {
				t.Errorf("%s: it is %s", why, got)
			}
			if r := c.loop.Last(); !r.Converged || len(c.alive()) != machines {
				t.Errorf("%s: converged %v, %d machines, holds %+v", why, r.Converged, len(c.alive()), r.Holds)
			}
		}
		label := swarm.Maintenance{Since: time.Now(), Pool: swarm.Active, By: "ana"}.String()
		c.set(t, c.workers(t)[0], "drain", "")
		wants("active", "docker node update")
		c.set(t, c.workers(t)[0], "drain", label)
		wants("drain", "swarmd drain")
		c.set(t, c.workers(t)[0], "drain", "")
		wants("active", "the label is gone")
		c.set(t, c.workers(t)[0], "drain", label)
		wants("drain", "swarmd drain again")
		c.edits <- bytes.ReplaceAll(webFile(1, 2, 1, 2), []byte("workers: { role: worker,"), []byte("workers: { role: worker, availability: drain,"))
		wants("drain", "the pool is drained by the file")
		c.edits <- webFile(1, 2, 1, 2)
		wants("active", "and is not any more")
	})
}
