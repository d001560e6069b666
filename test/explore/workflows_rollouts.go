package explore

import (
	"slices"
	"strconv"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// rolloutWorkflows are those in which a newer edit ends a roll-out.
func rolloutWorkflows() []Workflow {
	roll := ", update_config: { parallelism: 1, delay: 1s, monitor: 2s, order: start-first, failure_action: %s }"
	slow := ", update_config: { parallelism: 1, delay: 20m, monitor: 2s, order: start-first, failure_action: %s }"
	nowhere := roll + `, placement: { constraints: ["node.labels.zone==nowhere"] }`
	with := func(image, config string) file {
		return file{managers: 1, services: rolled("app", image, 3, config, "rollback")}
	}
	one := with("nginx:1.27", roll)
	return []Workflow{
		{Name: "stuck-then-corrected", Sparse: 2, About: "a roll-out that never ends, since no node fits, then a corrected file", Start: one,
			Play: func(r *run) {
				r.edit(with("nginx:1.28", nowhere))
				r.wait(15 * time.Second)
				r.edit(with("nginx:1.28", roll))
			}},
		{Name: "stuck-then-broken", Sparse: 4, About: "the same, then a file with an image that dies; the engine goes back to what ran before both", Start: one,
			Image: brokenImage, Held: []string{plan.GuardRolledBack},
			Play: func(r *run) {
				r.edit(with("nginx:1.28", nowhere))
				r.wait(15 * time.Second)
				r.edit(with(brokenImage, roll))
			}},
		{Name: "hot-fix-in-roll", Sparse: 3, About: "a hot fix while a roll-out that takes an hour is well under way", Start: one,
			Play: func(r *run) {
				r.edit(with("nginx:1.28", slow))
				r.wait(10 * time.Second)
				r.edit(with("nginx:1.29", roll))
			}},
		{Name: "failed-then-scaled", Sparse: 4, About: "an image that dies and is taken back, then more replicas of it: what runs gets them", Start: one,
			Image: brokenImage, Held: []string{plan.GuardRolledBack},
			Play: func(r *run) {
				r.edit(with(brokenImage, roll))
				r.wait(20 * time.Second)
				r.edit(file{managers: 1, services: rolled("app", brokenImage, 5, roll, "rollback")})
			}},
	}
}

// superseded: a roll-out that runs is written to for another specification alone, and one that has got stuck or failed is never what the engine would
// go back to from a new one.
func (c *checks) superseded(was *state, old, v api.Service) {
	u := old.UpdateStatus
	if u == nil || u.State == api.UpdateStateCompleted || u.State == api.UpdateStateRollbackCompleted {
		return
	}
	same := old.Spec.Labels[swarm.LabelHash] == v.Spec.Labels[swarm.LabelHash]
	if same && (u.State == api.UpdateStateUpdating || u.State == api.UpdateStateRollbackStarted) {
		c.run.violate("roll-out", "service %s is written while its roll-out is %s", v.Spec.Name, u.State)
	}
	if !same && !isPutBack(v) && !isPutBack(old) && u.StartedAt != nil && troubled(was, old.ID, *u.StartedAt) {
		c.run.violate("straight-over", "service %s: a new specification is written over a roll-out that is stuck: should it fail, the engine goes back to that", v.Spec.Name)
	}
}

// isPutBack reports whether a service is as it was before a roll-out that was superseded.
func isPutBack(v api.Service) bool {
	return strings.Contains(v.Spec.Labels[swarm.LabelGood], "/"+v.Spec.Labels[swarm.LabelHash]+"/")
}

// troubled reports whether a task that was made since the roll-out began has waited for a node for longer than a plan takes to be carried out.
func troubled(s *state, serviceID string, began time.Time) bool {
	return slices.ContainsFunc(s.swarm.Tasks, func(t api.Task) bool {
		return t.ServiceID == serviceID && !t.CreatedAt.Before(began) && t.Status.State == api.TaskStatePending && t.Status.Err != "" &&
			s.at.Sub(t.Status.Timestamp) > 5*time.Second
	})
}

// rolloutMutants end roll-outs wrongly.
func rolloutMutants() []Mutant {
	return []Mutant{
		planned("straight-over", "engines-rollouts: a new specification over a stuck one fails as well, and Swarm goes back to the stuck one", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				a, ok := s.Action.(plan.UpdateService)
				if !ok || s.Reason.Code != plan.WhySuperseded {
					continue
				}
				for _, want := range in.Stack.Services {
					if want.Name == a.Spec.Name {
						a.Spec, a.ResolveImage = labelledAs(want, in.Revision), true
						p.Steps[i].Action = a
					}
				}
			}
		}),
		planned("waits-for-the-roll-out", "moby#35564: the corrected file waits for a roll-out that never ends", dropSteps(func(a plan.Action) bool {
			u, ok := a.(plan.UpdateService)
			return ok && u.Spec.Override.Restored
		})),
		planner("a-scale-is-a-try", "D28: what failed is remembered with its replicas, so that whatever scales a service pushes it again", scaleIsTry),
	}
}

// scaleIsTry forgets the failed roll-outs of services that are to be scaled.
func scaleIsTry(in *plan.Input) {
	for i := range in.World.Services {
		live := &in.World.Services[i]
		for _, want := range in.Stack.Services {
			if want.Name == live.Spec.Name && want.Replicas() != live.Spec.Replicas() {
				in.World.Ledger.Rollouts, live.Update = nil, ""
			}
		}
	}
}

// labelledAs is what the planner makes of a wanted service: the stack is the explorer's, so it is copied.
func labelledAs(want swarm.ServiceSpec, revision int) swarm.ServiceSpec {
	labels := map[string]string{}
	for k, v := range want.Labels {
		labels[k] = v
	}
	labels[swarm.LabelRevision] = strconv.Itoa(revision)
	want.Labels = labels
	return want
}
