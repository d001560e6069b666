package dockerd

import (
	"net"
	"slices"

	api "github.com/docker/docker/api/types/swarm"
)

const raftPort = "2377"

func (c *cluster) member(nodeID string) *member {
	for _, m := range c.members {
		if m.nodeID == nodeID {
			return m
		}
	}
	return nil
}

// engineOf returns the engine of a node while it still is in this cluster.
func (c *cluster) engineOf(nodeID string) *Engine {
	for _, e := range c.world.engines {
		if e.cluster == c && e.nodeID == nodeID {
			return e
		}
	}
	return nil
}

// component counts the members that a member can reach, itself included.
func (c *cluster) component(of *member) int {
	e, count := c.engineOf(of.nodeID), 0
	for _, m := range c.members {
		if e.reaches(c.engineOf(m.nodeID)) {
			count++
		}
	}
	return count
}

func (c *cluster) majority() int { return len(c.members)/2 + 1 }

// candidates returns the members that could lead: those who reach a majority.
func (c *cluster) candidates() []*member {
	var out []*member
	for _, m := range c.members {
		if c.component(m) >= c.majority() {
			out = append(out, m)
		}
	}
	return out
}

// watchLeader drops a leader that no longer reaches a majority and begins an election when one can succeed.
func (c *cluster) watchLeader() {
	can := c.candidates()
	if c.leader != "" && !slices.ContainsFunc(can, func(m *member) bool { return m.nodeID == c.leader }) {
		c.leader = ""
	}
	key := "election/" + c.info.ID
	switch {
	case c.leader != "" || len(can) == 0:
		c.world.queue.cancel(key)
	case !c.world.queue.pending(key):
		c.world.after(c.world.opt.ElectionTime, key, c.elect)
	}
}

func (c *cluster) elect() {
	if can := c.candidates(); c.leader == "" && len(can) > 0 {
		c.lead(can[c.world.rng.IntN(len(can))].nodeID)
	}
}

// lead makes a member the leader. It does not know the other nodes yet: all that are not down become unknown until their agents
// have reported (traps 6).
func (c *cluster) lead(nodeID string) {
	c.leader, c.ledSince, c.led = nodeID, c.world.now, c.led+1
	c.world.queue.cancel("election/" + c.info.ID)
	for _, n := range c.sortedNodes() {
		c.world.queue.cancel("down/" + n.ID)
		c.world.queue.cancel("ready/" + n.ID)
		if n.Status.State != api.NodeStateDown {
			c.setNodeState(n, api.NodeStateUnknown, `Node moved to "unknown" state due to leadership change in cluster`)
		}
	}
}

// transferLeadership hands over to another reachable member, if there is one.
func (c *cluster) transferLeadership() bool {
	for _, m := range c.candidates() {
		if m.nodeID != c.leader {
			c.lead(m.nodeID)
			return true
		}
	}
	return false
}

// reachable reports whether the leader reaches the member.
func (c *cluster) reachable(m *member) bool {
	return c.leader != "" && c.engineOf(c.leader).reaches(c.engineOf(m.nodeID))
}

// canRemove is the quorum safeguard: whether the others alone would still be a majority of themselves, as the leader sees them.
func (c *cluster) canRemove(m *member) bool {
	others := 0
	for _, o := range c.members {
		if o != m && c.reachable(o) {
			others++
		}
	}
	return others >= (len(c.members)-1)/2+1
}

func (c *cluster) addMember(n *node) {
	c.members = append(c.members, &member{nodeID: n.ID, addr: net.JoinHostPort(n.Status.Addr, raftPort)})
	c.index++
}

func (c *cluster) dropMember(m *member) {
	c.members = slices.DeleteFunc(c.members, func(o *member) bool { return o == m })
	c.index++
}

// managerStatus is the node's membership as the leader sees it, nil for a node that is no member.
func (c *cluster) managerStatus(nodeID string) *api.ManagerStatus {
	m := c.member(nodeID)
	if m == nil {
		return nil
	}
	status := &api.ManagerStatus{Leader: nodeID == c.leader, Reachability: api.ReachabilityUnreachable, Addr: m.addr}
	if c.reachable(m) {
		status.Reachability = api.ReachabilityReachable
	}
	return status
}
