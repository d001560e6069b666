package explore

import (
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// launchMutants deal wrongly with machines that do not join.
func launchMutants() []Mutant {
	return slices.Concat(launchClockMutants(), launchCountMutants(), []Mutant{
		planned("never-gives-up", "A3 13: a machine that never joins is a dead place for ever",
			dropSteps(func(a plan.Action) bool { _, ok := a.(plan.RetryLaunch); return ok })),
		planned("forgets-what-it-keeps", "A3 13: what is kept for a look is left off, and nobody knows of it", func(_ plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.KeepDroplet); ok {
					p.Steps[i] = plan.NewStep(s.ID, plan.CloseOp{OpID: a.OpID}, s.Reason)
				}
			}
		}),
		planner("kept-for-ever", "A3 13: what is kept for a look is never deleted", func(in *plan.Input) {
			in.World.Ledger.Kept = slices.Clone(in.World.Ledger.Kept)
			for i := range in.World.Ledger.Kept {
				in.World.Ledger.Kept[i].Since = in.Now
			}
			spec := *in.Spec
			spec.Policies.Repair.KeepFailed = max(spec.Policies.Repair.KeepFailed, 1)
			in.Spec = &spec
		}),
		planned("removed-is-booting", "A3 16: a machine whose node a person took out is taken for one that never joined", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if m.Removed && m.Node == nil {
					p.Steps = addStep(p.Steps, fmt.Sprint("leave/", m.Droplet.ID), plan.RetryLaunch{OpID: in.OpIDs[0], Pool: m.Pool, Name: m.Droplet.Name, DropletID: m.Droplet.ID, Most: 12})
				}
			}
		}),
	})
}

// launchClockMutants begin a launch's clock at the wrong moment.
func launchClockMutants() []Mutant {
	return []Mutant{
		planner("joins-from-anywhere", "S8: a pool of another region was begun, and none of its machines joined", func(in *plan.Input) {
			if in.Spec == nil {
				return
			}
			own := *in.Spec
			own.Pools = slices.Clone(own.Pools)
			for i := range own.Pools { // it takes the managers to be where the workers are to be
				own.Pools[i].Region = own.Pools[len(own.Pools)-1].Region
			}
			for i, m := range in.World.Machines {
				if m.Droplet != nil && m.Node != nil && m.Node.Manager != nil {
					moved := *m.Droplet
					moved.Region = own.Pools[0].Region
					in.World.Machines[i].Droplet = &moved
				}
			}
			in.Spec = &own
		}),
		planner("joins-from-its-create", "A3 10: the time to join begins before the droplet is active", func(in *plan.Input) {
			seen := map[int]plan.Launching{}
			for _, m := range in.World.Machines {
				if m.Droplet == nil || m.Op == nil || m.Op.Kind != ledger.Create {
					continue
				}
				if l := in.Memory.Launching[m.Droplet.ID]; plan.LaunchActive(*m.Droplet) {
					seen[m.Droplet.ID] = plan.Launching{Seen: l.Seen, Active: m.Op.Started}
				} else {
					seen[m.Droplet.ID] = l
				}
			}
			in.Memory.Launching = seen
		}),
		planned("deletes-what-boots", "A3 10: a machine that boots is taken for one that does not join", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if m.Droplet != nil && m.Node == nil && m.Op != nil && m.Op.Kind == ledger.Create && plan.LaunchActive(*m.Droplet) {
					p.Steps = addStep(p.Steps, fmt.Sprint("leave/", m.Droplet.ID), plan.RetryLaunch{OpID: in.OpIDs[0], CreateID: m.Op.ID, Pool: m.Pool,
						Name: m.Droplet.Name, DropletID: m.Droplet.ID, Most: 12})
				}
			}
		}),
	}
}

// launchCountMutants forget what failed, or how often it may.
func launchCountMutants() []Mutant {
	return []Mutant{
		planner("fights-a-bad-template", "A3 13: an image that never joins is tried at once, again and again", func(in *plan.Input) { in.World.Ledger.Launches = nil }),
		planner("tries-for-ever", "A3 13: the pool is never held", func(in *plan.Input) {
			launches := map[string]ledger.Launch{}
			for pool, l := range in.World.Ledger.Launches {
				l.Failures, l.Last = min(l.Failures, 2), l.Last.Add(-8*time.Minute)
				launches[pool] = l
			}
			in.World.Ledger.Launches = launches
		}),
		planner("an-edit-is-none", "A3 13: a pool that was held stays so when its image is mended", func(in *plan.Input) {
			spec := *in.Spec
			spec.Policies.Repair.KeepFailed = 1
			in.Spec = &spec
		}),
	}
}
