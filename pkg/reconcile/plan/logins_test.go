package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestLoginsOfRegistries: what is written with another login than the one that counts now is written again when nothing else is; what needs one that is not
// here is held, and nothing else.
func TestLoginsOfRegistries(t *testing.T) {
	const host = "registry.example"
	login := func(in *plan.Input, l plan.Login) {
		in.Logins = map[string]plan.Login{host: l}
		in.Stack.Services[0].Registry, in.World.Services[0].Spec.Registry = host, host
		in.World.Services[0].Spec.Labels[swarm.LabelLogin] = "old"
	}
	missing := plan.Login{Err: "/run/password cannot be read on m1: no such file"}
	edit := func(in *plan.Input) {
		s := service("app", "app:2", 4)
		s.Registry = host
		in.Stack.Services = []swarm.ServiceSpec{s}
	}
	for name, c := range map[string]struct {
		change func(in *plan.Input)
		steps  []string
		holds  []string // their guards and objects
	}{
		"as it was":                       {change: func(in *plan.Input) { login(in, plan.Login{Mark: "old"}) }},
		"another one":                     {change: func(in *plan.Input) { login(in, plan.Login{Mark: "new"}) }, steps: []string{"login/web_app"}},
		"another one, with another image": {change: func(in *plan.Input) { login(in, plan.Login{Mark: "new"}); edit(in) }, steps: []string{"service/web_app"}},
		"another one, in a roll-out": {change: func(in *plan.Input) {
			login(in, plan.Login{Mark: "new"})
			in.World.Services[0].Update = swarm.Updating
		}},
		"another one, paused": {change: func(in *plan.Input) {
			login(in, plan.Login{Mark: "new"})
			in.World.Services[0].Update = swarm.Paused
		}},
		"of another registry": {change: func(in *plan.Input) {
			login(in, plan.Login{Mark: "new"})
			in.World.Services[0].Spec.Registry = "docker.io"
		}},
		"before the key":               {change: func(in *plan.Input) { login(in, plan.Login{}) }, steps: []string{"key/cluster"}},
		"not here":                     {change: func(in *plan.Input) { login(in, missing) }, holds: []string{"login-file registry/registry.example"}},
		"not here, with another image": {change: func(in *plan.Input) { login(in, missing); edit(in) }, holds: []string{"login-file registry/registry.example", "login-file service/web_app"}},
		"not here, with more replicas": {change: func(in *plan.Input) {
			login(in, missing)
			s := service("app", "app:1", 6)
			s.Registry = host
			in.Stack.Services = []swarm.ServiceSpec{s}
		}, steps: []string{"service/web_app"}, holds: []string{"login-file registry/registry.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := grown(t, 1, 1).input()
			in.World.Services, in.Stack.Services = slices.Clone(in.World.Services), slices.Clone(in.Stack.Services)
			in.World.Services[0].Spec.Labels = maps.Clone(in.World.Services[0].Spec.Labels)
			c.change(&in)
			p := plan.Compute(in)
			var holds []string
			for _, h := range p.Holds {
				if h.Guard == plan.GuardLoginFile {
					holds = append(holds, h.Guard+" "+h.Object)
				}
				if h.Guard == plan.GuardLoginFile && !strings.Contains(h.Text, "put it on each manager") {
					t.Errorf("it does not say what to do: %s", h.Text)
				}
			}
			if !slices.Equal(ids(p), c.steps) || !slices.Equal(holds, c.holds) {
				t.Errorf("steps %q, want %q; holds %q, want %q; %+v", ids(p), c.steps, holds, c.holds, p.Holds)
			}
		})
	}
}
