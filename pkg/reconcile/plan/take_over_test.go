package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// ofStack are the labels of something that `docker stack deploy` has made of the stack web.
func ofStack(more ...string) map[string]string {
	labels := map[string]string{swarm.LabelNamespace: "web"}
	for i := 0; i < len(more); i += 2 {
		labels[more[i]] = more[i+1]
	}
	return labels
}

// deployedBefore is a cluster whose stack somebody has deployed without swarmd, and whose file takes it over.
func deployedBefore(t *testing.T, want, live swarm.ServiceSpec) plan.Input {
	in := grown(t, 1, 1).input()
	mark := func(s swarm.ServiceSpec) swarm.ServiceSpec {
		form := maps.Clone(s.Form())
		form["Labels."+swarm.LabelNamespace], form["Labels."+swarm.LabelCluster] = "web", "web"
		s = formed(s, form)
		s.Labels[swarm.LabelNamespace] = "web"
		return s
	}
	in.Stack = stack(mark(want))
	in.Stack.Adopt, in.Stack.Networks[0].Labels[swarm.LabelNamespace] = []string{"web"}, "web"
	in.World.Services, in.World.Networks = slices.Clone(in.World.Services), slices.Clone(in.World.Networks)
	form := maps.Clone(live.Form())
	form["Labels."+swarm.LabelNamespace] = "web"
	live.Base, live.Labels = swarm.NewBase(form, nil, swarm.Pin{Digest: "sha256:a"}), ofStack()
	in.World.Services[0].Spec, in.World.Services[0].Update = live, ""
	for i, n := range in.World.Networks {
		if n.Spec.Name == "web_default" {
			form := maps.Clone(n.Spec.Form)
			form["IPAM.Config[0].Subnet"] = "10.0.1.0/24" // as the engine picked it
			in.World.Networks[i].Spec.Labels, in.World.Networks[i].Spec.Form = ofStack(), form
		}
	}
	return in
}

