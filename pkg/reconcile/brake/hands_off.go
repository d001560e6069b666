package brake

import (
	"slices"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// leftAlone refuses to take a machine away, or its power, that a person has paused or protected, by its node's labels as they were looked at last and by
// the ledger as it was seen last. To power it on is never refused.
func (b *brakes) leftAlone(op string, d cloud.Droplet) error {
	if slices.Contains(b.opts.Destroy, d.ID) {
		return nil
	}
	b.mu.Lock()
	nodes, l := b.nodes, b.deletes.last
	b.mu.Unlock()
	for _, n := range nodes {
		if why := b.kept(n); why != "" && on(n, d) {
			return b.refuse(HandsOff, cloudSide, op, "droplet %d (%s): %s", d.ID, d.Name, why)
		}
	}
	pool := cloud.ParseDropletName(b.opts.Cluster, d.Name, d.OpID())
	if object, off, paused := l.Paused(b.opts.Wall(), ledger.PausedCluster, ledger.PausedPool+pool); paused {
		return b.refuse(HandsOff, cloudSide, op, "droplet %d (%s): %s is paused by %s", d.ID, d.Name, object, off.By)
	}
	return nil
}

// kept says that a person keeps the node, "" if nobody does.
func (b *brakes) kept(n swarm.Node) string {
	if off, ok := n.Spec.Protected(); ok && off.Active(b.opts.Wall()) {
		return "node " + n.ID + " is protected by " + off.By
	}
	if off, ok := n.Spec.Paused(); ok && off.Active(b.opts.Wall()) {
		return "node " + n.ID + " is paused by " + off.By
	}
	return ""
}
