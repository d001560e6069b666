package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const leaveOp = "leavingxxxxxxxxx"

// begun opens the leave of a machine some time ago.
func begun(id int, age time.Duration, fs ...func(m *model)) func(*model) {
	return func(m *model) {
		op := ledger.Op{ID: leaveOp, Kind: ledger.Delete, Pool: "workers", DropletID: id, Started: m.now.Add(-age)}
		if d := m.droplets[id]; d != nil {
			op.Name = d.droplet.Name
			op.Pool, _, _ = strings.Cut(strings.TrimPrefix(op.Name, "web-"), "-")
			if d.node != nil {
				op.NodeID = d.node.ID
			}
		}
		m.ledger.Ops = []ledger.Op{op}
		for _, f := range fs {
			f(m)
		}
	}
}

func drained(id int) func(*model) {
	return func(m *model) { m.droplets[id].node.Spec.Availability = swarm.Drain }
}

// idle is drained, and what ran on it runs elsewhere.
func idle(id int) func(*model) {
	return func(m *model) {
		emptied(id)(m)
		m.schedule()
		for i := range m.tasks {
			if m.tasks[i].State == "preparing" {
				m.tasks[i].State = "running"
			}
		}
	}
}

// emptied is drained, and what ran on it has ended and does not run elsewhere yet.
func emptied(id int) func(*model) {
	return func(m *model) {
		drained(id)(m)
		for i := range m.tasks {
			if m.tasks[i].NodeID == m.droplets[id].node.ID {
				m.tasks[i].State, m.tasks[i].DesiredState = "shutdown", "shutdown"
			}
		}
	}
}

func asked(age time.Duration) func(*model) {
	return func(m *model) { m.ledger.Ops[0].Shutdown = m.now.Add(-age) }
}

func off(id int) func(*model) { return func(m *model) { m.switchOff(m.droplets[id]) } }

func outOfSwarm(id int) func(*model) { return func(m *model) { m.droplets[id].node = nil } }

func locked(id int) func(*model) { return func(m *model) { m.droplets[id].droplet.Locked = true } }

func TestPickingWhoLeaves(t *testing.T) {
	young := func(m *model) {
		d := m.makeDroplet(90, "web-workers-young", "youngxxxxxxxxxxx")
		d.droplet.Created = m.now.Add(-time.Hour) // never joined, whatever its age
		m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: "youngxxxxxxxxxxx", Kind: ledger.Create, Pool: "workers", DropletID: 90, Started: d.droplet.Created})
	}
	strange := func(m *model) {
		m.makeDroplet(91, "web-workers-young", "youngxxxxxxxxxxx")
	}
	runRules(t, []rule{
		{"the newest", 1, 2, to(1, 1), []string{"leave/103"}, nil},
		{"the failed before the newest", 1, 2, both(to(1, 1), kill(102)), []string{"leave/102"}, []string{"node-down node/web-workers-aaaaa"}},
		{"the dead", 1, 2, both(to(1, 1), erase(102)), []string{"leave/102"}, nil},
		{"the failed, then the never joined", 1, 2, both(to(1, 1), young, kill(102)), []string{"leave/102", "leave/90"},
			[]string{"launch-timeout droplet/90", "node-down node/web-workers-aaaaa"}},
		{"never one of which nothing shows that it is this swarm's", 1, 2, both(to(1, 1), strange), []string{"leave/103"}, []string{"node-removed droplet/91"}},
		{"a pool's last, which nobody has said is meant", 1, 2, to(1, 0), nil, []string{"prune pool/workers"}},
		{"not its last", 1, 2, to(1, 1), []string{"leave/103"}, nil},
		{"its last, and that is meant", 1, 1, both(to(1, 0), func(m *model) { m.ledger.Confirmed = m.revision }), []string{"leave/102"}, nil},
		{"without credit one an hour", 1, 3, both(to(1, 0), func(m *model) { m.ledger.DeleteBudget, m.ledger.Confirmed = 0, m.revision }), []string{"leave/104"}, []string{"delete-budget pool/workers"}},
		{"and no more", 1, 2, both(to(1, 0), func(m *model) {
			m.ledger.DeleteBudget, m.ledger.FreeDeletes, m.ledger.Confirmed = 0, []time.Time{m.now.Add(-59 * time.Minute)}, m.revision
		}),
			nil, []string{"delete-budget pool/workers"}},
		{"credit beside a used allowance", 1, 2, both(to(1, 0), func(m *model) {
			m.ledger.DeleteBudget, m.ledger.FreeDeletes, m.ledger.Confirmed = 1, []time.Time{m.now.Add(-59 * time.Minute)}, m.revision
		}),
			[]string{"leave/103"}, []string{"delete-budget pool/workers"}},
		{"who leaves already does not count", 1, 2, both(to(1, 1), begun(102, 0)), []string{"pause/n102"}, nil},
		{"an unseen create is no surplus", 1, 1, func(m *model) {
			m.ledger.Ops = []ledger.Op{{ID: "openxxxxxxxxxxxx", Kind: ledger.Create, Pool: "workers", Started: m.now, Deadline: m.now.Add(time.Minute)}}
		}, nil, nil},
		{"not on a view with a gap", 1, 2, both(to(1, 1), gap("tasks")), nil, []string{"gap cluster"}},
		{"managers one after the other", 3, 0, to(1, 0), []string{"leave/103"}, nil},
		{"no second manager while one leaves", 3, 0, both(to(1, 0), begun(103, 0)), []string{"pause/n103"}, nil},
		{"no manager while another is unreachable", 5, 0, both(to(3, 0), func(m *model) { m.droplets[104].node.Manager.Reachability = "unreachable" }),
			nil, []string{"quorum node/web-managers-aaaad"}},
		{"the unreachable one itself may", 3, 0, both(to(1, 0), kill(102), func(m *model) { m.droplets[102].node.Manager.Reachability = "unreachable" }),
			[]string{"leave/102"}, []string{"node-down node/web-managers-aaaaa"}},
		{"the leader and the holder last", 3, 0, both(to(1, 0), func(m *model) {
			m.droplets[101].node.Manager.Leader, m.droplets[103].node.Manager.Leader, m.holder = false, true, "n102"
		}), []string{"leave/101"}, nil},
	})
}

