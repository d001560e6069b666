package dockerd

import (
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// runAgents lets the agents of linked, ready nodes move their tasks on. A task on any other node stays as it was last reported.
func (c *cluster) runAgents() {
	for _, t := range c.ordered {
		key := "agent/" + t.ID
		if !t.placed() && !t.finished() && !t.wanted() && t.DesiredState != api.TaskStateRemove {
			c.setTask(t, api.TaskStateShutdown, "shutdown", "")
		}
		n := c.nodes[t.NodeID]
		if !t.placed() || t.finished() || n == nil || n.Status.State != api.NodeStateReady || !c.linked(n) {
			c.world.queue.cancel(key)
			continue
		}
		c.runAgent(t, key)
	}
}

// runAgent sets the timer of the task's next step, unless it is set already.
func (c *cluster) runAgent(t *task, key string) {
	step, delay := c.nextStep(t)
	if step == "" {
		c.world.queue.cancel(key)
		return
	}
	if t.step == step && c.world.queue.pending(key) {
		return
	}
	t.step = step
	c.world.after(delay, key, func() { c.takeStep(t, step) })
}

// nextStep says what a task's agent does next and how long that takes; "" if there is nothing to do.
func (c *cluster) nextStep(t *task) (string, time.Duration) {
	o, state := c.world.opt, t.Status.State
	image := c.world.image(t.image())
	switch {
	case !t.wanted() && rank(state) < rank(api.TaskStateStarting):
		return "stop", o.TaskStop / 5
	case !t.wanted():
		return "stop", o.TaskStop
	case rank(state) < rank(api.TaskStatePreparing):
		c.setTask(t, api.TaskStatePreparing, "preparing", "")
		return "prepare", o.TaskPrepare + image.PullTime
	case state == api.TaskStatePreparing:
		return "prepare", o.TaskPrepare + image.PullTime
	case state == api.TaskStateReady && t.DesiredState != api.TaskStateReady:
		c.setTask(t, api.TaskStateStarting, "starting", "")
		return c.nextStep(t)
	case state == api.TaskStateStarting && image.SickAfter > 0:
		return "sick", o.TaskStart + image.SickAfter // to the engine it has ended well, with no word of its health (seen on 26.1.5)
	case state == api.TaskStateStarting:
		return "start", o.TaskStart
	case state == api.TaskStateRunning && image.CrashAfter > 0:
		return "crash", image.CrashAfter
	case state == api.TaskStateRunning && image.DoneAfter > 0:
		return "done", image.DoneAfter
	case state == api.TaskStateRunning && t.JobIteration != nil && !image.Stays:
		return "done", jobTime
	}
	return "", 0
}

func (c *cluster) takeStep(t *task, step string) {
	if c.tasks[t.ID] != t || t.finished() {
		return
	}
	switch step {
	case "stop":
		if s := t.Status.ContainerStatus; s != nil {
			t.Status.ContainerStatus = &api.ContainerStatus{ContainerID: s.ContainerID}
		}
		c.setTask(t, api.TaskStateShutdown, "shutdown", "")
	case "prepare":
		if c.world.image(t.image()).Missing || !c.pulls(t) {
			t.Status.ContainerStatus = &api.ContainerStatus{}
			c.setTask(t, api.TaskStateRejected, "preparing", "No such image: "+t.image())
			return
		}
		c.setTask(t, api.TaskStateReady, "prepared", "")
	case "start":
		t.Status.ContainerStatus = &api.ContainerStatus{ContainerID: c.world.newHexID(), PID: 1000 + int(c.world.ids%30000)}
		t.Status.PortStatus = hostPorts(t.endpoint)
		t.began = c.world.now.UTC()
		c.setTask(t, api.TaskStateRunning, "started", "")
	case "crash":
		c.exit(t, api.TaskStateFailed, 1)
	case "sick":
		t.Status.ContainerStatus = &api.ContainerStatus{ContainerID: c.world.newHexID()}
		c.exit(t, api.TaskStateComplete, 0)
	case "done":
		c.exit(t, api.TaskStateComplete, 0)
	}
}

func (t *task) image() string {
	if t.Spec.ContainerSpec == nil {
		return ""
	}
	return t.Spec.ContainerSpec.Image
}

// hostPorts is what a started container reports: its ports published in host mode, once for each of the two address families.
func hostPorts(e *api.EndpointSpec) api.PortStatus {
	var out api.PortStatus
	if e == nil {
		return out
	}
	for _, p := range e.Ports {
		if p.PublishMode == api.PortConfigPublishModeHost {
			out.Ports = append(out.Ports, p, p)
		}
	}
	return out
}
