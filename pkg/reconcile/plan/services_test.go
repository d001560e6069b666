package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func live(m *model) *swarm.Service { return m.services["web_app"] }

func wants(services ...swarm.ServiceSpec) func(*model) {
	return func(m *model) {
		m.stack = stack(services...)
		m.edit(m.spec.Pools...)
		m.ledger.Confirmed = m.revision // that all go is meant, see TestManyRemovalsAreHeld
	}
}

func state(s swarm.UpdateState) func(*model) { return func(m *model) { live(m).Update = s } }

// byHand changes the live specification as `docker service update` does.
func byHand(path, value string) func(*model) {
	return func(m *model) {
		s := live(m)
		form := maps.Clone(s.Spec.Form())
		form[path] = value
		s.Spec.Base, s.Version = swarm.NewBase(form, nil, s.Spec.Pin()), s.Version+1
	}
}

// template is what a roll-out of the specification is remembered by.
func template(s swarm.ServiceSpec) string { return "t" + s.Form().Template().Hash() }

// remembered is what a ledger remembers of a roll-out that says so.
func remembered(text string) ledger.RollOut {
	l, _, err := ledger.Decode(map[string]string{"swarmd.ledger.format": "1", "swarmd.ledger.revision": "1", "swarmd.ledger.failed.app": text})
	if err != nil {
		panic(err)
	}
	return l.Rollouts["app"]
}

func failed(hash string, version string) func(*model) {
	return func(m *model) {
		m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered(hash + "@" + version)}
	}
}

// root lets services of the file be root on the machines; denied also starts swarmd so that it holds them.
func root(names ...string) func(*model) {
	return func(m *model) {
		m.spec.HostAccess = map[string][]string{}
		for _, n := range names {
			m.spec.HostAccess["web_"+n] = []string{"the Docker socket"}
		}
	}
}

func denied(m *model) { m.deny = true }

func writes(m *model) { m.spec.HostWrites = map[string][]string{"web_app": {"/srv"}} }

// on puts the service on a network that somebody else makes.
func on(s swarm.ServiceSpec, network string) swarm.ServiceSpec {
	s.Networks = append(slices.Clone(s.Networks), network)
	return s
}

func TestServicesThatWouldBeRootOnTheMachines(t *testing.T) {
	app, next, other := service("app", "app:1", 4), service("app", "app:2", 4), service("other", "o", 1)
	gone := func(m *model) { m.services, m.tasks = map[string]*swarm.Service{}, nil }
	runRules(t, []rule{
		{"created where nobody denies it", 1, 1, both(both(wants(app, other), gone), root("app")), []string{"service/web_app", "service/web_other"}, nil},
		{"held, and the others go on", 1, 1, both(both(wants(app, other), gone), both(root("app"), denied)), []string{"service/web_other"}, []string{"host-access service/web_app"}},
		{"the change of one that runs is held", 1, 1, both(wants(next), both(root("app"), denied)), nil, []string{"host-access service/web_app"}},
		{"one that runs as wanted is left alone", 1, 1, both(root("app"), denied), nil, []string{"~host-access service/web_app"}},
		{"one that is not wanted any more goes", 1, 1, both(wants(), both(root("app"), denied)), []string{"remove-service/web_app"}, nil},
		{"one that writes to the machine is held, because of links", 1, 1, both(both(wants(app, other), gone), both(writes, denied)),
			[]string{"service/web_other"}, []string{"host-access service/web_app"}},
		{"and runs where nobody denies it", 1, 1, both(both(wants(app, other), gone), writes), []string{"service/web_app", "service/web_other"}, nil},
		{"a network that may be the beginning of an id", 1, 1, both(both(wants(on(app, "4f"), other), gone), denied),
			[]string{"service/web_other"}, []string{"host-access service/web_app"}},
		{"a network that is there", 1, 1, both(both(wants(on(app, "front"), other), gone), both(denied, func(m *model) {
			m.networks["front"] = &swarm.Network{ID: "f", Spec: swarm.NetworkSpec{Name: "front"}}
		})), []string{"service/web_app", "service/web_other"}, nil},
		{"an edit that takes the access away goes through", 1, 1, both(wants(next), denied), []string{"service/web_app"}, nil},
		{"somebody else's service is named as such", 1, 1, both(both(wants(next), func(m *model) { live(m).Spec.Labels = nil }), both(root("app"), denied)),
			nil, []string{"foreign-service service/web_app"}},
	})
}

