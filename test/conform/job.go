package conform

import (
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

func jobCases() []Case {
	return []Case{
		{"job: replicated, until as many are complete as are asked for", Together, replicatedJob},
		{"job: replicated, what a job that names nothing comes back with", Together, leastJob},
		{"job: replicated, one that fails is started again in its slot", Together, failingJob},
		{"job: written again, it runs anew and what was stays", Together, jobAgain},
		{"job: global, once on each node", Together, globalJob},
		{"job: refused", Together, badJob},
		{"job: the list's counts", Together, jobCounts},
		{"job: a label of the service is written, and it runs anew", Together, jobRelabelled},
		{"job: one that fails and is not to be started again stays as it ended", Together, failedJob},
		{"job: started again as often as its policy says", Together, givenUpJob},
		{"job: one that fails for good leaves the others that may not run beside it unbegun", Together, failedBesideJob},
		{"job: of its tasks that failed none is forgotten", Together, failuresOfJob},
		{"job: of its earlier runs none is forgotten", Together, runsOfJob},
		{"job: a node that is drained keeps its task", Alone, drainedJob},
		{"job: global, a node that is drained and active again gets no second task", Alone, drainedGlobalJob},
		{"job: a task whose machine is lost runs elsewhere when its node is removed, and what was complete there stays", Fresh, lostJob},
	}
}

// job makes a service a replicated job.
func job(most, total uint64) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) {
		s.Mode = api.ServiceMode{ReplicatedJob: &api.ReplicatedJob{MaxConcurrent: &most, TotalCompletions: &total}}
	}
}

func onEachNode(s *api.ServiceSpec) { s.Mode = api.ServiceMode{GlobalJob: &api.GlobalJob{}} }

// untilComplete waits until so many tasks of the iteration are complete.
func (t *T) untilComplete(id string, iteration uint64, want int) []api.Task {
	t.Helper()
	var got []api.Task
	t.until("tasks are complete", func() (bool, any) {
		got = slices.DeleteFunc(t.tasks(id), func(k api.Task) bool {
			return k.Status.State != api.TaskStateComplete || k.JobIteration == nil || k.JobIteration.Index != iteration
		})
		return len(got) == want, t.told(id)
	})
	return got
}

func replicatedJob(t *T) {
	id := t.create(t.spec("sum", Done, 0, job(2, 3)))
	most := 0
	t.until("all are complete", func() (bool, any) {
		all, done := t.tasks(id), 0
		for _, k := range all {
			if k.Status.State == api.TaskStateComplete {
				done++
			}
		}
		most = max(most, len(all)-done)
		return done == 3, t.told(id)
	})
	if most > 2 {
		t.Errorf("%d tasks at once, want two at most", most)
	}
	t.always("there are no more", time.Second, func() (bool, any) { return len(t.tasks(id)) == 3, t.told(id) })
	all := t.tasks(id)
	t.same("slots", []int{0, 1, 2}, slots(all))
	t.same("ends", []string{"complete", "complete", "finished", ""}, end(all[0]))
	if s := t.service(id); s.JobStatus == nil || s.JobStatus.JobIteration.Index != 0 || s.JobStatus.LastExecution.Before(s.CreatedAt.Add(-time.Second)) || s.UpdateStatus != nil {
		t.Errorf("job status %+v, update status %+v", s.JobStatus, s.UpdateStatus)
	}
}

func leastJob(t *T) {
	id := t.create(t.spec("least", Done, 0, func(s *api.ServiceSpec) { s.Mode = api.ServiceMode{ReplicatedJob: &api.ReplicatedJob{}} }))
	one := uint64(1)
	t.same("mode", api.ServiceMode{ReplicatedJob: &api.ReplicatedJob{MaxConcurrent: &one, TotalCompletions: &one}}, t.service(id).Spec.Mode)
	t.untilComplete(id, 0, 1)
}

func failingJob(t *T) {
	id := t.create(t.spec("bad", Crash, 0, job(1, 1), restarting("on-failure", 100*time.Millisecond, 0)))
	t.until("there is a third one", func() (bool, any) { return len(t.tasks(id)) > 2, t.told(id) })
	first := t.tasks(id)[0]
	t.same("the first one's end", []string{"shutdown", "failed", "started", "task: non-zero exit (1)"}, end(first))
	t.same("slots", []int{0, 0, 0}, slots(t.tasks(id)[:3]))
}

