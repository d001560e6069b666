package conform

import (
	"slices"

	api "github.com/docker/docker/api/types/swarm"
)

// waiting are the tasks that wait for a node, with the engine's reason.
func (t *T) waiting(id string) []api.Task {
	t.Helper()
	return slices.DeleteFunc(t.tasks(id), func(k api.Task) bool {
		return k.Status.State != api.TaskStatePending || k.Status.Err == ""
	})
}

// pending creates a service of which one task finds no node, for the given reason, while all others run.
func (t *T) pending(replicas uint64, why string, edit func(*api.ServiceSpec)) {
	t.Helper()
	id := t.create(t.spec("web", Good, replicas, edit))
	t.untilRunning(id, int(replicas)-1)
	t.until("one waits", func() (bool, any) { return len(t.waiting(id)) == 1, t.told(id) })
	k := t.waiting(id)[0]
	t.same("its state", []string{"running", "pending", "pending task scheduling", why}, end(k))
	t.same("its node", "", k.NodeID)
}

func severalReasons(t *T) {
	t.done("drain", t.setNode(0, setAvailability("drain")))
	t.done("pause", t.setNode(1, setAvailability("pause")))
	t.pending(1, "no suitable node (2 nodes not available for new tasks; scheduling constraints not satisfied on 1 node)",
		constrained("node.labels.no==where"))
}

func placedLater(t *T) {
	id := t.create(t.spec("web", Good, 1, constrained("node.labels.zone==a")))
	t.until("it waits", func() (bool, any) { return len(t.waiting(id)) == 1, t.told(id) })
	first := t.waiting(id)[0]
	t.done("label", t.setNode(2, setLabel("zone", "a")))
	t.untilOn(id, 0, 0, 1)
	k := t.running(id)[0]
	t.same("the same task", first.ID, k.ID)
	t.same("without the reason", "", k.Status.Err)
}

func hostPort(t *T) {
	id := t.create(t.spec("web", Good, 1, published(23010, "host")))
	k := t.untilRunning(id, 1)[0]
	want := []api.PortConfig{{Protocol: "tcp", TargetPort: 80, PublishedPort: 23010, PublishMode: "host"}}
	t.same("ports of the task, of both address families", append(want, want...), k.Status.PortStatus.Ports)
	t.same("ports of the service", want, t.endpoint(id).Endpoint.Ports)
}

func anyCase(t *T) {
	id := t.create(t.spec("web", Good, 0, constrained("node.Role==MANAGER")))
	t.update(id, replicas(2))
	t.untilOn(id, 2, 0, 0)
	t.update(id, constrained("node.role!=manager"))
	t.until("they have moved", func() (bool, any) {
		on := t.runningOn(id)
		return on[0] == 0 && on[1]+on[2] == 2, t.told(id)
	})
}
