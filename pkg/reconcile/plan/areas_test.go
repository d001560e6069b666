package plan_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestAGapForbidsWhatItHides: what cannot be undone is planned only on a view that shows what it must not harm.
func TestAGapForbidsWhatItHides(t *testing.T) {
	planned := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		in, _ := scene(t)
		in.World.Gaps = append(in.World.Gaps, world.Gap{What: rapid.SampledFrom([]string{"droplets", "services", "tasks", "networks"}).Draw(t, "also"), Err: "broken"})
		was := map[string]swarm.NodeSpec{}
		for _, m := range in.World.Machines {
			if m.Node != nil {
				was[m.Node.ID] = m.Node.Spec
			}
		}
		for _, s := range plan.Compute(in).Steps {
			for _, g := range in.World.Gaps {
				if hidden := mustSee(s.Action, was); slices.Contains(hidden, g.What) {
					t.Fatalf("%s must have seen %v, and the gaps are %v", s.ID, hidden, in.World.Gaps)
				} else if len(hidden) > 0 {
					planned[strings.SplitN(s.ID, "/", 2)[0]] = true
				}
			}
		}
	})
	if len(planned) < 3 {
		t.Errorf("beside other gaps only %v were planned", planned)
	}
}

// mustSee is what an action that takes something away must have seen.
func mustSee(a plan.Action, was map[string]swarm.NodeSpec) []string {
	switch a := a.(type) {
	case plan.UpdateNode:
		if a.Spec.Role != was[a.NodeID].Role {
			return []string{"droplets"}
		}
		if a.Spec.Availability == swarm.Drain && was[a.NodeID].Availability != swarm.Drain {
			if a.Spec.Labels[swarm.LabelDrained] != "" {
				return []string{"droplets"}
			}
			return []string{"droplets", "services", "tasks"}
		}
	case plan.CloseOp:
		if a.Outcome != "joined" {
			return []string{"droplets"}
		}
	case plan.OpenDelete, plan.ShutdownDroplet, plan.PowerOffDroplet, plan.DeleteDroplet:
		return []string{"droplets", "services", "tasks"}
	case plan.RemoveNode:
		return []string{"droplets", "tasks"}
	case plan.RemoveService:
		return []string{"services"}
	case plan.RemoveNetwork:
		return []string{"services", "tasks", "networks"}
	}
	return nil
}