func jobAgain(t *T) {
	id := t.create(t.spec("again", Done, 0, job(1, 1)))
	before := t.untilComplete(id, 0, 1)[0]
	t.update(id, func(s *api.ServiceSpec) { s.TaskTemplate.ForceUpdate++ })
	after := t.untilComplete(id, 1, 1)[0]
	if before.ID == after.ID || t.service(id).JobStatus.JobIteration.Index != 1 {
		t.Errorf("the same task, or iteration %+v", t.service(id).JobStatus)
	}
	t.always("what was complete stays", time.Second, func() (bool, any) { return len(t.tasks(id)) == 2, t.told(id) })
}

func globalJob(t *T) {
	id := t.create(t.spec("each", Done, 0, onEachNode))
	all := t.untilComplete(id, 0, 3)
	var on []string
	for _, k := range all {
		on = append(on, k.NodeID)
	}
	slices.Sort(on)
	t.same("nodes", 3, len(slices.Compact(on)))
	t.same("slots", []int{0, 0, 0}, slots(all))
}

func badJob(t *T) {
	update := rolling(api.UpdateConfig{Parallelism: 1})
	t.refused(t.ask(0, "POST", "/services/create", nil, t.spec("bad", Done, 0, job(1, 1), update)), 400,
		"rpc error: code = InvalidArgument desc = Jobs may not have an update config")
	t.refused(t.ask(0, "POST", "/services/create", nil, t.spec("bad", Done, 0, func(s *api.ServiceSpec) {
		s.Mode = api.ServiceMode{GlobalJob: &api.GlobalJob{}, Global: &api.GlobalService{}}
	})), 400, "must specify only one service mode")
}

func jobCounts(t *T) {
	id := t.create(t.spec("counted", Done, 0, job(2, 3)))
	t.untilComplete(id, 0, 3)
	var list []api.Service
	query := filter("id", id)
	query.Set("status", "true")
	t.get("/services", query, &list)
	if len(list) != 1 || list[0].ServiceStatus == nil {
		t.Fatalf("%+v", list)
	}
	t.same("status", api.ServiceStatus{RunningTasks: 0, DesiredTasks: 2, CompletedTasks: 3}, *list[0].ServiceStatus)
}

// jobRelabelled is why nothing but an edit may write to a job.
func jobRelabelled(t *T) {
	id := t.create(t.spec("labels", Done, 0, job(1, 1)))
	before := t.untilComplete(id, 0, 1)[0]
	t.update(id, func(s *api.ServiceSpec) { s.Labels = map[string]string{"some": "label"} })
	after := t.untilComplete(id, 1, 1)[0]
	if before.ID == after.ID {
		t.Errorf("the same task")
	}
	present := t.tasks(id, "desired-state", "ready", "desired-state", "running", "desired-state", "remove", "desired-state", "complete")
	t.same("tasks of both iterations in the list of what is present", 2, len(present))
}

func failedJob(t *T) {
	id := t.create(t.spec("fails", Crash, 0, job(1, 1), restarting("none", 0, 0)))
	t.until("it has failed", func() (bool, any) {
		all := t.tasks(id)
		return len(all) > 0 && all[0].Status.State == api.TaskStateFailed, t.told(id)
	})
	t.always("no other one is made", 3*time.Second, func() (bool, any) { return len(t.tasks(id)) == 1, t.told(id) })
	t.same("its end", []string{"shutdown", "failed", "started", "task: non-zero exit (1)"}, end(t.tasks(id)[0]))
	t.same("present", 0, len(t.tasks(id, "desired-state", "ready", "desired-state", "running", "desired-state", "remove", "desired-state", "complete")))
	t.same("status", api.ServiceStatus{DesiredTasks: 1}, t.counts(id))
}

func givenUpJob(t *T) {
	id := t.create(t.spec("gives-up", Crash, 0, job(1, 1), restarting("on-failure", 100*time.Millisecond, 2)))
	t.until("all attempts are made", func() (bool, any) {
		all := t.tasks(id)
		return len(all) == 3 && all[2].Status.State == api.TaskStateFailed, t.told(id)
	})
	t.always("no other one is made", 3*time.Second, func() (bool, any) { return len(t.tasks(id)) == 3, t.told(id) })
	for _, k := range t.tasks(id) {
		t.same("its end", []string{"shutdown", "failed", "started", "task: non-zero exit (1)"}, end(k))
	}
}

