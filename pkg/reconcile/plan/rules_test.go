package plan_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// rule is one change to a converged cluster (managers 101 …, then workers), and what the next plan does about it.
type rule struct {
	name              string
	managers, workers int
	change            func(m *model)
	steps             []string // ids
	holds             []string // "guard object", a note with "~" before it
}

func (r rule) run(t *testing.T) {
	t.Helper()
	m := grown(t, r.managers, r.workers)
	if p := plan.Compute(m.input()); !p.Converged || len(p.Steps) > 0 {
		t.Fatalf("not converged to begin with: %+v", p)
	}
	r.change(m)
	p := plan.Compute(m.input())
	if diff := cmp.Diff(r.steps, ids(p)); diff != "" {
		t.Errorf("steps: -want +got\n%s", diff)
	}
	if diff := cmp.Diff(r.holds, holds(p)); diff != "" {
		t.Errorf("holds: -want +got\n%s\n%v", diff, p.Holds)
	}
	blocked := slices.ContainsFunc(p.Holds, func(h plan.Hold) bool { return h.Blocking })
	if p.Converged && (blocked || len(p.Steps) > 0) {
		t.Errorf("converged with %d steps and holds %v", len(p.Steps), p.Holds)
	}
	for _, h := range p.Holds {
		if !slices.Contains(plan.Guards(), h.Guard) || h.Text == "" {
			t.Errorf("a hold by an unknown guard, or without a sentence: %+v", h)
		}
	}
}

func ids(p plan.Plan) []string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, s.ID)
	}
	return out
}

func holds(p plan.Plan) []string {
	var out []string
	for _, h := range p.Holds {
		line := h.Guard + " " + h.Object
		if !h.Blocking {
			line = "~" + line
		}
		out = append(out, line)
	}
	return slices.Compact(out)
}

func runRules(t *testing.T, rules []rule) {
	for _, r := range rules {
		t.Run(r.name, r.run)
	}
}

// pools of the next revision, permitted deletes and all.
func to(managers, workers int) func(*model) {
	return func(m *model) { m.edit(pool("managers", "manager", managers), pool("workers", "worker", workers)) }
}

func both(fs ...func(*model)) func(*model) {
	return func(m *model) {
		for _, f := range fs {
			f(m)
		}
	}
}

func kill(id int) func(*model) {
	return func(m *model) { m.droplets[id].node.State = swarm.NodeDown }
}

// erase is a droplet deleted by hand, its node noticed.
func erase(id int) func(*model) {
	return func(m *model) {
		d := m.droplets[id]
		delete(m.droplets, id)
		d.droplet, d.node.State = nil, swarm.NodeDown
		m.nodes[d.node.ID] = d
	}
}

// astray is a droplet with the cluster's name and tags, and these, of which no node and no operation is known.
func astray(tags ...string) func(*model) {
	return func(m *model) {
		d := m.makeDroplet(300, "web-workers-abcde", "abcdeabcdeabcdea")
		d.neverUp = true
		d.droplet.Tags = append([]string{cloud.OpTag(d.droplet.OpID()), cloud.ClusterTag("web")}, tags...)
	}
}

func gap(what string) func(*model) {
	return func(m *model) { m.gaps = append(m.gaps, world.Gap{What: what, Err: "broken"}) }
}

