package plan_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// cluster is settled, with those pools.
func cluster(t *testing.T, pools ...spec.Pool) *model {
	t.Helper()
	m := newModel(t, pools...)
	m.firstManager()
	m.settle(20 * time.Minute)
	return m
}

// handOver takes the lease from a manager that is to leave: the loop gives it to another one.
func (m *model) handOver(in plan.Input, _ plan.Plan) {
	for _, w := range in.World.Machines {
		if w.Node != nil && w.Node.ID == m.holder && w.Op != nil && w.Op.Kind == ledger.Delete {
			m.holder = ""
		}
	}
}

// watched lets the cluster settle, and fails the test if a pool ever has fewer machines at work than the file wants, or more machines than those and one
// that are not about to leave.
func (m *model) watched(pool string, want int) {
	m.t.Helper()
	m.hook = func(in plan.Input, _ plan.Plan) {
		m.handOver(in, plan.Plan{})
		working, staying := 0, 0
		for _, w := range in.World.Machines {
			if w.Pool != pool {
				continue
			}
			leaves := w.Op != nil && w.Op.Kind == ledger.Delete
			if !leaves {
				staying++
			}
			if w.Node != nil && w.Node.State == swarm.NodeReady && !leaves {
				working++
			}
		}
		if working < want || staying > want+1 {
			m.t.Fatalf("pool %s: %d machines work and %d stay, the file wants %d\n%s", pool, working, staying, want, m.log.String())
		}
	}
	m.settle(2 * time.Hour)
	m.hook = nil
}

func TestAPersonAsksForAnotherMachine(t *testing.T) {
	m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 2))
	ask := func(value string) {
		m.droplets[102].node.Spec.Labels[swarm.LabelReplace] = value
		m.droplets[102].node.Version++
	}
	ask("now ann")
	m.pass()
	m.step(time.Second)
	if p := m.pass(); len(m.ledger.Ops) != 2 || !strings.Contains(p.Holds[0].Text, "a person asked for another one: it leaves when another machine of pool workers is there") {
		t.Fatalf("open: %v, holds %v", m.ledger.Ops, p.Holds)
	}
	delete(m.droplets[102].node.Spec.Labels, swarm.LabelReplace)
	m.droplets[102].node.Version++
	m.settle(20 * time.Minute)
	if m.droplets[102] == nil || len(m.droplets) != 3 {
		t.Errorf("it was taken back: %d machines\n%s", len(m.droplets), m.log.String())
	}
	m.step(time.Hour)
	ask("now ann")
	m.watched("workers", 2)
	if m.droplets[102] != nil || len(m.droplets) != 3 {
		t.Errorf("%d machines\n%s", len(m.droplets), m.log.String())
	}
}

// kill has a machine's node down for good, and the planner told so.
func (m *model) kill(id int, ill plan.Ailing) {
	m.droplets[id].node.State = swarm.NodeDown
	if m.droplets[id].node.Manager != nil {
		m.droplets[id].node.Manager.Reachability = "unreachable"
	}
	if m.memory.Ailing == nil {
		m.memory.Ailing = map[int]plan.Ailing{}
	}
	m.memory.Ailing[id] = ill
}

func TestAMachineThatNothingBringsBackIsReplaced(t *testing.T) {
	cycled := func(m *model) plan.Ailing {
		at := m.now.Add(-time.Hour)
		return plan.Ailing{How: plan.Hangs, Since: at, Few: at, Cycled: m.now.Add(-20 * time.Minute)}
	}
	tried := func(m *model) plan.Ailing {
		return plan.Ailing{How: plan.IsOff, Since: m.now.Add(-time.Hour), Tries: 3, Tried: m.now.Add(-20 * time.Minute)}
	}
	for _, c := range []struct {
		name     string
		managers int
		id       int
		ill      func(*model) plan.Ailing
	}{
		{"a worker that hangs", 1, 102, cycled}, {"a worker that does not start", 1, 102, tried}, {"a manager that hangs", 3, 102, cycled}, {"a manager that does not start", 3, 102, tried},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := cluster(t, pool("managers", "manager", c.managers), pool("workers", "worker", 3))
			ill := c.ill(m)
			m.kill(c.id, ill)
			if ill.How == plan.IsOff {
				m.droplets[c.id].droplet.Status = cloud.StatusOff
			}
			m.settle(20 * time.Minute)
			if m.droplets[c.id] != nil || len(m.droplets) != c.managers+3 {
				t.Errorf("%d machines\n%s", len(m.droplets), m.log.String())
			}
		})
	}
}

