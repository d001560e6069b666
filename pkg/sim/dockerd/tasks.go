package dockerd

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// task is one run of a service in a slot.
type task struct {
	api.Task
	seq         uint64
	specVersion uint64 // of the service's spec it was made from
	serviceName string
	labels      map[string]string // of the service, for the label filter
	endpoint    *api.EndpointSpec
	numbered    bool      // its slot is a number, not a node
	auth        string    // X-Registry-Auth of the service when it was made
	began       time.Time // when its container started; zero until then
	step        string    // what its agent does next

	// A held task is prepared but not started before startAt, and not before the task waitFor has stopped.
	held    bool
	startAt time.Time
	waitFor string
}

// rank orders the states as swarmkit numbers them; -1 is no state.
func rank(s api.TaskState) int {
	switch s {
	case api.TaskStateNew:
		return 0
	case api.TaskStateAllocated, api.TaskStatePending:
		return 64
	case api.TaskStateAssigned:
		return 192
	case api.TaskStateAccepted:
		return 256
	case api.TaskStatePreparing:
		return 320
	case api.TaskStateReady:
		return 384
	case api.TaskStateStarting:
		return 448
	case api.TaskStateRunning:
		return 512
	case api.TaskStateComplete:
		return 576
	case api.TaskStateShutdown:
		return 640
	case api.TaskStateFailed:
		return 704
	case api.TaskStateRejected:
		return 768
	case api.TaskStateRemove:
		return 800
	case api.TaskStateOrphaned:
		return 832
	}
	return -1
}

func beyondRunning(s api.TaskState) bool { return rank(s) > rank(api.TaskStateRunning) }

// finished reports whether the task will never run again.
func (t *task) finished() bool { return beyondRunning(t.Status.State) }

// wanted reports whether the task is meant to run, now or later; one of a job until it is complete.
func (t *task) wanted() bool { return rank(t.DesiredState) <= rank(api.TaskStateComplete) }

// placed reports whether the scheduler has given the task to its node.
func (t *task) placed() bool { return rank(t.Status.State) >= rank(api.TaskStateAssigned) }

// slotKey names the slot: the number, or the node of a global service's task.
func (t *task) slotKey() string {
	if !t.numbered {
		return t.NodeID
	}
	return strconv.Itoa(t.Slot)
}

// newTask makes a task of the service's present spec; nodeID is set for a global service only.
func (c *cluster) newTask(s *service, slot int, nodeID string, desired api.TaskState) *task {
	t := &task{specVersion: s.specVersion, serviceName: s.Spec.Name, labels: s.Spec.Labels, endpoint: s.Spec.EndpointSpec, auth: s.auth}
	t.ID = c.world.newID()
	t.seq = c.world.ids
	t.numbered = s.Spec.Mode.Replicated != nil || s.Spec.Mode.ReplicatedJob != nil
	if s.JobStatus != nil {
		iteration := s.JobStatus.JobIteration
		t.JobIteration = &iteration
	}
	t.Labels = map[string]string{}
	t.Spec = taskTemplate(s.Spec)
	t.ServiceID, t.Slot, t.NodeID, t.DesiredState = s.ID, slot, nodeID, desired
	t.Status = api.TaskStatus{Timestamp: c.world.now.UTC(), State: api.TaskStatePending, Message: "pending task scheduling"}
	if c.waits(s.Spec) {
		t.Status.State, t.Status.Message = api.TaskStateNew, "created"
	} else {
		t.NetworksAttachments = c.attachments(s.Spec)
	}
	c.stamp(&t.Meta, true)
	c.tasks[t.ID] = t
	c.ordered = append(c.ordered, t)
	return t
}

// taskTemplate is the template as a task shows it: without the runtime's name.
func taskTemplate(s api.ServiceSpec) api.TaskSpec {
	spec := s.TaskTemplate
	spec.Runtime = ""
	return spec
}

func (c *cluster) deleteTask(t *task) {
	delete(c.tasks, t.ID)
	c.ordered = slices.DeleteFunc(c.ordered, func(o *task) bool { return o == t })
	c.world.queue.cancel("agent/" + t.ID)
	c.world.queue.cancel("start/" + t.ID)
	c.index++
}

func (c *cluster) setTask(t *task, state api.TaskState, message, err string) {
	t.Status.State, t.Status.Message, t.Status.Err = state, message, err
	t.Status.Timestamp = c.world.now.UTC()
	if t.finished() {
		t.Status.PortStatus = api.PortStatus{}
	}
	c.stamp(&t.Meta, false)
}

