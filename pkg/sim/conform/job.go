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
