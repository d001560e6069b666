package plan_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The accepted revision cannot be read, and the one before says something else: nothing of the live cluster is made what that says.
func TestAnOlderRevisionUndoesNothing(t *testing.T) {
	older := func(f func(*model)) func(*model) { return both(f, gap("revision")) }
	node := func(f func(*swarm.NodeSpec)) func(*model) {
		return older(func(m *model) { f(&m.droplets[102].node.Spec) })
	}
	said := []string{"gap cluster"}
	opened := func(m *model) { // a machine that joined, and whose create is open
		m.makeDroplet(300, "web-workers-abcde", "abcdeabcdeabcdea")
		m.join(m.droplets[300])
		m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: "abcdeabcdeabcdea", Kind: ledger.Create, Pool: "workers", DropletID: 300, Started: m.now})
	}
	lost := func(m *model) {
		m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: m.opID(500), Kind: ledger.Create, Pool: "workers", Name: "web-workers-abcde",
			Started: m.now.Add(-6 * time.Minute), Deadline: m.now.Add(-time.Minute)})
	}
	runRules(t, []rule{
		{"it had another image", 1, 1, older(wants(service("app", "app:0", 4))), nil, said},
		{"it had fewer replicas", 1, 1, older(wants(service("app", "app:1", 2))), nil, said},
		{"it had a service more", 1, 1, older(wants(service("app", "app:1", 4), service("gone", "gone:1", 1))), nil, said},
		{"it had none", 1, 1, older(wants()), nil, said},
		{"it had another network", 1, 1, older(func(m *model) { m.networks["web_default"].Spec.Form = swarm.Form{"Driver": "bridge"} }), nil, said},
		{"a network is missing", 1, 1, older(func(m *model) { m.networks = map[string]*swarm.Network{} }), nil, said},
		{"a roll-back shows", 1, 1, older(state(swarm.RollbackCompleted)), nil, said},
		{"it had more machines", 1, 1, older(to(1, 3)), nil, said},
		{"it had fewer machines", 1, 3, older(to(1, 1)), nil, said},
		{"it had more managers", 1, 2, older(func(m *model) { m.edit(pool("managers", "manager", 1), pool("workers", "manager", 2)) }), nil, said},
		{"it had fewer managers", 3, 1, older(func(m *model) { m.edit(pool("managers", "worker", 3), pool("workers", "worker", 1)) }), nil, said},
		{"it had no such pool", 1, 1, older(func(m *model) { m.edit(pool("managers", "manager", 1)) }), nil, said},
		{"it had another size", 1, 1, older(func(m *model) { m.droplets[102].droplet.Size = "s-2vcpu-2gb" }), nil, said},
		{"it had other labels", 1, 1, node(func(s *swarm.NodeSpec) { s.Labels["zone"], s.Labels[swarm.LabelKeys] = "b", "zone" }), nil, said},
		{"it had another availability", 1, 1, node(func(s *swarm.NodeSpec) { s.Availability = swarm.Pause }), nil, said},
		{"it adopted a machine", 1, 0, older(func(m *model) {
			d := m.makeDroplet(200, "pet", "")
			d.droplet.Tags = nil
			m.join(d)
			d.node.EngineLabels = nil
			p := pool("pets", "worker", 1)
			p.Adopt = []int{200}
			m.edit(append(slices.Clone(m.spec.Pools), p)...)
		}), nil, said},
		{"what was begun is finished: a machine is bound", 1, 1, older(opened), []string{"bind/n300"}, said},
		{"a create without effect is closed", 1, 1, older(lost), []string{"close/" + (&model{}).opID(500)}, said},
		{"a machine goes on leaving", 1, 2, older(begun(103, 0)), []string{"drain/n103"}, said},
		{"a manager stays one", 3, 1, older(begun(103, 0, func(m *model) { m.edit(pool("managers", "manager", 1), pool("workers", "worker", 1)) })), nil,
			[]string{"gap cluster", "quorum node/web-managers-aaaab"}},
		{"not on a view that has another gap", 1, 2, both(older(begun(103, 0)), gap("tasks")), nil, said},
	})
}

// What is counted of services is what is live: what they should be is not known.
func TestServicesOfAnOlderRevisionCountAsTheyAre(t *testing.T) {
	m := grown(t, 1, 1)
	both(wants(service("app", "app:0", 2), service("gone", "gone:1", 1)), gap("revision"))(m)
	p := plan.Compute(m.input())
	if len(p.Services) != 1 || p.Services[0].Desired != 4 || p.Services[0].Running != 4 || p.Converged {
		t.Errorf("%+v, converged %v", p.Services, p.Converged)
	}
}

func TestAnOlderRevisionBeginsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, _ := scene(t)
		in.World.Gaps = append(in.World.Gaps, world.Gap{What: world.GapRevision, Err: "broken"})
		open := map[string]bool{} // nodes of machines with an open operation
		for _, m := range in.World.Machines {
			if m.Node != nil && m.Op != nil {
				open[m.Node.ID] = true
			}
		}
		p := plan.Compute(in)
		for _, s := range p.Steps {
			switch a := s.Action.(type) {
			case plan.RecordDroplet, plan.CloseOp, plan.ShutdownDroplet, plan.PowerOffDroplet, plan.DeleteDroplet, plan.RemoveNode:
			case plan.UpdateNode:
				if !open[a.NodeID] {
					t.Fatalf("%s: %s", s.ID, s.Reason.Text)
				}
			default:
				t.Fatalf("%s: %s", s.ID, s.Reason.Text)
			}
		}
		if p.Converged {
			t.Fatal("converged")
		}
	})
}
