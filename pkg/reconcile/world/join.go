package world

import (
	"cmp"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The parts of the world that can be gaps.
const (
	GapDroplets = "droplets"
	GapInfo     = "info"
	GapCluster  = "cluster"
	GapNodes    = "nodes"
	GapServices = "services"
	GapTasks    = "tasks"
	GapNetworks = "networks"
	GapLedger   = "ledger"
	GapObjects  = "configs and secrets"
	GapRevision = "revision" // the accepted one cannot be read: the loop says so, and only what is open is finished
)

// Answers are what the two sides said, as it came, in any order.
type Answers struct {
	At         time.Time
	Name       string         // of the cluster
	Adopt      map[int]string // droplet id → pool, from the file
	Droplets   []cloud.Droplet
	Gone       []int
	NoDroplets bool
	Self       swarm.Info
	Cluster    swarm.Cluster
	Nodes      []swarm.Node
	Services   []swarm.Service
	Tasks      []swarm.Task
	Failed     []swarm.Task
	Networks   []swarm.Network
	Configs    []swarm.Config
	Secrets    []swarm.Secret
	Ledger     ledger.Ledger
	Gaps       []Gap
}

// Join sorts the parts and says which droplet is which node. It is pure: the same parts in another order give the same World.
func Join(p Answers) World {
	p.Ledger.Ops = sorted(p.Ledger.Ops, func(a, b ledger.Op) int { return strings.Compare(a.ID, b.ID) })
	return World{
		At: p.At, Self: p.Self, Cluster: p.Cluster, Ledger: p.Ledger, NoDroplets: p.NoDroplets,
		Machines: machines(p),
		Services: sorted(p.Services, func(a, b swarm.Service) int {
			return cmp.Or(strings.Compare(a.Spec.Name, b.Spec.Name), strings.Compare(a.ID, b.ID))
		}),
		Tasks: sorted(p.Tasks, byServiceSlotNode), Failed: sorted(p.Failed, byServiceSlotNode),
		Networks: sorted(p.Networks, func(a, b swarm.Network) int {
			return cmp.Or(strings.Compare(a.Spec.Name, b.Spec.Name), strings.Compare(a.ID, b.ID))
		}),
		Configs: sorted(p.Configs, func(a, b swarm.Config) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
		}),
		Secrets: sorted(p.Secrets, func(a, b swarm.Secret) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
		}),
		Gaps: sorted(p.Gaps, func(a, b Gap) int { return cmp.Or(strings.Compare(a.What, b.What), strings.Compare(a.Err, b.Err)) }),
		Gone: sorted(p.Gone, cmp.Compare[int]),
	}
}

func byServiceSlotNode(a, b swarm.Task) int {
	return cmp.Or(strings.Compare(a.ServiceID, b.ServiceID), cmp.Compare(a.Slot, b.Slot),
		strings.Compare(a.NodeID, b.NodeID), strings.Compare(a.ID, b.ID))
}

func sorted[T any](in []T, by func(a, b T) int) []T {
	out := slices.Clone(in)
	slices.SortFunc(out, by)
	return out
}

// machines makes one Machine of each droplet and of each node that is none of them.
func machines(p Answers) []Machine {
	j := newJoin(p)
	for i := range j.nodes {
		j.place(&j.nodes[i])
	}
	out := make([]Machine, 0, len(j.droplets)+len(j.alone))
	for _, d := range j.droplets {
		out = append(out, *d)
	}
	out = append(out, j.alone...)
	for i := range out {
		out[i].Op = openOp(p.Ledger, out[i])
	}
	slices.SortFunc(out, func(a, b Machine) int {
		return cmp.Or(cmp.Compare(dropletID(a), dropletID(b)), strings.Compare(nodeID(a), nodeID(b)))
	})
	return out
}

// dropletID puts nodes without a droplet last.
func dropletID(m Machine) int {
	if m.Droplet == nil {
		return math.MaxInt
	}
	return m.Droplet.ID
}

func nodeID(m Machine) string {
	if m.Node == nil {
		return ""
	}
	return m.Node.ID
}

// openOp finds the operation on the machine. A Delete or a Resize counts more than a Create that was not closed yet.
func openOp(l ledger.Ledger, m Machine) *ledger.Op {
	var found *ledger.Op
	for i := range l.Ops {
		if op := &l.Ops[i]; concerns(*op, m) && (found == nil || op.Kind == ledger.Delete || found.Kind == ledger.Create) {
			found = op
		}
	}
	return found
}

func concerns(op ledger.Op, m Machine) bool {
	if m.Droplet != nil {
		return op.DropletID == m.Droplet.ID || op.Kind == ledger.Create && op.DropletID == 0 && m.Owned && op.ID == m.Droplet.OpID()
	}
	if m.Node == nil || op.Kind == ledger.Create || op.DropletID == 0 {
		return false
	}
	late := op.Kind == ledger.Delete && m.Binding == "" && m.Why != "" && op.NodeID == "" && op.DropletID == label(m.Node.EngineLabels) // see join.tooLate
	return late || m.Binding == Bound && op.DropletID == label(m.Node.Spec.Labels)
}

// Address of a node, "" if none is known: what the managers see of it, which is not the node's word.
func Address(n swarm.Node) string { return address(&n) }

// address of a node: what the managers see, or for a manager that is seen at 0.0.0.0 or at itself (127.0.0.1) its Raft address.
func address(n *swarm.Node) string {
	at, err := netip.ParseAddr(n.Addr)
	if err == nil && !at.IsUnspecified() && !at.IsLoopback() {
		return n.Addr
	}
	if n.Manager == nil {
		return strings.TrimPrefix(n.Addr, "0.0.0.0")
	}
	host, _, err := net.SplitHostPort(n.Manager.Addr)
	if err != nil {
		return ""
	}
	return host
}
