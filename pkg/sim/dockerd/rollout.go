package dockerd

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// rollout replaces the dirty slots of a service, a number at once. It waits for a new task for ever (T2).
type rollout struct {
	version uint64 // of the spec it rolls out
	config  api.UpdateConfig
	back    bool // it is a rollback
	dirty   int  // slots it began with
	queue   []string
	workers []*worker
	started map[string]time.Time // its tasks; zero until the task runs
	failed  map[string]bool
	until   time.Time // end of the monitoring after the last slot
}

// worker replaces one slot's task.
type worker struct {
	slot  string
	task  string    // the new one it waits for; "" when there is nothing to wait for
	old   []*task   // to be stopped once the new one runs, with start-first
	idle  bool      // the slot is done, the delay runs
	until time.Time // end of the delay
}

// roll moves a service's roll-out on as far as it goes at this instant.
func (c *cluster) roll(s *service, slots map[string][]*task) {
	if s.rollout != nil && s.rollout.version != s.specVersion {
		s.rollout = nil
	}
	if s.rollout == nil && !c.beginRollout(s, slots) {
		return
	}
	r := s.rollout
	if c.failureStops(s, r) {
		s.rollout = nil
		return
	}
	r.workers = slices.DeleteFunc(r.workers, func(w *worker) bool { return c.work(r, w) })
	for len(r.queue) > 0 && (r.config.Parallelism == 0 || len(r.workers) < int(r.config.Parallelism)) {
		w := c.replaceSlot(s, r, slots[r.queue[0]], r.queue[0])
		r.queue = r.queue[1:]
		if !c.work(r, w) {
			r.workers = append(r.workers, w)
		}
	}
	if len(r.queue) == 0 && len(r.workers) == 0 {
		c.monitor(s, r)
	}
	c.wakeRollout(s, r)
}

// beginRollout starts a roll-out if a slot is dirty; with none dirty it completes one that was marked as running.
func (c *cluster) beginRollout(s *service, slots map[string][]*task) bool {
	state := updateState(s)
	if state == api.UpdateStatePaused || state == api.UpdateStateRollbackPaused {
		return false
	}
	r := &rollout{version: s.specVersion, started: map[string]time.Time{}, failed: map[string]bool{}}
	for key, tasks := range slots {
		if len(tasks) == 1 && c.trips(s, tasks[0]) {
			c.tripped = true
			return false
		}
		if len(tasks) > 1 || c.dirty(s, tasks[0]) {
			r.queue = append(r.queue, key)
		}
	}
	if len(r.queue) == 0 {
		if state == api.UpdateStateUpdating || state == api.UpdateStateRollbackStarted {
			c.completeRollout(s)
		}
		return false
	}
	slices.SortFunc(r.queue, func(a, b string) int { return int(slots[a][0].seq) - int(slots[b][0].seq) })
	r.dirty, r.back = len(r.queue), state == api.UpdateStateRollbackStarted
	r.config = updateConfig(s.Spec.UpdateConfig)
	if r.back {
		r.config = updateConfig(s.Spec.RollbackConfig)
	}
	if state == "" {
		started := c.world.now.UTC()
		c.setUpdateStatus(s, api.UpdateStatus{State: api.UpdateStateUpdating, Message: "update in progress", StartedAt: &started})
	}
	s.rollout = r
	return true
}

// updateConfig fills in the engine's defaults (T5).
func updateConfig(u *api.UpdateConfig) api.UpdateConfig {
	if u == nil {
		return defaultUpdateConfig()
	}
	out := *u
	if out.Monitor == 0 {
		out.Monitor = defaultUpdateConfig().Monitor
	}
	return out
}

func defaultUpdateConfig() api.UpdateConfig {
	return api.UpdateConfig{
		Parallelism: 1, Monitor: 5 * time.Second,
		FailureAction: api.UpdateFailureActionPause, Order: api.UpdateOrderStopFirst,
	}
}

// dirty reports whether a task must be replaced to match the service's spec. A change of placement alone leaves a task that still
// fits where it is (T7).
func (c *cluster) dirty(s *service, t *task) bool {
	if t.specVersion == s.specVersion {
		return false
	}
	want, have := taskTemplate(s.Spec), t.Spec
	if !reflect.DeepEqual(want.Placement, have.Placement) {
		if n := c.nodes[t.NodeID]; n == nil || !c.eligible(s, n) {
			return true
		}
		want.Placement, have.Placement = nil, nil
		return !reflect.DeepEqual(want, have) || otherAuth(s, t)
	}
	return otherAuth(s, t) || !reflect.DeepEqual(want, have) || !reflect.DeepEqual(s.Spec.EndpointSpec, t.endpoint)
}