func failedBesideJob(t *T) {
	id := t.create(t.spec("two", Crash, 0, job(1, 2), restarting("none", 0, 0)))
	t.until("one has failed", func() (bool, any) {
		all := t.tasks(id)
		return len(all) > 0 && all[0].Status.State == api.TaskStateFailed, t.told(id)
	})
	t.always("no other one is made", 3*time.Second, func() (bool, any) { return len(t.tasks(id)) == 1, t.told(id) })
}

func drainedJob(t *T) {
	there := func(s *api.ServiceSpec) { constrained("node.id==" + t.node(1).ID)(s) }
	id := t.create(t.spec("drained", Good, 0, job(1, 1), there))
	t.until("it runs", func() (bool, any) {
		all := t.tasks(id)
		return len(all) == 1 && all[0].Status.State == api.TaskStateRunning, t.told(id)
	})
	t.done("drain", t.setNode(1, setAvailability("drain")))
	t.always("it goes on", 3*time.Second, func() (bool, any) {
		all := t.tasks(id)
		return len(all) == 1 && all[0].Status.State == api.TaskStateRunning && all[0].DesiredState == api.TaskStateComplete, t.told(id)
	})
}

func drainedGlobalJob(t *T) {
	id := t.create(t.spec("each", Done, 0, onEachNode))
	t.untilComplete(id, 0, 3)
	t.done("drain", t.setNode(1, setAvailability("drain")))
	t.done("activate", t.setNode(1, setAvailability("active")))
	t.always("nothing runs again", 3*time.Second, func() (bool, any) { return len(t.tasks(id)) == 3, t.told(id) })
}

func lostJob(t *T) {
	t.quick()
	t.join(1, "worker")
	gone := t.node(1).ID
	there := constrained("node.id==" + gone)
	done := t.create(t.spec("done", Done, 0, job(1, 1), there))
	t.untilComplete(done, 0, 1)
	id := t.create(t.spec("lost", Good, 0, job(1, 1), constrained("node.role==worker")))
	at := func(node string, n int) func() (bool, any) {
		return func() (bool, any) {
			all := t.tasks(id)
			return len(all) == n && all[n-1].Status.State == api.TaskStateRunning && all[n-1].NodeID == node, t.told(id)
		}
	}
	t.until("it runs", at(gone, 1))
	t.leaveSwarm(1)
	t.untilDown(gone)
	t.always("it is awaited", 3*time.Second, at(gone, 1))
	t.same("what is asked of it", api.TaskStateComplete, t.tasks(id)[0].DesiredState)
	t.join(2, "worker")
	t.done("remove", t.ask(0, "DELETE", "/nodes/"+gone, nil, nil))
	t.until("it runs elsewhere", at(t.node(2).ID, 2))
	t.same("the first one's end", []string{"shutdown", "orphaned"}, end(t.tasks(id)[0])[:2])
	t.same("what was complete there", []string{"complete", "complete", "finished", ""}, end(t.tasks(done)[0]))
	t.same("tasks of what was complete there", 1, len(t.tasks(done)))
}

// failuresOfJob has more tasks in a slot than the swarm keeps of a service.
func failuresOfJob(t *T) {
	id := t.create(t.spec("bad", Crash, 0, job(1, 1), restarting("on-failure", 50*time.Millisecond, 0)))
	t.until("there are eight", func() (bool, any) { return len(t.tasks(id)) >= 8, t.told(id) })
}

func runsOfJob(t *T) {
	id := t.create(t.spec("again", Done, 0, job(1, 1), restarting("on-failure", 50*time.Millisecond, 1)))
	for n := range 7 {
		t.untilComplete(id, uint64(n), 1)
		t.update(id, func(s *api.ServiceSpec) { s.TaskTemplate.ForceUpdate++ })
	}
	t.untilComplete(id, 7, 1)
	t.always("all are kept", 2*time.Second, func() (bool, any) { return len(t.tasks(id)) == 8, t.told(id) })
}
