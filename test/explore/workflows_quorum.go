package explore

import (
	"context"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// quorumWorkflows lose the majority of the managers.
func quorumWorkflows() []Workflow {
	return []Workflow{
		{Name: "quorum-off", About: "the power of two of three managers fails at once: the swarmd of the one that is left switches them on, without the lease",
			Start: file{managers: 3}, Several: true, Sparse: long, NoCycle: true, Leaderless: true,
			Play: func(r *run) {
				r.person().unplug("managers")
				r.person().unplugged(r.firstOf("managers"))
			}},
	}
}

// leaderlessTime is how long the swarm must have had no leader until a manager may be switched on without the lease.
const leaderlessTime = time.Minute

// inFlight is for how long what was planned while there was a leader may still be sent.
const inFlight = time.Second

// leaderless: without a leader nobody is switched on before the time, since an election may be on its way.
func (c *checks) leaderless(s *state, name string) {
	switch {
	case s.swarm.Leader != "" && !c.noLeader.IsZero():
		c.led, c.unled, c.noLeader = s.at, c.noLeader, time.Time{}
	case s.swarm.Leader != "":
	case c.noLeader.IsZero():
		c.noLeader = s.at
	}
	if lost := s.at.Sub(c.noLeader); name != "" && !c.noLeader.IsZero() && lost >= inFlight && lost < leaderlessTime {
		c.run.violate("leaderless", "%s is switched on %s after the swarm lost its leader", name, lost)
	}
}

// quorumMutants deal wrongly with a swarm without a leader.
func quorumMutants() []Mutant {
	return []Mutant{
		engines("waits-for-the-lease", "D43: two of three managers are off, and nobody may act", func(real brake.Engine) oddEngine {
			return oddEngine{nodes: func(ctx context.Context) ([]swarm.Node, error) {
				all, err := real.Nodes(ctx)
				if apierr.KindOf(err) == apierr.NoLeader {
					err = &apierr.Error{Kind: apierr.Unavailable, Op: "list nodes", Err: err}
				}
				return all, err
			}}
		}),
		{Name: "rushes-without-a-leader", Incident: "D43: a manager is switched on while the others elect", Seams: app.Seams{Config: func(c reconcile.Config) reconcile.Config {
			c.Plan = func(in plan.Input) plan.Plan {
				lost := slices.ContainsFunc(in.World.Gaps, func(g world.Gap) bool { return g.What == world.GapNodes && g.Kind == apierr.NoLeader })
				for _, m := range in.World.Machines {
					if lost && m.Droplet != nil && m.Droplet.Status == cloud.StatusOff {
						_, _ = c.Execute.Droplets.PowerOn(context.Background(), m.Droplet.ID)
					}
				}
				return plan.Compute(in)
			}
			return c
		}}},
	}
}
