package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// carrying has the live service say that in its label.
func carrying(value string) func(*model) {
	return func(m *model) {
		s := live(m)
		s.Spec.Labels = maps.Clone(s.Spec.Labels)
		s.Spec.Labels[swarm.LabelProtected] = value
	}
}

// protecting has the file say protect of the service app.
func protecting(m *model) {
	next := *m.spec
	next.Protected = map[string]bool{"web_app": true}
	m.spec = &next
}

// without is a file that has another service in the place of app, and so many removals confirmed.
func without(m *model) { wants(service("other", "o", 1))(m) }

// keeping is a file that removes nothing.
func keeping(m *model) { m.spec.Policies.KeepRemoved = true }

// heldApp is the hold on the service app by that guard.
func heldApp(p plan.Plan, guard string) plan.Hold {
	i := slices.IndexFunc(p.Holds, func(h plan.Hold) bool { return h.Guard == guard && h.Object == "service/web_app" })
	if i < 0 {
		return plan.Hold{}
	}
	return p.Holds[i]
}

// TestAProtectedServiceIsNotRemoved: whoever has said it, and confirmed or not; its networks stay with it. Whose label somebody has taken away goes.
func TestAProtectedServiceIsNotRemoved(t *testing.T) {
	ana := byAna().String()
	runRules(t, []rule{
		{"nobody protects it", 1, 1, without, []string{"service/web_other", "remove-service/web_app"}, nil},
		{"the file did", 1, 1, both(carrying("file"), without), []string{"service/web_other"}, []string{"protected service/web_app"}},
		{"a person did", 1, 1, both(carrying(ana), without), []string{"service/web_other"}, []string{"protected service/web_app"}},
		{"by hand", 1, 1, both(carrying("yes"), without), []string{"service/web_other"}, []string{"protected service/web_app"}},
		{"and all go", 1, 1, both(carrying("file"), wants()), nil, []string{"protected service/web_app"}},
		{"and nothing is removed anyway", 1, 1, both(carrying("file"), without, keeping), []string{"service/web_other"}, []string{"~kept-service service/web_app"}},
		{"and it is paused", 1, 1, both(carrying("file"), without, pausing("service/web_app")), []string{"service/web_other"}, []string{"paused service/web_app"}},
		{"it counts no more as of the cluster", 1, 1, both(carrying("file"), func(m *model) { live(m).Spec.Labels[swarm.LabelCluster] = "" }, without), []string{"service/web_other"}, nil},
	})
	for label, says := range map[string]string{"file": "the file said so", ana: "ana said so at 2026-", "yes": "a person said so: yes"} {
		m := grown(t, 1, 1)
		both(carrying(label), wants())(m)
		p := plan.Compute(m.input())
		h := heldApp(p, plan.GuardProtected)
		for _, part := range []string{"it stays: protected (" + says, "swarmd confirm does not change that", "swarmd protect service/web_app --off", "put it back into the file"} {
			if !strings.Contains(h.Text, part) || !h.Final || !h.Blocking {
				t.Errorf("%s: no %q in %+v", label, part, h)
			}
		}
		if !p.HeldOnly() || p.Converged {
			t.Errorf("%s: %+v", label, p)
		}
	}
}

// TestConfirmedRemovalsSpareWhatIsProtected, and what is to be confirmed says so.
func TestConfirmedRemovalsSpareWhatIsProtected(t *testing.T) {
	m := grown(t, 1, 1)
	m.stack = stack(service("app", "app:1", 4), service("b", "b", 1), service("c", "c", 1))
	m.settle(5 * time.Minute)
	both(carrying("file"), wants())(m)
	m.ledger.Confirmed = 0
	p := plan.Compute(m.input())
	if diff := cmp.Diff([]string{"protected service/web_app", "prune service/web_b", "prune service/web_c"}, holds(p)); diff != "" || len(p.Steps) > 0 {
		t.Fatalf("%v\n%s", ids(p), diff)
	}
	if text := p.Holds[1].Text; !strings.Contains(text, "3 of 3 services") || !strings.HasSuffix(text, "; protected, and not removed then either: app") {
		t.Errorf("%+v", p.Holds)
	}
	m.ledger.Confirmed = m.revision
	if got := ids(plan.Compute(m.input())); !slices.Equal(got, []string{"remove-service/web_b", "remove-service/web_c"}) {
		t.Errorf("confirmed: %v", got)
	}
}

