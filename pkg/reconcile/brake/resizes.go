package brake

import (
	"context"
	"slices"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A machine that is resized in place comes back, so its stop needs no accepted edit and no manager in its place. It needs that its node is drained and
// carries nothing, and that of the managers only this one is away.

// openResize returns the open operation to resize the droplet, if there is exactly one operation on it.
func openResize(l ledger.Ledger, id int) *ledger.Op {
	var found *ledger.Op
	for i := range l.Ops {
		if op := &l.Ops[i]; op.Kind != ledger.Create && op.DropletID == id {
			if found != nil {
				return nil
			}
			found = op
		}
	}
	if found == nil || found.Kind != ledger.Resize {
		return nil
	}
	return found
}

// resizeOf is the open resize of the droplet by the ledger as it is now, nil if there is none.
func (b *brakes) resizeOf(ctx context.Context, op string, id int) (*ledger.Op, error) {
	if b.opts.Ledger == nil {
		return nil, nil
	}
	l, err := b.opts.Ledger(ctx)
	if err != nil {
		return nil, b.refuse(View, cloudSide, op, "the ledger could not be read first: %w", opaque(err))
	}
	return openResize(l, id), nil
}

// emptied refuses a droplet to be stopped on which a node takes tasks or runs some, or whose manager is not the only one that is away.
func (b *brakes) emptied(ctx context.Context, op string, d cloud.Droplet, nodes []swarm.Node) error {
	var here []string
	for _, n := range nodes {
		switch onIt := on(n, d); {
		case !onIt || n.State == swarm.NodeDown:
		case n.Spec.Availability != swarm.Drain:
			return b.refuse(Joined, cloudSide, op, "droplet %d carries the node %s, which is not drained", d.ID, n.ID)
		default:
			here = append(here, n.ID)
		}
	}
	if err := b.othersUp(op, d, nodes); err != nil || len(here) == 0 {
		return err
	}
	tasks, err := b.opts.Engine.TasksOn(ctx, here)
	if err != nil {
		return b.refuse(View, cloudSide, op, "the tasks could not be looked at first: %w", opaque(err))
	}
	for _, t := range tasks {
		if t.State == "running" && slices.Contains(here, t.NodeID) {
			return b.refuse(Joined, cloudSide, op, "droplet %d carries the node %s, on which task %s runs", d.ID, t.NodeID, t.ID)
		}
	}
	return nil
}

// othersUp refuses to stop a manager while another one is away: it alone may be.
func (b *brakes) othersUp(op string, d cloud.Droplet, nodes []swarm.Node) error {
	stops := slices.ContainsFunc(nodes, func(n swarm.Node) bool { return n.Manager != nil && on(n, d) })
	for _, n := range nodes {
		if stops && n.Manager != nil && !on(n, d) && !b.up(n) {
			return b.refuse(Quorum, cloudSide, op, "droplet %d carries a manager, and another one, %s, is not reachable", d.ID, n.ID)
		}
	}
	return nil
}

// resizable says why the droplet must not get the size; nil if it may.
func (c *Cloud) resizable(ctx context.Context, op string, id int, size string) error {
	d, err := c.freshView(ctx, op, id)
	switch {
	case err != nil:
		return err
	case !c.owned(d):
		return c.notOurs(op, d)
	case d.Status != cloud.StatusOff:
		return c.refuse(Joined, cloudSide, op, "droplet %d is %s, not off", id, d.Status)
	}
	nodes, err := c.look(ctx)
	if err != nil {
		return c.refuse(View, cloudSide, op, "the nodes could not be looked at first: %w", opaque(err))
	}
	if err := c.belongs(ctx, op, d, nodes); err != nil {
		return err
	}
	resize, err := c.resizeOf(ctx, op, id)
	if err == nil && (resize == nil || resize.To != size || resize.Phase != ledger.Resizing) {
		err = c.refuse(Ownership, cloudSide, op, "droplet %d: no operation that asks for %s is open", id, size)
	}
	return err
}
