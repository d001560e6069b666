package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// anchor has the service keep data on its machines.
func anchor(m *model) { shaped("TaskTemplate.ContainerSpec.Mounts[/data].Type", "volume")(m) }

// shaped has the service, in the file and live, with a field more.
func shaped(path, value string) func(*model) {
	return func(m *model) {
		form := maps.Clone(m.stack.Services[0].Form())
		form[path] = value
		m.stack.Services[0] = formed(m.stack.Services[0], form)
		pin := live(m).Spec.Pin()
		live(m).Spec = stored(m.stack.Services[0], pin)
	}
}

// stay has the file say that the service's tasks stay where they are.
func stay(m *model) { m.spec.NoRebalance = map[string]bool{"web_app": true} }

func paused(id int) func(*model) {
	return func(m *model) { m.droplets[id].node.Spec.Availability = swarm.Pause }
}

// surged has the service with so many tasks more for an operation; those that are new run if they are to.
func surged(by string, tasks uint64, run bool) func(*model) {
	return func(m *model) {
		live(m).Spec = stored(m.stack.Services[0].Surged(swarm.Surge{For: by, Tasks: tasks}), live(m).Spec.Pin())
		live(m).Updated = m.now.Add(-5 * time.Second)
		m.schedule()
		for i := range m.tasks {
			if run && m.tasks[i].State == "preparing" {
				m.tasks[i].State = "running"
			}
		}
	}
}

// old has the last write to the service be long ago.
func old(m *model) { live(m).Updated = m.now.Add(-time.Hour) }

// runningNow counts the tasks that run and are meant to, as a client of the service would.
func (m *model) runningNow() int {
	n := 0
	for _, t := range m.tasks {
		if t.Runs() && m.fit(t.NodeID, swarm.Pause) {
			n++
		}
	}
	return n
}

// fewest follows until all is as wanted, and returns how few tasks ran, and how many at most.
func (m *model) fewest() (least, most int) {
	m.t.Helper()
	for least = 1000; m.now.Before(epoch.Add(2 * time.Hour)); m.step(250 * time.Millisecond) {
		least, most = min(least, m.runningNow()), max(most, m.runningNow())
		if m.pass().Converged {
			return least, most
		}
		m.step(0)
	}
	m.t.Fatalf("not as wanted:\n%s", m.log.String())
	return 0, 0
}

func TestADrainCostsNoCapacity(t *testing.T) {
	for name, c := range map[string]struct {
		shape       func(*model)
		least, most int
	}{
		"surged": {both(), 6, 8}, "plain": {anchor, 4, 6},
	} {
		m := six(t)
		c.shape(m)
		m.edit(m.spec.Pools[0], pool("workers", "worker", 2))
		if least, most := m.fewest(); least != c.least || most != c.most {
			t.Errorf("%s: between %d and %d tasks ran, want %d and %d\n%s", name, least, most, c.least, c.most, m.log.String())
		}
		if s := live(m).Spec; s.Replicas() != 6 || s.Labels[swarm.LabelSurge] != "" || s.Labels[swarm.LabelScaled] != "" || !s.AsWritten() {
			t.Errorf("%s: %d replicas, %v at the end", name, s.Replicas(), s.Labels)
		}
	}
}

// TestADrainOfAPersonsCostsNoCapacity: nor does one of the file's, and it ends in a node that is drained and stays so.
func TestADrainOfAPersonsCostsNoCapacity(t *testing.T) {
	byHand := func(availability swarm.Availability) func(*model) {
		return func(m *model) {
			s := &m.droplets[102].node.Spec
			s.Availability, m.droplets[102].node.Updated = availability, m.now
			s.Labels[swarm.LabelMaintenance] = swarm.Maintenance{Since: m.now, Pool: swarm.Active, By: "ana@laptop"}.String()
			m.schedule()
		}
	}
	for name, c := range map[string]struct {
		drain       func(*model)
		least, most int
	}{
		"swarmd drain":          {byHand(swarm.Pause), 6, 8},
		"activated with docker": {byHand(swarm.Active), 6, 8},
		"swarmd drain --now":    {byHand(swarm.Drain), 4, 6},
		"a service with data":   {both(anchor, byHand(swarm.Pause)), 4, 6},
		"the file": {func(m *model) {
			rest, gone := pool("workers", "worker", 2), pool("zworkers", "worker", 1)
			gone.Availability = "drain"
			m.droplets[102].node.Spec.Labels[swarm.LabelPool], m.droplets[102].droplet.Name = "zworkers", strings.Replace(m.droplets[102].droplet.Name, "workers", "zworkers", 1)
			m.edit(m.spec.Pools[0], rest, gone)
		}, 6, 8},
	} {
		m := six(t)
		c.drain(m)
		if least, most := m.fewest(); least != c.least || most != c.most {
			t.Errorf("%s: between %d and %d tasks ran, want %d and %d\n%s", name, least, most, c.least, c.most, m.log.String())
		}
		if s := live(m).Spec; m.droplets[102].node.Spec.Availability != swarm.Drain || s.Replicas() != 6 || s.Labels[swarm.LabelSurge] != "" || !s.AsWritten() {
			t.Errorf("%s: %s, %d replicas, %v at the end", name, m.droplets[102].node.Spec.Availability, s.Replicas(), s.Labels)
		}
	}
}

