package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func version(of string, n int) swarm.Config {
	name := fmt.Sprintf("%s-%d", of, n)
	return swarm.Config{ID: name, Name: name, Data: []byte(fmt.Sprint(n)), Created: time.Unix(int64(n), 0),
		Labels: map[string]string{swarm.LabelCluster: "web", swarm.LabelVersionOf: of}}
}

func versions(of string, ns ...int) []swarm.Config {
	var all []swarm.Config
	for _, n := range ns {
		all = append(all, version(of, n))
	}
	return all
}

func wantsConfig(in *plan.Input, c swarm.Config) {
	in.Stack.Configs = append(in.Stack.Configs, swarm.ConfigSpec{Name: c.Name, Of: c.Labels[swarm.LabelVersionOf], Labels: c.Labels, Data: c.Data})
}

// reading is the service of the file that refers to these.
func reading(configs, secrets []string) swarm.ServiceSpec {
	s := service("app", "app:1", 4)
	form := maps.Clone(s.Form())
	for _, c := range configs {
		form["TaskTemplate.ContainerSpec.Configs[/"+c+"].ConfigName"] = c
	}
	for _, c := range secrets {
		form["TaskTemplate.ContainerSpec.Secrets["+c+"].SecretName"] = c
	}
	s = formed(s, form)
	s.Configs, s.Secrets = configs, secrets
	return s
}