// TestANetworkThatNobodyMakes: the engine refuses a service on a network that is not there, so it is held before it is sent.
func TestANetworkThatNobodyMakes(t *testing.T) {
	app, next, other := service("app", "app:1", 4), service("app", "app:2", 4), service("other", "o", 1)
	gone := func(m *model) { m.services, m.tasks = map[string]*swarm.Service{}, nil }
	there := func(m *model) {
		m.networks["front"] = &swarm.Network{ID: "4fz", Spec: swarm.NetworkSpec{Name: "front"}}
	}
	held := []string{"network-missing service/web_app"}
	runRules(t, []rule{
		{"a new service, and the others go on", 1, 1, both(wants(on(app, "front"), other), gone), []string{"service/web_other"}, held},
		{"a service that gets one; what runs goes on", 1, 1, wants(on(next, "front")), nil, held},
		{"it is there", 1, 1, both(wants(on(app, "front")), both(gone, there)), []string{"service/web_app"}, nil},
		{"named by the beginning of its id", 1, 1, both(wants(on(app, "4f")), both(gone, there)), []string{"service/web_app"}, nil},
		{"each machine's own", 1, 1, both(wants(on(app, "host")), gone), []string{"service/web_app"}, nil},
		{"the file has it made", 1, 1, both(both(wants(on(app, "front")), gone), func(m *model) {
			m.stack.Networks = append(m.stack.Networks, swarm.NetworkSpec{Name: "front", Labels: map[string]string{swarm.LabelCluster: "web"}, Form: swarm.Form{"Driver": "overlay"}})
		}), []string{"network/front", "service/web_app"}, nil},
	})
	m := grown(t, 1, 1)
	wants(on(next, "front"))(m)
	p := plan.Compute(m.input())
	if !p.HeldOnly() || len(p.Holds) != 1 || !p.Holds[0].Final {
		t.Fatalf("held only %v, holds %+v", p.HeldOnly(), p.Holds)
	}
	for _, part := range []string{"network front is not in the swarm", "docker network create --driver overlay front", "front: { shared: true }"} {
		if !strings.Contains(p.Holds[0].Text, part) {
			t.Errorf("no %q in %s", part, p.Holds[0].Text)
		}
	}
}

func TestADeniedServiceThatRunsAsWantedIsConverged(t *testing.T) {
	m := grown(t, 1, 1)
	m.stack = stack(service("app", "app:1", 4))
	m.settle(time.Hour)
	root("app")(m)
	denied(m)
	p := plan.Compute(m.input())
	if !p.Converged || len(p.Holds) != 1 || p.Holds[0].Blocking {
		t.Errorf("converged %v, holds %v", p.Converged, p.Holds)
	}
	for _, part := range []string{"the Docker socket", "--deny-host-access", "take that out of the file"} {
		if len(p.Holds) == 1 && !strings.Contains(p.Holds[0].Text, part) {
			t.Errorf("no %q in %s", part, p.Holds[0].Text)
		}
	}
}

