package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestMachinesAreDrainedOneAfterTheOther(t *testing.T) {
	const turn = "~drain-turn pool/workers"
	busy := func(m *model) { // tasks on every machine
		m.stack = stack(service("app", "app:1", 12))
		m.settle(time.Hour)
	}
	bare := func(m *model) {
		m.tasks, m.services, m.networks, m.stack = nil, nil, nil, swarm.Stack{Namespace: "web"}
	}
	nowhere := func(m *model) {
		live(m).Spec.Constraints = []string{"node.labels.zone==nowhere"}
		m.stack.Services[0].Constraints = live(m).Spec.Constraints
	}
	runRules(t, []rule{
		{"one of several", 1, 4, both(busy, to(1, 1)), []string{"leave/105"}, []string{turn}},
		{"no other while it is drained", 1, 4, both(busy, to(1, 1), begun(105, 0)), []string{"pause/n105"}, []string{turn}},
		{"nor while tasks end on it", 1, 4, both(busy, to(1, 1), begun(105, 0, drained(105))), nil, []string{turn}},
		{"nor before they run elsewhere; it is not stopped either", 1, 4, both(busy, to(1, 1), begun(105, 0, emptied(105))), nil, []string{turn}},
		{"the next when they do", 1, 4, both(busy, to(1, 1), begun(105, 0, idle(105))), []string{"leave/104", "shutdown/105"}, []string{turn}},
		{"and when the drain had its time", 1, 4, both(busy, to(1, 1), begun(105, 6*time.Minute, drained(105))), []string{"leave/104"},
			[]string{"drain-timeout node/web-workers-aaaad", turn}},
		{"also where they never run elsewhere", 1, 4, both(busy, to(1, 1), begun(105, 6*time.Minute, emptied(105))), []string{"leave/104", "shutdown/105"}, []string{turn}},
		{"a clock that was a day ahead when it began", 1, 4, both(busy, to(1, 1), begun(105, -24*time.Hour, emptied(105))), []string{"leave/104", "shutdown/105"}, []string{turn}},
		{"no waiting for tasks that no other node may run", 1, 4, both(busy, both(to(1, 1), nowhere), begun(105, 0, emptied(105))), []string{"leave/104", "shutdown/105"}, []string{turn}},
		{"a machine that is down carries nothing", 1, 4, both(busy, both(to(1, 1), kill(102)), begun(105, 0, drained(105))), []string{"leave/102"},
			[]string{turn, "node-down node/web-workers-aaaaa"}},
		{"without tasks all at once", 1, 4, both(bare, to(1, 1)), []string{"leave/105", "leave/104", "leave/103"}, nil},
		{"what is not permitted waits for the permission", 1, 4, both(busy, to(1, 1), begun(105, 0, func(m *model) {
			m.ledger.DeleteBudget, m.ledger.FreeDeletes = 0, []time.Time{m.now}
		})), []string{"pause/n105"}, []string{"delete-budget pool/workers"}},
	})
}

func TestWhatADrainWaitsForIsSaid(t *testing.T) {
	m := grown(t, 1, 3)
	both(to(1, 1), begun(104, 0, drained(104)))(m)
	p := plan.Compute(m.input())
	if p.Converged || len(p.Holds) != 1 || !strings.Contains(p.Holds[0].Text, "web-workers-aaaac is drained first, until its tasks run elsewhere or for drain_timeout (5m0s)") {
		t.Errorf("converged %v, holds %+v", p.Converged, p.Holds)
	}
}

func TestAShrinkNeverMovesTasksOfTwoMachinesAtOnce(t *testing.T) {
	m := grown(t, 1, 5)
	m.stack = stack(service("app", "app:1", 12))
	m.settle(time.Hour)
	to(1, 1)(m)
	most := 0
	m.hook = func(in plan.Input, _ plan.Plan) {
		n := 0
		for _, w := range in.World.Machines {
			if w.Node == nil || w.Op == nil || w.Op.Kind != ledger.Delete {
				continue
			}
			if slices.ContainsFunc(in.World.Tasks, func(t swarm.Task) bool { return t.NodeID == w.Node.ID && t.State == "running" }) {
				n++
			}
		}
		most = max(most, n)
	}
	m.settle(time.Hour)
	if most != 1 || len(m.droplets) != 2 {
		t.Errorf("%d machines were drained at once, %d are left", most, len(m.droplets))
	}
}