// six is a service with six tasks on three workers; the manager takes none.
func six(t *testing.T) *model {
	managers := pool("managers", "manager", 1)
	managers.Availability = "drain"
	m := newModel(t, managers, pool("workers", "worker", 3))
	m.firstManager()
	m.settle(5 * time.Minute)
	m.stack = stack(service("app", "app:1", 6))
	m.settle(5 * time.Minute)
	return m
}

func TestADrainGoesStageByStage(t *testing.T) {
	const surge = "~surge node/web-workers-aaaab"
	const more = "~surge service/web_app"
	leaves := both(old, to(1, 1))
	rolls := both(state(swarm.Updating), func(m *model) {
		live(m).Updated = m.now.Add(-time.Minute)
		live(m).UpdateStarted = live(m).Updated
	})
	runRules(t, []rule{
		{"paused first", 1, 2, both(leaves, begun(103, 0)), []string{"pause/n103"}, nil},
		{"not while a roll-out runs", 1, 2, both(leaves, begun(103, 0, rolls)), nil, []string{surge}},
		{"not when it was written just now", 1, 2, both(leaves, begun(103, 0, func(m *model) { live(m).Updated = m.now })), nil, []string{surge}},
		{"drained plainly when the roll-out takes too long", 1, 2, both(leaves, begun(103, 151*time.Second, rolls)), []string{"drain/n103"}, nil},
		{"drained plainly beside one that stopped", 1, 2, both(leaves, begun(103, 0, state(swarm.Paused))), []string{"drain/n103"}, []string{"rollout-paused service/web_app"}},
		{"then raised", 1, 2, both(leaves, begun(103, 0, paused(103))), []string{"service/web_app"}, []string{surge}},
		{"then awaited", 1, 2, both(leaves, begun(103, 0, paused(103), surged(leaveOp, 1, false))), nil, []string{surge, more}},
		{"then drained", 1, 2, both(leaves, begun(103, 0, paused(103), surged(leaveOp, 1, true))), []string{"drain/n103"}, []string{more}},
		{"then stays raised while tasks are moved", 1, 2, both(leaves, begun(103, 0, paused(103), surged(leaveOp, 1, true), drained(103))), nil, []string{more}},
		{"not stopped before as many run as the file says", 1, 2, both(leaves, begun(103, 0, surged(leaveOp, 1, false), emptied(103))), nil, []string{more}},
		{"and not awaited for more", 1, 2, both(leaves, begun(103, 0, surged(leaveOp, 1, true), emptied(103))), []string{"shutdown/103"}, []string{more}},
		{"then back, when all run", 1, 2, both(leaves, begun(103, 0, paused(103), surged(leaveOp, 1, true), idle(103))), []string{"shutdown/103", "service/web_app"}, []string{more}},
		{"not awaited for ever", 1, 2, both(leaves, begun(103, 200*time.Second, paused(103), surged(leaveOp, 1, false), func(m *model) {
			live(m).Updated = m.now.Add(-151 * time.Second)
		})), []string{"drain/n103"}, []string{more}},
		{"in any case no longer than drain_timeout", 1, 2, both(leaves, begun(103, 301*time.Second)), []string{"drain/n103"}, nil},
		{"but for as long as that, if nobody could look before", 1, 2, both(leaves, begun(103, 299*time.Second)), []string{"pause/n103"}, nil},
		{"nor kept for ever", 1, 2, both(leaves, begun(103, 301*time.Second, paused(103), surged(leaveOp, 1, false), drained(103))), []string{"service/web_app"},
			[]string{"drain-timeout node/web-workers-aaaab", more}},
		{"nor taken back before the drain, however long nobody could look", 1, 2, both(leaves, begun(103, 301*time.Second, paused(103), surged(leaveOp, 1, true), gap("droplets"))),
			nil, []string{"gap cluster", more}},
		{"a machine that is down is drained", 1, 2, both(leaves, begun(103, 0, paused(103), kill(103))), []string{"drain/n103"}, nil},
		{"what was raised for an operation that has ended goes back", 1, 2, both(old, surged(leaveOp, 1, true)), []string{"service/web_app"}, nil},
		{"also where the replicas are right and only the label is left", 1, 2, both(old, func(m *model) {
			live(m).Spec.Labels[swarm.LabelSurge] = leaveOp + ":2"
		}), []string{"service/web_app"}, nil},
		{"nothing is taken back on a view without tasks", 1, 2, both(leaves, begun(103, 0, paused(103), surged(leaveOp, 1, true), func(m *model) {
			m.tasks = nil
			gap("tasks")(m)
		})), nil, []string{"gap cluster", more}},
		{"an edit of the replicas is added to", 1, 2, both(old, func(m *model) {
			surged(leaveOp, 1, true)(m)
			m.stack = stack(service("app", "app:1", 5))
			to(1, 1)(m)
		}, begun(103, 0, paused(103))), []string{"service/web_app"}, []string{surge, more}},
	})
}

