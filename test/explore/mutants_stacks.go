package explore

import (
	"maps"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// stackMutants take the stacks of a file for one.
func stackMutants() []Mutant {
	return []Mutant{
		planner("a-stack-is-its-services", "S1: a file had lost the line of a stack with one service, which was removed", func(in *plan.Input) {
			if len(in.Stack.Services) == 0 {
				return
			}
			for i := range in.World.Services {
				if s := &in.World.Services[i]; in.Stack.Named(s.Spec.Name) == nil && s.Spec.Labels[swarm.LabelNamespace] != "" {
					s.Spec.Labels = maps.Clone(s.Spec.Labels)
					s.Spec.Labels[swarm.LabelNamespace] = in.Stack.Services[0].Stack()
				}
			}
		}),
	}
}