func TestLeaveGoesStageByStage(t *testing.T) {
	const id = 103
	runRules(t, []rule{
		{"pause", 1, 2, both(to(1, 1), begun(id, 0)), []string{"pause/n103"}, nil},
		{"drain", 1, 2, both(to(1, 1), begun(id, 0), anchor), []string{"drain/n103"}, nil},
		{"wait for its tasks", 1, 2, both(to(1, 1), begun(id, 0, drained(id))), nil, nil},
		{"a drain that takes too long is held", 1, 2, both(to(1, 1), begun(id, 6*time.Minute, drained(id))), nil, []string{"drain-timeout node/web-workers-aaaab"}},
		{"shut down", 1, 2, both(to(1, 1), begun(id, 0, idle(id))), []string{"shutdown/103"}, nil},
		{"once", 1, 2, both(to(1, 1), begun(id, 0, idle(id), asked(time.Minute))), nil, nil},
		{"then cut the power", 1, 2, both(to(1, 1), begun(id, 0, idle(id), asked(3*time.Minute))), []string{"power-off/103"}, nil},
		{"a clock that was a day ahead when it was asked", 1, 2, both(to(1, 1), begun(id, 0, idle(id), asked(-24*time.Hour))), []string{"power-off/103"}, nil},
		{"a clock that differs a little", 1, 2, both(to(1, 1), begun(id, 0, idle(id), asked(-time.Minute))), nil, nil},
		{"not while an event is in flight", 1, 2, both(to(1, 1), begun(id, 0, idle(id), asked(3*time.Minute), locked(id))), nil, nil},
		{"off is not down yet", 1, 2, both(to(1, 1), begun(id, 0, idle(id), off(id))), nil, nil},
		{"out of the swarm", 1, 2, both(to(1, 1), begun(id, 0, idle(id), off(id), kill(id))), []string{"remove-node/n103"}, nil},
		{"delete", 1, 2, both(to(1, 1), begun(id, 0, outOfSwarm(id))), []string{"delete/103"}, nil},
		{"not while it is locked", 1, 2, both(to(1, 1), begun(id, 0, outOfSwarm(id), locked(id))), nil, nil},
		{"gone", 1, 2, both(to(1, 1), begun(id, 0), func(m *model) { delete(m.droplets, id) }), []string{"close/" + leaveOp}, nil},
		{"its tasks on a lost machine are not waited for", 1, 2, both(to(1, 1), begun(id, 0, drained(id), off(id), kill(id))), []string{"remove-node/n103"}, nil},
		{"a dead one needs no shutdown", 1, 2, both(to(1, 1), begun(id, 0, drained(id), erase(id))), []string{"remove-node/n103"}, nil},
		{"whatever the networks are, which nobody saw", 1, 2, both(to(1, 1), begun(id, 0, outOfSwarm(id)), gap("networks")), []string{"delete/103"}, []string{"gap cluster"}},
		{"never on a view with a gap", 1, 2, both(to(1, 1), begun(id, 0, outOfSwarm(id)), gap("tasks")), nil, []string{"gap cluster"}},
		{"not if its identity is disputed", 1, 2, both(to(1, 1), begun(id, 0, idle(id), func(m *model) {
			m.droplets[id].node.EngineLabels[swarm.LabelDroplet] = "102"
		})), nil, []string{"identity node/web-workers-aaaab"}},
		{"one that leaves and is disputed is replaced", 1, 2, both(to(1, 2), begun(id, 0, idle(id), func(m *model) {
			m.droplets[id].node.EngineLabels[swarm.LabelDroplet] = "102"
		})), []string{"create/web-workers-aaaac"}, []string{"identity node/web-workers-aaaab"}},
		{"not if the node is no more on it, but in the swarm", 1, 2, both(to(1, 1), begun(id, 0, func(m *model) {
			m.nodes["n103"] = &machine{node: m.droplets[id].node}
			m.nodes["n103"].node.Addr, m.nodes["n103"].node.EngineLabels = "10.9.9.9", nil
			delete(m.nodes["n103"].node.Spec.Labels, swarm.LabelDroplet)
			m.droplets[id].node = nil
		})), nil, []string{"~foreign-node node/web-workers-aaaab", "identity droplet/103"}},
		{"a machine that never joined is deleted at once", 1, 1, both(to(1, 1), func(m *model) {
			m.makeDroplet(200, "web-workers-slowx", "slowxxxxxxxxxxxx")
			begun(200, 0)(m)
		}), []string{"delete/200"}, nil},
		{"and drained if it joins meanwhile", 1, 1, both(to(1, 1), func(m *model) {
			d := m.makeDroplet(200, "web-workers-slowx", "slowxxxxxxxxxxxx")
			begun(200, 0)(m)
			m.join(d)
			d.droplet.Status, d.node.Spec.Availability = "active", swarm.Active
		}), []string{"drain/n200"}, nil},
		{"a repair ends when its node is up", 1, 2, begun(id, 0, repair), []string{"close/" + leaveOp}, nil},
		{"also when it was drained for it", 1, 2, begun(id, 0, repair, drained(id)), []string{"close/" + leaveOp, "node/n103"}, nil},
		{"not when it is about to shut down", 1, 2, both(to(1, 1), begun(id, 0, repair, idle(id), asked(time.Minute))), nil, nil},
		{"one that is down goes on", 1, 2, both(to(1, 1), begun(id, 0, repair, kill(id))), []string{"drain/n103"}, nil},
	})
}