func TestAMachineThatComesBackEndsItsReplacement(t *testing.T) {
	m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 3))
	m.kill(102, plan.Ailing{How: plan.Hangs, Since: m.now.Add(-time.Hour), Few: m.now.Add(-time.Hour), Cycled: m.now.Add(-20 * time.Minute)})
	m.pass()
	m.step(time.Second)
	m.pass()
	m.droplets[102].node.State, m.memory.Ailing = swarm.NodeReady, nil
	m.settle(20 * time.Minute)
	if m.droplets[102] == nil || len(m.droplets) != 4 || !strings.Contains(m.log.String(), "its node is ready again") {
		t.Errorf("%d machines\n%s", len(m.droplets), m.log.String())
	}
}

// Two of five managers are lost: one after the other is replaced, and no role changes without a majority.
func TestTwoOfFiveManagersAreReplaced(t *testing.T) {
	m := cluster(t, pool("managers", "manager", 5))
	for _, id := range []int{102, 103} {
		m.kill(id, plan.Ailing{How: plan.IsOff, Since: m.now.Add(-time.Hour), Tries: 3, Tried: m.now.Add(-20 * time.Minute)})
		m.droplets[id].droplet.Status = cloud.StatusOff
	}
	m.settle(3 * time.Hour)
	if m.droplets[102] != nil || m.droplets[103] != nil || len(m.droplets) != 5 {
		t.Errorf("%d machines\n%s", len(m.droplets), m.log.String())
	}
}

// While so many of a pool are down at once that it is likely the network, nothing of it is replaced or leaves; what is gone is, one in ten minutes.
func TestInACrowdOnlyWhatIsGoneIsReplaced(t *testing.T) {
	crowd := func(ids ...int) *model {
		m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 6))
		for _, id := range ids {
			at := m.now.Add(-time.Hour)
			m.kill(id, plan.Ailing{How: plan.Hangs, Since: at, Few: at, Cycled: m.now.Add(-20 * time.Minute)})
		}
		return m
	}
	m := crowd(102, 103, 104)
	if p := m.pass(); len(p.Steps) > 0 || !strings.Contains(p.Holds[0].Text, "3 of 6 machines of pool workers are down at once") {
		t.Errorf("three of six: steps %v, holds %v", p.Steps, p.Holds)
	}
	m = crowd(102)
	m.pass()
	m.kill(103, plan.Ailing{})
	m.kill(104, plan.Ailing{})
	for end := m.now.Add(30 * time.Minute); m.now.Before(end); m.step(10 * time.Second) {
		m.pass()
	}
	if m.droplets[102] == nil || len(m.droplets) != 8 {
		t.Errorf("its replacement is begun, and it does not leave: %d machines\n%s", len(m.droplets), m.log.String())
	}
	m = crowd(102, 103, 104)
	for _, id := range []int{105, 106} {
		m.nodes[m.droplets[id].node.ID] = &machine{node: m.droplets[id].node}
		delete(m.droplets, id)
		m.nodes[m.machineOf(id)].node.State = swarm.NodeDown
		m.memory.Ailing[id] = plan.Ailing{How: plan.Gone, Since: m.now.Add(-time.Hour)}
	}
	if p := m.pass(); len(p.Steps) != 1 || p.Steps[0].ID != "leave/105" {
		t.Errorf("two are gone: %v", p.Steps)
	}
	m.ledger.Repairs = []time.Time{m.now.Add(-9 * time.Minute)}
	m.ledger.Ops = nil
	if p := m.pass(); len(p.Steps) > 0 {
		t.Errorf("one was replaced nine minutes ago: %v", p.Steps)
	}
}

// machineOf is the node that was on the droplet.
func (m *model) machineOf(droplet int) string {
	for id, d := range m.nodes {
		if d.node.Spec.Labels[swarm.LabelDroplet] == strconv.Itoa(droplet) {
			return id
		}
	}
	m.t.Fatalf("no node of droplet %d", droplet)
	return ""
}

// The same where the file permits no more.
func TestWhereTheFilePermitsNoMoreTheLostOneLeavesFirst(t *testing.T) {
	m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 3))
	m.spec.Policies.MaxDroplets = 4
	m.kill(102, plan.Ailing{How: plan.Hangs, Since: m.now.Add(-time.Hour), Few: m.now.Add(-time.Hour), Cycled: m.now.Add(-20 * time.Minute)})
	m.settle(time.Hour)
	if m.droplets[102] != nil || len(m.droplets) != 4 {
		t.Errorf("%d machines\n%s", len(m.droplets), m.log.String())
	}
}

