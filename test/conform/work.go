package conform

import (
	"cmp"
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// spec is a service of the case, changed by edits.
func (t *T) spec(name string, tag Tag, replicas uint64, edits ...func(*api.ServiceSpec)) api.ServiceSpec {
	grace := 2 * time.Second
	s := api.ServiceSpec{
		Annotations:  api.Annotations{Name: t.name(name)},
		TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{Image: tag.Ref(), StopGracePeriod: &grace}},
		Mode:         api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: &replicas}},
	}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

// create stores a service, for the time of the case, and returns its id.
func (t *T) create(s api.ServiceSpec) string {
	t.Helper()
	var made struct{ ID string }
	t.parse(t.done("create "+s.Name, t.ask(0, "POST", "/services/create", nil, s)), &made)
	t.Cleanup(func() { (&T{TB: untied{t.TB}, testbed: t.testbed}).ask(0, "DELETE", "/services/"+made.ID, nil, nil) })
	return made.ID
}

func (t *T) service(id string) api.Service {
	t.Helper()
	var out api.Service
	t.get("/services/"+id, nil, &out)
	return out
}

// tryUpdate changes a service at its present version.
func (t *T) tryUpdate(id string, edits ...func(*api.ServiceSpec)) answer {
	t.Helper()
	s := t.service(id)
	for _, edit := range edits {
		edit(&s.Spec)
	}
	return t.ask(0, "POST", "/services/"+id+"/update", at(s.Version.Index), s.Spec)
}

// update is tryUpdate that succeeds. The engine writes to a service by itself while it rolls out, so the version may be stale by then.
func (t *T) update(id string, edits ...func(*api.ServiceSpec)) {
	t.Helper()
	t.until("the update is taken", func() (bool, any) {
		a := t.tryUpdate(id, edits...)
		if a.Status >= 300 && a.Message != outOfSequence {
			t.Fatalf("update: %d %s", a.Status, a.Message)
		}
		return a.Status < 300, a
	})
}

const outOfSequence = "rpc error: code = Unknown desc = update out of sequence"

// tasks are a service's tasks in the order they were made.
func (t *T) tasks(id string, pairs ...string) []api.Task {
	t.Helper()
	var out []api.Task
	t.get("/tasks", filter(append([]string{"service", id}, pairs...)...), &out)
	slices.SortFunc(out, func(a, b api.Task) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// running are the tasks that run and are meant to.
func (t *T) running(id string) []api.Task {
	t.Helper()
	return slices.DeleteFunc(t.tasks(id), func(k api.Task) bool {
		return k.Status.State != api.TaskStateRunning || k.DesiredState != api.TaskStateRunning
	})
}

// untilRunning waits until so many tasks run and are meant to.
func (t *T) untilRunning(id string, want int) []api.Task {
	t.Helper()
	var got []api.Task
	t.until("tasks run", func() (bool, any) {
		got = t.running(id)
		return len(got) == want, t.told(id)
	})
	return got
}

// told is a service's tasks for the eye.
func (t *T) told(id string) string {
	t.Helper()
	out := ""
	for _, k := range t.tasks(id) {
		out += "\n  slot " + text(k.Slot) + " " + k.Spec.ContainerSpec.Image + ": " + string(k.Status.State) + " → " + string(k.DesiredState) +
			" " + text(k.Status.Message) + " " + text(k.Status.Err)
	}
	return out
}

func image(tag Tag) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.TaskTemplate.ContainerSpec.Image = tag.Ref() }
}

func replicas(n uint64) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.Mode.Replicated.Replicas = &n }
}

func global(s *api.ServiceSpec) { s.Mode = api.ServiceMode{Global: &api.GlobalService{}} }

func constrained(exprs ...string) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) {
		if s.TaskTemplate.Placement == nil {
			s.TaskTemplate.Placement = &api.Placement{}
		}
		s.TaskTemplate.Placement.Constraints = exprs
	}
}
