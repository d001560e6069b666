package world

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// join is the working state of binding nodes to droplets.
type join struct {
	Answers
	droplets    []*Machine
	byID        map[int]*Machine
	nodes       []swarm.Node   // sorted by id
	alone       []Machine      // nodes that are no droplet of ours
	bound       map[int]int    // droplet id → how many nodes are labelled with it
	claims      map[int]int    // droplet id → how many nodes that are not labelled claim it from its own address
	unaddressed map[int]int    // droplet id → how many nodes that are not labelled claim it while the cloud does not show its address
	made        map[int]string // droplet id → pool, of what a swarmd made for a cluster of this name: for this swarm, if a node says so
}

func newJoin(p Answers) *join {
	j := &join{Answers: p, byID: map[int]*Machine{}, bound: map[int]int{}, claims: map[int]int{}, unaddressed: map[int]int{}, made: map[int]string{}}
	for _, d := range p.Droplets {
		if _, twice := j.byID[d.ID]; twice {
			continue
		}
		m := own(p, d)
		j.made[d.ID] = madeFor(p.Name, d)
		j.byID[d.ID] = &m
		j.droplets = append(j.droplets, &m)
	}
	j.nodes = sorted(p.Nodes, func(a, b swarm.Node) int { return strings.Compare(a.ID, b.ID) })
	for i := range j.nodes {
		n := &j.nodes[i]
		if id := label(n.Spec.Labels); id != 0 {
			j.bound[id]++
		} else if d := j.byID[label(n.EngineLabels)]; d != nil && d.Droplet.PrivateIPv4 == "" {
			j.unaddressed[d.Droplet.ID]++
		} else if d != nil && d.Droplet.PrivateIPv4 == address(n) {
			j.claims[d.Droplet.ID]++ // one from elsewhere is a lie, which must not keep the droplet's own node out
		}
	}
	return j
}

// own says whose a droplet is, as far as that is to be known without a look at the nodes.
func own(p Answers, d cloud.Droplet) Machine {
	m := Machine{Droplet: &d}
	switch pool := operatedOn(p, d); {
	case pool != "":
		m.Owned, m.Pool = true, pool
	case madeFor(p.Name, d) != "":
		astray(p, &m)
	case p.Adopt[d.ID] != "" && otherCluster(p.Name, d) != "":
		m.Binding, m.Pool = Contradicted, p.Adopt[d.ID]
		m.Why = "the file adopts it, but it belongs to the cluster " + otherCluster(p.Name, d)
	case p.Adopt[d.ID] != "":
		m.Adopted, m.Pool = true, p.Adopt[d.ID]
	case d.HasTag(cloud.ClusterTag(p.Name)):
		m.Why = "has the cluster's tag, but name and operation tag are not those of a droplet that swarmd made"
	default:
		m.Why = "has not the cluster's tag"
	}
	return m
}

// astray is a droplet that a swarmd made for a cluster of this name, while no operation of this swarm's ledger is open on it: unless a node
// says otherwise, nothing shows that it is this swarm's. It may be the machine of another swarm, or of this one as it was before a backup was
// restored, and serve there. One with this swarm's tag fills its place in the pool.
func astray(p Answers, m *Machine) {
	unread := p.unread()
	switch ids := m.Droplet.SwarmIDs(); {
	case unread != "" && !p.othersTag(*m.Droplet): // it stays in its pool, and no advice is given that is meant for one of nobody
		m.Binding, m.Pool = Contradicted, madeFor(p.Name, *m.Droplet)
		m.Why = "not known whose it is: " + unread + " could not be read"
	case slices.Contains(ids, p.Cluster.ID):
		m.Binding, m.Pool, m.Removed = Contradicted, madeFor(p.Name, *m.Droplet), true
		m.Why = "was made for this swarm, and somebody took its node out while it lives: docker swarm leave --force and what docker swarm join-token worker prints on it " +
			"bring it back; or delete its droplet by hand for a new one"
	case len(ids) > 0:
		m.Why = "was made for another swarm, " + strings.Join(ids, ", ")
	default:
		m.Binding = Contradicted
		m.Why = "nothing shows that it is this swarm's and not another's of the same name: let it join, or delete the droplet by hand if nothing runs on it"
	}
}

// unread names what could not be read of that which shows whose a droplet is, "" if all was.
func (p *Answers) unread() string {
	var out []string
	for _, what := range []string{GapNodes, GapLedger, GapCluster} {
		if p.gap(what) {
			out = append(out, what)
		}
	}
	return strings.Join(out, " and ")
}