func TestWhatIsRaisedIsWhatRunsThere(t *testing.T) {
	m := grown(t, 1, 2)
	both(old, to(1, 1), begun(103, 0, paused(103)))(m)
	p := plan.Compute(m.input())
	a, ok := p.Steps[0].Action.(plan.UpdateService)
	if !ok || a.Spec.Replicas() != 5 || a.Spec.Labels[swarm.LabelSurge] != leaveOp+":1" || a.Spec.Labels[swarm.LabelScaled] != "4" || !a.Spec.AsWritten() ||
		p.Steps[0].Reason != (plan.Reason{Code: plan.WhySurge, Text: "deploy.replicas: 4 → 5: 1 more until web-workers-aaaab is drained"}) {
		t.Fatalf("%+v", p.Steps[0])
	}
	if c := p.Services[0]; c.Desired != 4 || c.Running != 4 {
		t.Errorf("counted as %+v", c)
	}
	surged(leaveOp, 1, true)(m)
	if c := plan.Compute(m.input()).Services[0]; c.Desired != 4 || c.Running != 5 || c.Surge != 1 || c.Error != "" {
		t.Errorf("counted as %+v, and the file says 4", c)
	}
	m.stack = stack(service("app", "app:1", 5))
	p = plan.Compute(m.input())
	if a, ok := p.Steps[0].Action.(plan.UpdateService); !ok || a.Spec.Replicas() != 6 || a.Spec.Labels[swarm.LabelScaled] != "5" {
		t.Errorf("after an edit: %+v", p.Steps)
	}
}

func TestWhatDrainsPlainlyIsSaidBefore(t *testing.T) {
	for path, c := range map[string]struct{ value, why string }{
		"TaskTemplate.ContainerSpec.Mounts[/data].Type": {"bind", "has data on its machines"},
		"TaskTemplate.ContainerSpec.Env[ID]":            {"{{ .Task.Slot }}", "has the slot of its tasks in its specification"},
		"Mode.Replicated.Replicas":                      {"1", "has one task, and its update_config.order is not start-first"},
		"TaskTemplate.Placement.MaxReplicas":            {"2", "has no room on other nodes"},
	} {
		m := grown(t, 1, 2)
		old(m)
		shaped(path, c.value)(m)
		for i := range m.tasks {
			m.tasks[i].NodeID = []string{"n101", "n101", "n102", "n103"}[i]
		}
		if c.value == "1" {
			m.tasks = m.tasks[3:]
		}
		if c.value == "2" {
			m.tasks = append(m.tasks, m.tasks[2])
		}
		both(to(1, 1), begun(103, 0))(m)
		p := plan.Compute(m.input())
		if len(p.Steps) != 1 || p.Steps[0].ID != "drain/n103" || !strings.Contains(p.Steps[0].Reason.Text, "web_app "+c.why) {
			t.Errorf("%s: %+v", path, p.Steps)
		}
		m.ledger.Ops = nil
		p = plan.Compute(m.input())
		if i := len(p.Steps); i == 0 || !strings.Contains(fmt.Sprint(p.Steps), "web_app "+c.why) {
			t.Errorf("%s: not said with the leave: %+v", path, p.Steps)
		}
	}
}