// TestConfigsAndSecretsOfTheStack: what is made, what waits for what, what is held, and what goes.
func TestConfigsAndSecretsOfTheStack(t *testing.T) {
	two := version("web_site", 2)
	wantsTwo := func(in *plan.Input) { wantsConfig(in, two) }
	key := swarm.Config{ID: "k", Name: "swarmd.web.key", Data: []byte("k")}
	token := swarm.SecretSpec{Of: "web_token", File: "/run/token", Labels: map[string]string{swarm.LabelCluster: "web", swarm.LabelVersionOf: "web_token"}}
	secret := func(in *plan.Input, s plan.Sealing, all ...swarm.Config) {
		in.Stack.Secrets, in.Sealed = []swarm.SecretSpec{token}, map[string]plan.Sealing{"web_token": s}
		in.Stack.Services = []swarm.ServiceSpec{reading(nil, []string{"web_token"})}
		in.World.Configs = all
	}
	for name, c := range map[string]struct {
		change       func(in *plan.Input)
		steps, holds []string
		after        string // what the service's step waits for
	}{
		"a new content": {change: func(in *plan.Input) {
			wantsTwo(in)
			in.World.Configs = versions("web_site", 1)
			in.Stack.Services = []swarm.ServiceSpec{reading([]string{two.Name}, nil)}
		}, steps: []string{"config/web_site-2", "service/web_app"}, after: "config/web_site-2"},
		"as it is wanted": {change: func(in *plan.Input) { wantsTwo(in); in.World.Configs = versions("web_site", 2) }},
		"of the older ones the last stay": {change: func(in *plan.Input) {
			wantsTwo(in)
			in.World.Configs = versions("web_site", 2, 5, 4, 3, 1)
		}, steps: []string{"remove-config/web_site-1", "remove-config/web_site-3"}},
		"what is gone back to stays": {change: func(in *plan.Input) {
			wantsTwo(in)
			in.World.Configs = versions("web_site", 2, 5, 4, 3, 1)
			in.World.Services[0].Keeps = []string{"web_site-1"}
			in.World.Services[0].Spec.Configs = []string{"web_site-3"}
		}},
		"what a revision says ran whole stays": {change: func(in *plan.Input) {
			wantsTwo(in)
			in.World.Configs = versions("web_site", 2, 5, 4, 1)
			in.Good = map[string]swarm.ServiceSpec{"web_app": reading([]string{"web_site-1"}, nil)}
		}},
		"one that the file has no more": {change: func(in *plan.Input) { in.World.Configs = versions("web_site", 1) }, steps: []string{"remove-config/web_site-1"}},
		"not on a view with a gap": {change: func(in *plan.Input) {
			in.World.Configs = versions("web_site", 1)
			in.World.Gaps = []world.Gap{{What: world.GapObjects, Err: "cut"}}
			in.Stack.Services = []swarm.ServiceSpec{reading([]string{"theirs"}, nil)}
		}, holds: []string{"gap cluster"}},
		"somebody else's of the name": {change: func(in *plan.Input) {
			wantsTwo(in)
			in.World.Configs = []swarm.Config{{ID: "x", Name: "WEB_site-2"}}
			in.Stack.Services = []swarm.ServiceSpec{reading([]string{two.Name}, nil)}
		}, holds: []string{"foreign-object config/web_site-2", "foreign-object service/web_app"}},
		"another content than its name says": {change: func(in *plan.Input) {
			wantsTwo(in)
			in.World.Configs = versions("web_site", 2)
			in.World.Configs[0].Data = []byte("forged")
		}, holds: []string{"object-changed config/web_site-2"}},
		"an external one that is missing": {change: func(in *plan.Input) {
			in.Stack.Services = []swarm.ServiceSpec{reading([]string{"theirs"}, nil)}
		}, holds: []string{"object-missing service/web_app"}},
		"an external one that is there": {change: func(in *plan.Input) {
			in.World.Configs = []swarm.Config{{ID: "x", Name: "theirs"}}
			in.Stack.Services = []swarm.ServiceSpec{reading([]string{"theirs"}, nil)}
		}, steps: []string{"service/web_app"}},
		"the key comes first": {change: func(in *plan.Input) { secret(in, plan.Sealing{}) }, steps: []string{"key/cluster"}},
		"then the secret": {change: func(in *plan.Input) { secret(in, plan.Sealing{Name: "web_token-1"}, key) },
			steps: []string{"secret/web_token-1", "service/web_app"}, after: "secret/web_token-1"},
		"a file that is not here": {change: func(in *plan.Input) { secret(in, plan.Sealing{Err: "/run/token cannot be read on m1"}, key) },
			holds: []string{"secret-file secret/web_token", "secret-file service/web_app"}},
		"the same, and the version that runs stays": {change: func(in *plan.Input) {
			secret(in, plan.Sealing{Err: "/run/token cannot be read on m1"}, key)
			in.World.Secrets = []swarm.Secret{{ID: "s", Name: "web_token-1", Labels: token.Labels}}
			in.World.Services[0].Spec = in.Stack.Services[0].SealedAs(map[string]string{"web_token": "web_token-1"})
		}, holds: []string{"secret-file secret/web_token", "~unpinned service/web_app"}},
		"the same, and none of its versions goes": {change: func(in *plan.Input) {
			secret(in, plan.Sealing{Err: "db.age cannot be decrypted on m1"}, key)
			for _, n := range []string{"1", "2", "3", "4"} {
				in.World.Secrets = append(in.World.Secrets, swarm.Secret{ID: n, Name: "web_token-" + n, Labels: token.Labels})
			}
			in.World.Services[0].Spec = in.Stack.Services[0].SealedAs(map[string]string{"web_token": "web_token-4"})
		}, holds: []string{"secret-file secret/web_token", "~unpinned service/web_app"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := grown(t, 1, 1).input()
			in.World.Services = slices.Clone(in.World.Services)
			c.change(&in)
			p := plan.Compute(in)
			if diff := cmp.Diff(c.steps, ids(p)); diff != "" {
				t.Errorf("steps: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(c.holds, holds(p)); diff != "" {
				t.Errorf("holds: -want +got\n%s\n%v", diff, p.Holds)
			}
			for _, s := range p.Steps {
				if s.ID == "service/web_app" && strings.Join(s.After, " ") != c.after {
					t.Errorf("the service waits for %q", s.After)
				}
			}
		})
	}
}
