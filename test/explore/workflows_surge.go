package explore

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// surgeWorkflows are those in which services have more tasks than their file says, so that never fewer run.
func surgeWorkflows() []Workflow {
	// The file's services run on the workers: one whose tasks can move, and one that has data on its machine.
	on := `, placement: { constraints: ["node.role==worker"] }`
	web := service("app", "nginx:1.27", 6, on) +
		"  db: { image: \"nginx:1.27\", volumes: [ \"data:/data\" ], deploy: { replicas: 3" + on + " } }\n"
	with := func(workers int) file { return file{managers: 1, workers: workers, services: web, volumes: "data"} }
	return []Workflow{
		{Name: "drain-surge", Sparse: 3, About: "a worker leaves: its tasks run elsewhere before it is drained", Start: with(3), Surges: true, Play: edits(with(2))},
		{Name: "drain-by-hand", Sparse: 3, About: "a person drains a worker and gives it back: its tasks run elsewhere before it is drained", Start: with(3), Surges: true,
			Play: func(r *run) {
				node := r.lastOf("workers")
				r.person().maintain(node, true)
				r.wait(3 * time.Minute)
				r.person().maintain(node, false)
			}},
		{Name: "spread", Sparse: 3, About: "a worker comes: it gets its share of the tasks", Start: with(2), Surges: true, Even: true, Play: edits(with(3))},
	}
}

// maintain is swarmd drain, and swarmd activate.
func (p *person) maintain(machine string, on bool) {
	droplet := p.run.named(machine)
	p.insists(func() bool {
		for _, o := range p.list("/nodes") {
			labels, _ := o.Spec["Labels"].(map[string]any)
			if _, kept := labels[swarm.LabelMaintenance]; labels[swarm.LabelDroplet] != itoa(droplet) || kept == on {
				continue
			}
			if labels[swarm.LabelMaintenance] = (swarm.Maintenance{Since: time.Now(), Pool: swarm.Active, By: "ana"}).String(); !on {
				delete(labels, swarm.LabelMaintenance)
			}
			o.Spec["Availability"] = map[bool]swarm.Availability{true: swarm.Pause, false: swarm.Active}[on]
			p.update("nodes", o)
		}
		for _, n := range p.run.observe().swarm.Nodes {
			if _, kept := n.Spec.Labels[swarm.LabelMaintenance]; n.Spec.Labels[swarm.LabelDroplet] == itoa(droplet) && kept == on {
				return true
			}
		}
		return false
	})
	p.run.faults.last = time.Now()
}

// surgeMutants have more tasks where or when they cost some.
func surgeMutants() []Mutant {
	return []Mutant{
		planned("back-before-the-drain", "engines-rollouts 6: taken back before the drain, the new ones go: 4 of 6", backBefore),
		planner("raised-beside-active", "engines-rollouts 6: without pause the new ones come to the node that is drained", func(in *plan.Input) {
			eachLeaving(in, func(n *swarm.Node) {
				if n.Spec.Availability == swarm.Active {
					n.Spec.Availability = swarm.Pause
				}
			})
		}),
		planned("drains-without-surge", "moby#34139: drained before others run", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.UpdateNode); ok && a.Spec.Availability == swarm.Pause {
					a.Spec.Availability = swarm.Drain
					p.Steps[i].Action = a
				}
			}
		}),
		planned("drains-by-hand-plainly", "moby#34139: what a person drains is drained before others run", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				a, ok := s.Action.(plan.UpdateNode)
				if _, kept := a.Spec.Maintained(); !ok || !kept {
					continue
				}
				a.Spec.Availability = swarm.Drain
				p.Steps[i].Action = a
			}
			p.Steps = slices.DeleteFunc(p.Steps, func(s plan.Step) bool {
				u, ok := s.Action.(plan.UpdateService)
				surge, more := u.Spec.Surge()
				return ok && more && strings.HasPrefix(surge.For, swarm.SurgeDrain)
			})
		}),
		planned("surge-stays", "overrides: what was raised is never taken back", dropSteps(func(a plan.Action) bool {
			u, ok := a.(plan.UpdateService)
			_, scaled := u.Spec.Labels[swarm.LabelScaled]
			return ok && !scaled && slices.ContainsFunc(u.Changes, func(c swarm.Change) bool { return c.Key == "deploy.replicas" })
		})),
		planner("surge-forgotten", "overrides: who starts anew knows nothing of what was raised", func(in *plan.Input) {
			eachService(in, func(s *swarm.ServiceSpec) { s.Labels = without(s.Labels, swarm.LabelSurge) })
		}),
		planner("surges-volumes", "a second task beside the data of the first", func(in *plan.Input) {
			eachService(in, unmounted)
		}),
		planned("spreads-the-even", "moby#24103: a service is spread that is even", spreadEven),
	}
}

