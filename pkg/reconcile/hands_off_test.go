package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func (c *cluster) applyChange(t *testing.T, change ledger.Change) {
	t.Helper()
	_, err := c.store.Update(t.Context(), func(l *ledger.Ledger) error { return l.Apply(ledger.Moment{Now: time.Now()}, change) })
	if err != nil {
		t.Fatal(err)
	}
}

// TestAPausedClusterIsLeftAlone: whatever dies and is edited meanwhile. When the pause ends, by a person or by itself, nobody is judged for a minute,
// and then all is done.
func TestAPausedClusterIsLeftAlone(t *testing.T) {
	for name, object := range map[string]string{"until a person ends it": "", "until it ends": "cluster"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, sim.Options{Seed: 7}, webFile(1, 2, 1, 2))
				defer c.stop()
				c.await(t, 1, 15*time.Minute)
				off := swarm.HandsOff{Since: time.Now(), By: "ana"}
				if object != "" {
					off.Until = time.Now().Add(20 * time.Minute)
				}
				c.applyChange(t, ledger.Pause{Object: "cluster", Off: off})
				time.Sleep(time.Minute)
				c.ResetTrace()
				if err := c.KillMachine(named(c.World, "workers")[0]); err != nil {
					t.Fatal(err)
				}
				c.edits <- webFile(1, 3, 1, 3)
				time.Sleep(18*time.Minute + 55*time.Second)
				_, writes := c.counted()
				for _, w := range writes {
					if !strings.Contains(w, "/configs/") {
						t.Errorf("written while it is paused: %s", w)
					}
				}
				if !c.loop.Last().HeldOnly {
					t.Errorf("%+v", c.loop.Last().Holds)
				}
				if object == "" {
					c.applyChange(t, ledger.Resume{Object: "cluster"})
				}
				time.Sleep(59 * time.Second)
				if n := c.actions(); n != 0 {
					t.Errorf("judged within a minute: %d actions", n)
				}
				c.await(t, 2, 15*time.Minute)
				if n := c.actions(); n != 1 {
					t.Errorf("%d actions", n)
				}
			})
		})
	}
}
