package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// lying has so many of the service's tasks run on each worker, in their order.
func lying(counts ...int) func(*model) {
	return func(m *model) {
		i := 0
		for w, n := range counts {
			for range n {
				m.tasks[i].NodeID, m.tasks[i].State, m.tasks[i].DesiredState = fmt.Sprintf("n%d", 102+w), "running", "running"
				i++
			}
		}
		m.tasks = m.tasks[:i]
	}
}

// shares is how many tasks run on each worker.
func (m *model) shares() string {
	var out []string
	for id := range 3 {
		n := 0
		for _, t := range m.tasks {
			if t.Runs() && t.NodeID == fmt.Sprintf("n%d", 102+id) {
				n++
			}
		}
		out = append(out, fmt.Sprint(n))
	}
	return strings.Join(out, "/")
}

func TestTasksAreSpreadOverANodeThatCame(t *testing.T) {
	for _, c := range []struct {
		replicas uint64
		before   []int
		after    string
		most     int
	}{
		{6, []int{3, 3, 0}, "2/2/2", 8},
		{12, []int{6, 6, 0}, "4/4/4", 16},
		{6, []int{3, 2, 1}, "2/2/2", 7},
		{6, []int{2, 2, 2}, "2/2/2", 6},
		{5, []int{2, 2, 1}, "2/2/1", 5},
		{2, []int{1, 1, 0}, "1/1/0", 2},
		{8, []int{4, 2, 2}, "4/2/2", 8}, // no node has less than its share
	} {
		m := six(t)
		m.stack = stack(service("app", "app:1", c.replicas))
		m.settle(time.Minute)
		both(old, lying(c.before...))(m)
		before := m.tasks
		least, most := m.fewest()
		if m.shares() != c.after || least < int(c.replicas) || most != c.most {
			t.Errorf("%v: %s in the end, between %d and %d tasks ran\n%s", c.before, m.shares(), least, most, m.log.String())
		}
		moved := 0
		for i := range before {
			if !m.tasks[i].Runs() {
				moved++
			}
		}
		if s := live(m).Spec; moved != c.most-int(c.replicas) || s.Labels[swarm.LabelSurge] != "" || !s.AsWritten() {
			t.Errorf("%v: %d tasks stopped, %v", c.before, moved, s.Labels)
		}
	}
}

func TestASpreadWaits(t *testing.T) {
	uneven := func(fs ...func(*model)) func(*model) {
		return func(m *model) {
			m.stack = stack(service("app", "app:1", 6))
			m.spec.Pools[0].Availability = "drain"
			m.settle(5 * time.Minute)
			both(old, lying(3, 3, 0))(m)
			both(fs...)(m)
		}
	}
	spreadAt := func(age time.Duration, born time.Duration) func(*model) {
		return func(m *model) {
			live(m).Spec.Labels[swarm.LabelSpread] = m.now.Add(-age).UTC().Format(time.RFC3339)
			m.droplets[104].node.Created = m.now.Add(-born)
		}
	}
	spreads := []string{"service/web_app"}
	more := []string{"~surge service/web_app"}
	runRules(t, []rule{
		{"not at all", 1, 3, uneven(), spreads, nil},
		{"for its file", 1, 3, uneven(stay), nil, nil},
		{"for data of its own", 1, 3, uneven(anchor), nil, nil},
		{"for what it prefers", 1, 3, uneven(shaped("TaskTemplate.Placement.Preferences[0].Spread.SpreadDescriptor", "node.labels.zone")), nil, nil},
		{"for an operation", 1, 3, uneven(func(m *model) {
			m.ledger.Ops = []ledger.Op{{ID: "op", Kind: ledger.Create, Pool: "workers", Name: "web-workers-x", DropletID: 102, Started: m.now, Deadline: m.now.Add(time.Hour)}}
		}), nil, nil},
		{"for a roll-out", 1, 3, uneven(state(swarm.Updating), func(m *model) { live(m).UpdateStarted, live(m).Updated = m.now, m.now }), nil, nil},
		{"for a task that is missing", 1, 3, uneven(func(m *model) { m.tasks = m.tasks[1:] }), nil, nil},
		{"for a machine that is not well", 1, 3, uneven(kill(104)), nil, []string{"node-down node/web-workers-aaaac"}},
		{"for another machine that is not well", 1, 4, uneven(kill(105)), nil, []string{"node-down node/web-workers-aaaad"}},
		{"on a view with a gap", 1, 3, uneven(gap("droplets")), nil, []string{"gap cluster"}},
		{"ten minutes after the last, for a node that came since", 1, 3, uneven(spreadAt(9*time.Minute, 8*time.Minute)), nil, nil},
		{"no longer", 1, 3, uneven(spreadAt(10*time.Minute, 9*time.Minute)), spreads, nil},
		{"an hour, for one that was there", 1, 3, uneven(spreadAt(59*time.Minute, time.Hour)), nil, nil},
		{"no longer than that", 1, 3, uneven(spreadAt(time.Hour, 2*time.Hour)), spreads, nil},
		{"for the new ones to run", 1, 3, uneven(surged("spread", 2, false), spreadAt(time.Minute, time.Hour)), nil, more},
		{"no more when they do", 1, 3, uneven(surged("spread", 2, true), spreadAt(time.Minute, time.Hour)), spreads, more},
		{"for good if one that does not run could stay instead of one that does", 1, 3, uneven(surged("spread", 2, false), spreadAt(time.Hour, 2*time.Hour)), nil, more},
		{"not where no node takes them", 1, 3, uneven(surged("spread", 2, false), spreadAt(time.Hour, 2*time.Hour), func(m *model) {
			for i := range m.tasks {
				if m.tasks[i].State == "preparing" {
					m.tasks[i].NodeID, m.tasks[i].State = "", "pending"
				}
			}
		}), spreads, more},
	})
}

func TestASpreadIsExplained(t *testing.T) {
	m := six(t)
	both(old, lying(3, 3, 0))(m)
	p := plan.Compute(m.input())
	want := "deploy.replicas: 6 → 8: 2 more until they run, then as many less: web-workers-aaaac of 3 nodes has less than its share (3/3/0)"
	if len(p.Steps) != 1 || p.Steps[0].Reason.Text != want || p.Steps[0].Reason.Code != plan.WhySurge {
		t.Fatalf("%+v", p.Steps)
	}
	s := p.Steps[0].Action.(plan.UpdateService).Spec
	if s.Labels[swarm.LabelSurge] != "spread:2" || s.Labels[swarm.LabelSpread] == "" || s.Labels[swarm.LabelScaled] != "6" || !s.AsWritten() {
		t.Errorf("%v", s.Labels)
	}
	m.apply(p.Steps[0].Action)
	old(m)
	if p := plan.Compute(m.input()); p.Converged || !p.Progressing || p.RequeueAfter == 0 || len(p.Steps) > 0 {
		t.Errorf("while the new ones are started: converged %v, progressing %v, again in %s, %v", p.Converged, p.Progressing, p.RequeueAfter, p.Steps)
	}
	m.settle(time.Minute)
	if l := live(m).Spec.Labels; l[swarm.LabelSurge] != "" || l[swarm.LabelSpread] != s.Labels[swarm.LabelSpread] {
		t.Errorf("afterwards: %v", l)
	}
}
