package reconcile_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func (c *cluster) truth(t *testing.T) dockerd.Truth {
	t.Helper()
	truth, ok := c.Swarm.Truth()
	if !ok {
		t.Fatal("there is no swarm")
	}
	return truth
}

// intrude lets so many machines join that nobody made.
func (c *cluster) intrude(t *testing.T, n int) {
	t.Helper()
	token := c.truth(t).Tokens.Worker
	for i := range n {
		if err := c.Intrude(token, fmt.Sprintf("theirs-%d", i), fmt.Sprintf("203.0.113.%d", i), map[string]string{"swarmd.droplet": fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
}

// theirs returns the nodes that intruded.
func (c *cluster) theirs(t *testing.T) (nodes []api.Node) {
	for _, n := range c.truth(t).Nodes {
		if strings.HasPrefix(n.Description.Hostname, "theirs-") {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// activate is docker node update --availability active.
func (c *cluster) activate(t *testing.T, n api.Node) {
	t.Helper()
	n.Spec.Availability = api.NodeAvailabilityActive
	if err := c.Ask(http.MethodPost, fmt.Sprintf("/nodes/%s/update?version=%d", n.ID, n.Version.Index), n.Spec, nil); err != nil {
		t.Fatal(err)
	}
}

// TestWhoeverHasTheWorkerTokenGetsNoTasksForLong: 200 machines of nobody join, and the swarm gives them most of the tasks. Whoever acts next knows
// whom a person wanted to stay.
func TestWhoeverHasTheWorkerTokenGetsNoTasksForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, webFile(1, 1, 1, 6))
		c.await(t, 1, 15*time.Minute)
		c.intrude(t, 200)
		time.Sleep(time.Minute)
		for _, n := range c.theirs(t) {
			if n.Spec.Availability != api.NodeAvailabilityActive {
				t.Fatalf("%s is drained after a minute", n.Description.Hostname)
			}
		}
		time.Sleep(3 * time.Minute)
		theirs := c.theirs(t)
		for _, n := range theirs {
			if n.Spec.Availability != api.NodeAvailabilityDrain || n.Spec.Labels[swarm.LabelDrained] == "" {
				t.Fatalf("%s is %s, labels %v", n.Description.Hostname, n.Spec.Availability, n.Spec.Labels)
			}
		}
		if len(theirs) != 200 {
			t.Fatalf("%d joined", len(theirs))
		}
		said := fmt.Sprint(c.loop.Last().Holds)
		if want := "docker node rm --force " + theirs[0].ID; !strings.Contains(said, want) {
			t.Errorf("nobody says %q: %.300s", want, said)
		}
		for _, k := range c.truth(t).Tasks {
			for _, n := range theirs {
				if k.NodeID == n.ID && k.DesiredState == "running" {
					t.Fatalf("task %s is on %s", k.ID, n.Description.Hostname)
				}
			}
		}
		c.activate(t, theirs[0])
		time.Sleep(10 * time.Minute)
		c.stop()
		next := on(t, c.World, c.Cloud.Droplets()[0].Name, webFile(1, 1, 1, 6))
		defer next.stop()
		time.Sleep(10 * time.Minute)
		for i, n := range next.theirs(t) {
			if want := i == 0; (n.Spec.Availability == api.NodeAvailabilityActive) != want {
				t.Errorf("%s is %s after somebody activated %s", n.Description.Hostname, n.Spec.Availability, theirs[0].Description.Hostname)
			}
		}
	})
}

// TestAViewWithAGapSaysNothingOfStrangers: while the cloud does not answer each minute, nobody is taken for one.
func TestAViewWithAGapSaysNothingOfStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, still(), webFile(1, 1, 1, 1))
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		began := time.Now()
		c.SetFault(func(call sim.Call) sim.Verdict {
			if call.Path == "/v2/droplets" && !call.Write() && time.Since(began)%time.Minute < 31*time.Second {
				return sim.Refuse(http.StatusBadGateway, "no")
			}
			return sim.Pass()
		})
		c.intrude(t, 1)
		time.Sleep(30 * time.Minute)
		if n := c.theirs(t)[0]; n.Spec.Availability != api.NodeAvailabilityActive {
			t.Fatalf("drained: %v", n.Spec.Labels)
		}
		c.SetFault(nil)
		time.Sleep(5 * time.Minute)
		if n := c.theirs(t)[0]; n.Spec.Availability != api.NodeAvailabilityDrain {
			t.Fatal("not drained when all is seen again")
		}
	})
}