// TestDrainsOfTwoPoolsSurgeOneAfterTheOther: the one that has begun goes first, whatever their order.
func TestDrainsOfTwoPoolsSurgeOneAfterTheOther(t *testing.T) {
	m := grown(t, 3, 2)
	old(m)
	both(to(1, 1), begun(104, 0))(m)
	one := m.ledger.Ops[0]
	begun(103, 0)(m)
	two := m.ledger.Ops[0]
	two.ID = "zz" + two.ID[2:]
	m.ledger.Ops = []ledger.Op{one, two}
	requireSteps := func(want ...string) {
		t.Helper()
		if got := ids(plan.Compute(m.input())); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	requireSteps("pause/n104")
	paused(104)(m)
	requireSteps("service/web_app")
	both(paused(103), surged(two.ID, 1, false))(m)
	requireSteps()
	surged(two.ID, 1, true)(m)
	requireSteps("drain/n103")
}

// TestASurgeRollsNothingOut: an image without a digest stays as it is, and what failed is not tried again.
func TestASurgeRollsNothingOut(t *testing.T) {
	written := func(m *model) plan.UpdateService {
		t.Helper()
		p := plan.Compute(m.input())
		for _, s := range p.Steps {
			if a, ok := s.Action.(plan.UpdateService); ok {
				return a
			}
		}
		t.Fatalf("no write: %+v %+v", p.Steps, p.Holds)
		return plan.UpdateService{}
	}
	m := grown(t, 1, 2)
	both(old, to(1, 1), begun(103, 0, paused(103)))(m)
	live(m).Spec = stored(live(m).Spec, swarm.Pin{})
	if a := written(m); a.ResolveImage || a.Spec.Replicas() != 5 || a.Spec.Pin().Digest != "" {
		t.Errorf("resolves %v, %d replicas, %s", a.ResolveImage, a.Spec.Replicas(), a.Spec.Reference())
	}
	m = grown(t, 1, 2)
	bad := service("app", "app:bad", 4)
	both(old, to(1, 1), begun(103, 0, paused(103)))(m)
	m.stack, m.ledger.Rollouts = stack(bad), map[string]ledger.RollOut{"web_app": remembered(template(bad) + "@1")}
	a := written(m)
	if a.Spec.Image != "app:1" || a.Spec.Replicas() != 5 || a.Spec.Labels[swarm.LabelSurge] != leaveOp+":1" {
		t.Errorf("raised: %d replicas of %s, %v", a.Spec.Replicas(), a.Spec.Image, a.Spec.Labels)
	}
	m.ledger.Ops = nil
	live(m).Spec.Labels[swarm.LabelSurge] = leaveOp + ":1"
	if a := written(m); a.Spec.Image != "app:1" || a.Spec.Replicas() != 4 || a.Spec.Labels[swarm.LabelSurge] != "" {
		t.Errorf("back: %d replicas of %s, %v", a.Spec.Replicas(), a.Spec.Image, a.Spec.Labels)
	}
}

// TestANodeIsNotDrainedUnseen: who does not see the tasks or the services does not know what a drain would stop.
func TestANodeIsNotDrainedUnseen(t *testing.T) {
	for _, part := range []string{"tasks", "services"} {
		m := six(t)
		s := &m.droplets[102].node.Spec
		s.Availability = swarm.Pause
		s.Labels[swarm.LabelMaintenance] = swarm.Maintenance{Since: m.now, Pool: swarm.Active, By: "ana@laptop"}.String()
		gap(part)(m)
		in := m.input()
		if in.World.Tasks = nil; part == "services" {
			in.World.Services = nil
		}
		p := plan.Compute(in)
		if got := holds(p); len(p.Steps) > 0 || !slices.Contains(got, "~surge node/web-workers-aaaaa") {
			t.Errorf("without the %s: steps %v, holds %v", part, ids(p), got)
		}
	}
}