// othersTag reports whether the droplet is tagged as another swarm's, and not as this one's, as far as this one's id is known.
func (p *Answers) othersTag(d cloud.Droplet) bool {
	ids := d.SwarmIDs()
	return len(ids) > 0 && p.Cluster.ID != "" && !slices.Contains(ids, p.Cluster.ID)
}

// madeFor returns the pool that a swarmd made the droplet for, in a cluster of the name; "" if none did.
func madeFor(cluster string, d cloud.Droplet) string {
	if !d.HasTag(cloud.ClusterTag(cluster)) {
		return ""
	}
	return cloud.ParseDropletName(cluster, d.Name, d.OpID())
}

// operatedOn returns the droplet's pool if an operation shows that it is this swarm's: the open create that it was made by, or the delete or resize
// that was opened while it was known to be, or that the ledger keeps it since then. Tags come late: the id that a create recorded and the name that it gave
// are enough.
func operatedOn(p Answers, d cloud.Droplet) string {
	made := madeFor(p.Name, d)
	for _, op := range p.Ledger.Ops {
		switch on := op.DropletID == d.ID; {
		case op.Kind == ledger.Create && on && op.Pool != "" && cloud.ParseDropletName(p.Name, d.Name, op.ID) == op.Pool:
			return op.Pool
		case made != "" && (op.Kind == ledger.Create && op.ID == d.OpID() || op.Kind != ledger.Create && on):
			return made
		}
	}
	if p.Ledger.KeptDroplet(d.ID) != nil {
		return made
	}
	return ""
}

// otherCluster returns the name of another cluster whose tag the droplet has.
func otherCluster(cluster string, d cloud.Droplet) string {
	for _, t := range d.Tags {
		if name, ok := strings.CutPrefix(t, cloud.ClusterTagPrefix); ok && name != cluster {
			return name
		}
	}
	return ""
}

// place puts one node where it belongs.
func (j *join) place(n *swarm.Node) {
	switch {
	case j.Ledger.ServicesOnly:
		j.alone = append(j.alone, Machine{Node: n, Of: j.anothers(n)}) // the cluster owns none, whatever they claim
	case j.anothers(n) != "":
		j.placeAnothers(n)
	case n.Spec.Labels[swarm.LabelDroplet] != "":
		j.placeBound(n)
	case j.NoDroplets || j.gap(GapDroplets):
		j.alone = append(j.alone, Machine{Node: n}) // nothing can be said about a claim without the droplets
	case label(n.EngineLabels) != 0:
		j.placeClaim(n)
	default:
		j.placeByAddress(n)
	}
}

// anothers is the other cluster whose the node is by its label, which only managers can write; "" if it names none. Nodes that an older swarmd
// bound have no such label.
func (j *join) anothers(n *swarm.Node) string {
	if of := n.Spec.Labels[swarm.LabelCluster]; of != j.Name {
		return of
	}
	return ""
}

// placeAnothers leaves a node of another cluster alone. One that stands on a droplet of ours is in dispute: the droplet must not be taken for free.
func (j *join) placeAnothers(n *swarm.Node) {
	of := j.anothers(n)
	for _, id := range []int{label(n.Spec.Labels), label(n.EngineLabels)} {
		if d := j.byID[id]; d != nil && j.ours(d) {
			j.refuse(n, d, fmt.Sprintf("its label %s says that it is of cluster %s, and droplet %d is this cluster's: if that is so, docker node update --label-rm %s %s",
				swarm.LabelCluster, of, id, swarm.LabelCluster, n.ID))
			return
		}
	}
	j.alone = append(j.alone, Machine{Node: n, Of: of})
}

// placeBound: the manager-side label counts, unless two nodes have it or the engine says otherwise.
func (j *join) placeBound(n *swarm.Node) {
	id, claim := label(n.Spec.Labels), label(n.EngineLabels)
	switch {
	case id == 0:
		j.refuse(n, nil, "its label "+swarm.LabelDroplet+" is not a droplet id")
	case j.bound[id] > 1:
		j.doubt(id, fmt.Sprintf("%d nodes are bound to it", j.bound[id]))
		j.refuse(n, nil, fmt.Sprintf("%d nodes are bound to droplet %d", j.bound[id], id))
	case claim != 0 && claim != id:
		j.refuse(n, j.byID[id], fmt.Sprintf("bound to droplet %d, but its engine claims droplet %d", id, claim))
	default:
		j.bind(n, id)
	}
}

