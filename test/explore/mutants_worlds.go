package explore

import (
	"context"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// worldMutants stumble over what goes on for minutes, or is not what it says it is.
func worldMutants() []Mutant {
	return []Mutant{
		believed(clouds("unauthorized-is-gone", "C13: a token that is revoked shows no droplets", func(real brake.CloudAPI) oddCloud {
			return oddCloud{
				list: func(ctx context.Context, tag string) ([]cloud.Droplet, error) {
					all, err := real.Droplets(ctx, tag)
					if apierr.KindOf(err) == apierr.Unauthorized {
						err = nil
					}
					return all, err
				},
				get: func(ctx context.Context, id int) (cloud.Droplet, error) {
					d, err := real.Droplet(ctx, id)
					if apierr.KindOf(err) == apierr.Unauthorized {
						err = &apierr.Error{Kind: apierr.NotFound, Op: "get droplet", Err: err}
					}
					return d, err
				},
			}
		})),
		ageByTheWall(),
		planned("strangers-go", "X3: a node that nobody made is removed", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if n := m.Node; n != nil && m.Droplet == nil && n.Manager == nil {
					p.Steps = append(p.Steps, plan.NewStep("remove-node/"+n.ID, plan.RemoveNode{NodeID: n.ID}, plan.Reason{}))
					return
				}
			}
		}),
	}
}

// ageByTheWall takes a node for as old as the engine's clock and the one here say together.
func ageByTheWall() Mutant {
	var mu sync.Mutex
	born := map[string]time.Time{} // by node id; ids are of one world each
	m := engines("age-by-the-wall", "clock: a clock that is ahead makes a node that has just joined an old one", func(real brake.Engine) oddEngine {
		return oddEngine{nodes: func(ctx context.Context) ([]swarm.Node, error) {
			all, err := real.Nodes(ctx)
			mu.Lock()
			defer mu.Unlock()
			for _, n := range all {
				born[n.ID] = n.Created
			}
			return all, err
		}}
	})
	m.Config = planner("", "", func(in *plan.Input) {
		mu.Lock()
		defer mu.Unlock()
		for i := range in.World.Machines {
			if n := in.World.Machines[i].Node; n != nil && !born[n.ID].IsZero() {
				old := *n
				old.Created = born[n.ID]
				in.World.Machines[i].Node = &old
			}
		}
	}).Config
	return m
}
