package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// neverBelow fails when fewer reachable members are left than are wanted. After each demotion the leader knows nobody's state for a
// while, as after a change of leader. A holder that must not act on itself leaves the lease to another manager.
func neverBelow(m *model, wanted int) {
	var unknown time.Time
	m.hook = func(in plan.Input, p plan.Plan) {
		n := 0
		for _, d := range m.machines() {
			if d.node != nil && d.node.Manager != nil && d.node.Manager.Reachability == "reachable" {
				n++
			}
		}
		if n < wanted {
			m.t.Fatalf("%d members at %s, %d wanted\n%s", n, m.now.Sub(epoch), wanted, m.log.String())
		}
		for _, h := range p.Holds {
			if h.Guard == plan.GuardSelf {
				m.holder = otherMember(m)
			}
		}
		for _, s := range p.Steps {
			if strings.HasPrefix(s.ID, "demote/") {
				unknown = m.now.Add(8 * time.Second)
			}
		}
		state := swarm.NodeReady
		if m.now.Before(unknown) {
			state = "unknown"
		}
		for _, d := range m.machines() {
			if d.node != nil && (d.node.State == swarm.NodeReady || d.node.State == "unknown") && d.droplet != nil {
				d.node.State = state
			}
		}
	}
}

func otherMember(m *model) string {
	for _, d := range m.machines() {
		if d.node != nil && d.node.Manager != nil && d.node.ID != m.holder {
			return d.node.ID
		}
	}
	return ""
}

// The role of a pool is edited, and another pool is to have the managers, whose machines have yet to boot.
func TestManagersAreNeverFewerThanWantedWhenARoleIsEdited(t *testing.T) {
	m := grown(t, 3, 1)
	neverBelow(m, 3)
	m.edit(pool("managers", "worker", 3), pool("masters", "manager", 3), pool("workers", "worker", 1))
	m.settle(20 * time.Minute)
}

// Two pools change roles; the candidates are there, and unknown to the leader for a while after each demotion.
func TestManagersAreNeverFewerThanWantedWhenPoolsSwap(t *testing.T) {
	m := grown(t, 3, 3)
	neverBelow(m, 3)
	m.edit(pool("managers", "worker", 3), pool("workers", "manager", 3))
	m.settle(20 * time.Minute)
}

func TestWhoIsNeededIsNotDemoted(t *testing.T) {
	role := func(pools ...spec.Pool) func(*model) { return func(m *model) { m.edit(pools...) } }
	edited := role(pool("managers", "worker", 3), pool("workers", "manager", 3))
	quiet := func(m *model) {
		for id := range m.droplets {
			m.droplets[id].node.State = "unknown"
		}
	}
	fourth := func(m *model) {
		n := m.droplets[104].node
		n.Spec.Role, n.Manager = swarm.Manager, &swarm.ManagerStatus{Reachability: "reachable"}
	}
	held := []string{"quorum node/web-managers-aaaaa", "quorum node/web-managers-aaaab", "quorum node/web-managers-first"}
	if m := grown(t, 3, 3); m.holder != "n101" {
		t.Fatalf("%s holds the lease", m.holder)
	}
	free := func(m *model) { m.holder = "" }
	runRules(t, []rule{
		{"while nobody took its place", 3, 0, both(free, role(pool("managers", "worker", 3), pool("masters", "manager", 0), pool("workers", "manager", 3))),
			[]string{"create/web-workers-aaaac", "create/web-workers-aaaad", "create/web-workers-aaaae"}, held},
		{"while the candidates are unknown", 3, 3, both(free, edited, quiet), nil, held},
		{"but when one has", 3, 3, both(free, edited, fourth), []string{"demote/n101"}, []string{"quorum node/web-workers-aaaad", "quorum node/web-workers-aaaae"}},
		{"nor drained to leave when the file wants it back", 3, 0, both(to(2, 0), begun(103, 0), to(3, 0)), []string{"create/web-managers-aaaac"}, []string{"quorum node/web-managers-aaaab"}},
	})
}
