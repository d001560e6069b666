package plan_test

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// What a person has to end is all that is left, or something ends by itself.
func TestHeldOnly(t *testing.T) {
	bigger := func(m *model) { m.droplets[102].droplet.Size = "s-2vcpu-2gb" }
	for _, c := range []struct {
		name              string
		managers, workers int
		change            func(*model)
		want              bool
	}{
		{"nothing", 1, 1, func(*model) {}, false},
		{"a note", 1, 1, func(m *model) {
			m.nodes["x"] = &machine{node: &swarm.Node{ID: "x", Hostname: "pet", State: swarm.NodeReady, Addr: "10.9.9.9"}}
		}, false},
		{"a size that changed", 1, 1, bigger, true},
		{"a node that is down, and its tasks are not placed anew yet", 1, 2, kill(102), false},
		{"a pool that is gone from the file", 1, 1, func(m *model) { m.edit(pool("managers", "manager", 1)) }, true},
		{"a size, and a machine to make", 1, 1, both(bigger, to(1, 2)), false},
		{"a size, and a machine that boots", 1, 1, both(bigger, to(1, 2), func(m *model) {
			m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: m.opID(500), Kind: ledger.Create, Pool: "workers", Name: "web-workers-abcde",
				Started: m.now, Deadline: m.now.Add(time.Minute)})
		}), false},
		{"a size, and a label to put back", 1, 1, both(bigger, func(m *model) { m.droplets[102].node.Spec.Labels[swarm.LabelPool] = "x" }), false},
		{"a size, and a gap", 1, 1, both(bigger, gap("tasks")), false},
		{"no leader", 1, 1, func(m *model) { m.droplets[101].node.Manager.Leader = false }, false},
		{"another manager must act", 1, 1, func(m *model) {
			m.droplets[102].node.Spec.Role, m.holder = swarm.Manager, "n102"
			m.changeRole(m.droplets[102])
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := grown(t, c.managers, c.workers)
			c.change(m)
			if p := plan.Compute(m.input()); p.HeldOnly() != c.want {
				t.Errorf("%v; steps %v, holds %v, under way %v, look again in %s", p.HeldOnly(), ids(p), p.Holds, p.Progressing, p.RequeueAfter)
			}
		})
	}
	m := grown(t, 1, 1)
	to(1, 2)(m)
	in := m.input()
	in.Memory.Backoff = map[plan.Ref]plan.Backoff{{Kind: "pool", Name: "workers"}: {Until: m.now.Add(time.Minute)}}
	if p := plan.Compute(in); p.HeldOnly() {
		t.Errorf("the cloud refused a create, and it is tried again: holds %v", p.Holds)
	}
}