// repair makes the open delete one that no edit permits.
func repair(m *model) { m.ledger.Ops[0].Repair, m.ledger.Ops[0].Budgeted = true, false }

func TestManagersLeave(t *testing.T) {
	const id = 103
	demoted := func(m *model) { m.droplets[id].node.Spec.Role = swarm.Worker }
	unreachable := func(id int) func(*model) {
		return func(m *model) { m.droplets[id].node.Manager.Reachability = "unreachable" }
	}
	runRules(t, []rule{
		{"demoted when drained", 3, 0, both(to(1, 0), begun(id, 0, idle(id))), []string{"demote/n103"}, nil},
		{"not shut down before the membership is gone", 3, 0, both(to(1, 0), begun(id, 0, idle(id), demoted)), nil, nil},
		{"shut down then", 3, 0, both(to(1, 0), begun(id, 0, idle(id), demoted, func(m *model) { m.droplets[id].node.Manager = nil })), []string{"shutdown/103"}, nil},
		{"not drained while another is unreachable", 3, 0, both(to(1, 0), begun(id, 0), unreachable(102)), nil, []string{"quorum node/web-managers-aaaab"}},
		{"not demoted while another is unreachable", 3, 0, both(to(1, 0), begun(id, 0, idle(id)), unreachable(102)), nil, []string{"quorum node/web-managers-aaaab"}},
		{"not while another's role changes", 3, 1, both(to(1, 1), begun(id, 0, idle(id)), func(m *model) { m.droplets[104].node.Spec.Role = swarm.Manager }),
			nil, []string{"quorum node/web-workers-aaaac"}},
		{"the holder does not take itself out", 3, 0, both(to(1, 0), begun(id, 0), func(m *model) { m.holder = "n103" }), nil, []string{"self node/web-managers-aaaab"}},
		{"another holder does", 3, 0, both(to(1, 0), begun(id, 0), func(m *model) { m.holder = "n102" }), []string{"pause/n103"}, nil},
		{"of two, the unreachable one neither", 3, 0, both(to(1, 0), func(m *model) {
			delete(m.droplets, 102)
			begun(id, 0, idle(id), unreachable(id))(m)
		}), nil, []string{"quorum node/web-managers-aaaab"}},
		{"never the last", 1, 1, both(to(0, 1), func(m *model) { m.holder = "" }, begun(101, 0, idle(101))), nil, []string{"quorum node/web-managers-first"}},
		{"of two, both must be reachable", 3, 0, both(to(1, 0), func(m *model) {
			delete(m.droplets, 102)
			begun(id, 0, idle(id), unreachable(101))(m)
		}), nil, []string{"quorum node/web-managers-aaaab"}},
	})
}

