package brake

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A manager's power is cycled only when its node is down and the others are a majority.
func TestPowerCycleOfAManager(t *testing.T) {
	down := func(ids ...string) func(*ground) {
		return func(g *ground) {
			for _, id := range ids {
				g.at(id).State, g.at(id).Manager.Reachability = swarm.NodeDown, "unreachable"
			}
		}
	}
	for name, tc := range map[string]struct {
		managers int
		set      func(*ground)
		held     string
	}{
		"it is down":                    {3, down("n1"), ""},
		"it is up":                      {3, func(*ground) {}, Joined},
		"two of three are down":         {3, down("n1", "n2"), Quorum},
		"two of five are down":          {5, down("n1", "n2"), ""},
		"it is the only one":            {1, func(g *ground) { g.at("n1").State = swarm.NodeDown }, Quorum},
		"the leader does not reach it":  {3, func(g *ground) { g.at("n1").Manager.Reachability = "unreachable" }, Joined},
		"its state is not known":        {3, func(g *ground) { g.at("n1").State = swarm.NodeUnknown }, Joined},
		"a worker that is up is no one": {3, func(g *ground) { g.at("n1").Manager, g.at("n1").Spec.Role = nil, swarm.Worker }, Joined},
	} {
		t.Run(name, func(t *testing.T) {
			g := managers(tc.managers)
			tc.set(g)
			c, _, held := g.brakes(nil)
			_, err := c.PowerCycle(t.Context(), 1)
			if tc.held == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantBraked(t, g, held, tc.held, err)
		})
	}
}

// What works is deleted as a repair only if a person asked for another machine, which no planner can.
func TestAPersonAloneAsksForAnotherMachine(t *testing.T) {
	mark := func(g *ground, id string) { g.at(id).Spec.Labels[swarm.LabelReplace] = "now ann" }
	g := managers(1)
	g.node(3, swarm.Worker)
	_, s, held := g.brakes(nil)
	wantBraked(t, g, held, Joined, repairs(t, g, s, 1, 3))

	n := g.at("n3")
	labels := map[string]string{swarm.LabelReplace: "now planner"}
	for k, v := range n.Spec.Labels {
		labels[k] = v
	}
	_, s, held = g.brakes(nil)
	if _, err := s.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	spec := n.Spec
	spec.Labels = labels
	wantBraked(t, g, held, Ownership, s.UpdateNode(t.Context(), "n3", n.Version, spec))

	mark(g, "n3")
	c, s, _ := g.brakes(nil)
	if err := repairs(t, g, s, 1, 3); err != nil {
		t.Error(err)
	}
	if _, err := s.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept := g.at("n3").Spec
	kept.Availability = swarm.Drain
	if err := s.UpdateNode(t.Context(), "n3", g.at("n3").Version, kept); err != nil {
		t.Errorf("what a person said is kept: %v", err)
	}
	g.ledger.Ops = []ledger.Op{repairOf(3)}
	if _, err := c.Shutdown(t.Context(), 3); err != nil {
		t.Error(err)
	}
}
