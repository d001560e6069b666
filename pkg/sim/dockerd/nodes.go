package dockerd

import (
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

// linked reports whether the leader and the node's machine reach each other.
func (c *cluster) linked(n *node) bool {
	return c.leader != "" && n.engine != nil && n.engine.cluster == c && n.engine.nodeID == n.ID &&
		c.engineOf(c.leader).reaches(n.engine)
}

// touchNode records a write to a node and tells the watchers what changed.
func (c *cluster) touchNode(n *node, old node) {
	c.stamp(&n.Meta, false)
	c.publish(nodeEvent("update", n, &old, c.world.now))
}

func (c *cluster) setNodeState(n *node, state api.NodeState, message string) {
	if n.Status.State == state && n.Status.Message == message {
		return
	}
	old := *n
	n.Status.State, n.Status.Message = state, message
	c.touchNode(n, old)
}

// watchNodes is the dispatcher: a linked node becomes ready, a silent one down, and the tasks of one that stays down are orphaned.
func (c *cluster) watchNodes() {
	for _, n := range c.sortedNodes() {
		ready, down := "ready/"+n.ID, "down/"+n.ID
		state := n.Status.State
		if c.linked(n) {
			c.world.queue.cancel(down)
			c.watchReboot(n)
			if state != api.NodeStateReady && !c.world.queue.pending(ready) {
				c.world.after(c.world.jitter(c.world.opt.ReconnectTime), ready, func() { c.markReady(n) })
			}
			continue
		}
		c.world.queue.cancel(ready)
		if c.leader == "" || state == api.NodeStateDown || c.world.queue.pending(down) {
			continue
		}
		c.watchSilence(n, down)
	}
}

func (c *cluster) watchSilence(n *node, key string) {
	timeout, message := c.world.opt.HeartbeatTimeout, "heartbeat failure"
	if n.Status.State == api.NodeStateUnknown {
		timeout, message = 2*timeout, `heartbeat failure for node in "unknown" state`
	}
	c.world.after(timeout, key, func() {
		if c.nodes[n.ID] != n || c.leader == "" {
			return
		}
		c.setNodeState(n, api.NodeStateDown, message)
		c.world.after(c.world.opt.OrphanAfter, "orphan/"+n.ID, func() { c.orphan(n.ID, "Task belonged to a node that has been down") })
	})
}

// markReady is an agent's new session: the node is described anew.
func (c *cluster) markReady(n *node) {
	if c.nodes[n.ID] != n || !c.linked(n) {
		return
	}
	c.world.queue.cancel("orphan/" + n.ID)
	old := *n
	n.Description = n.engine.description()
	n.Status = api.NodeStatus{State: api.NodeStateReady, Addr: n.engine.advertise}
	c.touchNode(n, old)
}

// watchReboot lets a machine that was switched on report what it lost.
func (c *cluster) watchReboot(n *node) {
	key := "reboot/" + n.ID
	if !n.engine.rebooted || c.world.queue.pending(key) {
		return
	}
	c.world.after(c.world.jitter(c.world.opt.ReconnectTime), key, func() {
		if c.nodes[n.ID] != n || !c.linked(n) {
			return
		}
		n.engine.rebooted = false
		c.loseContainers(n.ID, n.engine.started)
		n.engine.report()
	})
}

// updateNode replaces a node's whole specification.
func (c *cluster) updateNode(n *node, version uint64, spec api.NodeSpec) error {
	if err := validNodeSpec(spec); err != nil {
		return err
	}
	if n.Spec.Role == api.NodeRoleManager && spec.Role == api.NodeRoleWorker {
		if err := c.mayDemote(n); err != nil {
			return err
		}
	}
	if version != n.Version.Index {
		return errOutOfSequence
	}
	old := *n
	n.Spec, n.rewritten = spec, true
	n.Spec.Labels = orEmpty(cloneMap(spec.Labels))
	c.touchNode(n, old)
	return nil
}

func validNodeSpec(spec api.NodeSpec) error {
	switch spec.Role {
	case api.NodeRoleManager, api.NodeRoleWorker:
	default:
		return badRequest("invalid Role: %q", spec.Role)
	}
	switch spec.Availability {
	case api.NodeAvailabilityActive, api.NodeAvailabilityPause, api.NodeAvailabilityDrain:
		return nil
	}
	return badRequest("invalid Availability: %q", spec.Availability)
}

func (c *cluster) mayDemote(n *node) error {
	managers := 0
	for _, o := range c.nodes {
		if o.role == api.NodeRoleManager {
			managers++
		}
	}
	if managers == 1 && n.role == api.NodeRoleManager {
		return rpcError(failedPrecondition, "attempting to demote the last manager of the swarm")
	}
	m := c.member(n.ID)
	if m == nil {
		return rpcError(notFound, "can't find manager in raft memberlist")
	}
	if !c.canRemove(m) {
		return rpcError(failedPrecondition, "can't remove member from the raft: this would result in a loss of quorum")
	}
	return nil
}

// removeNode forgets a node. The machine, if it still runs, is refused from then on, tries for ever and says nothing of it.
func (c *cluster) removeNode(n *node, force bool) error {
	if n.Spec.Role == api.NodeRoleManager && c.member(n.ID) != nil {
		return rpcError(failedPrecondition, "node %s is a cluster manager and is a member of the raft cluster. "+
			"It must be demoted to worker before removal", n.ID)
	}
	if !force && n.Status.State == api.NodeStateReady {
		return rpcError(failedPrecondition, "node %s is not down and can't be removed", n.ID)
	}
	c.orphan(n.ID, "Task belonged to a node that has been deleted")
	delete(c.nodes, n.ID)
	for _, prefix := range []string{"ready/", "down/", "role/", "orphan/"} {
		c.world.queue.cancel(prefix + n.ID)
	}
	c.stamp(&c.info.Meta, false) // the certificate is blacklisted in the cluster object
	c.publish(nodeEvent("remove", n, nil, c.world.now))
	return nil
}

func (c *cluster) orphan(nodeID, why string) {
	for _, t := range c.ordered {
		if t.NodeID == nodeID && !t.finished() {
			c.setTask(t, api.TaskStateOrphaned, why, "")
		}
	}
}

// findNode resolves an id, a host name or a prefix of an id, in this order.
func (c *cluster) findNode(ref string) (*node, error) {
	if n := c.nodes[ref]; n != nil {
		return n, nil
	}
	all := c.sortedNodes()
	named := slices.DeleteFunc(slices.Clone(all), func(n *node) bool { return n.Description.Hostname != ref })
	if len(named) == 0 {
		named = slices.DeleteFunc(all, func(n *node) bool { return !strings.HasPrefix(n.ID, ref) })
	}
	return one("node", ref, named)
}

// one is the engine's answer to a reference that may match several objects.
func one[T any](kind, ref string, found []T) (T, error) {
	var none T
	switch len(found) {
	case 0:
		return none, &apiError{404, kind + " " + ref + " not found"}
	case 1:
		return found[0], nil
	}
	return none, badRequest("%s %s is ambiguous (%d matches found)", kind, ref, len(found))
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
