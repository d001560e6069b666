package brake

import (
	"context"
	"slices"
	"strconv"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A droplet with the cluster's tags and name may be another swarm's: of the same name in the same account, or of this one as it was before
// a backup was restored. It is this swarm's if a node here is bound to it, or claims it from its address, or if the ledger has the open
// create that made it, its open delete or resize, or keeps it since then. Those are written into the ledger only while one of the others holds.

// standsOn reports whether the node says that it is on the droplet: by its binding, or by its engine's claim from the droplet's own address.
// For a droplet that is tagged as another swarm's the binding alone is too little: anybody with a manager's API can write it.
func standsOn(n swarm.Node, d cloud.Droplet, others bool) bool {
	id := strconv.Itoa(d.ID)
	bound := n.Spec.Labels[swarm.LabelDroplet]
	if bound != "" && (bound != id || !others) {
		return bound == id
	}
	return n.EngineLabels[swarm.LabelDroplet] == id && at(n, d.PrivateIPv4)
}

// othersSwarm reports whether the droplet is tagged as another swarm's, and not as this one's.
func (b *brakes) othersSwarm(ctx context.Context, op string, d cloud.Droplet) (bool, error) {
	ids := d.SwarmIDs()
	if len(ids) == 0 || slices.Contains(b.opts.Adopted, d.ID) {
		return false, nil
	}
	id, err := b.swarmID(ctx)
	if err != nil {
		return false, b.refuse(View, cloudSide, op, "the swarm could not be looked at first: %w", opaque(err))
	}
	return id != "" && !slices.Contains(ids, id), nil
}

// madeBy reports whether the operation is the create that the droplet was made by.
func madeBy(op ledger.Op, d cloud.Droplet) bool {
	return op.Kind == ledger.Create && (op.DropletID == d.ID || op.ID == d.OpID())
}

// belongs refuses a droplet of which nothing shows that it is this swarm's.
func (b *brakes) belongs(ctx context.Context, op string, d cloud.Droplet, nodes []swarm.Node) error {
	others, err := b.othersSwarm(ctx, op, d)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(nodes, func(n swarm.Node) bool { return standsOn(n, d, others) }) {
		return nil
	}
	if b.opts.Ledger == nil {
		return b.refuse(Ownership, cloudSide, op, "droplet %d (%s) has no node in this swarm, and there is no ledger", d.ID, d.Name)
	}
	l, err := b.opts.Ledger(ctx)
	if err != nil {
		return b.refuse(View, cloudSide, op, "the ledger could not be read first: %w", opaque(err))
	}
	if openDelete(l, d.ID) != nil || openResize(l, d.ID) != nil || l.KeptDroplet(d.ID) != nil || slices.ContainsFunc(l.Ops, func(o ledger.Op) bool { return madeBy(o, d) }) {
		return nil
	}
	return b.refuse(Ownership, cloudSide, op, "droplet %d (%s) has no node in this swarm and no open operation: it may be another swarm's", d.ID, d.Name)
}

// newDeletes refuses a ledger that is to be written if it opens the delete or resize of a droplet of which nothing shows that it is this swarm's.
func (b *brakes) newDeletes(ctx context.Context, to ledger.Ledger) error {
	b.mu.Lock()
	was := b.deletes.last
	b.mu.Unlock()
	for _, op := range to.Ops {
		old := slices.ContainsFunc(was.Ops, func(o ledger.Op) bool { return o.Kind == op.Kind && o.ID == op.ID && o.DropletID == op.DropletID })
		if op.Kind == ledger.Create || old {
			continue
		}
		if err := b.deletableHere(ctx, op.DropletID, op.NodeID, was); err != nil {
			return err
		}
		if !op.Repair {
			continue
		}
		if err := b.newRepair(ctx, op, to); err != nil {
			return err
		}
	}
	return nil
}

// deletableHere is asked before a delete is opened. A node that is bound to the droplet, or the create that recorded it, needs no further look at it.
func (b *brakes) deletableHere(ctx context.Context, id int, node string, was ledger.Ledger) error {
	const op = "update config"
	nodes, err := b.look(ctx)
	if err != nil {
		return b.refuse(View, swarmSide, op, "the nodes could not be looked at first: %w", opaque(err))
	}
	if i := slices.IndexFunc(nodes, func(n swarm.Node) bool { return n.ID == node }); i >= 0 {
		if bound := nodes[i].Spec.Labels[swarm.LabelDroplet]; bound != "" && bound != strconv.Itoa(id) {
			return b.refuse(Ownership, swarmSide, op, "node %s is on droplet %s, not on %d: the nodes were not seen as they are", node, bound, id)
		}
	}
	if was.KeptDroplet(id) != nil { // its delete was open once
		return nil
	}
	shows := func(d cloud.Droplet, others bool) bool {
		return slices.ContainsFunc(nodes, func(n swarm.Node) bool { return standsOn(n, d, others) }) ||
			slices.ContainsFunc(was.Ops, func(o ledger.Op) bool { return madeBy(o, d) })
	}
	seen, _ := b.recent(id) // the plan's own look listed it, unless it is gone: that needs no look more
	others, err := b.othersSwarm(ctx, op, seen)
	if err != nil {
		return err
	}
	if shows(cloud.Droplet{ID: id}, others) {
		return nil
	}
	d, err := b.dropletSeen(ctx, op, id)
	if err != nil {
		return err
	}
	if others, err = b.othersSwarm(ctx, op, d); err != nil {
		return err
	}
	if d.ID == id && b.owned(d) && shows(d, others) {
		return nil
	}
	return b.refuse(Ownership, swarmSide, op, "droplet %d has no node in this swarm and no open create: it may be another swarm's, and no operation on it is opened", id)
}

// dropletSeen is the droplet as it was seen within the last minute, or as it is now; zero if it does not exist.
func (b *brakes) dropletSeen(ctx context.Context, op string, id int) (cloud.Droplet, error) {
	if b.opts.Cloud == nil {
		return cloud.Droplet{}, nil
	}
	c := &Cloud{brakes: b}
	d, err := c.view(ctx, op, id)
	if apierr.KindOf(err) == apierr.NotFound {
		return cloud.Droplet{}, nil
	}
	return d, err
}

// swarmID is the id of this swarm, as an answer showed it or as it is now; "" without a swarm.
func (b *brakes) swarmID(ctx context.Context) (string, error) {
	b.mu.Lock()
	id := b.swarm.ID
	b.mu.Unlock()
	if id != "" || b.opts.Engine == nil {
		return id, nil
	}
	c, err := b.opts.Engine.Cluster(ctx)
	if err == nil {
		b.observeSwarm(c)
	}
	return c.ID, err
}

func (b *brakes) observeSwarm(c swarm.Cluster) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.swarm = c
}

// forThisSwarm refuses a create whose tags would not tell which swarm the droplet is for. Before there is a swarm none can.
func (b *brakes) forThisSwarm(ctx context.Context, op string, d cloud.Droplet) error {
	id, err := b.swarmID(ctx)
	if err != nil {
		return b.refuse(View, cloudSide, op, "the swarm could not be looked at first: %w", opaque(err))
	}
	want := []string{id}
	if id == "" {
		want = nil
	}
	if !slices.Equal(d.SwarmIDs(), want) {
		return b.refuse(Ownership, cloudSide, op, "%s is tagged as one of the swarms %q, this one is %q", d.Name, d.SwarmIDs(), id)
	}
	return nil
}
