package plan_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// apply does one action, and fails the test where the real ones would refuse, or where something irreversible is not written down.
func (m *model) apply(a plan.Action) {
	m.t.Helper()
	switch a := a.(type) {
	case plan.CreateDroplet:
		m.seq++
		m.used++
		d := m.makeDroplet(100+m.seq, a.Name, a.OpID)
		d.droplet.Tags, d.droplet.Size, d.droplet.Image, d.droplet.Region = a.Tags, a.Size, a.Image, a.Region
		if network, err := cloud.PickVPC(m.vpcs, a.VPC, a.Region); err == nil {
			d.droplet.VPC = network.UUID
		}
		m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: a.OpID, Kind: ledger.Create, Pool: a.Pool, Name: a.Name, DropletID: d.droplet.ID,
			Started: m.now, Deadline: a.Deadline})
		m.sortOps()
	case plan.RecordDroplet:
		m.op(a.OpID).DropletID = a.DropletID
	case plan.CloseOp:
		m.op(a.OpID)
		m.ledger.Ops = slices.DeleteFunc(m.ledger.Ops, func(o ledger.Op) bool { return o.ID == a.OpID })
	case plan.OpenReplace:
		m.used++
		m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: a.OpID, Kind: ledger.Replace, Pool: a.Pool, Name: a.Name, DropletID: a.DropletID,
			NodeID: a.NodeID, Reason: a.Reason, Started: m.now})
		m.sortOps()
	case plan.OpenDelete:
		m.used++
		m.openDelete(a)
	case plan.UpdateNode:
		m.updateNode(a)
	case plan.RemoveNode:
		m.removeNode(a.NodeID)
	case plan.ShutdownDroplet:
		m.record(a)
		m.droplets[a.DropletID].stopAt = m.now
	case plan.PowerOffDroplet:
		m.record(a)
		m.switchOff(m.droplets[a.DropletID])
	case plan.OpenResize:
		m.used++
		m.record(a)
	case plan.ResizeDroplet:
		m.record(a)
		m.resize(a)
	case plan.PowerOnDroplet:
		m.record(a)
		m.switchOn(m.droplets[a.DropletID])
	case plan.DeleteDroplet:
		m.deleteDroplet(a)
	case plan.TagDroplet:
		d := m.droplets[a.DropletID].droplet
		d.Tags = append(d.Tags, cloud.SwarmTag(a.SwarmID))
	case plan.RecordRollout:
		m.recordRollout(a)
	default:
		m.applyStack(a)
	}
}

func (m *model) sortOps() {
	slices.SortFunc(m.ledger.Ops, func(a, b ledger.Op) int { return strings.Compare(a.ID, b.ID) })
}

func (m *model) op(id string) *ledger.Op {
	m.t.Helper()
	for i := range m.ledger.Ops {
		if m.ledger.Ops[i].ID == id {
			return &m.ledger.Ops[i]
		}
	}
	m.t.Fatalf("no open operation %q", id)
	return nil
}

func (m *model) openDelete(a plan.OpenDelete) {
	if a.Budgeted && m.ledger.DeleteBudget == 0 {
		m.t.Fatalf("delete of %s on credit that is not there", a.Name)
	}
	switch {
	case a.Budgeted:
		m.ledger.DeleteBudget--
	case a.Repair:
		m.ledger.Repairs = append(m.ledger.Repairs, m.now)
	default:
		m.ledger.FreeDeletes = append(m.ledger.FreeDeletes, m.now)
	}
	m.ledger.Ops = slices.DeleteFunc(m.ledger.Ops, func(o ledger.Op) bool { return o.Kind == ledger.Replace && o.DropletID == a.DropletID })
	m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: a.OpID, Kind: ledger.Delete, Pool: a.Pool, Name: a.Name, DropletID: a.DropletID,
		NodeID: a.NodeID, Budgeted: a.Budgeted, Repair: a.Repair, Started: m.now})
	m.sortOps()
}

func (m *model) node(id string) *machine {
	m.t.Helper()
	for _, d := range m.machines() {
		if d.node != nil && d.node.ID == id {
			return d
		}
	}
	m.t.Fatalf("no node %q", id)
	return nil
}

func (m *model) updateNode(a plan.UpdateNode) {
	d := m.node(a.NodeID)
	if d.node.Version != a.Version {
		m.t.Fatalf("update of %s out of sequence", a.NodeID)
	}
	if d.node.Spec.Role != a.Spec.Role {
		d.roleAt = m.now
		m.checkQuorum(d, a.Spec.Role)
	}
	d.node.Spec = a.Spec
	d.node.Version++
	d.node.Updated = m.now
}

