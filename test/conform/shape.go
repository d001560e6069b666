package conform

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// shapeCases are of what the API itself is like, and of what objects have at which time.
func shapeCases() []Case {
	return []Case{
		{"http: a path that is none, a method that is none", Together, badPaths},
		{"http: a version that is too new, too old", Together, badVersions},
		{"http: a body that is no JSON, and one of the wrong type", Together, badBodies},
		{"http: fields that nobody knows are passed over", Together, unknownFields},
		{"task: fields of one that waits", Together, waitingShape},
		{"task: fields of one that was stopped", Together, stoppedShape},
		{"task: fields of one that was rejected", Together, rejectedShape},
		{"service: counts of what should run and what does", Together, countsApart},
		{"service: a roll-out's status is cleared by any update", Together, statusCleared},
		{"service: scaled down, the fullest nodes give", Alone, scaledDownEvenly},
		{"service: spread over a label's values", Alone, spreadPreference},
		{"service: spread by its own tasks before those of others", Alone, spreadByOwn},
		{"roll-out: start-first with a host's port waits for ever", Together, startFirstPort},
		{"roll-out: start-first with the most a node may have waits for ever", Together, startFirstMost},
		{"roll-out: stop-first to where nothing fits loses one and waits", Together, stopFirstNowhere},
		{"roll-out: scaled up while it runs, new slots are of the new kind", Together, scaledWhileRolling},
		{"roll-out: more at once than there are", Together, moreAtOnce},
	}
}

// raw makes a call past the usual version and encoding.
func (t *T) raw(method, path, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://engine"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := t.testbed.Machines[0].send(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func badPaths(t *T) {
	t.refused(t.raw("GET", "/v1.41/nothing", ""), 404, "page not found")
	t.refused(t.raw("GET", "/nothing", ""), 404, "page not found")
	t.refused(t.raw("PUT", "/v1.41/nodes", ""), 404, "page not found")
	t.same("without a version", 200, t.raw("GET", "/nodes", "").Status)
}

func badBodies(t *T) {
	fault := either(t, "", "invalid JSON: ")
	t.refused(t.raw("POST", "/v1.41/services/create", "{"), 400, fault+"unexpected EOF")
	t.refused(t.raw("POST", "/v1.41/services/create", "hello"), 400, fault+"invalid character 'h' looking for beginning of value")
	t.refused(t.raw("POST", "/v1.41/services/create", `{"TaskTemplate":5}`), 400,
		fault+"json: cannot unmarshal number into Go struct field ServiceSpec.TaskTemplate of type swarm.TaskSpec")
}

func unknownFields(t *T) {
	var made struct{ ID string }
	t.parse(t.done("create", t.raw("POST", "/v1.41/configs/create", `{"Name":"`+t.name("x")+`","Data":"eA==","Colour":"red"}`)), &made)
	t.done("remove", t.ask(0, "DELETE", "/configs/"+made.ID, nil, nil))
}

// statusFields are the fields of a task's status, and those of its container.
func (t *T) statusFields(id string) (status, container []string) {
	t.Helper()
	var raw struct{ Status map[string]json.RawMessage }
	t.get("/tasks/"+id, nil, &raw)
	var inner map[string]json.RawMessage
	if c := raw.Status["ContainerStatus"]; c != nil {
		if err := json.Unmarshal(c, &inner); err != nil {
			t.Fatal(err)
		}
	}
	return slices.Sorted(maps.Keys(raw.Status)), slices.Sorted(maps.Keys(inner))
}

func waitingShape(t *T) {
	id := t.create(t.spec("web", Good, 1, constrained("node.labels.no==where")))
	t.until("it waits", func() (bool, any) { return len(t.waiting(id)) == 1, t.told(id) })
	k := t.waiting(id)[0]
	status, _ := t.statusFields(k.ID)
	t.same("fields of the status", []string{"Err", "Message", "PortStatus", "State", "Timestamp"}, status)
}

func stoppedShape(t *T) {
	id := t.create(t.spec("web", Good, 1))
	first := t.untilRunning(id, 1)[0]
	t.replace(id, 1)
	var k api.Task
	t.until("it has stopped", func() (bool, any) {
		t.get("/tasks/"+first.ID, nil, &k)
		return k.Status.State == api.TaskStateShutdown, k
	})
	status, container := t.statusFields(k.ID)
	t.same("fields of the status", []string{"ContainerStatus", "Message", "PortStatus", "State", "Timestamp"}, status)
	t.same("fields of the container", []string{"ContainerID", "ExitCode", "PID"}, container)
	t.same("container", []any{first.Status.ContainerStatus.ContainerID, 0, 0},
		[]any{k.Status.ContainerStatus.ContainerID, k.Status.ContainerStatus.PID, k.Status.ContainerStatus.ExitCode})
	t.same("ports", 0, len(k.Status.PortStatus.Ports))
}

func rejectedShape(t *T) {
	id := t.create(t.spec("web", Missing, 1, restarting("none", 0, 0)))
	t.until("it is rejected", func() (bool, any) { return t.past(id) == 1, t.told(id) })
	status, container := t.statusFields(t.tasks(id)[0].ID)
	t.same("fields of the status", []string{"ContainerStatus", "Err", "Message", "PortStatus", "State", "Timestamp"}, status)
	t.same("fields of the container", []string{"ContainerID", "ExitCode", "PID"}, container)
}

