package brake

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// unsettled is how long a manager that was demoted or stopped through these brakes counts as lost, whatever the list still shows: the
// leader notices after some seconds, and a write whose answer was lost may still come.
const unsettled = 60 * time.Second

// stoppable says why the droplet must not be stopped. It returns the managers on it.
func (b *brakes) stoppable(ctx context.Context, op string, d cloud.Droplet) ([]string, error) {
	if slices.Contains(b.opts.Destroy, d.ID) {
		return nil, nil
	}
	nodes, err := b.look(ctx)
	if err != nil {
		return nil, b.refuse(View, cloudSide, op, "the nodes could not be looked at first: %w", opaque(err))
	}
	if err := b.belongs(ctx, op, d, nodes); err != nil {
		return nil, err
	}
	if err := b.livelyRepair(ctx, op, d, nodes); err != nil {
		return nil, err
	}
	var lost []string
	for _, n := range nodes {
		if n.Manager != nil && on(n, d) {
			lost = append(lost, n.ID)
		}
	}
	if why := b.majorityWithout(nodes, lost); why != "" {
		return nil, b.refuse(Quorum, cloudSide, op, "droplet %d: %s", d.ID, why)
	}
	if resize, err := b.resizeOf(ctx, op, d.ID); err != nil || resize != nil {
		if err == nil {
			err = b.emptied(ctx, op, d, nodes)
		}
		return lost, err
	}
	if err := b.enoughWithout(ctx, cloudSide, op, nodes, lost); err != nil {
		return nil, err
	}
	return lost, nil
}

// nodesOn returns a node on the droplet that is a manager or shall be, and one that is not down: a droplet that was seen without a node
// may have joined since.
func (b *brakes) nodesOn(ctx context.Context, d cloud.Droplet) (manager, living string, err error) {
	nodes, err := b.look(ctx)
	if err != nil {
		return "", "", err
	}
	for _, n := range nodes {
		switch {
		case !on(n, d):
			continue
		case n.Manages():
			manager = n.ID
		}
		if n.State != swarm.NodeDown {
			living = n.ID
		}
	}
	return manager, living, nil
}

// managersSeen are the managers as they were listed last. While there is no leader, nobody lists them, and to start one is the only way to a leader: no
// swarmd can do more then, since the lease is in the store. What stops a machine looks first and is refused.
func (b *brakes) managersSeen() []swarm.Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []swarm.Node
	for _, n := range b.nodes {
		if n.Manager != nil {
			out = append(out, n)
		}
	}
	return out
}

// startPeer starts a droplet while there is no leader, and none has been seen: as after a new start of swarmd. Then the engine alone says who the managers
// are, by their addresses, and the machine's own droplet which network and which swarm that is.
func (c *Cloud) startPeer(ctx context.Context, op string, d cloud.Droplet, send act) (cloud.Action, error) {
	peers, err := c.opts.Engine.Peers(ctx)
	if err != nil {
		return cloud.Action{}, c.refuse(View, cloudSide, op, "the managers could not be looked at first: %w", opaque(err))
	}
	info, err := c.opts.Engine.Info(ctx)
	if err != nil {
		return cloud.Action{}, c.refuse(View, cloudSide, op, "the engine could not be looked at first: %w", opaque(err))
	}
	all, err := c.Droplets(ctx, cloud.ClusterTag(c.opts.Cluster))
	if err != nil {
		return cloud.Action{}, c.refuse(View, cloudSide, op, "the droplets could not be looked at first: %w", opaque(err))
	}
	own := slices.IndexFunc(all, func(o cloud.Droplet) bool { return o.PrivateIPv4 != "" && o.PrivateIPv4 == info.NodeAddr })
	peer := slices.ContainsFunc(peers, func(p swarm.Peer) bool {
		return at(swarm.Node{Manager: &swarm.ManagerStatus{Addr: p.Addr}}, d.PrivateIPv4)
	})
	if own < 0 || !peer || all[own].VPC != d.VPC || len(d.SwarmIDs()) != 1 || !slices.Equal(all[own].SwarmIDs(), d.SwarmIDs()) {
		return cloud.Action{}, c.refuse(Ownership, cloudSide, op, "droplet %d (%s) is not known to be a manager of this swarm", d.ID, d.Name)
	}
	if err := permitted(ctx); err != nil {
		return cloud.Action{}, err
	}
	if err := c.spend(op); err != nil {
		return cloud.Action{}, err
	}
	return send(ctx, d.ID)
}

// on reports whether the node is on the droplet: by its binding or by either of the addresses that managers know it by. One is
// enough here, unlike for binding: a brake errs to the careful side.
func on(n swarm.Node, d cloud.Droplet) bool {
	if n.Spec.Labels[swarm.LabelDroplet] == strconv.Itoa(d.ID) {
		return true
	}
	return at(n, d.PrivateIPv4)
}

// at reports whether the managers know the node by the address.
func at(n swarm.Node, address string) bool {
	if address == "" {
		return false
	}
	raft := ""
	if n.Manager != nil {
		raft, _, _ = net.SplitHostPort(n.Manager.Addr)
	}
	return n.Addr == address || raft == address
}

// majorityWithout says why the members that would be left reachable are too few, while the lost ones remain members; "" if nobody is
// lost or a majority is left.
func (b *brakes) majorityWithout(nodes []swarm.Node, lost []string) string {
	if len(lost) == 0 {
		return ""
	}
	members, left := 0, 0
	for _, n := range nodes {
		if n.Manager == nil {
			continue
		}
		members++
		if !slices.Contains(lost, n.ID) && b.up(n) {
			left++
		}
	}
	if need := members/2 + 1; left < need {
		return fmt.Sprintf("%d of %d managers would be left, %d are needed", left, members, need)
	}
	return ""
}

// demotable says why the node's membership must stay; "" if it may go or there is none. One change of membership at a time: the next
// comes when the last is seen to be done.
func (b *brakes) demotable(nodes []swarm.Node, id string) string {
	if !member(nodes, id) {
		return ""
	}
	members, left := 0, 0
	for _, n := range nodes {
		switch {
		case n.ID == id:
			continue
		case (n.Manager != nil) != (n.Spec.Role == swarm.Manager), n.Manager != nil && b.isDisturbed(n.ID):
			return fmt.Sprintf("another manager is on its way in or out: %s", n.ID)
		case n.Manager != nil:
			members++
			if b.up(n) {
				left++
			}
		}
	}
	if need := members/2 + 1; left < need {
		return fmt.Sprintf("%d of the other %d managers are reachable, %d are needed", left, members, need)
	}
	return ""
}

// up reports whether the leader reaches the manager and nothing was done to it just now.
func (b *brakes) up(n swarm.Node) bool {
	return n.Manager.Reachability == "reachable" && n.State != swarm.NodeDown && !b.isDisturbed(n.ID)
}

func (b *brakes) disrupt(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for id, t := range b.disrupted {
		if now.Sub(t) >= unsettled {
			delete(b.disrupted, id)
		}
	}
	for _, id := range ids {
		b.disrupted[id] = now
	}
}

func (b *brakes) isDisturbed(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	t, ok := b.disrupted[id]
	return ok && time.Since(t) < unsettled
}