func (j *join) bind(n *swarm.Node, id int) {
	d := j.byID[id]
	switch {
	case d == nil:
		j.alone = append(j.alone, Machine{Node: n, Binding: Bound, Pool: n.Spec.Labels[swarm.LabelPool],
			Adopted: n.Spec.Labels[swarm.LabelAdopted] == "true", Missing: slices.Contains(j.Gone, id)})
	case !d.Owned && !d.Adopted && j.othersTag(*d.Droplet) && !credible(n, *d.Droplet): // anybody with a manager's API can write a label
		j.refuse(n, nil, fmt.Sprintf("bound to droplet %d, which is tagged as another swarm's, %s, and its engine does not claim it from the droplet's address",
			id, strings.Join(d.Droplet.SwarmIDs(), ", ")))
	case j.ours(d):
		j.take(d, n, Bound)
	case n.Spec.Labels[swarm.LabelAdopted] == "true" && d.Binding == "":
		d.Node, d.Why = n, "was adopted, and the file does not name it any more"
	default:
		j.refuse(n, d, cmp.Or(d.Why, "is not the cluster's"))
	}
}

// placeClaim: an engine label is a claim. It holds if the address agrees and nobody else is bound to the droplet or claims it.
func (j *join) placeClaim(n *swarm.Node) {
	id := label(n.EngineLabels)
	d := j.byID[id]
	old := j.rejoined(n, d)
	switch {
	case old != nil:
		d.Again = n.ID
		j.alone = append(j.alone, Machine{Node: n, Binding: Contradicted, Pool: old.Spec.Labels[swarm.LabelPool],
			Why: fmt.Sprintf("droplet %d left the swarm and joined again as this node: %s is enough, then this one takes its place", id, removal(old))})
	case j.bound[id] > 0: // the binding stands: a claim cannot put it in doubt
		j.refuse(n, nil, fmt.Sprintf("claims droplet %d, to which another node is bound", id))
	case j.claims[id] > 1:
		j.doubt(id, fmt.Sprintf("%d nodes claim it", j.claims[id]))
		j.refuse(n, nil, fmt.Sprintf("%d nodes claim droplet %d", j.claims[id], id))
	case d == nil && j.tooLate(n, id):
		j.alone = append(j.alone, Machine{Node: n, Why: fmt.Sprintf("joined from droplet %d while that was deleted", id)})
	case d == nil || !j.ours(d):
		j.refuse(n, nil, fmt.Sprintf("claims droplet %d, which is not the cluster's", id))
	case d.Droplet.PrivateIPv4 == "" && j.unaddressed[id] == 1:
		d.Node, d.Binding, d.Pool = n, Unaddressed, cmp.Or(d.Pool, j.made[id])
		d.Why = fmt.Sprintf("waits until the cloud shows the address of droplet %d, which the node claims from %s", id, address(n))
	case d.Droplet.Status == cloud.StatusOff && d.Droplet.PrivateIPv4 != "" && d.Droplet.PrivateIPv4 != address(n) && n.State == swarm.NodeReady:
		j.refuse(n, nil, fmt.Sprintf("claims droplet %d, which is off, from another address", id)) // it cannot be on it, and must not keep it from being deleted
	case d.Droplet.PrivateIPv4 == "" || d.Droplet.PrivateIPv4 != address(n):
		j.doubt(id, "node "+n.ID+" claims it from another address")
		j.refuse(n, nil, fmt.Sprintf("claims droplet %d, but its address %s is not the droplet's%s", id, address(n),
			cmp.Or(strings.TrimRight(" "+d.Droplet.PrivateIPv4, " "), ", which is not shown")))
	default:
		j.take(d, n, Claimed)
	}
}

// rejoined returns the node that the claimed droplet was before its engine left the swarm and joined again; nil if that is not what happened.
// The old one must be down, the only one that is bound to the droplet, and the new one the only one that claims it, from its address.
func (j *join) rejoined(n *swarm.Node, d *Machine) *swarm.Node {
	if d == nil || !credible(n, *d.Droplet) || j.bound[d.Droplet.ID] != 1 || j.claims[d.Droplet.ID] != 1 {
		return nil
	}
	for i := range j.nodes {
		if old := &j.nodes[i]; label(old.Spec.Labels) == d.Droplet.ID && old.State == swarm.NodeDown {
			return old
		}
	}
	return nil
}

