package explore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// portWorkflows have services want what another one has: a port that is published.
func portWorkflows() []Workflow {
	with := func(app, other int) file {
		lines := ""
		for _, s := range []struct {
			name string
			port int
		}{{"app", app}, {"other", other}} {
			lines += fmt.Sprintf("  %s: { image: \"nginx:1.27\", ports: [\"%d:80\"], deploy: { replicas: 2 } }\n", s.name, s.port)
		}
		return file{managers: 1, services: lines}
	}
	return []Workflow{
		{Name: "swap-ports", Sparse: 4, About: "two services are to have each other's port, which Swarm cannot do at once, then one has a free one for a while", Start: with(81, 82),
			Play: func(r *run) {
				r.edit(with(82, 81))
				r.wait(time.Minute)
				r.edit(with(83, 81))
				r.converge("one has a free port", convergeWithin)
				r.edit(with(82, 81))
			}},
	}
}

// mostTaken is how many writes of a service may ask for a port that another one has: what a swarmd has seen may be old.
const mostTaken = 3

// portsFree: what the engine refuses because another service has the port is not sent again and again.
func (c *checks) portsFree(s *state, t *ticket) {
	var sent api.ServiceSpec
	if json.Unmarshal(t.body, &sent) != nil || sent.EndpointSpec == nil {
		return
	}
	for _, other := range s.swarm.Services {
		if other.Spec.Name == sent.Name || other.Spec.EndpointSpec == nil {
			continue
		}
		for _, p := range sent.EndpointSpec.Ports {
			taken := func(o api.PortConfig) bool { return o.PublishedPort != 0 && o.PublishedPort == p.PublishedPort }
			if !slices.ContainsFunc(other.Spec.EndpointSpec.Ports, taken) {
				continue
			}
			if c.taken++; c.taken > mostTaken {
				c.run.violate("port-taken", "%s is to publish %d, which %s does: asked for %d times", sent.Name, p.PublishedPort, other.Spec.Name, c.taken)
			}
		}
	}
}

// portsDiffer says which service of the file publishes another port.
func (r *run) portsDiffer(s *state) string {
	for _, svc := range s.swarm.Services {
		name, ours := strings.CutPrefix(svc.Spec.Name, r.cluster+"_")
		_, line, _ := strings.Cut(r.want.services, "  "+name+": ")
		line, _, _ = strings.Cut(line, "\n")
		if !ours || !strings.Contains(line, "ports: ") || svc.Spec.EndpointSpec == nil {
			continue
		}
		for _, p := range svc.Spec.EndpointSpec.Ports {
			if !strings.Contains(line, fmt.Sprintf("%q", fmt.Sprintf("%d:%d", p.PublishedPort, p.TargetPort))) {
				return fmt.Sprintf("%s publishes %d", svc.Spec.Name, p.PublishedPort)
			}
		}
	}
	return ""
}

// portMutants do not look at who has a port.
func portMutants() []Mutant {
	return []Mutant{
		planner("takes-any-port", "swarmkit checkPortConflicts: what the engine refuses is sent again and again", func(in *plan.Input) {
			in.World.Services = slices.Clone(in.World.Services)
			for i := range in.World.Services {
				in.World.Services[i].Spec.Ports = nil
			}
		}),
		planned("takes-a-port-too-soon", "explored: a service took the port of one whose roll-out then failed, and what ran before could never be put back", takesTooSoon),
	}
}

// takesTooSoon gives a service the port that another one goes back to, should its roll-out fail.
func takesTooSoon(in plan.Input, p *plan.Plan) {
	in.World.Services = slices.Clone(in.World.Services)
	for i := range in.World.Services {
		in.World.Services[i].Update, in.World.Services[i].Previous = swarm.Completed, nil
	}
	in.Memory.Tries = nil
	for _, h := range p.Holds {
		if h.Guard != plan.GuardPort || !strings.Contains(h.Text, "goes back to") {
			continue
		}
		for _, s := range plan.Compute(in).Steps {
			if s.ID == h.Object {
				p.Steps = addStep(p.Steps, s.ID, s.Action)
			}
		}
	}
}
