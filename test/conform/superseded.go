package conform

import (
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

func supersededCases() []Case {
	return []Case{
		{"roll-out: stuck, start-first: what was before is put back, and no task is replaced", Together, func(t *T) { putBack(t, "start-first", 3) }},
		{"roll-out: stuck, stop-first: what was before is put back, and the one that was stopped comes back", Together, func(t *T) { putBack(t, "stop-first", 2) }},
		{"roll-out: paused, start-first: what was before is put back, and no task is replaced", Together, putBackWhilePaused},
		{"roll-out: put back, then one that fails goes back to what was before both", Together, failedAfterPutBack},
		{"roll-out: straight over a stuck one, one that fails goes back to the stuck one", Together, failedStraightOver},
		{"roll-out: scaled while it runs, the one before is lost", Together, scaledWhileStuck},
		{"service: the same with another login to its registry, and no task is replaced", Together, anotherLogin},
		{"roll-out: global, a paused node keeps its task and the roll-out completes", Alone, pausedNode},
		{"restart: global, not on a paused node", Alone, restartOnPaused},
	}
}

// nowhere is a roll-out of three replicas in which the first new task finds no node.
func (t *T) nowhere(u api.UpdateConfig) string {
	t.Helper()
	u.Parallelism, u.Monitor = 1, monitored
	id := t.web(3, u)
	t.update(id, constrained("node.labels.no==where"), image(Better))
	t.until("a new one waits", func() (bool, any) { return len(t.waiting(id)) == 1, t.told(id) })
	t.same("it says", updating, t.status(id))
	return id
}

// write sends a specification as it is, at the service's present version.
func (t *T) write(id string, spec api.ServiceSpec) {
	t.Helper()
	t.update(id, func(s *api.ServiceSpec) { *s = spec })
}

// kept counts the tasks that run and are among those.
func (t *T) kept(id string, before []api.Task) (n int) {
	t.Helper()
	for _, now := range t.running(id) {
		for _, was := range before {
			n += count(now.ID == was.ID)
		}
	}
	return n
}

func putBack(t *T, order string, kept int) {
	id := t.nowhere(api.UpdateConfig{Order: order})
	before := t.running(id)
	t.same("running", kept, len(before))
	s := t.service(id)
	t.same("the one before", Good.Ref(), s.PreviousSpec.TaskTemplate.ContainerSpec.Image)
	t.write(id, *s.PreviousSpec)
	t.same("the one before now", Better.Ref(), t.service(id).PreviousSpec.TaskTemplate.ContainerSpec.Image)
	t.untilStatus(id, completed)
	t.untilImages(id, map[Tag]int{Good: 3})
	t.same("kept", kept, t.kept(id, before))
}

func putBackWhilePaused(t *T) {
	id := t.web(3, api.UpdateConfig{Parallelism: 1, Monitor: monitored, Order: "start-first"})
	before := t.running(id)
	t.update(id, image(Missing))
	t.untilStatus(id, pausedText)
	t.write(id, *t.service(id).PreviousSpec)
	t.untilStatus(id, completed)
	t.untilImages(id, map[Tag]int{Good: 3})
	t.same("kept", 3, t.kept(id, before))
}

func failedAfterPutBack(t *T) {
	id := t.nowhere(api.UpdateConfig{Order: "start-first", FailureAction: "rollback"})
	good := *t.service(id).PreviousSpec
	t.write(id, good)
	t.untilStatus(id, completed)
	t.update(id, image(Missing))
	t.same("the one before", Good.Ref(), t.service(id).PreviousSpec.TaskTemplate.ContainerSpec.Image)
	t.untilStatus(id, backCompleted)
	t.untilImages(id, map[Tag]int{Good: 3})
}

func failedStraightOver(t *T) {
	id := t.nowhere(api.UpdateConfig{Order: "stop-first", FailureAction: "rollback"})
	t.update(id, image(Missing), constrained())
	t.same("the one before", []string{"node.labels.no==where"}, t.service(id).PreviousSpec.TaskTemplate.Placement.Constraints)
	t.untilStatus(id, backStarted)
	now := t.service(id)
	t.same("live", []string{"node.labels.no==where"}, now.Spec.TaskTemplate.Placement.Constraints)
	t.same("before", (*api.ServiceSpec)(nil), now.PreviousSpec)
	t.until("one waits again", func() (bool, any) { return len(t.waiting(id)) > 0, t.told(id) })
	t.always("it does not end", 2*time.Second, func() (bool, any) { return t.status(id) == backStarted, t.told(id) })
}

func scaledWhileStuck(t *T) {
	id := t.nowhere(api.UpdateConfig{Order: "start-first"})
	t.update(id, replicas(4))
	t.same("the one before", Better.Ref(), t.service(id).PreviousSpec.TaskTemplate.ContainerSpec.Image)
	t.untilStatus(id, updating)
}

func pausedNode(t *T) {
	id := t.create(t.spec("agent", Good, 0, global, rolling(api.UpdateConfig{Parallelism: 1, Monitor: monitored})))
	before := t.untilRunning(id, 3)
	t.done("pause", t.setNode(2, setAvailability("pause")))
	t.update(id, image(Better))
	t.untilStatus(id, completed)
	t.untilImages(id, map[Tag]int{Better: 2, Good: 1})
	t.same("kept", 1, t.kept(id, before))
	t.done("activate", t.setNode(2, setAvailability("active")))
	t.untilImages(id, map[Tag]int{Better: 3})
}

func restartOnPaused(t *T) {
	id := t.create(t.spec("agent", Crash, 0, global, restarting("any", 10*time.Millisecond, 0)))
	t.until("tasks have died", func() (bool, any) { return t.past(id) > 2, t.told(id) })
	t.done("pause", t.setNode(2, setAvailability("pause")))
	node := t.node(2).ID
	on := func() (n int) {
		for _, k := range t.tasks(id) {
			n += count(k.NodeID == node && k.DesiredState != api.TaskStateShutdown)
		}
		return n
	}
	t.until("none is left there", func() (bool, any) { return on() == 0, t.told(id) })
	t.always("and none comes", time.Second, func() (bool, any) { return on() == 0, t.told(id) })
	t.done("activate", t.setNode(2, setAvailability("active")))
	t.until("one comes back", func() (bool, any) { return on() > 0, t.told(id) })
}

// anotherLogin writes a service again as it is, with another X-Registry-Auth. No engine shows one.
func anotherLogin(t *T) {
	id := t.web(3, api.UpdateConfig{Parallelism: 1, Monitor: monitored})
	before := t.running(id)
	t.same("running", 3, len(before))
	loggedIn := t.testbed.Machines[0]
	loggedIn.login = "eyJ1c2VybmFtZSI6ImNpIiwicGFzc3dvcmQiOiJ4In0=" // {"username":"ci","password":"x"}
	t.until("the update is taken", func() (bool, any) {
		s := t.service(id)
		a, err := loggedIn.ask(t.Context(), "POST", "/services/"+id+"/update", at(s.Version.Index), s.Spec)
		return err == nil && a.Status < 300, a
	})
	t.same("it says", "", t.status(id))
	t.same("before it was the same", t.service(id).Spec, *t.service(id).PreviousSpec)
	t.update(id, func(s *api.ServiceSpec) { s.Labels = map[string]string{"a": "b"} }) // keeps the login
	time.Sleep(2 * monitored)
	t.same("kept", 3, t.kept(id, before))
}