func TestServices(t *testing.T) {
	app := service("app", "app:1", 4)
	next := service("app", "app:2", 4)
	nextHash, nextTemplate := next.Labels[swarm.LabelHash], template(next)
	foreign := func(m *model) { live(m).Spec.Labels = map[string]string{swarm.LabelNamespace: "web"} }
	runRules(t, []rule{
		{"the network before its services", 1, 1, func(m *model) {
			m.networks, m.services, m.tasks = map[string]*swarm.Network{}, map[string]*swarm.Service{}, nil
		}, []string{"network/web_default", "service/web_app"}, nil},
		{"changed in the file", 1, 1, wants(next), []string{"service/web_app"}, nil},
		{"changed by hand", 1, 1, byHand("Mode.Replicated.Replicas", "9"), []string{"service/web_app"}, nil},
		{"added by hand", 1, 1, byHand("cap_add", "NET_ADMIN"), []string{"service/web_app"}, nil},
		{"removed from the file", 1, 1, wants(), []string{"remove-service/web_app"}, nil},
		{"not removed on a view with a gap", 1, 1, both(wants(), gap("services")), nil, []string{"gap cluster"}},
		{"removed although the droplets could not be read", 1, 1, both(wants(), gap("droplets")), []string{"remove-service/web_app"}, []string{"gap cluster"}},
		{"changed although the droplets could not be read", 1, 1, both(wants(next), gap("droplets")), []string{"service/web_app"}, []string{"gap cluster"}},
		{"nothing without the services", 1, 1, both(wants(next), gap("services")), nil, []string{"gap cluster"}},
		{"somebody's service of the same name", 1, 1, both(wants(next), foreign), nil, []string{"foreign-service service/web_app"}},
		{"somebody's service stays when it is not wanted", 1, 1, both(wants(service("other", "o", 1)), foreign), []string{"service/web_other"}, nil},
		{"swarmd's own service is no part of the stack", 1, 1, both(wants(), func(m *model) { live(m).Spec.Labels[swarm.LabelComponent] = "swarmd" }),
			nil, []string{"foreign-service network/web_default"}},
		{"a mode cannot be changed", 1, 1, both(wants(next), func(m *model) { live(m).Spec.Mode = swarm.Global }), nil, []string{"mode-changed service/web_app"}},
		{"a network cannot be changed", 1, 1, func(m *model) { m.networks["web_default"].Spec.Form = swarm.Form{"Driver": "bridge"} },
			nil, []string{"network-changed network/web_default"}},
		{"somebody's network of the same name takes no service of ours", 1, 1, both(wants(app, service("other", "o", 1)), func(m *model) {
			m.networks["web_default"].Spec.Labels = nil
		}), nil, []string{"foreign-network network/web_default", "foreign-network service/web_other"}},
		{"a running roll-out is not written to for what replaces no task", 1, 1, both(wants(service("app", "app:1", 6)), state(swarm.Updating)), nil, []string{"rollout service/web_app"}},
		{"nor for what somebody changed by hand", 1, 1, both(byHand("cap_add", "NET_ADMIN"), state(swarm.Updating)), nil, []string{"rollout service/web_app"}},
		{"nor a running roll-back", 1, 1, both(wants(next), state(swarm.RollbackStarted)), nil, []string{"rollout service/web_app"}},
		{"a paused one is held", 1, 1, state(swarm.Paused), nil, []string{"rollout-paused service/web_app"}},
		{"a paused one that was changed by hand too", 1, 1, both(state(swarm.Paused), byHand("Mode.Replicated.Replicas", "9")), nil, []string{"rollout-paused service/web_app"}},
		{"a new specification goes over a paused one", 1, 1, both(wants(next), state(swarm.Paused)), []string{"service/web_app"}, nil},
		{"a roll-back is remembered first", 1, 1, both(wants(next), state(swarm.RollbackCompleted)), []string{"failed/web_app"}, []string{"rolled-back service/web_app"}},
		{"and its specification not pushed again", 1, 1, both(wants(next), state(swarm.RollbackCompleted), failed(nextTemplate, "1")), nil, []string{"rolled-back service/web_app"}},
		{"not even after a change by hand", 1, 1, both(wants(next), failed(nextTemplate, "1"), byHand("cap_add", "NET_ADMIN")), nil, []string{"rolled-back service/web_app"}},
		{"nor after an edit of its labels", 1, 1, both(wants(with(next, "Labels.a", "b")), failed(nextTemplate, "1")), nil, []string{"rolled-back service/web_app"}},
		{"after one of how it is rolled out it is", 1, 1, both(wants(with(next, "UpdateConfig.Order", "stop-first")), failed(nextTemplate, "1")), []string{"service/web_app"}, nil},
		{"or of how it is taken back", 1, 1, both(wants(with(next, "RollbackConfig.Monitor", "60000000000")), failed(nextTemplate, "1")), []string{"service/web_app"}, nil},
		{"of one of the replicas they alone are written", 1, 1, both(wants(service("app", "app:2", 6)), state(swarm.RollbackCompleted), failed(nextTemplate, "1")),
			[]string{"service/web_app"}, []string{"rolled-back service/web_app"}},
		{"also where the engine says nothing of the roll-back any more", 1, 1, both(wants(service("app", "app:2", 6)), failed(nextTemplate, "1")),
			[]string{"service/web_app"}, []string{"rolled-back service/web_app"}},
		{"and where a hand has changed them", 1, 1, both(wants(next), failed(nextTemplate, "1"), byHand("Mode.Replicated.Replicas", "9")),
			[]string{"service/web_app"}, []string{"rolled-back service/web_app"}},
		{"not over a roll-back that is paused", 1, 1, both(wants(service("app", "app:2", 6)), state(swarm.RollbackPaused), failed(nextTemplate, "1")), nil, []string{"rolled-back service/web_app"}},
		{"nor over one that runs", 1, 1, both(wants(service("app", "app:2", 6)), state(swarm.RollbackStarted), failed(nextTemplate, "1")), nil, []string{"rollout service/web_app"}},
		{"nor where tasks of a roll-out are left that the engine has forgotten", 1, 1, both(wants(service("app", "app:2", 6)), failed(nextTemplate, "1"), func(m *model) {
			live(m).Spec.Labels[swarm.LabelGood] = "1/before/sha256:app:0"
			live(m).Updated, m.tasks[0].Image = m.now, "app:0@sha256:app:0"
		}), nil, []string{"rolled-back service/web_app"}},
		{"nor without the tasks", 1, 1, both(wants(service("app", "app:2", 6)), failed(nextTemplate, "1"), gap("tasks")), nil, []string{"gap cluster", "rolled-back service/web_app"}},
		{"what runs is no failure, whatever else is edited", 1, 1, both(wants(service("app", "app:1", 6)), failed(template(app), "1")), []string{"service/web_app"}, nil},
		{"the hash of a version before holds too, and is noted anew", 1, 1, both(wants(next), state(swarm.RollbackCompleted), failed(nextHash, "1")),
			[]string{"failed/web_app"}, []string{"rolled-back service/web_app"}},
		{"another one is", 1, 1, both(wants(next), state(swarm.RollbackCompleted), failed("another", "1")), []string{"service/web_app"}, nil},
		{"that one's roll-back is new", 1, 1, both(wants(next), state(swarm.RollbackCompleted), failed("another", "0")), []string{"failed/web_app"}, []string{"rolled-back service/web_app"}},
		{"a roll-back by hand to what is wanted is remembered without blame", 1, 1, state(swarm.RollbackCompleted), []string{"failed/web_app"}, nil},
		{"once", 1, 1, both(state(swarm.RollbackCompleted), failed("", "1")), nil, nil},
		{"and the next edit is pushed", 1, 1, both(wants(next), state(swarm.RollbackCompleted), failed("", "1")), []string{"service/web_app"}, nil},
		{"what matters no more is forgotten", 1, 1, failed(nextHash, "1"), []string{"forget/web_app"}, nil},
		{"an unreadable memory is none", 1, 1, both(state(swarm.RollbackCompleted), failed("x", "one")), []string{"failed/web_app"}, nil},
	})
}