// TestTheLabelFollowsTheFile while that has the service, in a write that replaces no task. A person's word stays.
func TestTheLabelFollowsTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*model)
		becomes string // "-": nothing is written
		says    swarm.Change
	}{
		"the file says it":                  {protecting, "file", swarm.Change{Key: "x-swarmd.protect", From: "false", To: "true"}},
		"and it is so":                      {both(protecting, carrying("file")), "-", swarm.Change{}},
		"somebody took it away":             {both(carrying(""), protecting), "file", swarm.Change{Key: "x-swarmd.protect", From: "false", To: "true"}},
		"the file says it no more":          {carrying("file"), "", swarm.Change{Key: "x-swarmd.protect", From: "true", To: "false"}},
		"a person said it":                  {carrying(byAna().String()), "-", swarm.Change{}},
		"a person said it, and so the file": {both(protecting, carrying(byAna().String())), "-", swarm.Change{}},
		"no digest":                         {both(waiting, protecting), "file", swarm.Change{Key: "x-swarmd.protect", From: "false", To: "true"}},
	} {
		m := grown(t, 1, 1)
		m.step(time.Minute)
		c.change(m)
		if p := plan.Compute(m.input()); c.becomes == "-" {
			if len(p.Steps) > 0 || !p.Converged {
				t.Errorf("%s: %v", name, ids(p))
			}
			continue
		}
		was, a := live(m).Spec, written(t, m)
		if a.Spec.Labels[swarm.LabelProtected] != c.becomes || !slices.Equal(a.Changes, []swarm.Change{c.says}) {
			t.Errorf("%s: label %q, %+v", name, a.Spec.Labels[swarm.LabelProtected], a.Changes)
		}
		if a.ResolveImage || a.Spec.Pin().Digest != was.Pin().Digest || len(swarm.Diff(a.Spec.Form(), was.Form())) > 0 || a.Spec.Labels[swarm.LabelUnpinned] != was.Labels[swarm.LabelUnpinned] {
			t.Errorf("%s: more than the label is written: %+v", name, a)
		}
		m.updateService(a)
		m.step(time.Minute)
		for _, s := range plan.Compute(m.input()).Steps {
			if _, again := s.Action.(plan.UpdateService); again {
				t.Errorf("%s: written again", name)
			}
		}
	}
}