// counts are what the list says of a service's tasks.
func (t *T) counts(id string) api.ServiceStatus {
	t.Helper()
	var list []api.Service
	query := filter("id", id)
	query.Set("status", "1")
	t.get("/services", query, &list)
	if len(list) != 1 || list[0].ServiceStatus == nil {
		t.Fatalf("the list has %v", list)
	}
	return *list[0].ServiceStatus
}

func countsApart(t *T) {
	some := t.create(t.spec("some", Good, 4, published(26001, "host")))
	none := t.create(t.spec("none", Good, 2, constrained("node.labels.no==where")))
	job := t.create(t.spec("job", Done, 1, restarting("none", 0, 0)))
	t.untilRunning(some, 3)
	t.until("the job is done", func() (bool, any) { return t.past(job) == 1, t.told(job) })
	t.same("three of four", api.ServiceStatus{RunningTasks: 3, DesiredTasks: 4}, t.counts(some))
	t.same("none of two", api.ServiceStatus{DesiredTasks: 2}, t.counts(none))
	t.same("one that is done", api.ServiceStatus{DesiredTasks: 1}, t.counts(job))
}

func statusCleared(t *T) {
	id := t.web(1, api.UpdateConfig{Parallelism: 1, Monitor: monitored})
	t.update(id, image(Better))
	t.untilStatus(id, completed)
	t.update(id, label("a", "1"))
	t.same("status", "", t.status(id))
	t.always("it stays so", time.Second, func() (bool, any) { return t.status(id) == "", t.status(id) })
}

func scaledDownEvenly(t *T) {
	t.done("drain", t.setNode(1, setAvailability("drain")))
	id := t.create(t.spec("web", Good, 4))
	t.untilOn(id, 2, 0, 2)
	t.done("activate", t.setNode(1, setAvailability("active")))
	t.update(id, replicas(5))
	t.untilOn(id, 2, 1, 2)
	t.update(id, replicas(3))
	t.untilOn(id, 1, 1, 1)
}

func spreadPreference(t *T) {
	t.done("label", t.setNode(0, setLabel("zone", "a")))
	t.done("label", t.setNode(1, setLabel("zone", "b")))
	t.done("label", t.setNode(2, setLabel("zone", "b")))
	id := t.create(t.spec("web", Good, 4, func(s *api.ServiceSpec) {
		s.TaskTemplate.Placement = &api.Placement{Preferences: []api.PlacementPreference{{Spread: &api.SpreadOver{SpreadDescriptor: "node.labels.zone"}}}}
	}))
	t.untilOn(id, 2, 1, 1)
}

func spreadByOwn(t *T) {
	other := t.create(t.spec("other", Good, 3, constrained("node.id=="+t.node(1).ID)))
	t.untilOn(other, 0, 3, 0)
	id := t.create(t.spec("web", Good, 3))
	t.untilOn(id, 1, 1, 1)
	// Of nodes that have as many of the service, the one with the fewest of all is taken.
	third := t.create(t.spec("third", Good, 2))
	t.untilOn(third, 1, 0, 1)
}

// stuck updates a service whose new task can be placed nowhere, with the given reason.
func (t *T) stuck(id, why string, running int, edits ...func(*api.ServiceSpec)) {
	t.Helper()
	t.update(id, edits...)
	t.until("one waits", func() (bool, any) { return len(t.waiting(id)) == 1, t.told(id) })
	t.until("so many run", func() (bool, any) { return len(t.running(id)) == running, t.told(id) })
	t.always("it waits on", 2*time.Second, func() (bool, any) { return t.status(id) == updating && len(t.running(id)) == running, t.told(id) })
	t.until("it waits for this reason: "+why, func() (bool, any) {
		w := t.waiting(id)
		return len(w) == 1 && slices.Equal(end(w[0]), []string{"running", "pending", "pending task scheduling", why}), t.told(id)
	})
}

func startFirstPort(t *T) {
	id := t.web(3, api.UpdateConfig{Parallelism: 1, Monitor: monitored, Order: "start-first"}, published(26101, "host"))
	t.stuck(id, "no suitable node (host-mode port already in use on 3 nodes)", 3, image(Better))
}

func startFirstMost(t *T) {
	id := t.web(3, api.UpdateConfig{Parallelism: 1, Monitor: monitored, Order: "start-first"}, func(s *api.ServiceSpec) {
		s.TaskTemplate.Placement = &api.Placement{MaxReplicas: 1}
	})
	t.stuck(id, "no suitable node (max replicas per node limit exceed)", 3, image(Better))
}

func stopFirstNowhere(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Monitor: monitored})
	t.stuck(id, "no suitable node (scheduling constraints not satisfied on 3 nodes)", 1, constrained("node.labels.no==where"))
}

func scaledWhileRolling(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 1, Delay: 3 * time.Second, Monitor: monitored})
	t.update(id, image(Better))
	t.until("one is replaced", func() (bool, any) { return t.images(id)[Better] == 1, t.told(id) })
	t.update(id, replicas(4))
	t.until("the new slots run at once", func() (bool, any) { return t.images(id)[Better] >= 3, t.told(id) })
	t.untilImages(id, map[Tag]int{Better: 4})
	t.untilStatus(id, completed)
}

func moreAtOnce(t *T) {
	id := t.web(2, api.UpdateConfig{Parallelism: 5, Monitor: monitored})
	t.same("at once", 2, t.replacedAtOnce(id, 2))
	t.untilStatus(id, completed)
}
