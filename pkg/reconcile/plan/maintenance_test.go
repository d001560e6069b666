package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// drainedByHand is swarmd drain, when the file wanted that of the node's pool.
func drainedByHand(id int, pool swarm.Availability) func(*model) {
	return func(m *model) {
		s := &m.droplets[id].node.Spec
		s.Availability = swarm.Drain
		s.Labels[swarm.LabelMaintenance] = swarm.Maintenance{Since: m.now, Pool: pool, By: "ana@laptop"}.String()
	}
}

func TestMaintenance(t *testing.T) {
	note := func(node string) []string { return []string{"~maintenance node/" + node} }
	byHand := func(m *model) { m.droplets[102].node.Spec.Availability = swarm.Drain }
	paused := func(m *model) {
		p := pool("workers", "worker", 2)
		p.Availability = "pause"
		m.edit(pool("managers", "manager", 1), p)
	}
	label := func(value string) func(*model) {
		return func(m *model) { m.droplets[102].node.Spec.Labels[swarm.LabelMaintenance] = value }
	}
	runRules(t, []rule{
		{"a drain by hand is put back", 1, 2, byHand, []string{"node/n102"}, nil},
		{"swarmd drain is obeyed, and nothing is made in its place", 1, 2, drainedByHand(102, swarm.Active), nil, note("web-workers-aaaaa")},
		{"on a manager, too, which stays one", 3, 0, drainedByHand(102, swarm.Active), nil, note("web-managers-aaaaa")},
		{"activated by docker it is drained again", 1, 2, both(drainedByHand(102, swarm.Active), func(m *model) { m.droplets[102].node.Spec.Availability = swarm.Active }),
			[]string{"node/n102"}, note("web-workers-aaaaa")},
		{"a value that a person wrote counts", 1, 2, both(byHand, label("disk broken")), nil, note("web-workers-aaaaa")},
		{"an edit of the pool's availability ends it", 1, 2, both(drainedByHand(102, swarm.Active), paused), []string{"node/n102", "node/n103"}, nil},
		{"a drain that was of the file's pool then is no other", 1, 2, both(paused, drainedByHand(102, swarm.Pause)), []string{"node/n103"}, note("web-workers-aaaaa")},
		{"it leaves first", 1, 3, both(drainedByHand(102, swarm.Active), to(1, 2)), []string{"leave/102"}, note("web-workers-aaaaa")},
		{"but after one that is down", 1, 3, both(drainedByHand(102, swarm.Active), kill(103), to(1, 2)), []string{"leave/103"},
			append(note("web-workers-aaaaa"), "node-down node/web-workers-aaaab")},
	})
}

func TestMaintenanceCountsAndIsTold(t *testing.T) {
	m := grown(t, 1, 2)
	drainedByHand(102, swarm.Active)(m)
	p := plan.Compute(m.input())
	if len(p.Steps) > 0 || p.Pools[1].Ready != 2 {
		t.Errorf("steps %v, pools %+v", ids(p), p.Pools)
	}
	if want := "drained by hand by ana@laptop since 2026-03-01T"; len(p.Holds) != 1 || !strings.HasPrefix(p.Holds[0].Text, want) ||
		!strings.HasSuffix(p.Holds[0].Text, ": swarmd activate web-workers-aaaaa ends it") {
		t.Errorf("%+v", p.Holds)
	}
	delete(m.droplets[102].node.Spec.Labels, swarm.LabelMaintenance)
	p = plan.Compute(m.input())
	if len(p.Steps) != 1 || !strings.HasSuffix(p.Steps[0].Reason.Text, "availability: drain → active (swarmd drain web-workers-aaaaa keeps it drained)") {
		t.Errorf("%+v", p.Steps)
	}
	ended := []spec.Pool{pool("managers", "manager", 1), pool("workers", "worker", 2)}
	ended[1].Availability = "drain"
	drainedByHand(102, swarm.Active)(m)
	m.edit(ended...)
	m.settle(time.Minute)
	if _, still := m.droplets[102].node.Spec.Labels[swarm.LabelMaintenance]; still {
		t.Error("the label outlives the edit that ended it")
	}
}
