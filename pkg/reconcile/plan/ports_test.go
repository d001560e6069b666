package plan_test

import (
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// publishing is the service with ports, on the ingress; a negative one is the machine's own.
func publishing(s swarm.ServiceSpec, ports ...int) swarm.ServiceSpec {
	s.Ports = nil
	for _, p := range ports {
		port := swarm.Port{Published: uint32(max(p, -p)), Target: 80, Protocol: "tcp", Mode: "ingress"}
		if p < 0 {
			port.Mode = "host"
		}
		s.Ports = append(s.Ports, port)
	}
	return s
}

// TestPortsThatOthersHave: the engine takes no port twice, so what is to have one waits until it is free, and says for what.
func TestPortsThatOthersHave(t *testing.T) {
	next, other := service("app", "app:2", 4), service("other", "o:1", 1)
	runs := func(spec swarm.ServiceSpec) func(*model) { // beside web_app
		return func(m *model) {
			m.services[spec.Name] = &swarm.Service{ID: "other", Version: 1, Spec: spec}
		}
	}
	has := func(ports ...int) func(*model) {
		return func(m *model) { live(m).Spec = publishing(live(m).Spec, ports...) }
	}
	givenUp := func(update swarm.UpdateState, try plan.Try) func(*model) { // by the other service, whose roll-out stands so
		return func(m *model) {
			before := publishing(service("other", "o:1", 1), 80)
			before.Labels[swarm.LabelRevision] = "1"
			m.services["web_other"] = &swarm.Service{ID: "other", Version: 2, Spec: publishing(service("other", "o:2", 1), 81), Previous: &before, Update: update}
			m.memory.Tries = map[string]plan.Try{"web_other": try}
		}
	}
	protected := func(m *model) { m.services["web_other"].Spec.Labels[swarm.LabelProtected] = swarm.ProtectedByFile }
	bothOther := wants(publishing(next, 80), publishing(service("other", "o:2", 1), 81))
	stranger := publishing(other, 80)
	stranger.Labels = nil
	step, taken := []string{"service/web_app"}, []string{"port-taken service/web_app"}
	for _, c := range []struct {
		name    string
		adjust  func(*model)
		holds   []string
		text    string
		forGood bool
	}{
		{"one that the file takes from the other service", both(wants(publishing(next, 80), publishing(service("other", "o:2", 1), 81)), runs(publishing(other, 80))), taken, "is published by web_other still", false},
		{"one of a service that leaves", both(wants(publishing(next, 80)), runs(publishing(other, 80))), taken, "it follows when that is removed", false},
		{"somebody's", both(wants(publishing(next, 80)), runs(stranger)), taken, "is not the cluster's", true},
		{"each the other's", both(wants(publishing(next, 80), publishing(service("other", "o:2", 1), 81)), has(81), runs(publishing(other, 80))),
			[]string{"port-taken service/web_app", "port-taken service/web_other"}, "give one of the two a free port first", true},
		{"of the machines: each may have it", both(wants(publishing(next, -80), publishing(other, -80)), runs(publishing(other, -80))), nil, "", false},
		{"of the machines, and of all", both(wants(publishing(next, 80)), runs(publishing(other, -80))), taken, "it follows when that is removed", false},
		{"one that Swarm picks", both(wants(publishing(next, 0), publishing(other, 0)), runs(publishing(other, 0))), nil, "", false},
		{"given up, and its roll-out runs", both(bothOther, givenUp(swarm.Updating, plan.Try{})), taken, "goes back to, should its roll-out fail", false},
		{"given up, and paused", both(bothOther, givenUp(swarm.Paused, plan.Try{})), taken, "goes back to, should its roll-out fail", false},
		{"given up, and not for the bake time", both(bothOther, givenUp(swarm.Completed, plan.Try{Fresh: true})), taken, "goes back to, should its roll-out fail", false},
		{"given up for good", both(bothOther, givenUp(swarm.Completed, plan.Try{Fresh: true, Good: true})), nil, "", false},
		{"given up before this swarmd acted", both(bothOther, givenUp(swarm.Completed, plan.Try{})), nil, "", false},
		{"given up by one that the file has no more, and that stopped on its way", both(wants(publishing(next, 80)), both(givenUp(swarm.Paused, plan.Try{}), protected)), nil, "", false},
		{"given up by one that the file has no more, and whose tasks fail", both(wants(publishing(next, 80)), both(givenUp(swarm.Completed, plan.Try{Fresh: true, Failed: 3}), protected)), nil, "", false},
		{"given up by one that the file has no more, and its roll-out runs", both(wants(publishing(next, 80)), both(givenUp(swarm.Updating, plan.Try{}), protected)), taken, "goes back to, should its roll-out fail", false},
		{"its own", both(wants(publishing(next, 80)), has(80)), nil, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := grown(t, 1, 1)
			c.adjust(m)
			p := plan.Compute(m.input())
			var got []string
			for _, h := range p.Holds {
				if h.Guard == plan.GuardPort {
					got = append(got, h.Guard+" "+h.Object)
				}
			}
			if strings.Join(got, ", ") != strings.Join(c.holds, ", ") {
				t.Fatalf("holds %v, want %v", p.Holds, c.holds)
			}
			if c.holds == nil {
				if !strings.Contains(strings.Join(ids(p), " "), step[0]) {
					t.Errorf("steps %v", ids(p))
				}
				return
			}
			for _, h := range p.Holds {
				if h.Guard == plan.GuardPort && (!h.Blocking || h.Final != c.forGood || !strings.HasPrefix(h.Text, "port 8") || !strings.Contains(h.Text, c.text)) {
					t.Errorf("%+v", h)
				}
			}
		})
	}
}