// TestWhatIsWrittenHasTheLabel: an edit, what is put back, and what runs where the edit failed, which gets the label alone.
func TestWhatIsWrittenHasTheLabel(t *testing.T) {
	edited := func(image string) func(*model) { return wants(service("app", image, 4)) }
	global := func(m *model) { m.stack.Services[0].Mode, live(m).Spec.Mode = swarm.Global, swarm.Global }
	ana := byAna().String()
	for name, c := range map[string]struct {
		begin        *model
		change       func(*model)
		image, label string
	}{
		"edited":                            {grown(t, 1, 1), both(edited("app:2"), protecting), "app:2", "file"},
		"edited, and protected by a person": {grown(t, 1, 1), both(carrying(ana), edited("app:2")), "app:2", ana},
		"edited once more, so that what ran is put back": {rolling(t, 0, 1, time.Minute), both(edited("app:3"), protecting), "app:1", "file"},
		"so it is for a person":                          {rolling(t, 0, 1, time.Minute), both(edited("app:3"), carrying(ana)), "app:1", ana},
		"the edit has failed":                            {tookBack(t, template), protecting, "app:1", "file"},
		"the edit of a global service has failed":        {tookBack(t, template), both(global, protecting), "app:1", "file"},
		"it has failed, and nothing is protected":        {tookBack(t, template), carrying("file"), "app:1", ""},
	} {
		c.change(c.begin)
		was, a := live(c.begin).Spec, written(t, c.begin)
		if a.Spec.Image != c.image || a.Spec.Labels[swarm.LabelProtected] != c.label {
			t.Errorf("%s: %s, label %q", name, a.Spec.Image, a.Spec.Labels[swarm.LabelProtected])
		}
		if failed := strings.Contains(name, "failed"); failed && (len(swarm.Diff(a.Spec.Form(), was.Form())) > 0 || a.ResolveImage || a.Spec.Pin().Digest != was.Pin().Digest) {
			t.Errorf("%s: more than the label is written: %+v", name, a)
		}
	}
	m := grown(t, 1, 1)
	both(protecting, func(m *model) { m.services, m.tasks = map[string]*swarm.Service{}, nil })(m)
	if a, ok := plan.Compute(m.input()).Steps[0].Action.(plan.CreateService); !ok || a.Spec.Labels[swarm.LabelProtected] != "file" {
		t.Errorf("created: %+v", a)
	}
}

// TestWhatIsTakenOverIsProtectedAtOnce, in the one write that takes it over.
func TestWhatIsTakenOverIsProtectedAtOnce(t *testing.T) {
	in := deployedBefore(t, service("app", "app:1", 4), service("app", "app:1", 4))
	in.Spec.Protected = map[string]bool{"web_app": true}
	p := plan.Compute(in)
	if a, ok := p.Steps[0].Action.(plan.TakeService); len(p.Steps) != 1 || !ok || a.Labels[swarm.LabelProtected] != "file" || a.Labels[swarm.LabelCluster] != "web" {
		t.Errorf("%+v", p.Steps)
	}
}

// TestAPersonsWordHoldsNothingElse: the service is edited, scaled and paused as any other.
func TestAPersonsWordHoldsNothingElse(t *testing.T) {
	none := wants(service("app", "app:1", 0))
	runRules(t, []rule{
		{"an edit", 1, 1, both(carrying(byAna().String()), wants(service("app", "app:2", 4))), []string{"service/web_app"}, nil},
		{"to no task", 1, 1, both(carrying("file"), none), []string{"service/web_app"}, nil},
	})
	m := grown(t, 1, 1)
	carrying(byAna().String())(m)
	p := plan.Compute(m.input())
	if len(p.HandsOff) != 1 || p.HandsOff[0].Object != "service/web_app" || !strings.Contains(p.HandsOff[0].String(), "swarmd protect service/web_app --off ends it") {
		t.Errorf("%+v", p.HandsOff)
	}
	if len(p.Services) != 1 || !strings.HasPrefix(p.Services[0].Protected, "ana said so at ") || !p.Converged {
		t.Errorf("%+v", p.Services)
	}
}

