package dockerd

import (
	"slices"
	"strconv"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// orchestrate keeps every service at its number of tasks, restarts what died, and moves roll-outs on.
func (c *cluster) orchestrate() {
	byService := map[string][]*task{}
	for _, t := range c.ordered {
		byService[t.ServiceID] = append(byService[t.ServiceID], t)
	}
	for _, s := range c.sortedServices() {
		switch m := s.Spec.Mode; {
		case m.Global != nil:
			c.orchestrateGlobal(s, byService[s.ID])
		case m.Replicated != nil:
			c.orchestrateReplicated(s, byService[s.ID])
		case m.ReplicatedJob != nil:
			c.orchestrateReplicatedJob(s, byService[s.ID])
		case m.GlobalJob != nil:
			c.orchestrateGlobalJob(s, byService[s.ID])
		}
		delete(byService, s.ID)
	}
	for _, t := range c.ordered {
		if byService[t.ServiceID] != nil {
			c.desire(t, api.TaskStateRemove)
		}
	}
}

func (c *cluster) orchestrateReplicated(s *service, tasks []*task) {
	for _, t := range tasks {
		if t.wanted() && !t.held && (t.finished() || (t.placed() && c.invalid(t.NodeID))) {
			tasks = c.restart(s, t, tasks)
		}
	}
	slots := c.slotsOf(tasks)
	want := int(*s.Spec.Mode.Replicated.Replicas)
	for number := 1; len(slots) < want; number++ {
		key := strconv.Itoa(number)
		if slots[key] == nil {
			slots[key] = []*task{c.newTask(s, number, "", api.TaskStateRunning)}
		}
	}
	if len(slots) > want {
		c.shrink(slots, want)
	}
	c.roll(s, slots)
}

// slotsOf groups the tasks that occupy a slot: those that are wanted, or else a last one that its restart policy leaves dead.
func (c *cluster) slotsOf(tasks []*task) map[string][]*task {
	slots, last := map[string][]*task{}, map[string]*task{}
	for _, t := range tasks {
		if t.DesiredState == api.TaskStateRemove {
			continue
		}
		if t.wanted() {
			slots[t.slotKey()] = append(slots[t.slotKey()], t)
		}
		last[t.slotKey()] = t
	}
	for key, t := range last {
		if slots[key] == nil && !c.mayRestart(t) {
			slots[key] = []*task{t}
		}
	}
	return slots
}

// shrink removes slots until want are left: those first that are on no node, or have two tasks; then those that share a node with most others of the
// service; then those that do not run; then the highest numbers (swarmkit, manager/orchestrator/replicated: reconcile). So one that does not run
// stays where its node has few, and one that runs goes.
func (c *cluster) shrink(slots map[string][]*task, want int) {
	type placed struct {
		key   string
		tasks []*task
		nth   int // on its node; high for one that is on none
	}
	var all []*placed
	for key, tasks := range slots {
		all = append(all, &placed{key: key, tasks: tasks})
	}
	slices.SortFunc(all, func(a, b *placed) int {
		if ra, rb := runs(a.tasks), runs(b.tasks); ra != rb {
			if ra {
				return -1
			}
			return 1
		}
		return a.tasks[0].Slot - b.tasks[0].Slot
	})
	onNode := map[string]int{}
	for _, p := range all {
		p.nth = len(slots)
		if n := p.tasks[0].NodeID; len(p.tasks) == 1 && n != "" {
			p.nth = onNode[n]
			onNode[n]++
		}
	}
	slices.SortStableFunc(all, func(a, b *placed) int { return a.nth - b.nth })
	for _, p := range all[want:] {
		for _, t := range p.tasks {
			c.desire(t, api.TaskStateRemove)
		}
		delete(slots, p.key)
	}
}

// runs reports whether a task of the slot does.
func runs(tasks []*task) bool {
	return slices.ContainsFunc(tasks, func(t *task) bool { return t.Status.State == api.TaskStateRunning })
}

// orchestrateGlobal keeps one task on every node that is neither drained nor down and meets the constraints. On a paused node a task runs on as it is:
// it is not rolled, and not restarted when it dies.
func (c *cluster) orchestrateGlobal(s *service, tasks []*task) {
	for _, t := range tasks {
		switch {
		case c.nodes[t.NodeID] == nil:
			c.desire(t, api.TaskStateRemove)
		case t.wanted() && (c.invalid(t.NodeID) || !c.eligible(s, c.nodes[t.NodeID])):
			c.desire(t, api.TaskStateShutdown)
		case t.wanted() && !t.held && t.finished() && c.paused(t.NodeID):
			c.desire(t, api.TaskStateShutdown)
		case t.wanted() && !t.held && t.finished():
			tasks = c.restart(s, t, tasks)
		}
	}
	slots := c.slotsOf(tasks)
	for key := range slots {
		if c.invalid(key) || c.paused(key) || !c.eligible(s, c.nodes[key]) {
			delete(slots, key)
		}
	}
	for _, n := range c.sortedNodes() {
		if !c.invalid(n.ID) && c.eligible(s, n) && slots[n.ID] == nil && n.Spec.Availability == api.NodeAvailabilityActive {
			slots[n.ID] = []*task{c.newTask(s, 0, n.ID, api.TaskStateRunning)}
		}
	}
	c.roll(s, slots)
}

func (c *cluster) eligible(s *service, n *node) bool {
	p := s.Spec.TaskTemplate.Placement
	return p == nil || nodeMatches(p.Constraints, n)
}

func (c *cluster) paused(nodeID string) bool {
	return c.nodes[nodeID].Spec.Availability == api.NodeAvailabilityPause
}

// invalid reports whether a node can keep no task: it is gone, down or drained.
func (c *cluster) invalid(nodeID string) bool {
	n := c.nodes[nodeID]
	return n == nil || n.Status.State == api.NodeStateDown || n.Spec.Availability == api.NodeAvailabilityDrain
}

// restartRecord is one restart in a slot, for max_attempts.
type restartRecord struct {
	at          time.Time
	specVersion uint64
}

// defaultRestartDelay is what the engine takes where the policy names none.
const defaultRestartDelay = 5 * time.Second

// restart ends a task and, if its policy allows, makes the next one in its slot, held for the policy's delay. It returns the
// service's tasks with the new one.
func (c *cluster) restart(s *service, t *task, tasks []*task) []*task {
	allowed := c.mayRestart(t)
	c.desire(t, api.TaskStateShutdown)
	if !allowed {
		return tasks
	}
	nodeID := ""
	if !t.numbered {
		nodeID = t.NodeID
	}
	next := c.newTask(s, t.Slot, nodeID, api.TaskStateReady)
	if policy := t.Spec.RestartPolicy; policy != nil && policy.MaxAttempts != nil && *policy.MaxAttempts > 0 {
		key := t.ServiceID + "/" + t.slotKey()
		c.restarts[key] = append(c.restarts[key], restartRecord{c.world.now, next.specVersion})
	}
	waitFor := t.ID
	if n := c.nodes[t.NodeID]; t.finished() || (n != nil && n.Status.State == api.NodeStateDown) {
		waitFor = ""
	}
	c.hold(next, c.world.now.Add(c.restartDelay(t)), waitFor)
	return append(tasks, next)
}

// restartDelay is the policy's delay; there is none when a node is drained.
func (c *cluster) restartDelay(t *task) time.Duration {
	if n := c.nodes[t.NodeID]; n != nil && n.Spec.Availability == api.NodeAvailabilityDrain {
		return 0
	}
	if p := t.Spec.RestartPolicy; p != nil && p.Delay != nil {
		return *p.Delay
	}
	return defaultRestartDelay
}

func (c *cluster) mayRestart(t *task) bool {
	p := t.Spec.RestartPolicy
	if p == nil {
		return true
	}
	if p.Condition == api.RestartPolicyConditionNone ||
		(p.Condition == api.RestartPolicyConditionOnFailure && t.Status.State == api.TaskStateComplete) {
		return false
	}
	if p.MaxAttempts == nil || *p.MaxAttempts == 0 {
		return true
	}
	attempts := uint64(0)
	for _, r := range c.restarts[t.ServiceID+"/"+t.slotKey()] {
		recent := p.Window == nil || *p.Window == 0 || r.at.After(c.world.now.Add(-*p.Window))
		if r.specVersion == t.specVersion && recent {
			attempts++
		}
	}
	return attempts < *p.MaxAttempts
}
