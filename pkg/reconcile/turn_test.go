package reconcile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// TestAShrinkTakesOneMachinesTasksAtATime: of twelve tasks on six nodes, those of one node alone are ever missing.
func TestAShrinkTakesOneMachinesTasksAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 3}, webFile(1, 5, 1, 1))
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		c.edits <- webFile(1, 5, 1, 12)
		c.await(t, 2, 10*time.Minute)
		whole, least := c.running(t), 12
		c.edits <- webFile(1, 1, 1, 12)
		if !sampled(20*time.Minute, func() bool {
			least = min(least, c.running(t))
			return len(c.Cloud.Droplets()) == 2
		}) {
			t.Fatalf("%d droplets, holds %+v", len(c.Cloud.Droplets()), c.loop.Last().Holds)
		}
		c.await(t, 3, 10*time.Minute)
		// Two were on each node; each drain spreads its own over those that are left, so that the last of four has at most four.
		if whole != 12 || least < 12-4 {
			t.Errorf("%d of %d tasks ran at the least", least, whole)
		}
	})
}

// running counts the tasks of app0 that run and are meant to.
func (c *cluster) running(t *testing.T) int {
	t.Helper()
	n := 0
	for _, of := range c.runs(t, "web_app0") {
		n += of
	}
	return n
}