func TestGrowing(t *testing.T) {
	open := func(n int, age time.Duration) func(*model) {
		return func(m *model) {
			for i := range n {
				m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: m.opID(500 + i), Kind: ledger.Create, Pool: "workers", Name: fmt.Sprint("web-workers-", m.opID(500 + i)[:5]),
					Started: m.now.Add(-age), Deadline: m.now.Add(5*time.Minute - age)})
			}
			m.sortOps()
		}
	}
	known := func(m *model) { m.ledger.Ops[0].DropletID = 999 }
	one := "close/" + (&model{}).opID(500)
	runRules(t, []rule{
		{"nothing changed", 1, 1, func(*model) {}, nil, nil},
		{"two more", 1, 1, to(1, 3), []string{"create/web-workers-aaaab", "create/web-workers-aaaac"}, nil},
		{"an open create counts", 1, 1, both(to(1, 3), open(1, time.Second)), []string{"create/web-workers-aaaab"}, nil},
		{"a create past its deadline without a droplet had no effect", 1, 1, both(to(1, 2), open(1, 6*time.Minute)), []string{one}, nil},
		{"but not on a view with a gap", 1, 1, both(to(1, 2), open(1, 6*time.Minute), gap("droplets")), nil, []string{"gap cluster"}},
		{"a droplet that is not found at once may be late", 1, 1, both(to(1, 2), open(1, 30*time.Second), known), nil, nil},
		{"after a minute it is gone", 1, 1, both(to(1, 2), open(1, 61*time.Second), known), []string{one}, nil},
		{"ten are under way, no more", 1, 1, both(to(1, 20), open(9, time.Second)), []string{"create/web-workers-aaaab"}, []string{"max-creates pool/workers"}},
		{"no growth without the list", 1, 1, both(to(1, 3), gap("droplets")), nil, []string{"gap cluster"}},
		{"no growth without the nodes", 1, 1, both(to(1, 3), gap("nodes")), nil, []string{"gap cluster"}},
		{"no growth without the ledger", 1, 1, both(to(1, 3), gap("ledger")), nil, []string{"gap cluster"}},
		{"growth without the tasks", 1, 1, both(to(1, 2), gap("tasks")), []string{"create/web-workers-aaaab"}, []string{"gap cluster"}},
		{"a node that is down is not replaced", 1, 2, kill(102), nil, []string{"node-down node/web-workers-aaaaa"}},
		{"a droplet that is off is not replaced", 1, 2, func(m *model) { m.switchOff(m.droplets[102]) }, nil, []string{"node-down node/web-workers-aaaaa"}},
		{"a droplet that is gone is not replaced", 1, 2, erase(102), nil, []string{"droplet-dead node/web-workers-aaaaa"}},
		{"a cloud that does not know a living machine is not believed", 1, 2, both(to(1, 4), erase(102), func(m *model) { m.nodes["n102"].node.State = swarm.NodeReady }),
			nil, []string{"implausible node/web-workers-aaaaa"}},
		{"what joined too late is held", 1, 1, func(m *model) {
			d := m.makeDroplet(300, "web-workers-abcde", "abcdeabcdeabcdea")
			d.droplet.Created, d.neverUp = m.now.Add(-11*time.Minute), true
			m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: "abcdeabcdeabcdea", Kind: ledger.Create, Pool: "workers", DropletID: 300, Started: d.droplet.Created})
			to(1, 2)(m)
		}, nil, []string{"launch-timeout droplet/300"}},
		{"a machine with a create of the future is young", 1, 1, func(m *model) {
			d := m.makeDroplet(300, "web-workers-abcde", "abcdeabcdeabcdea")
			d.droplet.Created = m.now.Add(time.Hour)
			m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: "abcdeabcdeabcdea", Kind: ledger.Create, Pool: "workers", DropletID: 300, Started: d.droplet.Created})
			to(1, 2)(m)
		}, nil, nil},
		{"a droplet of another swarm fills no place and blocks nothing", 1, 1, both(to(1, 2), astray(cloud.SwarmTag("swarm2"))),
			[]string{"create/web-workers-aaaab"}, []string{"~foreign-droplet droplet/300"}},
		{"one of nobody knows which swarm fills no place either", 1, 1, both(to(1, 2), astray()), []string{"create/web-workers-aaaab"}, []string{"identity droplet/300"}},
		{"one of this swarm that has no node fills its place", 1, 1, both(to(1, 2), astray(cloud.SwarmTag("swarm1"))), nil, []string{"node-removed droplet/300"}},
		{"and nobody else leaves because of it", 1, 2, astray(cloud.SwarmTag("swarm1")), nil, []string{"node-removed droplet/300"}},
		{"a node taken out by hand leaves its droplet alone", 1, 2, outOfSwarm(102), nil, []string{"node-removed droplet/102"}},
		{"the droplet of a lost answer is recorded", 1, 1, func(m *model) {
			to(1, 2)(m)
			open(1, time.Second)(m)
			m.makeDroplet(300, m.ledger.Ops[0].Name, m.ledger.Ops[0].ID)
		}, []string{"record/" + (&model{}).opID(500)}, nil},
		{"an answer that named another's droplet is put right", 1, 1, func(m *model) {
			to(1, 2)(m)
			open(1, time.Second)(m)
			m.makeDroplet(301, "database", "")
			m.ledger.Ops[0].DropletID = 301
			m.makeDroplet(300, m.ledger.Ops[0].Name, m.ledger.Ops[0].ID)
		}, []string{"record/" + (&model{}).opID(500)}, []string{"~foreign-droplet droplet/301"}},
		{"another's droplet is not what the create made", 1, 1, func(m *model) {
			to(1, 2)(m)
			open(1, time.Second)(m)
			m.makeDroplet(301, "database", "")
			m.ledger.Ops[0].DropletID = 301
		}, nil, []string{"~foreign-droplet droplet/301"}},
		{"such a create ends at its deadline", 1, 1, func(m *model) {
			to(1, 2)(m)
			open(1, time.Hour)(m)
			m.makeDroplet(301, "database", "")
			m.ledger.Ops[0].DropletID = 301
		}, []string{"close/" + (&model{}).opID(500)}, []string{"~foreign-droplet droplet/301"}},
		{"a machine that left and joined again is one hold: nobody is told to delete it", 1, 1, func(m *model) {
			old := m.droplets[102].node
			again := *old
			again.ID, again.Hostname, again.Spec.Labels = "again", "again", nil
			m.nodes["again"], old.State = &machine{node: &again}, swarm.NodeDown
		}, nil, []string{"node-removed node/again"}},
		{"a machine whose address is not shown yet is waited for", 1, 1, func(m *model) {
			m.droplets[102].droplet.PrivateIPv4, m.droplets[102].node.Spec.Labels = "", nil
		}, nil, []string{"no-address node/web-workers-aaaaa"}},
		{"a changed size, image or region is held", 1, 1, func(m *model) {
			d := m.droplets[102].droplet
			d.Size, d.Image, d.Region = "s-2vcpu-2gb", "ubuntu", "nyc3"
		}, nil, []string{"size-changed pool/workers"}},
		{"an image without its slug says nothing", 1, 1, func(m *model) { m.droplets[102].droplet.Image = "12345" }, nil, nil},
	})
}

