package conform

import (
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

func rolloutCases() []Case {
	return []Case{
		{"roll-out: as it is by default, one by one and completed after the monitoring", Together, byDefault},
		{"roll-out: stop-first, the old one ends before the new one starts", Together, stopFirst},
		{"roll-out: start-first, the old one ends after the new one runs", Together, startFirst},
		{"roll-out: two at once", Together, twoAtOnce},
		{"roll-out: no limit, all at once", Together, allAtOnce},
		{"roll-out: the delay between two", Together, delayed},
		{"roll-out: global, one by one too", Together, globalRollout},
		{"roll-out: a failure pauses it", Together, pausedByFailure},
		{"roll-out: start-first, a failure leaves the old ones running", Together, failedStartFirst},
		{"roll-out: a failure after the start, within the monitoring, pauses it", Together, lateFailure},
		{"roll-out: a health check that never succeeds pauses it", Together, neverHealthy},
		{"roll-out: a failure is passed over", Together, continued},
		{"roll-out: a failure within the ratio is passed over", Together, tolerated},
		{"roll-out: a failure rolls back", Together, rolledBack},
		{"roll-out: paused, then another update", Together, updatedWhilePaused},
		{"roll-out: paused by a bad image, then scaled", Together, scaledWhilePaused},
		{"roll-out: another update while it runs", Together, updatedWhileRolling},
		{"roll-out: what can't be placed never fails", Together, neverPlaced},
		{"rollback: on request, the two specifications change places", Together, rollbackOnRequest},
		{"rollback: on request twice", Together, rollbackTwice},
		{"rollback: on request, with nothing before", Together, rollbackOfNothing},
		{"rollback: a failure in it pauses it", Together, rollbackPaused},
		{"rollback: it has a configuration of its own", Together, rollbackConfig},
	}
}

func rolling(u api.UpdateConfig) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.UpdateConfig = &u }
}

// status is what a service says of its roll-out, without times and ids.
func (t *T) status(id string) string {
	t.Helper()
	u := t.service(id).UpdateStatus
	if u == nil {
		return ""
	}
	return string(u.State) + ": " + masked(u.Message)
}

func (t *T) untilStatus(id, want string) {
	t.Helper()
	t.until("it says "+want, func() (bool, any) {
		got := t.status(id)
		return got == want, got + t.told(id)
	})
}

// What a service says of its roll-out.
const (
	updating      = "updating: update in progress"
	completed     = "completed: update completed"
	pausedText    = "paused: update paused due to failure or early termination of task ID"
	backStarted   = "rollback_started: update rolled back due to failure or early termination of task ID"
	backRequested = "rollback_started: manually requested rollback"
	backCompleted = "rollback_completed: rollback completed"
	backPaused    = "rollback_paused: update paused due to failure or early termination of task ID"
)

// monitored is a short monitoring, for those who wait for its end.
const monitored = 1500 * time.Millisecond

// images counts the tasks that run and are meant to, by tag.
func (t *T) images(id string) map[Tag]int {
	t.Helper()
	out := map[Tag]int{}
	for _, k := range t.running(id) {
		out[Tag(k.Spec.ContainerSpec.Image[len(Images)+1:])]++
	}
	return out
}

// untilImages waits until so many tasks run of each image, and no other.
func (t *T) untilImages(id string, want map[Tag]int) {
	t.Helper()
	t.until("these images run: "+text(want), func() (bool, any) {
		got := t.images(id)
		ok := len(got) == len(want)
		for tag, n := range want {
			ok = ok && got[tag] == n
		}
		return ok, text(got) + t.told(id)
	})
}

// web is a service that runs, with a roll-out's configuration.
func (t *T) web(replicas uint64, u api.UpdateConfig, edits ...func(*api.ServiceSpec)) string {
	t.Helper()
	id := t.create(t.spec("web", Good, replicas, append(edits, rolling(u))...))
	t.untilRunning(id, int(replicas))
	return id
}

