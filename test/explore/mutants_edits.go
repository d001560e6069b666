package explore

import (
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// editMutants follow an edit of what the pools are too eagerly.
func editMutants() []Mutant {
	return []Mutant{
		planned("demotes-before-promoted", "S2: a changed role took the managers from 3 to 1", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if m.Droplet == nil || m.Node == nil || m.Node.Manager == nil || m.Node.ID == in.Holder || !waits(*p, m) {
					continue
				}
				s := m.Node.Spec
				s.Role = swarm.Worker
				p.Steps = append(p.Steps, plan.NewStep("demote/"+m.Node.ID, plan.UpdateNode{NodeID: m.Node.ID, Version: m.Node.Version, Spec: s}, plan.Reason{}))
				return
			}
		}),
		planner("any-swarms-is-ours", "S1: what has the cluster's tags and name is taken for a machine that did not join", func(in *plan.Input) {
			for i := range in.World.Machines {
				if m := &in.World.Machines[i]; m.Droplet != nil && m.Node == nil && m.Binding == world.Contradicted {
					rest := strings.TrimPrefix(m.Droplet.Name, in.Spec.Cluster+"-")
					m.Owned, m.Binding, m.Why, m.Pool = true, "", "", rest[:strings.LastIndexByte(rest, '-')]
				}
			}
		}),
		planned("for-no-swarm", "S1: machines that do not tell which swarm they are for", func(_ plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.CreateDroplet); ok {
					a.Tags = a.Tags[:2]
					p.Steps[i] = plan.NewStep(s.ID, a, s.Reason, s.After...)
				}
			}
		}),
	}
}

// waits reports whether the quorum holds the machine.
func waits(p plan.Plan, m world.Machine) bool {
	return slices.ContainsFunc(p.Holds, func(h plan.Hold) bool { return h.Guard == plan.GuardQuorum && h.Object == "node/"+m.Droplet.Name })
}
