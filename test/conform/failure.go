package conform

import (
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

func pausedByFailure(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: monitored})
	t.update(id, image(Missing))
	t.untilStatus(id, pausedText)
	t.always("nothing goes on", time.Second, func() (bool, any) { return t.images(id)[Good] == 1 && t.status(id) == pausedText, t.told(id) })
	s := t.service(id)
	t.same("started, not completed", []bool{true, true}, []bool{s.UpdateStatus.StartedAt != nil, s.UpdateStatus.CompletedAt == nil})
	t.same("live and before", []string{Missing.Ref(), Good.Ref()}, []string{s.Spec.TaskTemplate.ContainerSpec.Image, s.PreviousSpec.TaskTemplate.ContainerSpec.Image})
}

func failedStartFirst(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: monitored, Order: "start-first"})
	t.update(id, image(Missing))
	t.untilStatus(id, pausedText)
	t.always("the old ones run", time.Second, func() (bool, any) { return t.images(id)[Good] == 2, t.told(id) })
}

func lateFailure(t *T) {
	// The failure must come before the monitoring's end, on a machine out of breath too, and the next replacement after it.
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Delay: 10 * time.Second, Monitor: 8 * time.Second})
	t.update(id, image(Crash))
	t.untilStatus(id, pausedText)
	t.same("the other one runs", 1, t.images(id)[Good])
}

// neverHealthy: the engine stops the container, and if that ends with code 0 the task has ended well, with no word of its health.
func neverHealthy(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: 8 * time.Second, Order: "start-first"}, restarting("none", 0, 0))
	t.update(id, image(Sick))
	t.untilStatus(id, pausedText)
	t.until("it has ended well", func() (bool, any) { return len(t.times(id, Sick, api.TaskStateComplete)) == 1, t.told(id) })
	t.same("the old ones run", map[Tag]int{Good: 2}, t.images(id))
	for _, k := range t.tasks(id) {
		if k.Spec.ContainerSpec.Image == Sick.Ref() {
			t.same("what is said of it", []any{"finished", "", 0}, []any{k.Status.Message, k.Status.Err, k.Status.ContainerStatus.ExitCode})
		}
	}
}

func continued(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: monitored, FailureAction: "continue"}, restarting("none", 0, 0))
	t.update(id, image(Missing))
	t.untilStatus(id, completed)
	t.same("running", 0, len(t.running(id)))
}

func tolerated(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: monitored, MaxFailureRatio: 1}, restarting("none", 0, 0))
	t.update(id, image(Done)) // which counts as a failure: it ends
	t.untilStatus(id, completed)
}

func rolledBack(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: monitored, FailureAction: "rollback"})
	before := t.service(id)
	t.update(id, image(Missing))
	t.untilStatus(id, backStarted)
	now := t.service(id)
	t.same("live again", before.Spec, now.Spec)
	t.same("before", (*api.ServiceSpec)(nil), now.PreviousSpec)
	t.untilStatus(id, backCompleted)
	t.untilImages(id, map[Tag]int{Good: 2})
	now = t.service(id)
	t.same("live still", before.Spec, now.Spec)
	t.same("before", (*api.ServiceSpec)(nil), now.PreviousSpec)
	t.same("completed", true, now.UpdateStatus.CompletedAt != nil)
	t.refused(t.rollback(id), 400, failedPrecondition+"service ID does not have a previous spec")
}

func updatedWhilePaused(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: monitored})
	t.update(id, image(Missing))
	t.untilStatus(id, pausedText)
	t.update(id, image(Better))
	t.same("the one before", Missing.Ref(), t.service(id).PreviousSpec.TaskTemplate.ContainerSpec.Image)
	t.untilImages(id, map[Tag]int{Better: 2})
	t.untilStatus(id, completed)
}

// scaledWhilePaused: any update makes the bad specification the one before and lets the roll-out go on.
func scaledWhilePaused(t *T) {
	id := t.web(3, api.UpdateConfig{Parallelism: 1, Monitor: monitored}, restarting("none", 0, 0))
	t.update(id, image(Missing))
	t.untilStatus(id, pausedText)
	t.same("good ones", 2, t.images(id)[Good])
	t.update(id, replicas(4))
	t.same("the one before", Missing.Ref(), t.service(id).PreviousSpec.TaskTemplate.ContainerSpec.Image)
	t.until("it goes on and pauses again", func() (bool, any) { return t.status(id) == pausedText && t.images(id)[Good] == 1, t.told(id) })
}

func updatedWhileRolling(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Delay: 20 * time.Second, Monitor: monitored})
	t.update(id, image(Better))
	t.until("there is a mixture", func() (bool, any) { return t.images(id)[Better] == 1 && t.images(id)[Good] == 1, t.told(id) })
	t.update(id, image(Good), func(s *api.ServiceSpec) { s.UpdateConfig.Delay = 0 })
	t.same("the one before", Better.Ref(), t.service(id).PreviousSpec.TaskTemplate.ContainerSpec.Image)
	t.untilImages(id, map[Tag]int{Good: 2})
	t.untilStatus(id, completed)
}

func neverPlaced(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: 500 * time.Millisecond, Order: "start-first"})
	t.update(id, constrained("node.labels.no==where"))
	t.until("a new one waits", func() (bool, any) { return len(t.waiting(id)) > 0, t.told(id) })
	t.always("it waits on", 2*time.Second, func() (bool, any) { return t.status(id) == updating && len(t.running(id)) == 2, t.told(id) })
}
