package reconcile_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// lagging is a cloud whose lists lag by 45 s and that loses the answer to each create, of which asked is told.
func lagging(asked func()) sim.Options {
	o := sim.Options{Seed: 1, Cloud: docean.Options{ListLag: 45 * time.Second, TagDelay: 45 * time.Second}}
	o.Fault = func(c sim.Call) sim.Verdict {
		if c.Method == http.MethodPost && c.Path == "/v2/droplets" {
			asked()
			return sim.LoseAnswer(http.StatusBadGateway)
		}
		return sim.Pass()
	}
	return o
}

// The clock of the acting manager goes forward by ten minutes while three creates are open, before or after the next look.
func TestASteppedClockEndsNoCreate(t *testing.T) {
	for _, atOnce := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var c *cluster
			there := make(chan struct{}) // its swarmds call before newCluster has returned
			step := func() {
				<-there
				c.ahead.Store(int64(10 * time.Minute))
			}
			c = newCluster(t, lagging(func() {
				if atOnce {
					step()
				}
			}), webFile(1, 3, 1, 1))
			close(there)
			defer c.stop()
			settle(10 * time.Second)
			if n := len(c.Cloud.Droplets()); n != 4 {
				t.Fatalf("%d droplets before", n)
			}
			step()
			for range 120 {
				settle(5 * time.Second)
				if n := len(c.Cloud.Droplets()); n != 4 {
					t.Fatalf("%d droplets, 4 are wanted", n)
				}
			}
			c.await(t, 1, time.Minute)
		})
	}
}

// A create that was written by a clock a day ahead, and had no effect, keeps its pool from growing for as long as any other.
func TestADeadlineOfTomorrowIsOneOfToday(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, still(), webFile(1, 1, 1, 1))
		defer c.stop()
		c.await(t, 1, time.Minute)
		began := time.Now()
		tomorrow := began.Add(24 * time.Hour)
		_, err := c.store.Update(t.Context(), func(l *ledger.Ledger) error {
			l.Ops = append(l.Ops, ledger.Op{ID: "aaaaabbbbbcccccd", Kind: ledger.Create, Pool: "workers", Name: "web-workers-aaaaa",
				Started: tomorrow, Deadline: tomorrow.Add(5 * time.Minute)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		settle(time.Minute)
		if ops := c.loop.Last().Operations; len(ops) != 1 || ops[0].Deadline.After(began.Add(7*time.Minute)) {
			t.Fatalf("operations %+v", ops)
		}
		settle(6 * time.Minute)
		if ops := c.loop.Last().Operations; len(ops) != 0 || len(c.Cloud.Droplets()) != 2 {
			t.Fatalf("operations %+v, %d droplets", ops, len(c.Cloud.Droplets()))
		}
	})
}
