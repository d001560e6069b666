package explore

import (
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// handsMutants do not leave alone what a person has said, or judge too early.
func handsMutants() []Mutant {
	return []Mutant{
		planner("deaf-to-pauses", "CAPI PR#10718: a pause is not looked at", unpaused),
		planned("pauses-the-cloud-only", "CAPI #14024: what is paused is labelled and rolled out all the same", func(in plan.Input, p *plan.Plan) {
			if len(in.World.Ledger.Pauses) == 0 {
				return
			}
			unpaused(&in)
			all := plan.Compute(in)
			p.Steps = slices.DeleteFunc(all.Steps, func(s plan.Step) bool {
				switch s.Action.(type) {
				case plan.UpdateNode, plan.UpdateService:
					return false
				}
				return true
			})
		}),
		planner("deaf-to-protection", "karpenter do-not-disrupt: the newest leaves, protected or not", func(in *plan.Input) {
			in.World.Machines = slices.Clone(in.World.Machines)
			for i := range in.World.Machines {
				in.World.Machines[i] = unprotected(in.World.Machines[i])
			}
		}),
		planner("deaf-to-volumes", "B5: a droplet with a volume is the newest, and leaves", func(in *plan.Input) {
			in.World.Machines = slices.Clone(in.World.Machines)
			for i := range in.World.Machines {
				in.World.Machines[i] = bare(in.World.Machines[i])
			}
		}),
		planner("judges-at-once", "D5: all nodes are unknown after an election, and judged", func(in *plan.Input) { in.Memory.Grace = plan.Grace{} }),
		planner("judges-after-an-election", "nomad: the grace is of the start alone", graceless("leader")),
		planner("judges-after-a-pause", "CAPI #3421: paused for an hour, and replaced at once when it is resumed", graceless("a pause ended")),
	}
}

func unpaused(in *plan.Input) { in.World.Ledger.Pauses = nil }

func graceless(why string) func(*plan.Input) {
	return func(in *plan.Input) {
		if strings.Contains(in.Memory.Grace.Why, why) {
			in.Memory.Grace = plan.Grace{}
		}
	}
}

// bare is the machine as one sees it who does not look at its volumes.
func bare(m world.Machine) world.Machine {
	if m.Droplet != nil {
		d := *m.Droplet
		d.Volumes, m.Droplet = nil, &d
	}
	return m
}

// unprotected is the machine as one sees it who does not look at its label.
func unprotected(m world.Machine) world.Machine {
	if m.Node == nil {
		return m
	}
	n := *m.Node
	n.Spec.Labels = maps.Clone(n.Spec.Labels)
	delete(n.Spec.Labels, swarm.LabelProtected)
	m.Node = &n
	return m
}