func TestCreateHasAllThatTheFileSays(t *testing.T) {
	m := grown(t, 1, 0)
	to(1, 1)(m)
	m.spec.Pools[1].VPC = "private"
	in := m.input()
	in.OpIDs = []string{"abcdefghijklmnop"}
	want := plan.CreateDroplet{OpID: "abcdefghijklmnop", Pool: "workers", Name: "web-workers-abcde", Region: "fra1", Size: "s-1vcpu-1gb", Image: "docker-20-04",
		VPC: "private", SSHKeys: []string{"aa:bb"}, Tags: []string{"swarmd:web", "swarmd-op:abcdefghijklmnop", "swarmd-swarm:swarm1"},
		Deadline: m.now.Add(5 * time.Minute), JoinWithin: 10 * time.Minute}
	p := plan.Compute(in)
	if diff := cmp.Diff(plan.Action(want), p.Steps[0].Action); diff != "" || p.Steps[0].Reason.Code != plan.WhyPoolShort {
		t.Errorf("%+v -want +got\n%s", p.Steps[0].Reason, diff)
	}
}

func TestForeignAndDisputedAreLeftAlone(t *testing.T) {
	runRules(t, []rule{
		{"a foreign droplet with the cluster's tag is not counted", 1, 1, func(m *model) {
			m.makeDroplet(300, "pet", "").droplet.Tags = []string{"swarmd:web"}
			to(1, 2)(m)
		}, []string{"create/web-workers-aaaab"}, []string{"~foreign-droplet droplet/300"}},
		{"a foreign node", 1, 1, func(m *model) {
			m.nodes["x"] = &machine{node: &swarm.Node{ID: "x", Hostname: "pet", State: swarm.NodeReady, Addr: "10.9.9.9"}}
		}, nil, []string{"~foreign-node node/pet"}},
		{"a foreign manager", 1, 1, func(m *model) {
			m.nodes["x"] = &machine{node: &swarm.Node{ID: "x", Hostname: "pet", State: swarm.NodeReady, Addr: "10.9.9.9", Manager: &swarm.ManagerStatus{Reachability: "reachable"}}}
		}, nil, []string{"~foreign-manager node/pet"}},
		{"a foreign node that shall be a manager", 1, 1, func(m *model) {
			m.nodes["x"] = &machine{node: &swarm.Node{ID: "x", Hostname: "pet", State: swarm.NodeReady, Addr: "10.9.9.9", Spec: swarm.NodeSpec{Role: swarm.Manager}}}
		}, nil, []string{"~foreign-manager node/pet"}},
		{"a forged claim holds the forger: neither it nor another leaves for it", 1, 2, func(m *model) {
			m.droplets[102].node.EngineLabels[swarm.LabelDroplet] = "101"
			m.droplets[102].node.Spec.Availability = swarm.Drain
			to(1, 1)(m)
		}, nil, []string{"identity node/web-workers-aaaaa"}},
		{"of three with a forger one sound one leaves", 1, 3, func(m *model) {
			m.droplets[102].node.EngineLabels[swarm.LabelDroplet] = "101"
			to(1, 1)(m)
		}, []string{"leave/104"}, []string{"identity node/web-workers-aaaaa"}},
		{"a disputed machine fills its place", 1, 1, func(m *model) { m.droplets[102].node.EngineLabels[swarm.LabelDroplet] = "101" },
			nil, []string{"identity node/web-workers-aaaaa"}},
		{"a pool that vanished from the file keeps its machines", 1, 1, func(m *model) { m.edit(pool("managers", "manager", 1)) },
			nil, []string{"pool-removed pool/workers"}},
		{"another swarm's ledger", 1, 1, both(to(1, 3), func(m *model) { m.ledger.ClusterID = "other" }), nil, []string{"other-swarm cluster"}},
		{"a newer swarmd's ledger", 1, 1, both(to(1, 3), wants(service("app", "app:2", 1)), func(m *model) { m.ledger.Newer = []string{"swarmd.ledger.op.abc"} }), nil, []string{"newer-swarmd cluster"}},
		{"no leader", 1, 1, both(to(1, 3), func(m *model) { m.droplets[101].node.Manager.Leader = false }), nil, []string{"no-leader cluster"}},
	})
}