// An account that has no room for one more has the lost machine leave first.
func TestWhereTheAccountIsFullTheLostOneLeavesFirst(t *testing.T) {
	m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 3))
	m.kill(102, plan.Ailing{How: plan.Hangs, Since: m.now.Add(-time.Hour), Few: m.now.Add(-time.Hour), Cycled: m.now.Add(-20 * time.Minute)})
	full := func(limit bool) {
		m.memory.Backoff = map[plan.Ref]plan.Backoff{{Kind: "pool", Name: "workers"}: {Until: m.now.Add(time.Minute), Why: "no", Limit: limit}}
	}
	full(false)
	m.pass()
	m.step(time.Second)
	if p := m.pass(); len(p.Steps) > 0 {
		t.Errorf("another refusal: %v", p.Steps)
	}
	full(true)
	if p := m.pass(); len(p.Steps) != 1 || p.Steps[0].ID != "leave/102" {
		t.Errorf("the account is full: %v", p.Steps)
	}
	m.settle(time.Hour)
	if m.droplets[102] != nil || len(m.droplets) != 4 {
		t.Errorf("%d machines\n%s", len(m.droplets), m.log.String())
	}
}

// A machine that is off while it waits for the one that takes its place is powered on: that may take long, as where there is no room for it.
func TestAMachineThatWaitsToBeReplacedIsPoweredOn(t *testing.T) {
	workers := pool("workers", "worker", 3)
	m := cluster(t, pool("managers", "manager", 1), workers)
	workers.Image = "debian-13"
	m.edit(pool("managers", "manager", 1), workers)
	m.memory.Backoff = map[plan.Ref]plan.Backoff{{Kind: "pool", Name: "workers"}: {Until: m.now.Add(time.Hour), Why: "no", Limit: true}}
	m.pass()
	m.step(time.Second)
	id := 0
	for _, op := range m.ledger.Ops {
		id = op.DropletID
	}
	m.kill(id, plan.Ailing{How: plan.IsOff, Since: m.now.Add(-time.Hour)})
	m.droplets[id].droplet.Status = cloud.StatusOff
	if p := m.pass(); len(p.Steps) != 1 || p.Steps[0].ID != "power-on/"+strconv.Itoa(id) {
		t.Errorf("droplet %d is off: steps %v, holds %v", id, p.Steps, p.Holds)
	}
}

// What is lost for good while it waits for the one that takes its place leaves when that one works: it does not wait to be one of those that do.
func TestAMachineIsLostWhileItIsReplaced(t *testing.T) {
	workers := pool("workers", "worker", 3)
	m := cluster(t, pool("managers", "manager", 1), workers)
	workers.Image = "debian-13"
	m.edit(pool("managers", "manager", 1), workers)
	m.pass()
	id := m.ledger.Ops[0].DropletID
	m.kill(id, plan.Ailing{How: plan.IsOff, Since: m.now.Add(-time.Hour), Tries: 3, Tried: m.now.Add(-20 * time.Minute)})
	m.droplets[id].droplet.Status = cloud.StatusOff
	m.settle(2 * time.Hour)
	if m.droplets[id] != nil || len(m.droplets) != 4 {
		t.Errorf("%d machines\n%s", len(m.droplets), m.log.String())
	}
}

// What no delete of the hour is left for is not begun: the machine that comes first would be one too many for as long.
func TestNoMoreMachinesAreAskedForThanMayLeave(t *testing.T) {
	m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 2))
	m.ledger.Repairs = []time.Time{m.now.Add(-time.Minute)}
	m.droplets[102].node.Spec.Labels[swarm.LabelReplace] = "now ann"
	want := "a person asked for another one: 1 of 1 repairs an hour are begun: this one follows by itself, not before " + m.now.Add(59*time.Minute).UTC().Format(time.TimeOnly) + " UTC"
	if p := m.pass(); len(p.Steps) > 0 || len(p.Holds) != 1 || p.Holds[0].Text != want {
		t.Errorf("steps %v, holds %v", p.Steps, p.Holds)
	}
}

// What a person asked for waits, in words of its own, while the pool shrinks, and while it is not known which machine the node is on.
func TestWhatAPersonAskedForWaits(t *testing.T) {
	managers, workers := pool("managers", "manager", 1), pool("workers", "worker", 3)
	m := cluster(t, managers, workers)
	m.droplets[102].node.Spec.Labels[swarm.LabelReplace] = "now ann"
	m.ledger.FreeDeletes = nil
	workers.Count = 2
	m.edit(managers, workers)
	m.ledger.DeleteBudget = 0
	m.ledger.FreeDeletes = []time.Time{m.now}
	const want = "a person asked for another one: it waits until pool workers has no more than its 2: what is too many leaves first"
	if p := m.pass(); len(p.Steps) > 0 || !slices.ContainsFunc(p.Holds, func(h plan.Hold) bool { return h.Text == want && h.Guard == plan.GuardReplace }) {
		t.Errorf("steps %v, holds %v", p.Steps, p.Holds)
	}
	m = cluster(t, managers, pool("workers", "worker", 3))
	m.droplets[102].node.Spec.Labels[swarm.LabelReplace] = "now ann"
	m.droplets[102].node.Spec.Labels[swarm.LabelDroplet] = "103"
	if p := m.pass(); slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return strings.HasPrefix(s.ID, "replace/") }) {
		t.Errorf("it is not known which one it is: %v", p.Steps)
	}
}