// spec of the swarm as it really is.
func (c *cluster) swarmSpec(t *testing.T) string {
	t.Helper()
	var s api.Swarm
	if err := c.Ask(http.MethodGet, "/swarm", nil, &s); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s.Spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// rotations counts the writes to the swarm as a whole.
func (c *cluster) rotations() (n int) {
	for _, call := range c.Trace() {
		if call.Path == "/swarm/update" {
			n++
		}
	}
	return n
}

// TestTheWorkerTokenIsReplacedAfterEachGrowth: once, whatever becomes of the answer, and the swarm stays as it is otherwise.
func TestTheWorkerTokenIsReplacedAfterEachGrowth(t *testing.T) {
	for name, fault := range map[string]sim.Verdict{"": sim.Pass(), "the answer is lost": {Lose: true}, "it is refused": sim.Refuse(http.StatusInternalServerError, "no")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, sim.Options{Seed: 7}, webFile(1, 0, 1, 1))
				defer c.stop()
				c.await(t, 1, 15*time.Minute)
				first, was := c.truth(t).Tokens.Worker, c.swarmSpec(t)
				left := 1
				c.SetFault(func(call sim.Call) sim.Verdict {
					if call.Path == "/swarm/update" && left > 0 {
						left--
						return fault
					}
					return sim.Pass()
				})
				c.ResetTrace()
				c.edits <- webFile(1, 2, 1, 1)
				c.await(t, 2, 15*time.Minute)
				second := c.truth(t).Tokens.Worker
				if second == first || c.swarmSpec(t) != was {
					t.Fatalf("another token: %t; the swarm: %s, was %s", second != first, c.swarmSpec(t), was)
				}
				want := 1
				if fault.Before {
					want = 2
				}
				if n := c.rotations(); n != want {
					t.Errorf("%d rotations, want %d", n, want)
				}
				if c.Intrude(first, "late", "203.0.113.1", nil) == nil {
					t.Error("the token of before still opens the swarm")
				}
				c.edits <- webFile(1, 3, 1, 1)
				c.await(t, 3, 15*time.Minute)
				if c.truth(t).Tokens.Worker == second {
					t.Error("it is not replaced after the next growth")
				}
			})
		})
	}
}

// TestTheTokenThatWasHandedOutIsReplacedByWhoeverActsNext: the swarmd that made the machine dies before the machine has joined.
func TestTheTokenThatWasHandedOutIsReplacedByWhoeverActsNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, webFile(1, 1, 1, 1))
		first := c.truth(t).Tokens.Worker
		for i := 0; len(c.Cloud.Droplets()) < 2; i++ {
			if i > 600 {
				t.Fatal("no machine is made")
			}
			time.Sleep(time.Second)
		}
		c.stop()
		if st, err := c.store.Look(t.Context()); err != nil || st.Ledger.Token != ledger.Fingerprint(first) {
			t.Fatalf("the ledger has %q: %v", st.Ledger.Token, err)
		}
		next := on(t, c.World, c.Cloud.Droplets()[0].Name, webFile(1, 1, 1, 1))
		defer next.stop()
		next.await(t, 1, 15*time.Minute)
		if next.truth(t).Tokens.Worker == first {
			t.Error("it is as it was")
		}
	})
}

// TestWhoJoinsMachinesByHandKeepsTheirToken: the file says so.
func TestWhoJoinsMachinesByHandKeepsTheirToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, append(webFile(1, 1, 1, 1), "policies: { rotate_worker_token: false, foreign_nodes: keep }\n"...))
		defer c.stop()
		first := c.truth(t).Tokens.Worker
		c.await(t, 1, 15*time.Minute)
		c.intrude(t, 1)
		time.Sleep(10 * time.Minute)
		if c.truth(t).Tokens.Worker != first || c.theirs(t)[0].Spec.Availability != api.NodeAvailabilityActive {
			t.Error("the token was replaced, or what joined with it drained")
		}
	})
}
