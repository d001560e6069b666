package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// placed is a service with a constraint.
func placed(constraint string) swarm.ServiceSpec {
	s := service("app", "app:1", 4)
	s.Constraints = []string{constraint}
	return s
}

func TestANewServiceWaitsForTheMachinesThatAreToHoldIt(t *testing.T) {
	// The two workers of three that are to come, and a service that is not there.
	growing := func(s swarm.ServiceSpec, fs ...func(*model)) func(*model) {
		return func(m *model) {
			m.services, m.tasks = map[string]*swarm.Service{}, nil
			to(1, 3)(m)
			m.stack = stack(s)
			m.pass()
			m.services, m.tasks = map[string]*swarm.Service{}, nil
			for _, f := range fs {
				f(m)
			}
		}
	}
	app, everywhere, none := service("app", "app:1", 4), service("app", "app:1", 0), service("app", "app:1", 0)
	everywhere.Mode = swarm.Global
	waits, created := []string{"~pool-growing service/web_app"}, []string{"service/web_app"}
	age := func(d time.Duration) func(*model) { return func(m *model) { m.accepted = m.now.Add(-d) } }
	drained := func(m *model) {
		m.spec.Pools[1].Availability = "drain"
		m.droplets[102].node.Spec.Availability = swarm.Drain
	}
	runRules(t, []rule{
		{"it waits", 1, 1, growing(app), nil, waits},
		{"until the bound", 1, 1, growing(app, age(5*time.Minute)), created, nil},
		{"which the file sets", 1, 1, growing(app, func(m *model) { m.spec.Policies.ServicesWait = 0 }), created, nil},
		{"an edit by a clock that was a day ahead", 1, 1, growing(app, age(-24*time.Hour)), created, nil},
		{"a global one gets each node as it comes", 1, 1, growing(everywhere), created, nil},
		{"one without tasks has nothing to spread", 1, 1, growing(none), created, nil},
		{"one that the growing pool cannot hold", 1, 1, growing(placed("node.role==manager")), created, nil},
		{"nor by the name of a node that is there", 1, 1, growing(placed("node.hostname==web-managers-first")), created, nil},
		{"one for the pool alone", 1, 1, growing(placed("node.labels.swarmd.pool==workers")), nil, waits},
		{"a drained pool takes no tasks", 1, 1, growing(app, drained), created, nil},
		{"what a person keeps drained is not to come", 1, 1, func(m *model) {
			m.services, m.tasks = map[string]*swarm.Service{}, nil
			drainedByHand(102, swarm.Active)(m)
			m.accepted = m.now
		}, created, []string{"~maintenance node/web-workers-aaaaa"}},
		{"machines that never come", 1, 1, growing(app, func(m *model) { // beyond launch_timeout, and the edit that wants the service is new
			for i := range m.ledger.Ops {
				m.ledger.Ops[i].Started = m.now.Add(-time.Hour)
				m.droplets[m.ledger.Ops[i].DropletID].droplet.Status = "active"
			}
		}), created, []string{"launch-timeout droplet/109", "launch-timeout droplet/110"}},
		{"an update does not wait", 1, 1, func(m *model) {
			to(1, 3)(m)
			m.pass()
			m.stack = stack(service("app", "app:2", 4))
		}, created, nil},
	})
}

func TestWhatANewServiceWaitsForIsSaid(t *testing.T) {
	m := newModel(t, pool("managers", "manager", 1), pool("workers", "worker", 3))
	m.spec.Policies.MaxCreates = 2
	m.firstManager()
	m.stack = stack(service("app", "app:1", 5))
	p := m.pass()
	for range 3 {
		m.step(500 * time.Millisecond)
		p = m.pass()
	}
	said := ""
	for _, h := range p.Holds {
		if h.Guard == "pool-growing" && !h.Blocking {
			said = h.Text
		}
	}
	if want := "3 of 3 machines of pool workers, at most until 2026-03-01T12:05:00Z (policies.services_wait)"; p.Converged || !strings.Contains(said, want) {
		t.Errorf("converged %v, said %q, want %q", p.Converged, said, want)
	}
}

func TestANewClusterSpreadsItsTasks(t *testing.T) {
	m := newModel(t, pool("managers", "manager", 1), pool("workers", "worker", 3))
	m.firstManager()
	m.stack = stack(service("app", "app:1", 8))
	m.settle(5 * time.Minute)
	on := map[string]int{}
	for _, k := range m.tasks {
		on[k.NodeID]++
	}
	for node, n := range on {
		if n != 2 || len(on) != 4 {
			t.Errorf("%d of 8 tasks on %s of %d nodes", n, node, len(on))
		}
	}
}

// TestAMachineThatNeverComesHoldsNoService: its create is refused or lost again and again, each try with a new start.
func TestAMachineThatNeverComesHoldsNoService(t *testing.T) {
	m := newModel(t, pool("managers", "manager", 1), pool("workers", "worker", 2))
	m.firstManager()
	m.stack = stack(service("app", "app:1", 2))
	at := time.Duration(0)
	m.hook = func(in plan.Input, _ plan.Plan) {
		for i := range m.ledger.Ops {
			if op := &m.ledger.Ops[i]; op.Kind == ledger.Create && op.DropletID != 101 {
				delete(m.droplets, op.DropletID)
				op.DropletID, op.Started, op.Deadline = 0, in.Now, in.Now.Add(time.Minute)
			}
		}
		if at == 0 && len(in.World.Services) > 0 {
			at = in.Now.Sub(epoch)
		}
	}
	for m.now.Sub(epoch) < 10*time.Minute {
		p := m.pass()
		m.step(max(p.RequeueAfter, 500*time.Millisecond))
	}
	if at < 5*time.Minute || at > 5*time.Minute+5*time.Second {
		t.Errorf("created after %s, want 5m0s", at)
	}
}

func TestTasksThatAreAllOnOneNodeAreNoted(t *testing.T) {
	onto := func(node string) func(*model) {
		return func(m *model) {
			for i := range m.tasks {
				m.tasks[i].NodeID = node
			}
		}
	}
	noted := []string{"~tasks-together service/web_app"}
	runRules(t, []rule{
		{"all on one", 1, 2, onto("n102"), []string{"service/web_app"}, noted},
		{"all on one, and the file says that they stay", 1, 2, both(onto("n102"), stay), nil, noted},
		{"on two", 1, 2, both(onto("n102"), stay, func(m *model) { m.tasks[0].NodeID = "n103" }), nil, nil},
		{"the only one that fits", 1, 2, both(onto("n101"), func(m *model) {
			m.stack = stack(placed("node.role==manager"))
			live(m).Spec.Constraints, live(m).Spec.Labels = m.stack.Services[0].Constraints, m.stack.Services[0].Labels
		}), nil, nil},
		{"a roll-out spreads them", 1, 2, both(onto("n102"), state(swarm.Updating)), nil, nil},
	})
	m := grown(t, 1, 2)
	both(onto("n102"), stay)(m)
	p := plan.Compute(m.input())
	if len(p.Holds) != 1 || !p.Converged || !strings.Contains(p.Holds[0].Text, "4 of 4 tasks on one node, web-workers-aaaaa, and 3 nodes fit") {
		t.Errorf("converged %v, %+v", p.Converged, p.Holds)
	}
}