func TestAdopted(t *testing.T) {
	pets := func(count int, ids ...int) func(*model) {
		return func(m *model) {
			p := pool("pets", "worker", count)
			p.Adopt = ids
			m.edit(append(slices.Clone(m.spec.Pools), p)...)
		}
	}
	joined := func(m *model) {
		d := m.makeDroplet(200, "pet", "")
		d.droplet.Tags, d.droplet.Size, d.droplet.Status = nil, "s-8vcpu-16gb", cloud.StatusActive
		m.join(d)
		d.node.EngineLabels, d.node.Spec.Availability = nil, swarm.Active
	}
	runRules(t, []rule{
		{"counts in its pool and is bound by address", 1, 0, both(joined, pets(1, 200)), []string{"bind/n200"}, []string{"~tasks-together service/web_app"}},
		{"is never deleted", 1, 0, both(joined, pets(0, 200)), []string{"bind/n200"}, []string{"adopted pool/pets", "~tasks-together service/web_app"}},
		{"not even with an operation", 1, 0, both(joined, pets(0, 200), begun(200, 0)), nil, []string{"adopted node/pet", "~tasks-together service/web_app"}},
		{"that does not exist is not replaced", 1, 0, pets(1, 999), nil, []string{"droplet-dead droplet/999"}},
	})
	m := grown(t, 1, 0)
	joined(m)
	pets(1, 200)(m)
	m.settle(time.Minute)
	if got := m.droplets[200].node.Spec.Labels; got[swarm.LabelAdopted] != "true" || got[swarm.LabelDroplet] != "200" || got["theirs"] != "kept" {
		t.Errorf("labels of the adopted node: %v", got)
	}
}

