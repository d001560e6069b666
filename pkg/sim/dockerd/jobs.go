package dockerd

import (
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// jobTime is how long a job's container runs if its image does not say. A real one runs for as long as its command does.
const jobTime = 2 * time.Second

func isJob(s api.ServiceSpec) bool { return s.Mode.ReplicatedJob != nil || s.Mode.GlobalJob != nil }

// nextIteration begins a job anew, as each write to it does.
func (s *service) nextIteration(now time.Time) {
	if !isJob(s.Spec) {
		return
	}
	next := &api.JobStatus{LastExecution: now.UTC()}
	if s.JobStatus != nil {
		next.JobIteration.Index = s.JobStatus.JobIteration.Index + 1
	}
	s.JobStatus = next
}

// iteration are the tasks of the job's present iteration. Those of earlier ones that have not ended are removed.
func (c *cluster) iteration(s *service, tasks []*task) []*task {
	var present []*task
	for _, t := range tasks {
		if t.JobIteration != nil && t.JobIteration.Index == s.JobStatus.JobIteration.Index {
			present = append(present, t)
		} else if !t.finished() {
			c.desire(t, api.TaskStateRemove)
		}
	}
	return present
}

func complete(t *task) bool { return t.Status.State == api.TaskStateComplete }

// orchestrateReplicatedJob keeps as many tasks going as may at once, until as many are complete as are asked for. Slots count from 0, and a
// task that failed is started again in its slot.
func (c *cluster) orchestrateReplicatedJob(s *service, tasks []*task) {
	tasks = c.iteration(s, tasks)
	taken, going, done := map[int]bool{}, 0, 0
	for _, t := range tasks {
		switch {
		case complete(t):
			done++
			taken[t.Slot] = true
		case t.wanted():
			going++
			taken[t.Slot] = true
		}
	}
	job := s.Spec.Mode.ReplicatedJob
	more := min(int(*job.MaxConcurrent)-going, int(*job.TotalCompletions)-going-done)
	for slot := 0; more > 0; slot++ {
		if !taken[slot] {
			c.newTask(s, slot, "", api.TaskStateComplete)
			more--
		}
	}
	c.restartFailed(s, tasks)
}

// orchestrateGlobalJob runs one task on each node that takes tasks, meets the constraints and was there when the job began.
func (c *cluster) orchestrateGlobalJob(s *service, tasks []*task) {
	tasks = c.iteration(s, tasks)
	on := map[string]bool{}
	for _, t := range tasks {
		if t.wanted() && c.invalid(t.NodeID) && !t.finished() {
			c.desire(t, api.TaskStateShutdown)
		}
		on[t.NodeID] = on[t.NodeID] || t.wanted()
	}
	for _, n := range c.sortedNodes() {
		takes := n.Spec.Availability == api.NodeAvailabilityActive && n.Status.State == api.NodeStateReady
		if takes && !on[n.ID] && c.eligible(s, n) && n.CreatedAt.Before(s.JobStatus.LastExecution) {
			c.newTask(s, 0, n.ID, api.TaskStateComplete)
		}
	}
	c.restartFailed(s, tasks)
}

// restartFailed starts again, after the policy's delay, what failed or lost its node.
func (c *cluster) restartFailed(s *service, tasks []*task) {
	for _, t := range tasks {
		lost := t.finished() && !complete(t) || t.placed() && !t.finished() && c.invalid(t.NodeID)
		if t.wanted() && !t.held && lost {
			c.restart(s, t, nil)
		}
	}
}
