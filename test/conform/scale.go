package conform

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

func labelOnly(t *T) {
	id := t.create(t.spec("web", Good, 2))
	before := ids(t.untilRunning(id, 2))
	t.update(id, label("a", "1"))
	t.always("the same tasks run", time.Second, func() (bool, any) { return slices.Equal(before, ids(t.running(id))), t.told(id) })
	t.same("update status", (*api.UpdateStatus)(nil), t.service(id).UpdateStatus)
}

func removed(t *T) {
	id := t.create(t.spec("web", Good, 2))
	task := t.untilRunning(id, 2)[0]
	a := t.done("remove", t.ask(0, "DELETE", "/services/"+id, nil, nil))
	t.same("answer", []any{200, ""}, []any{a.Status, string(a.body)})
	t.refused(t.ask(0, "GET", "/services/"+id, nil, nil), 404, "service ID not found")
	t.refused(t.ask(0, "GET", "/tasks", filter("service", id), nil), 404, "service ID not found")
	t.until("its tasks are gone", func() (bool, any) {
		a := t.ask(0, "GET", "/tasks/"+task.ID, nil, nil)
		return a.Status == 404, a
	})
	t.refused(t.ask(0, "GET", "/tasks/"+task.ID, nil, nil), 404, "task ID not found")
}

func serviceFilters(t *T) {
	web, agent := t.create(t.spec("web", Good, 0, label("tier", "front"))), t.create(t.spec("agent", Good, 0, global, constrained("node.role==none")))
	for _, c := range []struct {
		pairs []string
		want  []string
	}{
		{[]string{"name", t.prefix + "-"}, []string{web, agent}},
		{[]string{"name", t.name("we")}, []string{web}},
		{[]string{"name", t.name("web"), "name", t.name("agent")}, []string{web, agent}},
		{[]string{"id", web[:12]}, []string{web}},
		{[]string{"label", "tier", "name", t.prefix + "-"}, []string{web}},
		{[]string{"label", "tier=front", "name", t.prefix + "-"}, []string{web}},
		{[]string{"label", "tier=back", "name", t.prefix + "-"}, []string{}},
		{[]string{"mode", "global", "name", t.prefix + "-"}, []string{agent}},
		{[]string{"mode", "replicated", "name", t.prefix + "-"}, []string{web}},
	} {
		var list []api.Service
		t.get("/services", filter(c.pairs...), &list)
		got := []string{}
		for _, s := range list {
			got = append(got, s.ID)
		}
		slices.Sort(c.want)
		slices.Sort(got)
		t.same(text(c.pairs), c.want, got)
	}
	t.unknownFilter("/services")
}

func serviceCounts(t *T) {
	web, agent := t.create(t.spec("web", Good, 2)), t.create(t.spec("agent", Good, 0, global))
	t.untilRunning(web, 2)
	t.untilRunning(agent, 3)
	var list []api.Service
	query := filter("name", t.prefix+"-")
	t.get("/services", query, &list)
	for _, s := range list {
		t.same("counts that nobody asked for", (*api.ServiceStatus)(nil), s.ServiceStatus)
	}
	query.Set("status", "true")
	t.get("/services", query, &list)
	for _, s := range list {
		n := map[string]uint64{web: 2, agent: 3}[s.ID]
		t.same("counts", &api.ServiceStatus{RunningTasks: n, DesiredTasks: n}, s.ServiceStatus)
	}
	t.refused(t.ask(0, "GET", "/services", url.Values{"status": {"perhaps"}}, nil), 400,
		`invalid value for status: perhaps: strconv.ParseBool: parsing "perhaps": invalid syntax`)
}

func spread(t *T) {
	id, on := t.create(t.spec("web", Good, 3)), map[string]int{}
	for _, k := range t.untilRunning(id, 3) {
		on[k.NodeID]++
	}
	t.same("nodes with a task", 3, len(on))
}

// slots are the numbers of the running tasks' slots.
func slots(tasks []api.Task) []int {
	out := []int{}
	for _, k := range tasks {
		out = append(out, k.Slot)
	}
	slices.Sort(out)
	return out
}