// times are when the tasks of an image came into the state they are in, the earliest first.
func (t *T) times(id string, tag Tag, state api.TaskState) []time.Time {
	t.Helper()
	var out []time.Time
	for _, k := range t.tasks(id) {
		if k.Spec.ContainerSpec.Image == tag.Ref() && k.Status.State == state {
			out = append(out, k.Status.Timestamp)
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

func byDefault(t *T) {
	id := t.create(t.spec("web", Good, 2))
	t.untilRunning(id, 2)
	t.same("before", "", t.status(id))
	t.update(id, image(Better))
	t.untilStatus(id, updating)
	t.same("started, not completed", []bool{true, true}, []bool{t.service(id).UpdateStatus.StartedAt != nil, t.service(id).UpdateStatus.CompletedAt == nil})
	t.until("one of two is replaced", func() (bool, any) { return t.images(id)[Better] == 1, t.told(id) })
	t.untilImages(id, map[Tag]int{Better: 2})
	t.same("while it is monitored", updating, t.status(id))
	t.untilStatus(id, completed)
	s := t.service(id)
	last := t.times(id, Better, api.TaskStateRunning)[1]
	if d := s.UpdateStatus.CompletedAt.Sub(last); d < 4500*time.Millisecond {
		t.Errorf("it was monitored for %v, want 5s", d)
	}
	t.same("live and before", []string{Better.Ref(), Good.Ref()}, []string{s.Spec.TaskTemplate.ContainerSpec.Image, s.PreviousSpec.TaskTemplate.ContainerSpec.Image})
}

func stopFirst(t *T) {
	old, fresh := t.replaceOne("stop-first")
	t.same("old ends before new runs", true, old.Before(fresh))
}

func startFirst(t *T) {
	old, fresh := t.replaceOne("start-first")
	t.same("new runs before old ends", true, fresh.Before(old))
}

// replaceOne rolls one replica in the order and returns when the old task ended and when the new one ran.
func (t *T) replaceOne(order string) (ended, ran time.Time) {
	t.Helper()
	id := t.web(1, api.UpdateConfig{Parallelism: 1, Order: order, Monitor: monitored})
	t.update(id, image(Better))
	t.untilImages(id, map[Tag]int{Better: 1})
	t.until("the old one has ended", func() (bool, any) { return len(t.times(id, Good, api.TaskStateShutdown)) == 1, t.told(id) })
	ended, ran = t.times(id, Good, api.TaskStateShutdown)[0], t.times(id, Better, api.TaskStateRunning)[0]
	t.untilStatus(id, completed)
	return ended, ran
}

// replacedAtOnce updates a service and returns how many slots were being replaced at one time, the most.
func (t *T) replacedAtOnce(id string, all int) (most int) {
	t.Helper()
	t.update(id, image(Better))
	t.until("all are replaced", func() (bool, any) {
		going, done := 0, 0
		for _, k := range t.tasks(id) {
			isNew := k.Spec.ContainerSpec.Image == Better.Ref()
			done += count(isNew && k.Status.State == api.TaskStateRunning)
			going += count(isNew && k.Status.State != api.TaskStateRunning)
		}
		most = max(most, going)
		return done == all, t.told(id)
	})
	return most
}

func twoAtOnce(t *T) {
	id := t.web(4, api.UpdateConfig{Parallelism: 2, Monitor: monitored})
	t.same("at once", 2, t.replacedAtOnce(id, 4))
	t.untilStatus(id, completed)
}

func allAtOnce(t *T) {
	id := t.web(4, api.UpdateConfig{Parallelism: 0, Monitor: monitored})
	t.same("at once", 4, t.replacedAtOnce(id, 4))
	t.untilStatus(id, completed)
}

func delayed(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Delay: 2 * time.Second, Monitor: monitored})
	t.update(id, image(Better))
	t.untilImages(id, map[Tag]int{Better: 2})
	at := t.times(id, Better, api.TaskStateRunning)
	if d := at[1].Sub(at[0]).Abs(); d < 2*time.Second {
		t.Errorf("%v between the two", d)
	}
	t.untilStatus(id, completed)
}

func globalRollout(t *T) {
	id := t.create(t.spec("agent", Good, 0, global, rolling(api.UpdateConfig{Parallelism: 1, Monitor: monitored})))
	t.untilRunning(id, 3)
	t.same("at once", 1, t.replacedAtOnce(id, 3))
	t.untilStatus(id, completed)
}

func rollbackOnRequest(t *T) {
	id := t.web(1, api.UpdateConfig{Parallelism: 1, Monitor: monitored})
	t.update(id, image(Better))
	t.untilStatus(id, completed)
	before := t.service(id)
	t.done("roll back", t.rollback(id))
	t.same("at once", backRequested, t.status(id))
	t.untilStatus(id, backCompleted)
	now := t.service(id)
	t.same("live", *before.PreviousSpec, now.Spec)
	t.same("before", &before.Spec, now.PreviousSpec)
	t.untilImages(id, map[Tag]int{Good: 1})
}

// rollback asks for a service's previous specification, as the command line does: with the present one as the body.
func (t *T) rollback(id string) answer {
	t.Helper()
	s := t.service(id)
	query := at(s.Version.Index)
	query.Set("rollback", "previous")
	return t.ask(0, "POST", "/services/"+id+"/update", query, s.Spec)
}

func rollbackTwice(t *T) {
	id := t.create(t.spec("web", Good, 0, label("n", "1")))
	t.update(id, label("n", "2"))
	for _, want := range []string{"1", "2", "1"} {
		t.until("it is taken", func() (bool, any) {
			a := t.rollback(id)
			return a.Status == 200, a
		})
		t.same("live", want, t.service(id).Spec.Labels["n"])
		t.untilStatus(id, backCompleted)
	}
}

func rollbackOfNothing(t *T) {
	id := t.create(t.spec("web", Good, 0))
	t.refused(t.rollback(id), 400, failedPrecondition+"service ID does not have a previous spec")
	s := t.service(id)
	query := at(s.Version.Index)
	query.Set("rollback", "everything")
	t.refused(t.ask(0, "POST", "/services/"+id+"/update", query, s.Spec), 500, "unrecognized rollback option everything")
}

func rollbackPaused(t *T) {
	id := t.create(t.spec("web", Missing, 1, rolling(api.UpdateConfig{Parallelism: 1, Monitor: monitored}), restarting("none", 0, 0)))
	t.until("the first one is bad", func() (bool, any) { return t.past(id) == 1, t.told(id) })
	t.update(id, image(Good))
	t.untilStatus(id, completed)
	t.done("roll back", t.rollback(id))
	t.untilStatus(id, backPaused)
	t.same("live", Missing.Ref(), t.service(id).Spec.TaskTemplate.ContainerSpec.Image)
}

func rollbackConfig(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: monitored}, func(s *api.ServiceSpec) {
		s.RollbackConfig = &api.UpdateConfig{Parallelism: 0, Monitor: monitored, Order: "start-first"}
	})
	t.update(id, image(Better))
	t.untilStatus(id, completed)
	old := t.times(id, Better, api.TaskStateRunning)
	t.done("roll back", t.rollback(id))
	t.untilImages(id, map[Tag]int{Good: 2})
	t.until("the others have ended", func() (bool, any) { return len(t.times(id, Better, api.TaskStateShutdown)) == len(old), t.told(id) })
	ran := t.times(id, Good, api.TaskStateRunning)
	for i, ended := range t.times(id, Better, api.TaskStateShutdown) {
		t.same("as many new ones run before an old one ends", true, ended.After(ran[i]))
	}
	t.untilStatus(id, backCompleted)
}