// TestAStackIsTakenOverAsItRuns: what is written first, what waits for it, what is held, and what follows once it is the cluster's.
func TestAStackIsTakenOverAsItRuns(t *testing.T) {
	app, six := service("app", "app:1", 4), service("app", "app:1", 6)
	plain := swarm.Config{ID: "c", Version: 7, Name: "web_site", Labels: ofStack(), Data: []byte("2")}
	taken := func(c swarm.Config, more ...string) swarm.Config {
		c.Labels = ofStack(append(more, swarm.LabelCluster, "web", swarm.LabelVersionOf, c.Name)...)
		return c
	}
	two := version("web_site", 2)
	two.Labels[swarm.LabelNamespace] = "web"
	token := swarm.SecretSpec{Of: "web_token", File: "/run/token", Labels: ofStack(swarm.LabelCluster, "web", swarm.LabelVersionOf, "web_token")}
	key := swarm.Config{ID: "k", Name: "swarmd.web.key", Data: []byte("k")}
	secret := func(in *plan.Input, s plan.Sealing, labels map[string]string) {
		in.Stack.Secrets, in.Sealed = []swarm.SecretSpec{token}, map[string]plan.Sealing{"web_token": s}
		in.World.Configs, in.World.Secrets = []swarm.Config{key}, []swarm.Secret{{ID: "s", Version: 5, Name: "web_token", Labels: labels}}
	}
	own := func(in *plan.Input) { // the service is the cluster's already
		live := &in.World.Services[0].Spec
		form := maps.Clone(live.Form())
		form["Labels."+swarm.LabelCluster] = "web"
		live.Labels = live.TakenOver("web", in.Revision)
		live.Base = swarm.NewBase(form, nil, live.Pin())
	}
	for name, c := range map[string]struct {
		want, live   swarm.ServiceSpec
		change       func(in *plan.Input)
		steps, holds []string
		says         string // in a hold
	}{
		"as the file says": {want: app, live: app, steps: []string{"take/service/web_app"}},
		"the file says otherwise: that is not written with it": {want: six, live: app, steps: []string{"take/service/web_app"}},
		"and follows when it is the cluster's":                 {want: six, live: app, change: own, steps: []string{"service/web_app"}},
		"the cluster's, as the file says":                      {want: app, live: app, change: own},
		"without adopt": {want: app, live: app, change: func(in *plan.Input) { in.Stack.Adopt = nil },
			holds: []string{"foreign-network network/web_default", "foreign-service service/web_app"}, says: "adopt: true"},
		"another cluster's": {want: app, live: app, change: func(in *plan.Input) { in.World.Services[0].Spec.Labels = ofStack(swarm.LabelCluster, "shop") },
			holds: []string{"foreign-service service/web_app"}},
		"of no stack": {want: app, live: app, change: func(in *plan.Input) { in.World.Services[0].Spec.Labels = nil }, holds: []string{"foreign-service service/web_app"}},
		"while a roll-out runs": {want: app, live: app, change: func(in *plan.Input) { in.World.Services[0].Update = swarm.Updating },
			holds: []string{"rollout service/web_app"}},
		"while one is paused": {want: app, live: app, change: func(in *plan.Input) { in.World.Services[0].Update = swarm.Paused },
			holds: []string{"rollout-paused service/web_app"}, says: "docker service rollback web_app"},
		"a config of the same content": {want: app, live: app, change: func(in *plan.Input) {
			wantsConfig(in, two)
			in.World.Configs = []swarm.Config{plain}
		}, steps: []string{"take/config/web_site", "take/service/web_app"}},
		"and once it is the cluster's none is made": {want: reading([]string{two.Name}, nil), live: app, change: func(in *plan.Input) {
			wantsConfig(in, two)
			in.World.Configs = []swarm.Config{taken(plain)}
			s := reading([]string{two.Name}, nil)
			form := maps.Clone(s.Form())
			form["TaskTemplate.ContainerSpec.Configs[/"+two.Name+"].ConfigName"] = "web_site"
			form["Labels."+swarm.LabelNamespace] = "web"
			in.World.Services[0].Spec.Base, in.World.Services[0].Spec.Configs = swarm.NewBase(form, nil, swarm.Pin{Digest: "sha256:a"}), []string{"web_site"}
			own(in)
		}},
		"one of another content": {want: app, live: app, change: func(in *plan.Input) {
			wantsConfig(in, two)
			other := plain
			other.Data = []byte("1")
			in.World.Configs = []swarm.Config{other}
		}, steps: []string{"config/web_site-2", "take/config/web_site", "take/service/web_app"}},
		"a secret": {want: app, live: app, change: func(in *plan.Input) { secret(in, plan.Sealing{Name: "web_token-1"}, ofStack()) },
			steps: []string{"take/secret/web_token", "take/service/web_app"}},
		"whose file is not here": {want: app, live: app, change: func(in *plan.Input) { secret(in, plan.Sealing{Err: "/run/token cannot be read on m1"}, ofStack()) },
			steps: []string{"take/service/web_app"}, holds: []string{"secret-file secret/web_token"}},
		"that is the cluster's, and has the file's value": {want: app, live: app, change: func(in *plan.Input) {
			secret(in, plan.Sealing{Name: "web_token-1"}, ofStack(swarm.LabelCluster, "web", swarm.LabelVersionOf, "web_token", swarm.LabelStandsFor, "web_token-1"))
			own(in)
		}},
		"and another value": {want: app, live: app, change: func(in *plan.Input) {
			secret(in, plan.Sealing{Name: "web_token-1"}, ofStack(swarm.LabelCluster, "web", swarm.LabelVersionOf, "web_token"))
			own(in)
		}, steps: []string{"secret/web_token-1"}},
		"the key comes first": {want: app, live: app, change: func(in *plan.Input) {
			secret(in, plan.Sealing{}, ofStack())
			in.World.Configs = nil
		}, steps: []string{"key/cluster", "take/service/web_app"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := deployedBefore(t, c.want, c.live)
			if c.change != nil {
				c.change(&in)
			}
			p := plan.Compute(in)
			got := ids(p)
			slices.Sort(got)
			if diff := cmp.Diff(c.steps, got); diff != "" {
				t.Errorf("steps: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(c.holds, holds(p)); diff != "" {
				t.Errorf("holds: -want +got\n%s", diff)
			}
			if c.says != "" && !slices.ContainsFunc(p.Holds, func(h plan.Hold) bool { return strings.Contains(h.Text, c.says) }) {
				t.Errorf("no hold says %q: %+v", c.says, p.Holds)
			}
		})
	}
}

// TestWhatIsWrittenToTakeAServiceOver: its own labels and the cluster's, and nothing of the file's.
func TestWhatIsWrittenToTakeAServiceOver(t *testing.T) {
	in := deployedBefore(t, service("app", "app:2", 6), service("app", "app:1", 4))
	in.World.Services[0].Spec.Labels["theirs"] = "stays"
	p := plan.Compute(in)
	if len(p.Steps) != 1 {
		t.Fatalf("steps %v", ids(p))
	}
	a, ok := p.Steps[0].Action.(plan.TakeService)
	if !ok || a.Labels["theirs"] != "stays" || a.Labels[swarm.LabelCluster] != "web" || a.Labels[swarm.LabelNamespace] != "web" || a.Version != in.World.Services[0].Version {
		t.Errorf("%#v", p.Steps[0].Action)
	}
	live := in.World.Services[0].Spec
	form := maps.Clone(live.Form())
	form["Labels."+swarm.LabelCluster] = "web"
	live.Labels, live.Base = a.Labels, swarm.NewBase(form, nil, live.Pin())
	if !live.AsWritten() {
		t.Error("it counts as changed by hand")
	}
}

// TestTheOverviewOfATakeOver: how much of which stack, and what follows as an edit, of which the label is none.
func TestTheOverviewOfATakeOver(t *testing.T) {
	for want, edits := range map[uint64][]swarm.Change{4: nil, 6: {{Key: "deploy.replicas", From: "4", To: "6"}}} {
		in := deployedBefore(t, service("app", "app:1", want), service("app", "app:1", 4))
		o := plan.OverviewOf(in, plan.Compute(in), plan.Accepted{})
		if diff := cmp.Diff([]plan.TakenOver{{Stack: "web", Services: 1, Networks: 1}}, o.TakenOver); diff != "" {
			t.Error(diff)
		}
		var got []swarm.Change
		for _, s := range o.Services {
			got = append(got, s.Edits...)
		}
		if diff := cmp.Diff(edits, got); diff != "" || len(o.Networks) > 0 {
			t.Errorf("%d: %s %+v", want, diff, o.Networks)
		}
	}
}
