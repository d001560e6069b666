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

// looked is what a job's orchestrator has seen: it looks at a job when that is written, when one of its tasks ends that was not told to, and when it
// begins to lead (swarmkit, manager/orchestrator/jobs: handleEvent), and at no other time. So what failed for good stays, a node that is drained
// or down keeps its task, and one that comes gets none.
type looked struct {
	iteration uint64
	led       int
	ends      map[string]bool // by task
}

// due reports whether a job is looked at now.
func (c *cluster) due(s *service, tasks []*task) bool {
	due := s.looked.ends == nil || s.looked.iteration != s.JobStatus.JobIteration.Index || s.looked.led != c.led
	ends := map[string]bool{}
	for _, t := range tasks {
		if t.finished() && t.wanted() {
			ends[t.ID] = true
			due = due || !s.looked.ends[t.ID]
		}
	}
	s.looked = looked{s.JobStatus.JobIteration.Index, c.led, ends}
	return due
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
	if !c.due(s, tasks) {
		return
	}
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
	if !c.due(s, tasks) {
		return
	}
	tasks = c.iteration(s, tasks)
	on := map[string]bool{}
	for _, t := range tasks {
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

// restartFailed starts again, after the policy's delay, what failed.
func (c *cluster) restartFailed(s *service, tasks []*task) {
	for _, t := range tasks {
		if t.wanted() && !t.held && t.finished() && !complete(t) {
			c.restart(s, t, nil)
		}
	}
}
