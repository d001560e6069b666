package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestCounts(t *testing.T) {
	m := grown(t, 1, 2)
	in := m.input()
	in.Prices = map[string]float64{"s-1vcpu-1gb": 6, "s-2vcpu-2gb": 18}
	in.Spec = newSpec(pool("managers", "manager", 1))
	big := pool("workers", "worker", 4)
	big.Size = "s-2vcpu-2gb"
	in.Spec.Pools = append(in.Spec.Pools, big)
	for i := range in.World.Machines {
		if in.World.Machines[i].Droplet.ID == 103 {
			in.World.Machines[i].Node.State = swarm.NodeDown
		}
	}
	p := plan.Compute(in)
	want := []plan.PoolCount{
		{Pool: "managers", Role: "manager", Desired: 1, Have: 1, Ready: 1, MonthlyBefore: 6, Monthly: 6},
		{Pool: "workers", Role: "worker", Desired: 4, Have: 2, Ready: 1, MonthlyBefore: 12, Monthly: 72},
	}
	if diff := cmp.Diff(want, p.Pools); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	services := []plan.ServiceCount{{Service: "web_app", Image: "app:1", Desired: 4, Running: 3, RollOut: plan.RollOut{State: plan.RollOutRunning, Updated: 3}}}
	if diff := cmp.Diff(services, p.Services); diff != "" || p.Converged {
		t.Errorf("a task on a node that is down does not run: -want +got\n%s", diff)
	}
}

// TestWhatRunsInsteadIsCounted: while a roll-out runs, waits or was taken back, the image of the file is not what serves.
func TestWhatRunsInsteadIsCounted(t *testing.T) {
	for want, images := range map[string][]string{
		"":                                   {"app:1", "app:1@sha256:1", "", "app:1"},
		"app:0":                              {"app:0@sha256:0", "app:0", "app:0", "app:0@sha256:0"},
		"3 of app:0, 1 of app:1":             {"app:0", "app:1", "app:0", "app:0"},
		"2 of app:1, 1 of app:0, 1 of app:2": {"app:2", "app:1", "app:0", "app:1"},
	} {
		m := grown(t, 1, 2)
		if len(m.tasks) != len(images) {
			t.Fatalf("%d tasks", len(m.tasks))
		}
		for i, image := range images {
			m.tasks[i].Image = image
		}
		if got := plan.Compute(m.input()).Services[0]; got.Runs != want || got.Image != "app:1" {
			t.Errorf("%q: it says %q of %q", images, got.Runs, got.Image)
		}
	}
}

