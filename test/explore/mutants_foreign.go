package explore

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// foreignMutants take the wrong nodes for nobody's, or replace the worker token at the wrong time.
func foreignMutants() []Mutant {
	return []Mutant{
		planned("everybody-is-a-stranger", "X3: a node that has just joined is taken for nobody's", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if m.Node == nil || m.Binding == world.Bound || m.Node.Manages() || m.Node.Spec.Labels[swarm.LabelDrained] != "" {
					continue
				}
				s := m.Node.Spec
				s.Availability, s.Labels = swarm.Drain, maps.Clone(s.Labels)
				if s.Labels == nil {
					s.Labels = map[string]string{}
				}
				s.Labels[swarm.LabelDrained] = "now"
				p.Steps = addStep(p.Steps, "quarantine/"+m.Node.ID, plan.UpdateNode{NodeID: m.Node.ID, Version: m.Node.Version, Spec: s})
			}
		}),
		planned("rotates-with-the-create", "D20: the token is replaced between render and use", func(in plan.Input, p *plan.Plan) {
			for _, s := range p.Steps {
				if _, ok := s.Action.(plan.CreateDroplet); ok {
					c := in.World.Cluster
					p.Steps = append([]plan.Step{plan.NewStep("rotate/worker-token", plan.RotateToken{Version: c.Version, Spec: c.Spec}, plan.Reason{})}, p.Steps...)
					return
				}
			}
		}),
		planned("token-for-ever", "X3: the token that was handed out is never replaced", func(_ plan.Input, p *plan.Plan) {
			dropSteps(func(a plan.Action) bool { _, ok := a.(plan.RotateToken); return ok })(plan.Input{}, p)
			p.Converged = p.Converged || len(p.Steps) == 0 && len(p.Holds) == 0
		}),
		engines("wipes-the-swarm", "an update of the swarm that leaves out its specification resets it", func(real brake.Engine) oddEngine {
			return oddEngine{rotate: func(ctx context.Context, version uint64, _ json.RawMessage) error {
				return real.RotateWorkerToken(ctx, version, json.RawMessage(`{}`))
			}}
		}),
	}
}