// removal is how a person takes a node out of the swarm.
func removal(n *swarm.Node) string {
	if n.Manages() {
		return "docker node demote " + n.ID + " and docker node rm " + n.ID
	}
	return "docker node rm " + n.ID
}

// credible reports whether the node's engine claims the droplet from the droplet's own address.
func credible(n *swarm.Node, d cloud.Droplet) bool {
	return label(n.EngineLabels) == d.ID && d.PrivateIPv4 != "" && d.PrivateIPv4 == address(n)
}

// ours reports whether a node can be bound to the droplet: it was adopted, or made for a cluster of this name.
func (j *join) ours(d *Machine) bool { return d.Owned || d.Adopted || j.made[d.Droplet.ID] != "" }

// take puts a node onto its droplet, which is this swarm's from now on.
func (j *join) take(d *Machine, n *swarm.Node, b Binding) {
	if pool := j.made[d.Droplet.ID]; pool != "" && !d.Owned {
		d.Owned, d.Pool = true, pool
	}
	d.Node, d.Binding, d.Why, d.Removed = n, b, "", false
}

// tooLate reports whether a node joined while its droplet was being deleted: it is as it was when it joined (drained, a worker, not bound),
// and the droplet that it claims is gone by an operation that is still open. The claim alone is the word of the node, so nothing but a
// node in that state is taken for one.
func (j *join) tooLate(n *swarm.Node, id int) bool {
	op := j.Ledger.ByDroplet(ledger.Delete, id)
	return n.Spec.Availability == swarm.Drain && n.Spec.Role == swarm.Worker && n.Manager == nil && slices.Contains(j.Gone, id) &&
		op != nil && op.NodeID == ""
}

// placeByAddress: an adopted machine makes no claim; its address is enough, if it is no other node's too.
func (j *join) placeByAddress(n *swarm.Node) {
	d := j.at(n)
	if d == nil || !d.Adopted || j.claims[d.Droplet.ID] > 0 || j.bound[d.Droplet.ID] > 0 {
		j.alone = append(j.alone, Machine{Node: n})
		if d != nil && d.Binding == Contradicted { // perhaps the one that stands on it, which some seconds after its join makes no claim yet
			d.Pool = j.made[d.Droplet.ID]
		}
		return
	}
	d.Node, d.Binding = n, Claimed
}

// at returns the free droplet of ours at the node's address, if the address is one droplet's and one living node's alone.
func (j *join) at(n *swarm.Node) *Machine {
	addr, found := address(n), (*Machine)(nil)
	if addr == "" || n.Hostname == "" {
		return nil
	}
	for i := range j.nodes {
		if o := &j.nodes[i]; o.ID != n.ID && o.Hostname != "" && address(o) == addr {
			return nil
		}
	}
	for _, d := range j.droplets {
		if d.Droplet.PrivateIPv4 != addr || !j.ours(d) || j.bound[d.Droplet.ID] > 0 {
			continue
		}
		if found != nil {
			return nil
		}
		found = d
	}
	if found != nil && found.Node != nil {
		return nil
	}
	return found
}

// doubt marks a droplet of which it is not known whether it joined: taken for one that did not, it could be deleted under a living node.
func (j *join) doubt(id int, why string) {
	if d := j.byID[id]; d != nil && d.Node == nil && j.ours(d) {
		d.Binding, d.Why, d.Pool, d.Removed = Contradicted, why, cmp.Or(d.Pool, j.made[id]), false
	}
}

// refuse keeps a node whose identity is contradicted, with the droplet it stands on if that is known: by its label, or by its address.
func (j *join) refuse(n *swarm.Node, d *Machine, why string) {
	if d == nil {
		d = j.at(n)
	}
	if d == nil || d.Node != nil {
		j.alone = append(j.alone, Machine{Node: n, Binding: Contradicted, Pool: n.Spec.Labels[swarm.LabelPool], Why: why})
		return
	}
	d.Node, d.Binding, d.Why, d.Removed = n, Contradicted, why, false
	d.Pool = cmp.Or(d.Pool, j.made[d.Droplet.ID], n.Spec.Labels[swarm.LabelPool])
}

// String names the machine for people.
func (m Machine) String() string {
	switch {
	case m.Droplet != nil:
		return m.Droplet.Name + " (droplet " + strconv.Itoa(m.Droplet.ID) + ")"
	case m.Node != nil:
		return cmp.Or(m.Node.Hostname, m.Node.ID) + " (node)"
	}
	return "nothing"
}