func TestImageIsResolvedOnlyWhenItChanges(t *testing.T) {
	m := grown(t, 1, 1)
	update := func() plan.UpdateService {
		t.Helper()
		p := plan.Compute(m.input())
		if len(p.Steps) != 1 {
			t.Fatalf("%v", ids(p))
		}
		return p.Steps[0].Action.(plan.UpdateService)
	}
	wants(service("app", "app:1", 6))(m)
	live(m).Spec = stored(live(m).Spec, swarm.Pin{Digest: "sha256:app:1", Platforms: []swarm.Platform{{OS: "linux", Architecture: "amd64"}}})
	if a := update(); a.ResolveImage || a.Spec.Pin().Digest != "sha256:app:1" || len(a.Spec.Pin().Platforms) != 1 || !slices.Equal(a.Changes, []swarm.Change{{Key: "deploy.replicas", From: "4", To: "6"}}) || a.Spec.Labels[swarm.LabelRevision] != "2" {
		t.Errorf("scaled: %+v", a)
	}
	wants(service("app", "app:2", 4))(m)
	if a := update(); !a.ResolveImage || a.Spec.Pin().Digest != "" || a.Version != live(m).Version || a.ID != live(m).ID {
		t.Errorf("new image: %+v", a)
	}
	pinned := service("app", "app:1", 6).Pinned(swarm.Pin{Digest: "sha256:named"})
	wants(pinned)(m)
	if a := update(); !a.ResolveImage || a.Spec.Pin().Digest != "sha256:named" {
		t.Errorf("the file names another digest: its platforms are asked for: %+v", a)
	}
	pinned = service("app", "app:1", 6).Pinned(swarm.Pin{Digest: "sha256:app:1"})
	wants(pinned)(m)
	if a := update(); a.ResolveImage || a.Spec.Pin().Digest != "sha256:app:1" || len(a.Spec.Pin().Platforms) != 1 {
		t.Errorf("the file names the digest that runs: %+v", a)
	}
	pinned = service("app", "app:2", 4).Pinned(swarm.Pin{Digest: "sha256:named"})
	wants(pinned)(m)
	if a := update(); !a.ResolveImage || a.Spec.Pin().Digest != "sha256:named" || len(a.Spec.Pin().Platforms) != 0 {
		t.Errorf("the file names a digest of another image: %+v", a)
	}
	if _, wrote := m.stack.Services[0].Labels[swarm.LabelRevision]; wrote {
		t.Error("the planner wrote into its input")
	}
}