// desire changes what a task is asked to be. It only ever goes forward.
func (c *cluster) desire(t *task, state api.TaskState) {
	if rank(t.DesiredState) >= rank(state) {
		return
	}
	t.DesiredState = state
	if state != api.TaskStateReady {
		t.held = false
		c.world.queue.cancel("start/" + t.ID)
	}
	c.stamp(&t.Meta, false)
}

// hold makes a task wait, prepared, until at and until the task named waitFor ("" for none) has stopped.
func (c *cluster) hold(t *task, at time.Time, waitFor string) {
	t.held, t.startAt, t.waitFor = true, at, waitFor
}

// oldTaskTimeout bounds the wait for an old task that does not stop.
const oldTaskTimeout = time.Minute

// startDelayed releases held tasks whose time has come.
func (c *cluster) startDelayed() {
	for _, t := range c.ordered {
		if !t.held || t.DesiredState != api.TaskStateReady {
			continue
		}
		if wait := t.startAt.Sub(c.world.now); wait > 0 {
			c.wakeAt("start/"+t.ID, t.startAt)
			continue
		}
		limit := t.CreatedAt.Add(oldTaskTimeout)
		if c.stillStopping(t.waitFor) && c.world.now.Before(limit) {
			c.wakeAt("start/"+t.ID, limit)
			continue
		}
		if t.JobIteration != nil {
			c.desire(t, api.TaskStateComplete)
		} else {
			c.desire(t, api.TaskStateRunning)
		}
	}
}

func (c *cluster) stillStopping(taskID string) bool {
	t := c.tasks[taskID]
	if t == nil || t.finished() {
		return false
	}
	n := c.nodes[t.NodeID]
	return n != nil && n.Status.State != api.NodeStateDown
}

// wakeAt makes the control loops run at a time. The timer itself does nothing.
func (c *cluster) wakeAt(key string, at time.Time) {
	if !c.world.queue.pending(key) {
		c.world.queue.set(key, at, func() {})
	}
}

// reap deletes tasks that are to vanish, and the oldest of each slot beyond the cluster's history limit. Of a job's none is forgotten (swarmkit, taskreaper:
// it knows two modes; seen on 26.1.5).
func (c *cluster) reap() {
	slots := map[string]int{}
	for _, t := range c.ordered {
		slots[t.ServiceID+"/"+t.slotKey()]++
	}
	for _, t := range slices.Clone(c.ordered) {
		slot := t.ServiceID + "/" + t.slotKey()
		removed := t.DesiredState == api.TaskStateRemove && (t.finished() || !t.placed())
		historic := t.JobIteration == nil && t.finished() && !t.wanted() && slots[slot] > c.kept(t)
		if removed || historic {
			c.deleteTask(t)
			slots[slot]--
		}
	}
}

// kept is how many tasks a slot keeps: the cluster's limit, or all that are counted as attempts of a restart policy.
func (c *cluster) kept(t *task) int {
	if p := t.Spec.RestartPolicy; p != nil && p.MaxAttempts != nil && *p.MaxAttempts > 0 {
		return int(*p.MaxAttempts) + 1
	}
	if l := c.info.Spec.Orchestration.TaskHistoryRetentionLimit; l != nil {
		return int(*l)
	}
	return 5
}

// kill ends a running task's container as SIGKILL does.
func (c *cluster) kill(t *task) {
	c.exit(t, api.TaskStateFailed, 137)
}

func (c *cluster) exit(t *task, state api.TaskState, code int) {
	text := ""
	if code != 0 {
		text = fmt.Sprintf("task: non-zero exit (%d)", code)
	}
	if s := t.Status.ContainerStatus; s != nil {
		t.Status.ContainerStatus = &api.ContainerStatus{ContainerID: s.ContainerID, ExitCode: code}
	}
	message := "started"
	if state == api.TaskStateComplete {
		message = "finished"
	}
	c.setTask(t, state, message, text)
}

// loseContainers ends what ran on a machine that was switched off, and on again at since.
func (c *cluster) loseContainers(nodeID string, since time.Time) {
	for _, t := range c.ordered {
		old := t.Status.Timestamp.Before(since)
		if t.NodeID != nodeID || !old || t.finished() || rank(t.Status.State) < rank(api.TaskStateStarting) {
			continue
		}
		if t.wanted() {
			c.kill(t)
		} else {
			c.setTask(t, api.TaskStateShutdown, "shutdown", "")
		}
	}
}
