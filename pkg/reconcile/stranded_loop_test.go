package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim"
)

// twoOfThree is a cluster of three managers of which the two without the swarmd are cut off the power.
func twoOfThree(t *testing.T) (c *cluster, killed []string) {
	t.Helper()
	c = newCluster(t, sim.Options{Seed: 7}, webFile(3, 1, 1, 2))
	c.await(t, 1, 15*time.Minute)
	for _, d := range c.Cloud.Droplets()[1:] {
		if strings.Contains(d.Name, "managers") {
			killed = append(killed, d.Name)
			if err := c.KillMachine(d.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(killed) != 2 {
		t.Fatalf("killed %v", killed)
	}
	return c, killed
}

// powerOns counts the calls that switch a droplet on.
func powerOns(c *cluster) (n int) {
	for _, call := range c.Trace() {
		if call.Write() && strings.HasSuffix(call.Path, "/actions") && strings.HasPrefix(call.Path, "/v2/droplets/") {
			n++
		}
	}
	return n
}

// TestWithoutAMajorityTheManagersThatAreOffAreSwitchedOn: nobody holds the lease then, and nobody does anything else. What is lost is said meanwhile.
func TestWithoutAMajorityTheManagersThatAreOffAreSwitchedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, killed := twoOfThree(t)
		defer c.stop()
		c.ResetTrace()
		time.Sleep(50 * time.Second)
		r := c.loop.Last()
		for _, text := range append(killed, "the swarm has had no leader since", " is off", "runs, as the cloud has it") {
			if !strings.Contains(r.NoLeader, text) {
				t.Errorf("it does not say %q: %s", text, r.NoLeader)
			}
		}
		// The last pass may be as old as failed ones are apart.
		if n := powerOns(c); n != 0 || r.Lease.Held && r.At.Sub(r.Lease.Renewed) >= ledger.RenewDeadline {
			t.Errorf("%d droplets were switched on before the time, lease as of %s: %+v", n, r.At, r.Lease)
		}
		for range 30 {
			if time.Sleep(10 * time.Second); c.loop.Last().Converged {
				break
			}
		}
		if r := c.loop.Last(); !r.Converged {
			t.Errorf("not converged: %s, %s, holds %+v", r.Result, r.Error, r.Holds)
		}
		if n := powerOns(c); n != 2 {
			t.Errorf("%d calls switched a droplet on, want 2", n)
		}
		if r := c.loop.Last(); r.NoLeader != "" {
			t.Errorf("it says still: %s", r.NoLeader)
		}
	})
}

// TestAMachineThatDoesNotStartIsTriedThreeTimes, with pauses, and never while a person keeps it out of service.
func TestAMachineThatDoesNotStartIsTriedThreeTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := twoOfThree(t)
		defer c.stop()
		c.SetFault(func(call sim.Call) sim.Verdict {
			if strings.HasSuffix(call.Path, "/actions") && call.Method == "POST" {
				return sim.Refuse(503, "it is broken")
			}
			return sim.Pass()
		})
		c.ResetTrace()
		time.Sleep(time.Hour)
		if n := powerOns(c); n != 6 {
			t.Errorf("%d calls, want three for each of two machines", n)
		}
		if r := c.loop.Last(); strings.Count(r.NoLeader, "try 3 of 3") != 2 || strings.Contains(r.Error, "panic") {
			t.Errorf("it says %s, error %q", r.NoLeader, r.Error)
		}
	})
}

// TestASwarmdThatStartsWithoutALeaderSwitchesTheManagersOn: it has not seen them before. The engine says who they are; what a person keeps off nobody says, so it
// waits for longer.
func TestASwarmdThatStartsWithoutALeaderSwitchesTheManagersOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := twoOfThree(t)
		c.stop()
		anew := on(t, c.World, c.Cloud.Droplets()[0].Name, nil)
		defer anew.stop()
		c.ResetTrace()
		time.Sleep(4 * time.Minute)
		if n, r := powerOns(c), anew.loop.Last(); n != 0 || !strings.Contains(r.NoLeader, "its managers as the engine has them") {
			t.Errorf("%d switched on, and it says %q", n, r.NoLeader)
		}
		for range 30 {
			if time.Sleep(10 * time.Second); anew.loop.Last().Converged {
				break
			}
		}
		if r := anew.loop.Last(); !r.Converged || powerOns(c) != 2 {
			t.Errorf("%d switched on; %s, %s, %s, holds %+v", powerOns(c), r.Result, r.Error, r.NoLeader, r.Holds)
		}
	})
}