func TestServiceWaitsForItsNetwork(t *testing.T) {
	m := newModel(t, pool("managers", "manager", 1))
	m.firstManager()
	m.stack = stack(service("app", "app:1", 1))
	p := plan.Compute(m.input())
	for _, s := range p.Steps {
		if _, ok := s.Action.(plan.CreateService); ok && !slices.Equal(s.After, []string{"network/web_default"}) {
			t.Errorf("after %v", s.After)
		}
	}
}

func TestNetworkGoesAfterTheLastTask(t *testing.T) {
	m := grown(t, 1, 1)
	wants()(m)
	m.pass()
	if p := plan.Compute(m.input()); len(p.Steps) != 0 || p.Converged {
		t.Errorf("with tasks left: %v", ids(p))
	}
	m.step(0) // the tasks are told to stop
	m.step(3 * time.Second)
	if p := plan.Compute(m.input()); !slices.Equal(ids(p), []string{"remove-network/web_default"}) {
		t.Errorf("without: %v", ids(p))
	}
}

// What fields were and become is in no reason, but for those that are known to be harmless: people keep passwords in environments, commands and
// labels, and reasons are in the log and the status.
func TestAReasonHasNoValueThatMayBeAPassword(t *testing.T) {
	m := grown(t, 1, 1)
	both(byHand("TaskTemplate.ContainerSpec.Env[PASSWORD]", "hunter2]: x"), byHand("Mode.Replicated.Replicas", "9"))(m)
	both(byHand("TaskTemplate.ContainerSpec.Args[0]", "--password=hunter2"), byHand("Labels.auth", "admin:hunter2"))(m)
	p := plan.Compute(m.input())
	if len(p.Steps) != 1 {
		t.Fatalf("%d steps", len(p.Steps))
	}
	text := p.Steps[0].Reason.Text
	for _, want := range []string{"environment.PASSWORD: removed (value not shown)", "command: removed (value not shown)", "deploy.labels.auth: removed (value not shown)", "deploy.replicas: 9 → 4"} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, want) {
			t.Errorf("it should say %q: %s", want, text)
		}
	}
}