// TestAProtectedServiceUnderAnotherName: what would have its data or its port waits for a person, and so does another mode.
func TestAProtectedServiceUnderAnotherName(t *testing.T) {
	other := func(s swarm.ServiceSpec) swarm.ServiceSpec {
		s.Name = "web_other"
		return s
	}
	global := formed(swarm.ServiceSpec{Name: "web_app", Image: "app:1", Mode: swarm.Global, Networks: []string{"web_default"}}, swarm.Form{"Mode.Global": "{}"})
	for name, c := range map[string]struct {
		was, wanted swarm.ServiceSpec
		label       string
		hold, says  string
	}{
		"its volume":        {onVolume(service("app", "app:1", 1)), other(onVolume(service("app", "app:1", 1))), "file", "protected service/web_other", "not created: web_app has its volume web_data"},
		"its volume, freed": {onVolume(service("app", "app:1", 1)), other(onVolume(service("app", "app:1", 1))), "", "", ""},
		"its port":          {publishing(service("app", "app:1", 1), 80), other(publishing(service("app", "app:1", 1), 80)), "file", "port-taken service/web_other", "it follows when swarmd protect service/web_app --off"},
		"another mode":      {service("app", "app:1", 4), global, "file", "mode-changed service/web_app", "take that back in an edit of its own (x-swarmd.protect) or with swarmd protect service/web_app --off"},
	} {
		m := grown(t, 1, 1)
		m.stack = stack(c.was)
		m.settle(5 * time.Minute)
		if c.label != "" {
			carrying(c.label)(m)
		}
		if wants(c.wanted)(m); name == "another mode" {
			protecting(m)
		}
		p := plan.Compute(m.input())
		i := slices.IndexFunc(p.Holds, func(h plan.Hold) bool { return h.Guard+" "+h.Object == c.hold })
		if c.hold == "" {
			if got := ids(p); !slices.Equal(got, []string{"service/web_other", "remove-service/web_app"}) {
				t.Errorf("%s: %v, %v", name, got, holds(p))
			}
			continue
		}
		if i < 0 || !strings.Contains(p.Holds[i].Text, c.says) || !p.Holds[i].Final || len(p.Steps) > 0 {
			t.Errorf("%s: %v, %+v", name, ids(p), p.Holds)
		}
	}
}

// TestAJobIsNotWrittenForProtection: its label comes with its next edit, and what it says counts as any other's.
func TestAJobIsNotWrittenForProtection(t *testing.T) {
	one, next := job(swarm.ReplicatedJob, "app:1"), job(swarm.ReplicatedJob, "app:2")
	in := withJob(t, one, one, "complete", "complete", "complete")
	in.Spec.Protected = map[string]bool{"web_app": true}
	p := plan.Compute(in)
	if h := heldApp(p, plan.GuardJob); len(p.Steps) > 0 || h.Blocking || !strings.Contains(h.Text, "what the file says of x-swarmd.protect does not count yet") {
		t.Errorf("%v, %+v", ids(p), p.Holds)
	}
	in = withJob(t, next, one, "complete", "complete", "complete")
	in.Spec.Protected = map[string]bool{"web_app": true}
	if a, ok := plan.Compute(in).Steps[0].Action.(plan.UpdateService); !ok || a.Spec.Labels[swarm.LabelProtected] != "file" {
		t.Errorf("edited: %+v", a)
	}
	in = withJob(t, one, one, "complete", "complete", "complete")
	in.World.Services[0].Spec.Labels = maps.Clone(in.World.Services[0].Spec.Labels)
	in.World.Services[0].Spec.Labels[swarm.LabelProtected], in.Stack = "file", stack()
	in.World.Ledger.Confirmed = in.Revision
	if p := plan.Compute(in); len(p.Steps) > 0 || !strings.Contains(heldApp(p, plan.GuardProtected).Text, "if it is to go: docker service rm web_app;") {
		t.Errorf("gone from the file: %v, %+v", ids(p), p.Holds)
	}
}

