package dockerd

import (
	api "github.com/docker/docker/api/types/swarm"
)

// Truth is one cluster as it really is, whoever can or cannot reach it. For assertions.
type Truth struct {
	ID       string
	Leader   string         // node id, "" while there is none
	Members  []string       // node ids of the Raft group, in the order they joined
	Alive    int            // members that are up and reach a majority
	Nodes    []api.Node     // sorted by id
	Services []api.Service  // sorted by id
	Tasks    []api.Task     // in the order they were made
	Configs  []api.Config   // sorted by id
	Secrets  []api.Secret   // sorted by id, their values included
	Tokens   api.JoinTokens // secrets
	Spec     api.Spec       // of the swarm
	Version  uint64         // of the swarm: what an update of it must name
	Writes   uint64         // the store's index: it grows with every write
}

// Quorum reports whether enough members are alive to decide anything.
func (t Truth) Quorum() bool { return t.Alive > len(t.Members)/2 }

// Truth returns the cluster that the engine is in, and false if it is in none.
func (e *Engine) Truth() (Truth, bool) {
	e.world.lock()
	defer e.world.unlock()
	if e.cluster == nil {
		return Truth{}, false
	}
	return e.cluster.truth(), true
}

// Glance is the engine's Truth without a copy, see Swarm.Glance.
func (e *Engine) Glance() (Truth, bool) {
	e.world.lock()
	defer e.world.unlock()
	if e.cluster == nil {
		return Truth{}, false
	}
	return e.cluster.glance(), true
}

// Truth returns the last cluster that was initialised, and false if there is none yet.
func (s *Swarm) Truth() (Truth, bool) {
	s.lock()
	defer s.unlock()
	if len(s.clusters) == 0 {
		return Truth{}, false
	}
	return s.clusters[len(s.clusters)-1].truth(), true
}

// Glance is Truth without a copy, for who looks after every call: what it returns is good only until the next one, and must not be
// changed.
func (s *Swarm) Glance() (Truth, bool) {
	s.lock()
	defer s.unlock()
	if len(s.clusters) == 0 {
		return Truth{}, false
	}
	if s.glanced == nil || s.glancedAt != s.changes {
		t := s.clusters[len(s.clusters)-1].glance()
		s.glanced, s.glancedAt = &t, s.changes
	}
	return *s.glanced, true
}

func (c *cluster) truth() Truth { return deepCopy(c.glance()) }

func (c *cluster) glance() Truth {
	t := Truth{ID: c.info.ID, Leader: c.leader, Tokens: c.token, Spec: c.info.Spec, Version: c.info.Version.Index, Writes: c.index, Alive: len(c.candidates())}
	for _, m := range c.members {
		t.Members = append(t.Members, m.nodeID)
	}
	for _, n := range c.sortedNodes() {
		t.Nodes = append(t.Nodes, c.view(n))
	}
	for _, s := range c.sortedServices() {
		t.Services = append(t.Services, s.Service)
	}
	for _, k := range c.ordered {
		t.Tasks = append(t.Tasks, k.Task)
	}
	for _, e := range c.entries("config") {
		t.Configs = append(t.Configs, *c.configs[*e.id])
	}
	for _, e := range c.entries("secret") {
		t.Secrets = append(t.Secrets, *c.secrets[*e.id])
	}
	return t
}

// Engines returns the machines in the order they were added.
func (s *Swarm) Engines() []*Engine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Engine(nil), s.engines...)
}

// KillTask ends the container of a running task, as kill -9 on its node would; slot 0 takes any task of the service. It reports
// whether there was one.
func (s *Swarm) KillTask(service string, slot int) bool {
	s.lockForChange()
	defer s.unlock()
	for _, c := range s.clusters {
		for _, t := range c.ordered {
			if t.serviceName == service && (slot == 0 || t.Slot == slot) && t.Status.State == api.TaskStateRunning {
				c.kill(t)
				return true
			}
		}
	}
	return false
}

// MoveLeader hands the leadership of the engine's cluster to another reachable manager and reports whether there was one.
func (e *Engine) MoveLeader() bool {
	e.world.lockForChange()
	defer e.world.unlock()
	return e.cluster != nil && e.cluster.leader != "" && e.cluster.transferLeadership()
}

// AddGhost leaves in the engine's cluster what a failed join leaves behind: a node without a host name that is never seen again.
// It returns the node's id, "" if the engine is in no cluster.
func (e *Engine) AddGhost() string {
	e.world.lockForChange()
	defer e.world.unlock()
	c := e.cluster
	if c == nil {
		return ""
	}
	n := &node{role: api.NodeRoleWorker}
	n.ID = c.world.newID()
	n.Spec = api.NodeSpec{
		Annotations: api.Annotations{Labels: map[string]string{}}, Role: api.NodeRoleWorker, Availability: api.NodeAvailabilityActive,
	}
	n.Status.State = api.NodeStateUnknown
	c.nodes[n.ID] = n
	c.stamp(&n.Meta, true)
	return n.ID
}
