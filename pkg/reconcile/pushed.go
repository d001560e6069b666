package reconcile

import (
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// pushed remembers, by service name, the hash of the specification that was rolled out last: when the engine takes a roll-out back it does not
// say which. What is lost with the process is seen again while the roll-out runs.
type pushed map[string]string

// see takes in the services whose roll-out runs.
func (p pushed) see(services []swarm.Service) {
	for _, s := range services {
		if s.Update == swarm.Updating || s.Update == swarm.Paused {
			p[s.Spec.Name] = s.Spec.Labels[swarm.LabelHash]
		}
	}
}

// learn takes in what was written, or may have been.
func (p pushed) learn(rs execute.Results) {
	for _, r := range rs {
		if a, ok := r.Step.Action.(plan.UpdateService); ok && (r.Outcome == execute.Done || r.Outcome == execute.Unknown) {
			p[a.Spec.Name] = a.Spec.Labels[swarm.LabelHash]
		}
	}
}