// TestOverviewsOfProtection: what is protected stays, and that it becomes so is an edit that restarts nothing.
func TestOverviewsOfProtection(t *testing.T) {
	m := grown(t, 1, 1)
	was := plan.Accepted{Spec: m.spec, Stack: m.stack}
	protecting(m)
	in := m.input()
	o := plan.OverviewOf(in, plan.Compute(in), was)
	if len(o.Services) != 1 || o.Services[0].What != plan.Update || len(o.Services[0].Edits) != 1 || o.Services[0].Edits[0].Text(false) != "x-swarmd.protect: false → true" || o.Services[0].Tasks != (plan.TaskChange{}) {
		t.Errorf("%+v", o.Services)
	}
	if o := plan.OverviewOf(in, plan.Compute(in), plan.Accepted{Spec: in.Spec, Stack: in.Stack}); len(o.Services) != 1 || len(o.Services[0].Pending) != 1 || len(o.Services[0].Edits) > 0 {
		t.Errorf("accepted already: %+v", o.Services)
	}
	both(carrying("file"), wants())(m)
	m.spec = &spec.Spec{Cluster: "web", Pools: m.spec.Pools, Policies: m.spec.Policies}
	in = m.input()
	o = plan.OverviewOf(in, plan.Compute(in), was)
	if len(o.Services) != 1 || o.Services[0].What != plan.Kept || !o.Services[0].Stays || len(o.Networks) > 0 {
		t.Errorf("gone from the file: %+v, %+v", o.Services, o.Networks)
	}
	carrying("")(m)
	for keep, want := range map[bool]plan.What{true: plan.Kept, false: plan.Remove} {
		m.spec.Policies.KeepRemoved = keep
		in = m.input()
		if o = plan.OverviewOf(in, plan.Compute(in), was); len(o.Services) != 1 || o.Services[0].What != want || o.Services[0].Stays != keep || len(o.Networks) > 0 == keep {
			t.Errorf("not protected, prune %t: %+v, %+v", !keep, o.Services, o.Networks)
		}
	}
}

// TestWhatIsNotProtectedYetIsSaid, while a roll-out keeps it from being written, and no longer.
func TestWhatIsNotProtectedYetIsSaid(t *testing.T) {
	for _, c := range []struct {
		m      *model
		update swarm.UpdateState
		label  string
		says   bool
	}{
		{tookBack(t, template), swarm.RollbackPaused, "", true},
		{tookBack(t, template), swarm.RollbackCompleted, "", false}, // it is written
		{grown(t, 1, 1), swarm.Updating, "", true},
		{grown(t, 1, 1), swarm.Completed, "", false},
		{grown(t, 1, 1), swarm.Updating, "file", false},
	} {
		both(protecting, state(c.update), carrying(c.label))(c.m)
		m := c.m
		h := heldApp(plan.Compute(m.input()), plan.GuardProtected)
		if said := strings.HasPrefix(h.Text, "not protected yet: "); said != c.says || h.Blocking {
			t.Errorf("%s, label %q: %+v", c.update, c.label, h)
		}
	}
}

// TestAProtectedServiceKeepsWhatItNeeds: the config that it refers to is of no file any more, and stays with it.
func TestAProtectedServiceKeepsWhatItNeeds(t *testing.T) {
	m := grown(t, 1, 1)
	both(carrying("file"), wants(service("other", "o", 1)))(m)
	in := m.input()
	in.World.Configs = []swarm.Config{version("web_site", 1)}
	in.World.Services = slices.Clone(in.World.Services)
	in.World.Services[0].Spec.Configs = []string{"web_site-1"}
	if got := ids(plan.Compute(in)); !slices.Equal(got, []string{"service/web_other"}) {
		t.Errorf("%v", got)
	}
	in.World.Services[0].Spec.Configs = nil
	if got := ids(plan.Compute(in)); !slices.Contains(got, "remove-config/web_site-1") {
		t.Errorf("nothing refers to it: %v", got)
	}
}

// TestProtectionOutlivesARollOut that fails: what is put back says what the file says now, whatever it said when it was written.
func TestProtectionOutlivesARollOut(t *testing.T) {
	m := rolling(t, 0, 3, time.Minute)
	protecting(m)
	live(m).Update = swarm.Paused
	m.memory = plan.Memory{Tries: map[string]plan.Try{"web_app": {Fresh: true, Failed: 3}}}
	a := written(t, m)
	if a.Spec.Image != "app:1" || a.Spec.Labels[swarm.LabelProtected] != "file" || !a.Spec.Override.Restored {
		t.Errorf("%+v", a.Spec)
	}
}
