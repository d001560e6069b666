package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// ownPrefix begins the labels that are swarmd's bookkeeping: no list of pool labels can name them.
const ownPrefix = "swarmd."

// nodes binds, labels and activates the nodes of the pools, and finds whose role must change. By an older spec than the accepted one it binds
// those whose create is open, and no other.
func (d *draft) nodes() {
	for _, m := range d.members {
		created := m.Op != nil && m.Op.Kind == ledger.Create
		switch m.class {
		case arriving:
			if created || !d.outdated() {
				d.arrive(m)
			}
		case ready, down, unknown, dead:
			if !d.outdated() {
				d.keep(m)
			}
		}
	}
}

// arrive binds a node whose claim and address agree. It stays drained until the next look has seen the binding.
func (d *draft) arrive(m member) {
	if m.Node.State != swarm.NodeReady {
		d.wait(lookWait)
		return
	}
	s := m.Node.Spec
	s.Labels = d.labels(m, m.pool)
	d.write("bind", m, s, WhyBind, fmt.Sprintf("is taken into pool %s: it is droplet %d at %s", m.pool.Name, m.Droplet.ID, m.Droplet.PrivateIPv4))
}

// keep puts back labels and availability that differ, in one write; then the role is looked at.
func (d *draft) keep(m member) {
	s, code := m.Node.Spec, ""
	var said []string
	if want := d.labels(m, m.pool); !maps.Equal(want, s.Labels) {
		said = append(said, changes(s.Labels, want)...)
		s.Labels, code = want, WhyLabels
	}
	if want := m.availability(); s.Availability != want && !m.awaitsRole() {
		said = append(said, d.sayPutBack(m, want))
		s.Availability, code = want, WhyAvailability
	}
	if code != "" {
		d.write("node", m, s, code, strings.Join(said, ", "))
		return
	}
	d.role(m)
}

// awaitsRole reports whether the node is drained until it is a manager. What it were given as a worker, by a constraint on node.role, would be taken
// from it with its promotion.
func (m member) awaitsRole() bool {
	return m.pool.Role == "manager" && !m.raft() && m.Node.Spec.Availability == swarm.Drain
}

// role collects who is to be promoted or demoted; membership decides who of them is.
func (d *draft) role(m member) {
	manager := m.pool.Role == "manager"
	switch {
	case manager && !m.managerWish() && !m.raft() && m.class == ready:
		d.wait(lookWait)
		d.promote = append(d.promote, m)
	case !manager && (m.managerWish() || m.raft()) && m.Node.ID == d.in.Holder:
		d.selfRole(m)
	case !manager && m.managerWish():
		d.demote = append(d.demote, m)
	case m.raft() != m.managerWish():
		d.wait(lookWait)
	}
}

// selfRole leaves the lease holder's own demotion to another manager's swarmd, once it may be demoted at all: until then it goes on.
func (d *draft) selfRole(m member) {
	if why := d.mayDemote(m); why != "" {
		d.hold(GuardQuorum, m.object(), why)
		return
	}
	d.hold(GuardSelf, m.object(), "is no machine of a manager pool, and holds the lease: another manager must demote it")
}

// write plans a write to a node. A pass plans one for each node at most: the version it names is good only once.
func (d *draft) write(kind string, m member, s swarm.NodeSpec, code, text string) {
	d.step(kind, m.Node.ID, UpdateNode{NodeID: m.Node.ID, Version: m.Node.Version, Spec: s}, code, m.name()+": "+text)
}

// labels returns the node's labels as they should be: ours put right, what swarmd once set and the file no longer has taken away,
// everything else as it is.
func (v *view) labels(m member, p *spec.Pool) map[string]string {
	out := maps.Clone(m.Node.Spec.Labels)
	if out == nil {
		out = map[string]string{}
	}
	for _, key := range strings.Split(out[swarm.LabelKeys], ",") {
		if !strings.HasPrefix(key, ownPrefix) {
			delete(out, key)
		}
	}
	if _, ok := m.maintained(); !ok {
		delete(out, swarm.LabelMaintenance)
	}
	maps.Copy(out, p.Labels)
	out[swarm.LabelPool], out[swarm.LabelCluster] = p.Name, v.in.Spec.Cluster
	delete(out, swarm.LabelDrained) // a machine that was adopted since
	setOrDelete(out, swarm.LabelKeys, strings.Join(slices.Sorted(maps.Keys(p.Labels)), ","))
	if m.Binding == world.Bound && m.Droplet == nil {
		return out // what it is bound to, and how, cannot be seen now
	}
	out[swarm.LabelDroplet] = strconv.Itoa(m.Droplet.ID)
	adopted := ""
	if m.Adopted {
		adopted = "true"
	}
	setOrDelete(out, swarm.LabelAdopted, adopted)
	return out
}

func setOrDelete(labels map[string]string, key, value string) {
	if value == "" {
		delete(labels, key)
		return
	}
	labels[key] = value
}

// changes names the labels that differ, sorted.
func changes(from, to map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(to)) {
		if v, ok := from[k]; !ok || v != to[k] {
			out = append(out, "label "+k+"="+to[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[k]; !ok {
			out = append(out, "label "+k+" removed")
		}
	}
	return out
}
