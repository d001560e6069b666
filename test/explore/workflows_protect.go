package explore

import (
	"fmt"
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// protectWorkflows have a service that the file says protect of, and then has no more.
func protectWorkflows() []Workflow {
	roll := ", update_config: { parallelism: 1, monitor: 1s }"
	with := func(image, protect string) file {
		return file{managers: 1, services: service("app", "nginx:1.27", 1, roll) + fmt.Sprintf("  db: { image: %q, x-swarmd: { protect: %s }, deploy: { replicas: 1%s } }\n", image, protect, roll)}
	}
	bad := ", update_config: { parallelism: 1, delay: 1s, monitor: 2s, order: start-first, failure_action: rollback }"
	alone := func(image string, protect bool) file {
		return file{managers: 1, services: fmt.Sprintf("  app: { image: %q, x-swarmd: { protect: %t }, deploy: { replicas: 3%s } }\n", image, protect, bad)}
	}
	gone := file{managers: 1, services: service("app", "nginx:1.28", 1, roll)}
	return []Workflow{
		{Name: "protected-service", Sparse: 6, Start: with("redis:7", "false"), Held: []string{plan.GuardProtected},
			About: "an edit has a service protected, the next one has it no more and it stays; then it is taken back in the file, and said again with another image, and the file loses all that is not protected as well",
			Play: func(r *run) {
				r.edit(with("redis:7", "true"))
				r.reaches("protected")
				r.edit(gone)
				r.wait(20 * time.Second)
				r.edit(with("redis:7", "false"))
				r.reaches("taken back")
				r.edit(with("redis:8", "true"))
				r.reaches("protected again")
				r.edit(gone)
			}},
		{Name: "protected-by-a-bad-edit", Sparse: 6, Start: alone("nginx:1.27", false), Image: brokenImage, Held: []string{plan.GuardRolledBack},
			About: "the edit that has a service protected has an image that dies as well; the engine takes both back, and the service is protected all the same",
			Play:  func(r *run) { r.edit(alone(brokenImage, true)) }},
	}
}

// reaches waits until the file is true, in a workflow at whose end something holds.
func (r *run) reaches(what string) {
	held := r.workflow.Held
	r.workflow.Held = nil
	r.converge(what, convergeWithin)
	r.workflow.Held = held
}

// protectionDiffers says whether a service does not say of whether it is protected what the file does.
func (s *state) protectionDiffers(name string, want bool) string {
	for _, v := range s.swarm.Services {
		stopped := v.UpdateStatus != nil && v.UpdateStatus.State == api.UpdateStateRollbackPaused // on its way back, and any write would make it go on
		if label := v.Spec.Labels[swarm.LabelProtected]; v.Spec.Name == name && (label == swarm.ProtectedByFile) != want && !stopped {
			return fmt.Sprintf("service %s says of its protection %q", name, label)
		}
	}
	return ""
}

// spared: no service is removed that says it is protected.
func (c *checks) spared(was, now *state) {
	for _, v := range was.swarm.Services {
		if v.Spec.Labels[swarm.LabelProtected] != "" && serviceOf(now, v.ID) == nil {
			c.run.violate("protected", "service %s is removed, and it is protected", v.Spec.Name)
		}
	}
}

// protectMutants do not heed what is protected.
func protectMutants() []Mutant {
	return []Mutant{
		planner("deaf-to-protected-services", "issue 14: what is protected goes with its line in the file", func(in *plan.Input) {
			in.World.Services = slices.Clone(in.World.Services)
			for i := range in.World.Services {
				if s := &in.World.Services[i].Spec; in.Stack.Named(s.Name) == nil {
					s.Labels = without(s.Labels, swarm.LabelProtected)
				}
			}
		}),
		planner("protects-while-the-file-says-so", "issue 14: the service itself does not say it, and it goes with the file that did", func(in *plan.Input) {
			if in.Spec != nil {
				other := *in.Spec
				other.Protected, in.Spec = nil, &other
			}
		}),
		planned("protects-with-an-edit-alone", "issue 14: what the engine takes back says no more that it is protected", func(in plan.Input, p *plan.Plan) {
			p.Steps = slices.DeleteFunc(p.Steps, func(s plan.Step) bool {
				a, ok := s.Action.(plan.UpdateService)
				return ok && len(a.Changes) == 1 && a.Changes[0].Key == "x-swarmd.protect" && a.Spec.Image != in.Stack.Named(a.Spec.Name).Image
			})
		}),
	}
}
