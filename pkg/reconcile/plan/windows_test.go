package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// nightly is a window from 2 to 5 o'clock UTC; the model's epoch is a Sunday at noon.
func nightly() spec.Window {
	const all = 1<<63 - 1
	return spec.Window{Schedule: "0 2 * * *", Duration: 3 * time.Hour, Minutes: 1, Hours: 1 << 2, Days: all, Months: all, Weekdays: all}
}

// TestDisruptionWindows: what is voluntary waits for one, and repairs, creates and what is begun do not.
func TestDisruptionWindows(t *testing.T) {
	at := func(hour int) func(*model) {
		return func(m *model) { m.now = time.Date(2026, 3, 2, hour, 0, 0, 0, time.UTC) }
	}
	windows := func(pool int, d ...spec.Window) func(*model) {
		return func(m *model) { m.spec.Pools[pool].Disruption.Windows = d }
	}
	resized := func(m *model) {
		p := pool("workers", "worker", 1)
		p.Size = "s-2vcpu-2gb"
		m.edit(pool("managers", "manager", 1), p)
	}
	runRules(t, []rule{
		{"no machine leaves outside", 1, 3, both(to(1, 1), windows(1, nightly()), at(1)), nil, []string{"disruption-window pool/workers"}},
		{"one does inside", 1, 3, both(to(1, 2), windows(1, nightly()), at(2)), []string{"leave/104"}, nil},
		{"until it closes", 1, 3, both(to(1, 2), windows(1, nightly()), at(5)), nil, []string{"disruption-window pool/workers"}},
		{"another pool's is none", 1, 3, both(to(1, 2), windows(0, nightly()), at(1)), []string{"leave/104"}, nil},
		{"machines are made at any time", 1, 1, both(to(1, 2), windows(1, nightly()), at(1)), []string{"create/web-workers-aaaab"}, nil},
		{"nor while one's state is not known", 1, 3, both(to(1, 2), func(m *model) { m.droplets[102].node.State = swarm.NodeUnknown }), nil, nil},
		{"but that of another pool", 3, 3, both(to(3, 2), func(m *model) { m.droplets[102].node.State = swarm.NodeUnknown }), []string{"leave/106"}, nil},
		{"no roll begins outside", 1, 1, both(resized, windows(1, nightly()), at(1)), nil, []string{"disruption-window pool/workers"}},
		{"it does inside", 1, 1, both(resized, windows(1, nightly()), at(2)), []string{"replace/102"}, nil},
		{"what was begun goes on", 1, 3, both(to(1, 2), begun(104, 0), windows(1, nightly()), at(1)), []string{"drain/n104"}, nil},
	})
	m := grown(t, 1, 2)
	both(to(1, 1), windows(1, nightly()))(m)
	want := "swarmd does not delete a machine: pool workers has disruption windows, and none is open; the next one opens at Mon 2026-03-02 02:00 UTC (0 2 * * *, for 3h0m0s)"
	if p := plan.Compute(m.input()); len(p.Holds) != 1 || p.Holds[0].Text != want || !p.HeldOnly() {
		t.Errorf("%+v", p.Holds)
	}
	in, last := oneAils(t)
	in.Spec.Pools[1].Disruption.Windows = []spec.Window{nightly()}
	in.Memory.Ailing = map[int]plan.Ailing{last.Droplet.ID: {How: plan.IsOff, Since: epoch.Add(-time.Hour)}}
	last.Droplet.Status = "off"
	if p := plan.Compute(in); !slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return strings.HasPrefix(s.ID, "power-on/") }) {
		t.Errorf("a repair waits for a window: %v, %v", ids(p), holds(p))
	}
}

// TestMaxUnavailable: no machine is taken from its work for another size while as many of its pool do not work.
func TestMaxUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		most int
		down bool
		held bool
	}{"no limit": {0, true, false}, "one, and all work": {1, false, false}, "one, and one is down": {1, true, true}, "two, and one is down": {2, true, false}} {
		m := grown(t, 1, 3)
		m.spec.Pools[1].Size, m.spec.Pools[1].Disruption.MaxUnavailable = "s-2vcpu-2gb", c.most
		if c.down {
			kill(103)(m)
		}
		p := plan.Compute(m.input())
		i := slices.IndexFunc(p.Holds, func(h plan.Hold) bool { return h.Guard == plan.GuardWindow })
		if (i >= 0) != c.held || c.held && !strings.HasSuffix(p.Holds[i].Text, "pool workers has 2 of 3 ready machines, and disruption.max_unavailable is 1") {
			t.Errorf("%s: %v, %+v", name, ids(p), p.Holds)
		}
	}
}
