package reconcile_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim"
)

// alive returns the names of the droplets that are there.
func (c *cluster) alive() map[string]bool {
	names := map[string]bool{}
	for _, d := range c.Cloud.Droplets() {
		names[d.Name] = true
	}
	return names
}

// stay fails unless every machine that was there is there still.
func (c *cluster) stay(t *testing.T, was map[string]bool) {
	t.Helper()
	now := c.alive()
	for name := range was {
		if !now[name] {
			t.Errorf("%s is gone, a machine of another swarm or one that serves", name)
		}
	}
}

// production is a cluster web with a manager and so many workers, as wanted, and nobody acting on it any more.
func production(t *testing.T, workers int) (*cluster, map[string]bool) {
	t.Helper()
	c := newCluster(t, sim.Options{Seed: 7}, file(1, workers, 1, 1))
	c.await(t, 1, 15*time.Minute)
	c.stop()
	return c, c.alive()
}

// An operator's DOCKER_HOST is the laptop's swarm, the token the production account's, the file one with a worker less.
func TestAnEngineOfAnotherSwarmTakesNoMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, was := production(t, 2)
		if err := c.Populate(sim.Seeded{Cluster: "laptop", Region: "fra1", Managers: 1}); err != nil {
			t.Fatal(err)
		}
		wrong := on(t, c.World, "laptop-managers-aaaaa", file(1, 1, 1, 1))
		defer wrong.stop()
		time.Sleep(3 * time.Hour)
		wrong.stay(t, was)
	})
}

// Somebody else in the account makes a cluster of the same name.
func TestASecondClusterOfTheNameTakesNoMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, was := production(t, 2)
		if err := c.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 1, From: 1000}); err != nil {
			t.Fatal(err)
		}
		second := on(t, c.World, "web-managers-aabmm", file(1, 2, 1, 1))
		defer second.stop()
		time.Sleep(3 * time.Hour)
		second.stay(t, was)
	})
}

// The swarm is restored from a backup that is older than three of its workers: they run on, and it does not know them. Its revision
// wants one worker, as it did then.
func TestASwarmFromAnOlderBackupTakesNoMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, file(1, 1, 1, 1))
		c.await(t, 1, 15*time.Minute)
		first := c.alive()
		c.edits <- file(1, 4, 1, 1)
		c.await(t, 2, 15*time.Minute)
		c.stop()
		was := c.alive()
		c.restore(t, first)
		again := on(t, c.World, "web-managers-aaaaa", nil)
		defer again.stop()
		time.Sleep(6 * time.Hour)
		again.stay(t, was)
		last := again.loop.Last()
		if last.Revision != 1 || len(last.Holds) == 0 || last.Holds[0].Guard != plan.GuardIdentity {
			t.Errorf("revision %d, holds %+v", last.Revision, last.Holds)
		}
	})
}

// object is a node or a config.
type object struct {
	ID      string
	Version struct{ Index uint64 }
	Spec    struct {
		Name   string
		Labels map[string]string
		Data   []byte
	}
	Description struct{ Hostname string }
}

// restore puts the swarm's store back to what it had when only these machines had joined, and revision 1 was the last.
func (c *cluster) restore(t *testing.T, known map[string]bool) {
	t.Helper()
	var nodes, configs []object
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.Ask(http.MethodGet, "/nodes", nil, &nodes))
	for _, n := range nodes {
		if !known[n.Description.Hostname] {
			must(c.Ask(http.MethodDelete, "/nodes/"+n.ID+"?force=true", nil, nil))
		}
	}
	must(c.Ask(http.MethodGet, "/configs", nil, &configs))
	for _, o := range configs {
		switch {
		case o.Spec.Name == "swarmd.web":
			o.Spec.Labels["swarmd.ledger.revision"] = "1"
			must(c.Ask(http.MethodPost, fmt.Sprintf("/configs/%s/update?version=%d", o.ID, o.Version.Index), o.Spec, nil))
		case strings.HasPrefix(o.Spec.Name, "swarmd.web.spec.") && o.Spec.Name != "swarmd.web.spec.1":
			must(c.Ask(http.MethodDelete, "/configs/"+o.ID, nil, nil))
		}
	}
}
