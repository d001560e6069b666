package plan

import (
	"cmp"
	"slices"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// besideLives are services of which those whose encrypted variables have no value here are compared with what lives without them: nothing is judged by what
// stands for a value.
func (v *view) besideLives(services []swarm.ServiceSpec) []swarm.ServiceSpec {
	if !slices.ContainsFunc(services, func(s swarm.ServiceSpec) bool { return s.Unopened != "" }) {
		return services
	}
	out := slices.Clone(services)
	for i, s := range out {
		if live := v.liveService(s.Name); live != nil {
			out[i] = s.Beside(live.Spec)
		}
	}
	return out
}

// unopened holds each write of a service whose encrypted variables have no value here. What runs goes on. Where somebody else acts, that one may have them.
func (v *view) unopened(s service) *refusal {
	why := s.want.Unopened
	if why == "" || v.in.Blind {
		return nil
	}
	by, done := "", "not created"
	if m := v.machineOf(v.in.World.Self.NodeID); m != nil {
		by = " by swarmd on " + m.name()
	}
	if cmp.Or(s.live, s.took) != nil {
		done = "what runs goes on, and is not written"
	}
	return blocked(GuardVariables, s.object(), done+by+": "+why)
}