func TestPoolsThatTheFileNoLongerHasAreCounted(t *testing.T) {
	m := grown(t, 1, 2)
	in := m.input()
	in.Prices = map[string]float64{"s-1vcpu-1gb": 6}
	in.Spec = newSpec(pool("managers", "manager", 1), pool("xtra", "worker", 0))
	want := plan.PoolCount{Pool: "workers", Have: 2, MonthlyBefore: 12, Monthly: 12}
	if diff := cmp.Diff(want, plan.Compute(in).Pools[1]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestConvergedIsStrict(t *testing.T) {
	for name, change := range map[string]func(*model){
		"a task that is not running":     func(m *model) { m.tasks[0].State = "preparing" },
		"a task that is told to stop":    func(m *model) { m.tasks[0].DesiredState = "shutdown" },
		"a roll-out that runs":           state(swarm.Updating),
		"a service written a moment ago": func(m *model) { live(m).Updated = m.now },
		"a node nobody has heard of":     func(m *model) { m.droplets[102].node.State = swarm.NodeUnknown },
		"an operation that is open":      begun(999, 0),
		"a droplet that boots": func(m *model) {
			m.makeDroplet(300, "web-workers-abcde", "abcdeabcdeabcdea")
			create300(m)
			to(1, 2)(m)
		},
	} {
		m := grown(t, 1, 1)
		m.step(time.Minute)
		if p := plan.Compute(m.input()); !p.Converged || p.RequeueAfter != 0 {
			t.Fatalf("%s: not converged before: %+v", name, p)
		}
		change(m)
		if p := plan.Compute(m.input()); p.Converged || p.RequeueAfter == 0 {
			t.Errorf("%s: converged %t, look again in %s", name, p.Converged, p.RequeueAfter)
		}
	}
}

// What a global service wants is what the nodes say, not its tasks: those that wait for their restart are not asked to run.
func TestAGlobalServiceWantsATaskOnEachNodeThatFits(t *testing.T) {
	m := grown(t, 1, 2)
	everywhere := swarm.Form{"Mode.Global": "{}"}
	m.stack.Services[0].Mode, m.stack.Services[0].Base = swarm.Global, swarm.NewBase(everywhere, nil, swarm.Pin{})
	live(m).Spec.Mode, live(m).Spec.Base = swarm.Global, swarm.NewBase(everywhere, nil, live(m).Spec.Pin())
	m.tasks = nil
	counts := func(desired, running int, converged bool) {
		t.Helper()
		p := plan.Compute(m.input())
		if c := p.Services[0]; c.Desired != desired || c.Running != running || p.Converged != converged {
			t.Errorf("%d of %d, converged %t; want %d of %d, %t", c.Running, c.Desired, p.Converged, running, desired, converged)
		}
	}
	counts(3, 0, false)
	for _, d := range m.machines() {
		m.tasks = append(m.tasks, swarm.Task{ID: d.node.ID, ServiceID: live(m).ID, NodeID: d.node.ID, State: "running", DesiredState: "running"})
	}
	counts(3, 3, true)
	m.tasks = append(m.tasks, swarm.Task{ID: "next", ServiceID: live(m).ID, NodeID: m.tasks[0].NodeID, State: "running", DesiredState: "running"})
	counts(3, 3, true)
	m.tasks = m.tasks[:3]
	m.tasks[2].State, m.tasks[2].DesiredState = "ready", "ready"
	counts(3, 2, false)
	last := m.machines()[2]
	last.node.Spec.Availability = swarm.Drain
	counts(2, 2, false)
	m.tasks[2].State, m.tasks[2].DesiredState, last.node.Spec.Availability = "running", "running", swarm.Pause
	counts(3, 3, false)
	last.node.Spec.Availability = swarm.Active
	m.stack.Services[0].Constraints = []string{"node.role==worker"}
	counts(2, 2, true)
	m.stack.Services[0].Constraints = []string{"node.labels.zone==nowhere"}
	m.step(2 * time.Minute)
	counts(0, 0, false)
	if p := plan.Compute(m.input()); !slices.Equal(holds(p), []string{"tasks-missing service/web_app"}) {
		t.Errorf("%v", holds(p))
	}
	m.stack.Services[0].Constraints = []string{"node.role==worker"}
	for _, state := range []swarm.NodeState{swarm.NodeUnknown, swarm.NodeDown} { // its constraints are right
		for _, d := range m.machines()[1:] {
			d.node.State = state
		}
		if p := plan.Compute(m.input()); slices.Contains(holds(p), "tasks-missing service/web_app") {
			t.Errorf("its nodes are %s: %v", state, p.Holds)
		}
	}
}

// What the engine says of tasks that wait or died is told: at once with the counts, and as a hold once they had time to come up.
func TestAServiceThatLacksTasksSaysWhy(t *testing.T) {
	m := grown(t, 1, 1)
	m.step(time.Hour)
	m.tasks[0].State, m.tasks[0].DesiredState = "ready", "ready"
	in := m.input()
	in.World.Failed = []swarm.Task{{ID: "x", ServiceID: live(m).ID, State: "failed", Err: "task: non-zero exit (1)", Updated: m.now.Add(-time.Second)}, {ID: "y", ServiceID: "another", Err: "no"}}
	told := func(why string, held bool) {
		t.Helper()
		p := plan.Compute(in)
		if p.Services[0].Error != why || held != slices.Contains(holds(p), "tasks-missing service/web_app") || held && !strings.Contains(p.Holds[0].Text, why) {
			t.Errorf("%q, holds %+v; want %q, %t", p.Services[0].Error, p.Holds, why, held)
		}
	}
	told("task: non-zero exit (1)", true)
	in.World.Failed[0].State, in.World.Failed[0].Err = "complete", ""
	told("its containers end with exit code 0: by themselves, or stopped because their health check fails", true)
	for i := range in.World.Tasks {
		if in.World.Tasks[i].State == "ready" {
			in.World.Tasks[i].State, in.World.Tasks[i].Err, in.World.Tasks[i].Updated = "pending", "no suitable node (insufficient resources on 2 nodes)", m.now
		}
	}
	told("no suitable node (insufficient resources on 2 nodes)", true)
	in.World.Machines[0].Node.State = swarm.NodeUnknown // after an election
	told("no suitable node (insufficient resources on 2 nodes)", false)
	in.World.Machines[0].Node.State = swarm.NodeReady
	in.World.Services[0].Updated = m.now.Add(-30 * time.Second)
	told("no suitable node (insufficient resources on 2 nodes)", false)
}

func TestAServiceThatNeverRunsIsNotLookedAtForEver(t *testing.T) {
	m := grown(t, 1, 1)
	m.tasks[0].State = "pending"
	for after, want := range map[time.Duration]time.Duration{10 * time.Second: time.Second, 2 * time.Minute: 2 * time.Second, time.Hour: 0} {
		in := m.input()
		in.Now = live(m).Updated.Add(after)
		if p := plan.Compute(in); p.RequeueAfter != want || p.Converged {
			t.Errorf("after %s: look again in %s", after, p.RequeueAfter)
		}
	}
}
