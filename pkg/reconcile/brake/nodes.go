package brake

import (
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Several clusters may live in one swarm, and one of them owns the nodes. Whose a node is says its label, which managers alone can write. What is
// without one is of the cluster that has machines at all.

// ledgerSeen is the ledger as it was last seen through these brakes, zero before.
func (b *brakes) ledgerSeen() ledger.Ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.deletes.last
}

// nodeIsOurs refuses a write to a node that is another cluster's, to any node where this cluster owns none, and a change of role where another
// cluster has a manager: there is one quorum. The nodes count as they were seen last.
func (b *brakes) nodeIsOurs(op, id string, spec swarm.NodeSpec) error {
	if b.ledgerSeen().ServicesOnly {
		return b.refuse(Ownership, swarmSide, op, "cluster %s owns no nodes", b.opts.Cluster)
	}
	b.mu.Lock()
	nodes := b.nodes
	b.mu.Unlock()
	if of := b.others(nodes[id]); of != "" {
		return b.refuse(Ownership, swarmSide, op, "node %s is of cluster %s", id, of)
	}
	if mark := spec.Labels[swarm.LabelReplace]; mark != "" && nodes[id].Spec.Labels[swarm.LabelReplace] != mark {
		return b.refuse(Ownership, swarmSide, op, "node %s: a person alone asks for another machine, by the label %s", id, swarm.LabelReplace)
	}
	if was, seen := nodes[id]; spec.Role == "" || seen && was.Spec.Role == spec.Role {
		return nil
	}
	for _, n := range nodes {
		if of := b.others(n); of != "" && n.Manages() {
			return b.refuse(Quorum, swarmSide, op, "manager %s is of cluster %s: only the cluster that has the managers changes roles", n.ID, of)
		}
	}
	return nil
}

// others is the other cluster that a node is labelled as, "" if it is of none.
func (b *brakes) others(n swarm.Node) string {
	if of := n.Spec.Labels[swarm.LabelCluster]; of != b.opts.Cluster {
		return of
	}
	return ""
}
