package reconcile_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/swarmd/swarmd/pkg/reconcile"
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
	c := newCluster(t, sim.Options{Seed: 7}, webFile(1, workers, 1, 1))
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
		unsaid := on(t, c.World, "laptop-managers-aaaaa", webFile(1, 1, 1, 1))
		unsaid.refuses(t, "3 droplets of a cluster web that are none of its nodes: web-managers-aaaaa, web-workers-")
		unsaid.stop()
		said := on(t, c.World, "laptop-managers-aaaaa", webFile(1, 1, 1, 1), takeOver)
		defer said.stop()
		time.Sleep(3 * time.Hour)
		said.stay(t, was)
	})
}

// Somebody else in the account makes a cluster of the same name.
func TestASecondClusterOfTheNameTakesNoMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, was := production(t, 2)
		if err := c.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 1, From: 1000}); err != nil {
			t.Fatal(err)
		}
		unsaid := on(t, c.World, "web-managers-aabmm", webFile(1, 2, 1, 1))
		unsaid.refuses(t, "none of its nodes")
		unsaid.stop()
		second := on(t, c.World, "web-managers-aabmm", webFile(1, 2, 1, 1), takeOver)
		stop := sync.OnceFunc(second.stop)
		defer stop()
		time.Sleep(3 * time.Hour)
		second.stay(t, was)
		if last := second.loop.Last(); last.Error != "" || last.Revision != 1 || len(second.alive()) != len(was)+3 {
			t.Errorf("%d machines; %s %s, holds %+v", len(second.alive()), last.Result, last.Error, last.Holds)
		}
		stop()
		unsaid = on(t, c.World, "web-managers-aabmm", nil) // said once is enough
		defer unsaid.stop()
		time.Sleep(time.Minute)
		if last := unsaid.loop.Last(); last.Error != "" || last.Revision != 1 || !last.Lease.Held || len(last.Steps) > 0 {
			t.Errorf("%s %s, revision %d, steps %+v", last.Result, last.Error, last.Revision, last.Steps)
		}
	})
}

// The swarm is restored from a backup that is older than three of its workers: they run on, and it does not know them. Its revision
// wants one worker, as it did then.
func TestASwarmFromAnOlderBackupTakesNoMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, webFile(1, 1, 1, 1))
		c.await(t, 1, 15*time.Minute)
		first := c.alive()
		c.edits <- webFile(1, 4, 1, 1)
		c.await(t, 2, 15*time.Minute)
		c.stop()
		was := c.alive()
		c.restore(t, first)
		again := on(t, c.World, "web-managers-aaaaa", nil)
		defer again.stop()
		time.Sleep(6 * time.Hour)
		again.stay(t, was)
		last := again.loop.Last()
		if last.Revision != 1 || len(last.Holds) == 0 || last.Holds[0].Guard != plan.GuardRemoved {
			t.Errorf("revision %d, holds %+v", last.Revision, last.Holds)
		}
	})
}

// The machines were made before there was the swarm's tag. They get it once, and then all is still.
func TestMachinesOfTheVersionBeforeAreTaggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		was, _ := production(t, 4)
		if err := was.Untag(); err != nil {
			t.Fatal(err)
		}
		c := on(t, was.World, "web-managers-aaaaa", nil)
		defer c.stop()
		c.ResetTrace()
		c.await(t, 1, 5*time.Minute)
		tagged := 0
		_, writes := c.counted()
		for _, w := range writes {
			if strings.HasPrefix(w, "POST /v2/tags/swarmd-swarm:") {
				tagged++
			}
		}
		for _, d := range c.Cloud.Droplets() {
			if len(d.Tags) != 3 {
				t.Errorf("%s has the tags %v", d.Name, d.Tags)
			}
		}
		if tagged != 5 {
			t.Errorf("%d times tagged: %v", tagged, writes)
		}
		c.ResetTrace()
		time.Sleep(time.Hour)
		for _, call := range c.Trace() {
			if call.Write() && strings.HasPrefix(call.Path, "/v2/") {
				t.Errorf("%s %s", call.Method, call.Path)
			}
		}
	})
}

func takeOver(s *setup) { s.TakeOver = true }

// refuses fails unless swarmd leaves the swarm as it is, and says why.
func (c *cluster) refuses(t *testing.T, why string) {
	t.Helper()
	was := c.alive()
	c.ResetTrace()
	time.Sleep(10 * time.Minute)
	c.stay(t, was)
	if n := c.calls("/v2/droplets"); n > 40 { // the passes' own, and one a minute for what the answer was
		t.Errorf("%d lists of droplets in ten minutes", n)
	}
	if _, writes := c.counted(); len(writes) > 0 || len(c.alive()) != len(was) {
		t.Errorf("%d machines of %d; wrote %v", len(c.alive()), len(was), writes)
	}
	last := c.loop.Last()
	if !strings.Contains(last.Error, why) || !strings.Contains(last.Error, "swarmd apply -f FILE --take-over") || c.loop.Ready() == nil {
		t.Errorf("it says %q", last.Error)
	}
	var refused *reconcile.NotBegunError
	if err := c.loop.Begin(t.Context()); !errors.As(err, &refused) {
		t.Errorf("asked before: %v", err)
	}
}

// calls counts the calls to a path.
func (c *cluster) calls(path string) (n int) {
	for _, call := range c.Trace() {
		if call.Path == path {
			n++
		}
	}
	return n
}

// The cluster's name was changed in the file. The swarm is the old one's, whoever says what.
func TestAClusterIsNotRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, was := production(t, 1)
		renamed := on(t, c.World, "web-managers-aaaaa", nil, takeOver, func(s *setup) { s.Cluster = "shop" })
		defer renamed.stop()
		c.ResetTrace()
		time.Sleep(10 * time.Minute)
		renamed.stay(t, was)
		_, writes := renamed.counted()
		if last := renamed.loop.Last(); len(writes) > 0 || !strings.Contains(last.Error, "this swarm is the cluster web (revision 1): a cluster's name cannot change") {
			t.Errorf("wrote %v, says %q", writes, last.Error)
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

// The daemon says what an accepted edit means that its author may not have meant.
func TestTheLogSaysWhatAnEditMeans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.WarnLevel)
		w := sim.New(sim.Options{Seed: 7})
		if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 1}); err != nil {
			t.Fatal(err)
		}
		c := on(t, w, "web-managers-aaaaa", webFile(1, 1, 1, 1), func(s *setup) { s.Log = zap.New(core) })
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		c.edits <- bytes.ReplaceAll(webFile(1, 1, 1, 1), []byte("  workers:"), []byte("  apps:"))
		time.Sleep(time.Minute)
		said := logs.FilterMessage("the edit means").All()
		if len(said) != 1 || !strings.HasPrefix(said[0].ContextMap()["text"].(string), "pool workers renamed to apps? 1 machine would be made and 1 held") {
			t.Errorf("%+v", said)
		}
	})
}