func TestPromotion(t *testing.T) {
	worker := func(ids ...int) func(*model) {
		return func(m *model) {
			for _, id := range ids {
				m.droplets[id].node.Spec.Role = swarm.Worker
				m.droplets[id].node.Manager = nil
			}
		}
	}
	runRules(t, []rule{
		{"one at a time", 3, 0, worker(102, 103), []string{"promote/n102"}, nil},
		{"from one not to two, if no third is there", 3, 0, both(worker(102, 103), kill(103)), nil,
			[]string{"node-down node/web-managers-aaaab", "quorum node/web-managers-aaaaa"}},
		{"from two to three", 3, 0, worker(103), []string{"promote/n103"}, nil},
		{"before it takes tasks", 3, 0, both(worker(103), drained(103)), []string{"promote/n103"}, nil},
		{"then it takes them", 3, 0, drained(103), []string{"node/n103"}, nil},
		{"a worker takes them at once", 1, 1, drained(102), []string{"node/n102"}, nil},
		{"nobody while one is unreachable", 3, 0, both(worker(103), func(m *model) { m.droplets[102].node.Manager.Reachability = "unreachable" }),
			nil, []string{"quorum node/web-managers-aaaab"}},
		{"nobody while a promotion is under way", 3, 0, both(worker(102, 103), func(m *model) { m.droplets[102].node.Spec.Role = swarm.Manager }),
			nil, []string{"quorum node/web-managers-aaaaa"}},
		{"whoever the tasks are, which nobody saw", 3, 0, both(worker(103), gap("tasks")), []string{"promote/n103"}, []string{"gap cluster"}},
		{"nobody on a view with a gap", 3, 0, both(worker(103), gap("droplets")), nil, []string{"gap cluster", "gap node/web-managers-aaaab"}},
		{"nobody who is down", 3, 0, both(worker(103), kill(103)), nil, []string{"node-down node/web-managers-aaaab"}},
	})
}

func TestReplacingManagersGrowsFirst(t *testing.T) {
	m := grown(t, 3, 0)
	other := pool("others", "manager", 3)
	m.edit(pool("managers", "manager", 0), other)
	m.ledger.Confirmed = m.revision
	least := 3
	m.hook = func(in plan.Input, _ plan.Plan) {
		n := 0
		for _, w := range in.World.Machines {
			if w.Node != nil && w.Node.Manager != nil {
				n++
			}
			if n > 0 && w.Node != nil && w.Node.ID == m.holder && w.Op != nil && w.Op.Kind == ledger.Delete {
				m.holder = "n104" // the loop gives the lease to another manager
			}
		}
		least = min(least, n)
	}
	m.settle(20 * time.Minute)
	if least < 3 {
		t.Errorf("%d managers in between", least)
	}
	if diff := cmp.Diff(3, len(m.droplets)); diff != "" {
		t.Error(diff)
	}
}
