package conform

import (
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// runningOn counts the running tasks of a service by machine.
func (t *T) runningOn(id string) []int {
	t.Helper()
	out := make([]int, len(t.testbed.Machines))
	for i := range out {
		nodeID := t.info(i).Swarm.NodeID
		for _, k := range t.running(id) {
			out[i] += count(k.NodeID == nodeID)
		}
	}
	return out
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// untilOn waits until the service runs so on the machines.
func (t *T) untilOn(id string, want ...int) {
	t.Helper()
	t.until("tasks are placed so", func() (bool, any) {
		got := t.runningOn(id)
		ok := true
		for i := range want {
			ok = ok && (want[i] < 0 || got[i] == want[i])
		}
		return ok, text(got) + t.told(id)
	})
}

// end is how a task ended: what was wished, what is, and the texts.
func end(k api.Task) []string {
	return []string{string(k.DesiredState), string(k.Status.State), k.Status.Message, k.Status.Err}
}

func drained(t *T) {
	id := t.create(t.spec("web", Good, 3))
	t.untilOn(id, 1, 1, 1)
	t.done("drain", t.setNode(1, setAvailability("drain")))
	n := t.node(1)
	t.same("state", api.NodeStateReady, n.Status.State)
	t.until("it has moved", func() (bool, any) {
		on := t.runningOn(id)
		return on[1] == 0 && on[0]+on[2] == 3, t.told(id)
	})
	moved := 0
	for _, k := range t.tasks(id) {
		if k.NodeID == n.ID {
			moved++
			t.same("a moved task's end", []string{"shutdown", "shutdown", "shutdown", ""}, end(k))
		}
	}
	t.same("moved tasks", 1, moved)
}

func paused(t *T) {
	id := t.create(t.spec("web", Good, 3))
	t.untilOn(id, 1, 1, 1)
	t.done("pause", t.setNode(1, setAvailability("pause")))
	t.update(id, replicas(6))
	t.untilRunning(id, 6)
	t.same("tasks on the paused node", 1, t.runningOn(id)[1])
	t.same("state", api.NodeStateReady, t.node(1).Status.State)
}

func activeAgain(t *T) {
	t.done("drain", t.setNode(1, setAvailability("drain")))
	id := t.create(t.spec("web", Good, 4))
	t.untilOn(id, 2, 0, 2)
	t.done("activate", t.setNode(1, setAvailability("active")))
	t.always("nothing moves", time.Second, func() (bool, any) {
		on := t.runningOn(id)
		return on[0] == 2 && on[2] == 2, on
	})
	t.update(id, replicas(6))
	t.untilOn(id, 2, 2, 2)
}

func drainedGlobal(t *T) {
	id := t.create(t.spec("agent", Good, 0, global))
	t.untilOn(id, 1, 1, 1)
	t.done("drain", t.setNode(1, setAvailability("drain")))
	t.untilOn(id, 1, 0, 1)
	t.done("activate", t.setNode(1, setAvailability("active")))
	t.untilOn(id, 1, 1, 1)
	t.done("pause", t.setNode(2, setAvailability("pause")))
	t.always("a paused node keeps its task", time.Second, func() (bool, any) {
		on := t.runningOn(id)
		return on[0] == 1 && on[1] == 1 && on[2] == 1, on
	})
}

func evicted(t *T) {
	t.done("label", t.setNode(1, setLabel("zone", "a")))
	id := t.create(t.spec("web", Good, 1, constrained("node.labels.zone==a")))
	first := t.untilRunning(id, 1)[0]
	t.done("label", t.setNode(1, setLabel("zone", "b")))
	t.until("the next one waits", func() (bool, any) {
		all := t.tasks(id)
		last := all[len(all)-1]
		return len(all) > 1 && last.Status.State == api.TaskStatePending && last.Status.Err != "", t.told(id)
	})
	for _, k := range t.tasks(id) {
		if k.ID == first.ID {
			t.same("the evicted task's end", []string{"shutdown", "rejected", "task rejected by constraint enforcer",
				"assigned node no longer meets constraints"}, end(k))
		}
	}
	t.done("label", t.setNode(2, setLabel("zone", "a")))
	t.untilOn(id, 0, 0, 1)
}

func pausedKeeps(t *T) {
	t.done("label", t.setNode(1, setLabel("zone", "a")))
	id := t.create(t.spec("web", Good, 1, constrained("node.labels.zone==a")))
	t.untilOn(id, 0, 1, 0)
	t.done("pause and label", t.setNode(1, func(s *api.NodeSpec) {
		s.Availability = "pause"
		s.Labels = map[string]string{"zone": "b"}
	}))
	t.always("it stays", 1500*time.Millisecond, func() (bool, any) { return t.runningOn(id)[1] == 1, t.told(id) })
}