func TestNodeDrift(t *testing.T) {
	node := func(f func(*swarm.NodeSpec)) func(*model) {
		return func(m *model) { f(&m.droplets[102].node.Spec) }
	}
	runRules(t, []rule{
		{"availability by hand is put back", 1, 1, node(func(s *swarm.NodeSpec) { s.Availability = swarm.Pause }), []string{"node/n102"}, nil},
		{"a label of ours by hand is put back", 1, 1, node(func(s *swarm.NodeSpec) { s.Labels[swarm.LabelPool] = "x" }), []string{"node/n102"}, nil},
		{"a foreign label stays", 1, 1, node(func(s *swarm.NodeSpec) { s.Labels["mine"] = "yes" }), nil, nil},
		{"promoted by hand is put back", 1, 1, func(m *model) {
			m.droplets[102].node.Spec.Role = swarm.Manager
			m.changeRole(m.droplets[102])
		}, []string{"demote/n102"}, nil},
		{"but not by the lease holder to itself", 1, 1, func(m *model) {
			m.droplets[102].node.Spec.Role, m.holder = swarm.Manager, "n102"
			m.changeRole(m.droplets[102])
		}, nil, []string{"self node/web-workers-aaaaa"}},
		{"two promoted by hand: one after the other", 1, 2, func(m *model) {
			for _, id := range []int{102, 103} {
				m.droplets[id].node.Spec.Role = swarm.Manager
				m.changeRole(m.droplets[id])
			}
		}, []string{"demote/n102"}, nil},
		{"a promotion and a demotion: the promotion first, alone", 3, 1, func(m *model) {
			m.droplets[103].node.Spec.Role, m.droplets[104].node.Spec.Role = swarm.Worker, swarm.Manager
			m.changeRole(m.droplets[103])
			m.changeRole(m.droplets[104])
		}, []string{"promote/n103"}, nil},
		{"demoted by hand is put back", 3, 0, func(m *model) {
			m.droplets[103].node.Spec.Role = swarm.Worker
			m.changeRole(m.droplets[103])
		}, []string{"promote/n103"}, nil},
		{"a lost binding is made again", 1, 1, node(func(s *swarm.NodeSpec) { delete(s.Labels, swarm.LabelDroplet) }), []string{"bind/n102"}, nil},
	})
}

func TestLabelsOfThePool(t *testing.T) {
	m := grown(t, 1, 1)
	labelled := func(labels map[string]string) map[string]string {
		p := pool("workers", "worker", 1)
		p.Labels = labels
		m.edit(pool("managers", "manager", 1), p)
		m.settle(time.Minute)
		return m.droplets[102].node.Spec.Labels
	}
	own := map[string]string{swarm.LabelDroplet: "102", swarm.LabelPool: "workers", swarm.LabelCluster: "web", "theirs": "kept"}
	with := func(kv ...string) map[string]string {
		out := map[string]string{}
		for k, v := range own {
			out[k] = v
		}
		for i := 0; i < len(kv); i += 2 {
			out[kv[i]] = kv[i+1]
		}
		return out
	}
	for _, c := range []struct{ file, want map[string]string }{
		{map[string]string{"zone": "a", "disk": "ssd"}, with("zone", "a", "disk", "ssd", swarm.LabelKeys, "disk,zone")},
		{map[string]string{"zone": "b"}, with("zone", "b", swarm.LabelKeys, "zone")},
		{nil, with()},
	} {
		if diff := cmp.Diff(c.want, labelled(c.file)); diff != "" {
			t.Errorf("%v: -want +got\n%s", c.file, diff)
		}
	}
	m.droplets[102].node.Spec.Labels[swarm.LabelKeys] = "swarmd.droplet,swarmd.pool"
	m.settle(time.Minute)
	if diff := cmp.Diff(with(), m.droplets[102].node.Spec.Labels); diff != "" {
		t.Errorf("a forged list of keys: -want +got\n%s", diff)
	}
}

func TestWithoutACloud(t *testing.T) {
	m := grown(t, 1, 2)
	parts := m.parts()
	parts.Droplets, parts.NoDroplets = nil, true
	in := m.input()
	in.World = world.Join(parts)
	if p := plan.Compute(in); !p.Converged {
		t.Errorf("steps %v, holds %v", ids(p), p.Holds)
	}
	in.Spec = newSpec(pool("managers", "manager", 1), pool("workers", "worker", 1))
	if p := plan.Compute(in); len(p.Steps) > 0 || !slices.Equal(holds(p), []string{"no-cloud pool/workers"}) {
		t.Errorf("steps %v, holds %v", ids(p), p.Holds)
	}
	for i := range parts.Nodes {
		parts.Nodes[i].Spec.Labels[swarm.LabelKeys] = swarm.LabelDroplet + ",zone"
	}
	in.World = world.Join(parts)
	for _, s := range plan.Compute(in).Steps {
		if a := s.Action.(plan.UpdateNode); a.Spec.Labels[swarm.LabelDroplet] == "" {
			t.Errorf("%s loses the binding", s.ID)
		}
	}
}

func TestNoSpecNoPlan(t *testing.T) {
	in := grown(t, 1, 0).input()
	in.Spec = (*spec.Spec)(nil)
	if p := plan.Compute(in); len(p.Steps) > 0 || p.Converged {
		t.Errorf("a plan from nothing: %+v", p)
	}
}
