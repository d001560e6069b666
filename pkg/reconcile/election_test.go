package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// named are the machines of a pool, by name.
func named(w *sim.World, pool string) (names []string) {
	for _, d := range w.Cloud.Droplets() {
		if strings.HasPrefix(d.Name, "web-"+pool+"-") {
			names = append(names, d.Name)
		}
	}
	return names
}

// actions are how often a machine was switched since the trace began.
func (c *cluster) actions() int {
	_, writes := c.counted()
	return strings.Count(strings.Join(writes, "\n"), "/actions")
}

// TestNobodyIsJudgedAfterAnElection: all nodes are unknown then, one of them is late by half a minute, and one is off. What was down for long before has
// its time from then on.
func TestNobodyIsJudgedAfterAnElection(t *testing.T) {
	for name, c := range map[string]struct {
		before time.Duration // for so long the worker hangs before
		during func(c *cluster, worker string)
		quiet  time.Duration // nothing is done for so long
		then   int           // so much is done after it
	}{
		"one is late": {0, func(c *cluster, worker string) {
			_ = c.CutOff(worker, true)
			time.Sleep(29 * time.Second)
			_ = c.CutOff(worker, false)
		}, 59 * time.Second, 0},
		"one is off":      {0, func(c *cluster, worker string) { _ = c.KillMachine(worker) }, 59 * time.Second, 1},
		"one hung before": {4*time.Minute + 45*time.Second, func(*cluster, string) {}, 4*time.Minute + 50*time.Second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := sim.New(sim.Options{Seed: 3})
				if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 3, Workers: 3}); err != nil {
					t.Fatal(err)
				}
				cl, worker := on(t, w, named(w, "managers")[0], webFile(3, 3, 1, 2)), named(w, "workers")[1]
				defer cl.stop()
				cl.await(t, 1, 10*time.Minute)
				time.Sleep(2 * time.Minute)
				if c.before > 0 {
					if err := cl.CrashEngine(worker); err != nil {
						t.Fatal(err)
					}
					time.Sleep(c.before)
				}
				cl.ResetTrace()
				began := time.Now()
				if !w.Manager().MoveLeader() {
					t.Fatal("nobody else can lead")
				}
				c.during(cl, worker)
				time.Sleep(time.Until(began.Add(c.quiet)))
				if n := cl.actions(); n != 0 {
					t.Errorf("%d actions within %s of the election", n, c.quiet)
				}
				time.Sleep(90 * time.Second)
				if n := cl.actions(); n != c.then {
					t.Errorf("%d actions after it, want %d; holds %v", n, c.then, cl.loop.Last().Holds)
				}
			})
		})
	}
}