// replaceSlot begins with one slot: it keeps a clean task that is already there, or makes one.
func (c *cluster) replaceSlot(s *service, r *rollout, tasks []*task, key string) *worker {
	w := &worker{slot: key}
	if len(tasks) == 0 { // the slot is gone by now
		return w
	}
	if i := slices.IndexFunc(tasks, func(t *task) bool { return t.wanted() && !c.dirty(s, t) }); i >= 0 {
		c.stopAll(tasks, tasks[i])
		return w
	}
	nodeID := ""
	if tasks[0].Slot == 0 {
		nodeID = tasks[0].NodeID
	}
	next := c.newTask(s, tasks[0].Slot, nodeID, api.TaskStateReady)
	r.started[next.ID] = time.Time{}
	w.task = next.ID
	if r.config.Order == api.UpdateOrderStartFirst {
		w.old = tasks
		c.hold(next, c.world.now, "")
		return w
	}
	c.hold(next, c.world.now, c.stopAll(tasks, nil))
	return w
}

// stopAll asks all tasks but one to stop and returns the id of one that must stop, "" if none did.
func (c *cluster) stopAll(tasks []*task, but *task) string {
	id := ""
	for _, t := range tasks {
		if t != but && t.wanted() {
			c.desire(t, api.TaskStateShutdown)
			id = t.ID
		}
	}
	return id
}

// work moves a worker on and reports whether it is done.
func (c *cluster) work(r *rollout, w *worker) bool {
	if !w.idle {
		t := c.tasks[w.task]
		if t != nil && t.DesiredState != api.TaskStateRemove && rank(t.Status.State) < rank(api.TaskStateRunning) {
			return false
		}
		if t != nil {
			r.started[t.ID] = t.Status.Timestamp
			if t.Status.State == api.TaskStateRunning {
				c.stopAll(w.old, nil)
			}
		}
		w.idle, w.until = true, c.world.now.Add(r.config.Delay)
	}
	return !c.world.now.Before(w.until)
}

// monitor waits after the last slot for late failures, then completes.
func (c *cluster) monitor(s *service, r *rollout) {
	if r.until.IsZero() {
		period := r.config.Monitor
		if r.config.Delay >= period {
			period = r.config.Delay + time.Second
		}
		r.until = c.world.now.Add(period)
	}
	if !c.world.now.Before(r.until) {
		c.completeRollout(s)
		s.rollout = nil
	}
}

// wakeRollout sets the timer for the next delay or the monitoring to end.
func (c *cluster) wakeRollout(s *service, r *rollout) {
	next := r.until
	for _, w := range r.workers {
		if w.idle && (next.IsZero() || w.until.Before(next)) {
			next = w.until
		}
	}
	if next.After(c.world.now) {
		c.world.queue.set("roll/"+s.ID, next, func() {})
	}
}

// failureStops counts new failures among the roll-out's tasks and takes the failure action when they are too many.
func (c *cluster) failureStops(s *service, r *rollout) bool {
	if r.config.FailureAction == api.UpdateFailureActionContinue {
		return false
	}
	for _, id := range slices.Sorted(maps.Keys(r.started)) {
		t, started := c.tasks[id], r.started[id]
		if t == nil || r.failed[id] || !failedState(t.Status.State) {
			continue
		}
		if !started.IsZero() && t.Status.Timestamp.Sub(started) > r.config.Monitor {
			continue
		}
		r.failed[t.ID] = true
		if float32(len(r.failed))/float32(r.dirty) > r.config.MaxFailureRatio {
			c.failRollout(s, r, t.ID)
			return true
		}
	}
	return false
}

func failedState(s api.TaskState) bool {
	return s == api.TaskStateFailed || s == api.TaskStateRejected || s == api.TaskStateComplete || s == api.TaskStateOrphaned
}

func (c *cluster) failRollout(s *service, r *rollout, taskID string) {
	status := *s.UpdateStatus
	switch {
	case r.back:
		status.State = api.UpdateStateRollbackPaused
		status.Message = fmt.Sprintf("update paused due to failure or early termination of task %s", taskID) // so it says
	case r.config.FailureAction == api.UpdateFailureActionRollback && s.PreviousSpec != nil:
		status.State = api.UpdateStateRollbackStarted
		status.Message = fmt.Sprintf("update rolled back due to failure or early termination of task %s", taskID)
		old := s.snapshot()
		s.UpdateStatus = &status
		s.Spec, s.specVersion = *s.PreviousSpec, s.previousVersion
		s.PreviousSpec, s.previousVersion = nil, 0 // T4
		s.auth, s.previousAuth = s.previousAuth, ""
		c.touchService(s, old)
		return
	default:
		status.State = api.UpdateStatePaused
		status.Message = fmt.Sprintf("update paused due to failure or early termination of task %s", taskID)
	}
	c.setUpdateStatus(s, status)
}

func (c *cluster) completeRollout(s *service) {
	status := *s.UpdateStatus
	done := c.world.now.UTC()
	status.CompletedAt = &done
	if status.State == api.UpdateStateRollbackStarted {
		status.State, status.Message = api.UpdateStateRollbackCompleted, "rollback completed"
	} else {
		status.State, status.Message = api.UpdateStateCompleted, "update completed"
	}
	c.setUpdateStatus(s, status)
}

func (c *cluster) setUpdateStatus(s *service, status api.UpdateStatus) {
	old := s.snapshot()
	s.UpdateStatus = &status
	c.touchService(s, old)
}

func updateState(s *service) api.UpdateState {
	if s.UpdateStatus == nil {
		return ""
	}
	return s.UpdateStatus.State
}