// checkQuorum is the rule of Raft, not the planner's: without the demoted one a majority of the rest must be up.
func (m *model) checkQuorum(d *machine, role swarm.Role) {
	n, up := 0, 0
	for _, o := range m.machines() {
		if o.node == nil || o.node.Manager == nil {
			continue
		}
		n++
		if o.node.Manager.Reachability == "reachable" {
			up++
		}
	}
	if up < n/2+1 {
		m.t.Fatalf("a change of membership without quorum: %d of %d", up, n)
	}
	if role == swarm.Worker && d.node.Manager != nil {
		n--
		if d.node.Manager.Reachability == "reachable" {
			up--
		}
		if n == 0 || up < n/2+1 {
			m.t.Fatalf("the demotion of %s loses quorum: %d of %d", d.node.ID, up, n)
		}
	}
}

func (m *model) removeNode(id string) {
	d := m.node(id)
	if d.node.State != swarm.NodeDown || d.node.Manager != nil {
		m.t.Fatalf("node %s is %s and cannot be removed", id, d.node.State)
	}
	d.node = nil
	delete(m.nodes, id)
}

func (m *model) deleteDroplet(a plan.DeleteDroplet) {
	op := m.op(a.OpID)
	if op.Kind != ledger.Delete || op.DropletID != a.DropletID {
		m.t.Fatalf("droplet %d is deleted without an operation", a.DropletID)
	}
	d := m.droplets[a.DropletID]
	if d.node != nil {
		m.t.Fatalf("droplet %d is deleted while node %s is in the swarm", a.DropletID, d.node.ID)
	}
	delete(m.droplets, a.DropletID)
}

func (m *model) recordRollout(a plan.RecordRollout) {
	if m.ledger.Rollouts == nil {
		m.ledger.Rollouts = map[string]ledger.RollOut{}
	}
	if a.RollOut == (ledger.RollOut{}) {
		delete(m.ledger.Rollouts, a.Service)
		return
	}
	m.ledger.Rollouts[a.Service] = a.RollOut
}

func (m *model) applyStack(a plan.Action) {
	switch a := a.(type) {
	case plan.CreateNetwork:
		m.seq++
		m.networks[a.Spec.Name] = &swarm.Network{ID: fmt.Sprintf("net%d", m.seq), Spec: a.Spec}
	case plan.RemoveNetwork:
		delete(m.networks, a.Name)
	case plan.CreateService:
		m.createService(a.Spec)
	case plan.UpdateService:
		m.updateService(a)
	case plan.RemoveService:
		delete(m.services, a.Name)
	default:
		m.t.Fatalf("the model does not know %T", a)
	}
}

func (m *model) createService(s swarm.ServiceSpec) {
	for _, n := range s.Networks {
		if m.networks[n] == nil {
			m.t.Fatalf("service %s before its network %s", s.Name, n)
		}
	}
	m.seq++
	s = stored(s, swarm.Pin{Digest: "sha256:" + s.Image})
	m.services[s.Name] = &swarm.Service{ID: fmt.Sprintf("svc%d", m.seq), Version: 1, Spec: s, Created: m.now, Updated: m.now}
}

func (m *model) updateService(a plan.UpdateService) {
	live := m.services[a.Spec.Name]
	if live.ID != a.ID || live.Version != a.Version {
		m.t.Fatalf("update of %s out of sequence", a.Spec.Name)
	}
	moving := live.Update == swarm.Updating || live.Update == swarm.RollbackStarted
	if newer := a.Spec.Labels[swarm.LabelHash] != live.Spec.Labels[swarm.LabelHash]; moving && !newer {
		m.t.Fatalf("write to %s while its roll-out runs", a.Spec.Name)
	}
	m.old[a.Spec.Name] = live.Spec
	before := live.Spec
	live.Previous, live.UpdateStarted = &before, m.now
	if a.ResolveImage {
		a.Spec = a.Spec.Pinned(swarm.Pin{Digest: "sha256:" + a.Spec.Image})
	}
	live.Spec, live.Version, live.Updated, live.Update = stored(a.Spec, a.Spec.Pin()), live.Version+1, m.now, ""
	if swarm.Replaces(swarm.Diff(live.Spec.Form(), before.Form())) || before.Pin().Digest != live.Spec.Pin().Digest {
		live.Update = swarm.Updating
	}
}

func (m *model) switchOff(d *machine) {
	d.droplet.Status, d.offAt = cloud.StatusOff, m.now
}
