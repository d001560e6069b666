package brake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A repair is a delete that no edit permits: of a machine that is gone, that is down, that an open create made and that never joined, or that a person
// asked to replace, which no write through the brakes can say. It is looked at
// when it is opened, because its node leaves the swarm before its droplet goes, and once more before anything is stopped or deleted.

// repaired is a repair that was let through.
type repaired struct {
	at    time.Time
	retry bool // of a machine that never joined: those are counted by themselves
}

// newRepair refuses a ledger that is to be written if it opens more repairs than an hour has, or one of a machine that is not known to be broken.
func (b *brakes) newRepair(ctx context.Context, op ledger.Op, to ledger.Ledger) error {
	const of = "update config"
	nodes, err := b.look(ctx)
	if err != nil {
		return b.refuse(View, swarmSide, of, "the nodes could not be looked at first: %w", opaque(err))
	}
	begun, most := perHour(op, to, b.bound(nodes), b.opts.Wall())
	if begun > most {
		return b.refuse(Deletes, swarmSide, of, "%d repairs in an hour, of %d at most", begun, most)
	}
	d, err := b.dropletSeen(ctx, of, op.DropletID)
	if err != nil {
		return err
	}
	if d.ID == 0 { // it does not exist
		return nil
	}
	if i := slices.IndexFunc(nodes, func(n swarm.Node) bool { return on(n, d) }); i >= 0 && op.NodeID == "" {
		return b.refuse(Joined, swarmSide, of, "droplet %d carries the node %s, and is to be deleted as one that never joined", d.ID, nodes[i].ID)
	}
	return b.needsNone(swarmSide, of, d, nodes)
}

// perHour is how many repairs of the operation's kind the hour has, and how many it may have with so many nodes.
func perHour(op ledger.Op, l ledger.Ledger, nodes int, wall time.Time) (begun, most int) {
	if op.NodeID == "" {
		return recent(l.Retries, wall), ledger.RetriesAnHour(nodes)
	}
	return recent(l.Repairs, wall), ledger.RepairsAnHour(nodes)
}

// needsNone refuses a repair of a droplet with a node that is not down, unless a person has asked for another machine. One without any node is an open
// create's, see deletableHere.
func (b *brakes) needsNone(side, op string, d cloud.Droplet, nodes []swarm.Node) error {
	i := slices.IndexFunc(nodes, func(n swarm.Node) bool {
		return on(n, d) && n.State != swarm.NodeDown && n.Spec.Labels[swarm.LabelReplace] == ""
	})
	if i < 0 {
		return nil
	}
	return b.refuse(Joined, side, op, "droplet %d carries the node %s, which is not down: it needs no repair", d.ID, nodes[i].ID)
}

// livelyRepair refuses to stop a machine for a repair that it does not need any more.
func (b *brakes) livelyRepair(ctx context.Context, op string, d cloud.Droplet, nodes []swarm.Node) error {
	if b.opts.Ledger == nil {
		return nil
	}
	l, err := b.opts.Ledger(ctx)
	if err != nil {
		return b.refuse(View, cloudSide, op, "the ledger could not be read first: %w", opaque(err))
	}
	if open := openDelete(l, d.ID); open == nil || !open.Repair {
		return nil
	}
	return b.needsNone(cloudSide, op, d, nodes)
}

// spendRepair counts a repair twice, as spendFree does. Those of the hour count as nodes as well: theirs may have left the swarm since they were begun.
func (b *brakes) spendRepair(l ledger.Ledger, op ledger.Op, wall, now time.Time) string {
	g, id, retry, others := &b.deletes, op.DropletID, op.NodeID == "", 0
	begun, most := perHour(op, l, b.boundSeen()+recent(l.Repairs, wall), wall)
	for other, done := range g.repairs {
		switch {
		case now.Sub(done.at) >= time.Hour:
			delete(g.repairs, other)
		case other != id && done.retry == retry:
			others++
		}
	}
	if begun > most || others >= most {
		return fmt.Sprintf("%d repairs in an hour are the most", most)
	}
	if g.repairs == nil {
		g.repairs = map[int]repaired{}
	}
	if _, again := g.repairs[id]; !again {
		g.repairs[id] = repaired{now, retry}
	}
	return ""
}

// boundSeen counts the cluster's bound nodes as they were listed last.
func (b *brakes) boundSeen() int {
	n := 0
	for _, node := range b.nodes {
		if b.isBound(node) {
			n++
		}
	}
	return n
}

// bound counts the cluster's nodes that are bound to a droplet.
func (b *brakes) bound(nodes []swarm.Node) int {
	return len(slices.DeleteFunc(slices.Clone(nodes), func(n swarm.Node) bool { return !b.isBound(n) }))
}

func (b *brakes) isBound(n swarm.Node) bool {
	return n.Spec.Labels[swarm.LabelDroplet] != "" && b.others(n) == ""
}
