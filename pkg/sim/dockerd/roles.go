package dockerd

import (
	"slices"

	api "github.com/docker/docker/api/types/swarm"
)

// reconcileRoles turns wished roles into memberships, each after its delay, and evicts members whose node is gone.
func (c *cluster) reconcileRoles() {
	for _, n := range c.sortedNodes() {
		key := "role/" + n.ID
		member := c.member(n.ID)
		settled := n.role == n.Spec.Role && (member != nil) == (n.role == api.NodeRoleManager)
		switch {
		case settled:
			c.world.queue.cancel(key)
		case c.world.queue.pending(key):
		case n.Spec.Role == api.NodeRoleManager:
			c.world.after(c.world.opt.PromoteDelay, key, func() { c.promote(n, key) })
		default:
			c.world.after(c.world.opt.DemoteDelay, key, func() { c.demote(n, key) })
		}
	}
	for _, m := range slices.Clone(c.members) {
		key := "evict/" + m.nodeID
		if c.nodes[m.nodeID] == nil && !c.world.queue.pending(key) {
			c.world.after(c.world.opt.RoleRetry, key, func() { c.evict(m) })
		}
	}
}

// promote makes a node a manager, and a member once its machine can be reached. Until then it is tried again.
func (c *cluster) promote(n *node, key string) {
	if c.nodes[n.ID] != n || n.Spec.Role != api.NodeRoleManager || c.leader == "" {
		return
	}
	c.setRole(n, api.NodeRoleManager)
	if c.member(n.ID) != nil {
		return
	}
	if !c.linked(n) {
		c.world.after(c.world.opt.RoleRetry, key, func() { c.promote(n, key) })
		return
	}
	old := *n
	c.addMember(n)
	c.touchNode(n, old)
}

// demote takes a node out of the Raft group. It waits while that would lose the quorum; a leader hands over first.
func (c *cluster) demote(n *node, key string) {
	if c.nodes[n.ID] != n || n.Spec.Role != api.NodeRoleWorker || c.leader == "" {
		return
	}
	if m := c.member(n.ID); m != nil {
		switch {
		case !c.canRemove(m):
			c.world.after(c.world.opt.RoleRetry, key, func() { c.demote(n, key) })
			return
		case c.leader == n.ID && c.transferLeadership():
			c.world.after(c.world.opt.DemoteDelay, key, func() { c.demote(n, key) })
			return
		}
		c.dropMember(m)
	}
	c.setRole(n, api.NodeRoleWorker)
}

func (c *cluster) evict(m *member) {
	if c.leader == "" || c.member(m.nodeID) != m {
		return
	}
	if c.canRemove(m) && m.nodeID != c.leader {
		c.dropMember(m)
		return
	}
	if m.nodeID == c.leader {
		c.transferLeadership()
	}
}

func (c *cluster) setRole(n *node, role api.NodeRole) {
	if n.role == role {
		return
	}
	old := *n
	n.role = role
	c.touchNode(n, old)
}
