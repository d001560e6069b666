package reconcile

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestNobodyIsJudgedForAMinute: after each event of which what is seen may come.
func TestNobodyIsJudgedForAMinute(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	nodes := func(leader string, unknown int) (w world.World) {
		for i, id := range []string{"a", "b", "c"} {
			n := &swarm.Node{ID: id, State: swarm.NodeReady, Manager: &swarm.ManagerStatus{Leader: id == leader}}
			if i < unknown {
				n.State = swarm.NodeUnknown
			}
			w.Machines = append(w.Machines, world.Machine{Node: n, Binding: world.Bound})
		}
		return w
	}
	unread := world.World{Gaps: []world.Gap{{What: world.GapNodes}}}
	var g grace
	for _, c := range []struct {
		at     time.Duration
		world  world.World
		acting bool
		paused []string
		why    string // of the grace that this look begins
	}{
		{0, nodes("a", 0), false, nil, ""},
		{10 * time.Second, nodes("a", 0), true, nil, "this swarmd acts since 12:00:10 UTC"},
		{20 * time.Second, nodes("a", 0), true, nil, ""},
		{30 * time.Second, nodes("b", 3), true, nil, "the swarm has another leader since 12:00:30 UTC"},
		{40 * time.Second, nodes("b", 2), true, nil, ""},
		{50 * time.Second, nodes("b", 0), true, nil, ""},
		{60 * time.Second, nodes("b", 1), true, nil, ""},
		{70 * time.Second, nodes("b", 2), true, nil, "the leader does not know most nodes since 12:01:10 UTC"},
		{80 * time.Second, unread, true, nil, "no leader was seen until 12:01:20 UTC"},
		{90 * time.Second, nodes("b", 0), true, []string{"cluster", "pool/workers"}, "no leader was seen until 12:01:30 UTC"},
		{100 * time.Second, nodes("b", 0), true, []string{"cluster"}, "a pause ended at 12:01:40 UTC"},
		{110 * time.Second, nodes("b", 0), true, []string{"cluster", "node/x"}, ""},
		{120 * time.Second, nodes("", 0), true, []string{"cluster", "node/x"}, "no leader was seen until 12:02:00 UTC"},
		{130 * time.Second, nodes("b", 0), true, []string{"cluster", "node/x"}, "no leader was seen until 12:02:10 UTC"},
		{10 * time.Minute, nodes("b", 0), true, []string{"cluster", "node/x"}, "there was no look until 12:10:00 UTC"},
		{11 * time.Minute, nodes("b", 0), false, nil, ""},
		{12 * time.Minute, nodes("b", 0), true, nil, "this swarmd acts since 12:12:00 UTC"},
	} {
		g = g.see(c.world, c.acting, c.paused, start.Add(c.at))
		if g.begins() != (c.why != "") {
			t.Errorf("after %s: begins %t", c.at, g.begins())
		}
		if told := g.seen(0); c.why != "" && (told.Why != c.why || !told.Until.Equal(start.Add(c.at+time.Minute))) {
			t.Errorf("after %s: %+v", c.at, told)
		}
	}
	if got := (grace{}).seen(time.Hour); got != (plan.Grace{}) {
		t.Errorf("of nothing: %+v", got)
	}
	if got := g.seen(time.Hour).Until; !got.Equal(start.Add(12*time.Minute + time.Hour + time.Minute)) {
		t.Errorf("by a clock that is an hour ahead: %s", got)
	}
}