// backBefore takes back what was raised in the pass that drains.
func backBefore(in plan.Input, p *plan.Plan) {
	for i, s := range p.Steps {
		a, ok := s.Action.(plan.UpdateNode)
		if !ok || a.Spec.Availability != swarm.Drain {
			continue
		}
		for _, live := range in.World.Services {
			if surge, ok := live.Spec.Surge(); ok {
				p.Steps[i].Action = plan.UpdateService{ID: live.ID, Version: live.Version, Spec: lowered(live.Spec, surge)}
			}
		}
	}
}

// lowered is a specification without the tasks that it has more.
func lowered(s swarm.ServiceSpec, surge swarm.Surge) swarm.ServiceSpec {
	s = s.Scaled(s.Replicas() - surge.Tasks)
	s.Labels = without(s.Labels, swarm.LabelSurge)
	return s
}

// spreadEven has a service spread once all is as wanted.
func spreadEven(in plan.Input, p *plan.Plan) {
	for _, live := range in.World.Services {
		if p.Converged && live.Spec.Replicas() > 1 && live.Spec.Labels[swarm.LabelSpread] == "" {
			up := live.Spec.Surged(swarm.Surge{For: swarm.SurgeSpread, Tasks: 1})
			up.Labels[swarm.LabelSpread] = in.Now.UTC().Format(time.RFC3339)
			p.Steps = addStep(p.Steps, "service/"+live.Spec.Name, plan.UpdateService{ID: live.ID, Version: live.Version, Spec: up})
		}
	}
}

// eachLeaving changes how the nodes look whose machines leave.
func eachLeaving(in *plan.Input, change func(*swarm.Node)) {
	for i := range in.World.Machines {
		m := &in.World.Machines[i]
		if m.Node == nil || m.Op == nil || m.Op.Kind != ledger.Delete {
			continue
		}
		n := *m.Node
		change(&n)
		m.Node = &n
	}
}

// eachService changes how services look, those of the file and the live ones.
func eachService(in *plan.Input, change func(*swarm.ServiceSpec)) {
	in.Stack.Services, in.World.Services = slices.Clone(in.Stack.Services), slices.Clone(in.World.Services)
	for i := range in.Stack.Services {
		change(&in.Stack.Services[i])
	}
	for i := range in.World.Services {
		change(&in.World.Services[i].Spec)
	}
}

func without(labels map[string]string, key string) map[string]string {
	out := map[string]string{}
	for k, v := range labels {
		if k != key {
			out[k] = v
		}
	}
	return out
}

// unmounted hides what the service mounts; it is sent all the same.
func unmounted(s *swarm.ServiceSpec) {
	form := swarm.Form{}
	for path, value := range s.Form() {
		if len(path) < len(mounts) || path[:len(mounts)] != mounts {
			form[path] = value
		}
	}
	s.Base = swarm.NewBase(form, s.Base.Raw(), s.Pin())
}

const mounts = "TaskTemplate.ContainerSpec.Mounts["