func scaled(t *T) {
	id := t.create(t.spec("web", Good, 2))
	first := t.untilRunning(id, 2)
	t.update(id, replicas(3))
	t.same("slots", []int{1, 2, 3}, slots(t.untilRunning(id, 3)))
	t.update(id, replicas(2))
	t.same("the first two are left", ids(first), ids(t.untilRunning(id, 2)))
	t.until("the third is forgotten", func() (bool, any) { return len(t.tasks(id)) == 2, t.told(id) })
	t.update(id, replicas(3))
	t.same("a new one has the free number", []int{1, 2, 3}, slots(t.untilRunning(id, 3)))
}

func scaledToNothing(t *T) {
	id := t.create(t.spec("web", Good, 2))
	t.untilRunning(id, 2)
	t.update(id, replicas(0))
	t.until("all are forgotten", func() (bool, any) { return len(t.tasks(id)) == 0, t.told(id) })
	t.same("replicas", uint64(0), *t.service(id).Spec.Mode.Replicated.Replicas)
}

func globalService(t *T) {
	id, on := t.create(t.spec("agent", Good, 0, global)), map[string]bool{}
	for _, k := range t.untilRunning(id, 3) {
		t.same("slot", 0, k.Slot)
		on[k.NodeID] = true
	}
	t.same("nodes", 3, len(on))
}

func globalConstrained(t *T) {
	id := t.create(t.spec("agent", Good, 0, global, constrained("node.role==worker")))
	t.untilRunning(id, 2)
	t.same("tasks", 2, len(t.tasks(id)))
}

func forced(t *T) {
	id := t.create(t.spec("web", Good, 1))
	before := t.untilRunning(id, 1)
	t.update(id, func(s *api.ServiceSpec) { s.TaskTemplate.ForceUpdate++ })
	t.until("another one runs", func() (bool, any) {
		now := t.running(id)
		return len(now) == 1 && now[0].ID != before[0].ID, t.told(id)
	})
	t.same("slot", before[0].Slot, t.running(id)[0].Slot)
}

func constraintsOnly(t *T) {
	id := t.create(t.spec("web", Good, 2))
	before := ids(t.untilRunning(id, 2))
	t.update(id, constrained("node.platform.os==linux"))
	t.always("the same tasks run", time.Second, func() (bool, any) { return slices.Equal(before, ids(t.running(id))), t.told(id) })
	t.same("the tasks' constraints", (*api.Placement)(nil), t.tasks(id)[0].Spec.Placement)
}

func platformsOnly(t *T) {
	id := t.create(t.spec("web", Good, 2))
	before := ids(t.untilRunning(id, 2))
	t.update(id, onPlatforms(api.Platform{Architecture: "amd64", OS: "linux"}))
	t.always("the same tasks run", time.Second, func() (bool, any) { return slices.Equal(before, ids(t.running(id))), t.told(id) })
	t.same("the service's platforms", []api.Platform{{Architecture: "amd64", OS: "linux"}}, t.service(id).Spec.TaskTemplate.Placement.Platforms)
}

// scaledByOverride bends the replicas of what the adapter reads, and no more than that changes: the same tasks run, and as many more.
func scaledByOverride(t *T) {
	c, err := docker.New(docker.Options{HTTP: &http.Client{Transport: t.testbed.Machines[0].Transport}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	id := t.create(t.spec("web", Good, 1))
	before := t.untilRunning(id, 1)
	two := uint64(2)
	var wanted swarm.ServiceSpec
	t.until("the update is taken", func() (bool, any) {
		live := t.adapted(c, id)
		wanted = live.Spec
		wanted.Override.Replicas = &two
		err := c.UpdateService(t.Context(), id, live.Version, wanted)
		if err != nil && apierr.KindOf(err) != apierr.Conflict {
			t.Fatal(err)
		}
		return err == nil, err
	})
	t.same("form", wanted.Form(), t.adapted(c, id).Spec.Form())
	t.same("replicas", two, *t.service(id).Spec.Mode.Replicated.Replicas)
	t.untilRunning(id, 2)
	t.same("kept", 1, t.kept(id, before))
}

// adapted is a service as the adapter reads it.
func (t *T) adapted(c *docker.Client, id string) swarm.Service {
	t.Helper()
	all, err := c.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s swarm.Service) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("service %s is not among %d", id, len(all))
	}
	return all[i]
}
