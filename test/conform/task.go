package conform

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

func taskCases() []Case {
	return []Case{
		{"task: one that runs", Together, runningTask},
		{"task: one that is not there", Together, unknownTask},
		{"task: filters of the list", Together, taskFilters},
		{"task: exits with an error, the next one waits for the delay", Together, crashes},
		{"task: ends well, under any it is restarted", Together, endsWell},
		{"task: ends well, under on-failure it is not restarted", Together, staysComplete},
		{"task: fails, under none it is not restarted", Together, staysFailed},
		{"task: fails, no more often than allowed", Together, attempts},
		{"task: an image that is nowhere", Together, rejected},
		{"task: a slot keeps five", Together, history},
		{"task: a slot keeps all that count as attempts", Together, countedHistory},
		{"task: the swarm's limit of what a slot keeps", Alone, shortHistory},
		{"task: pending, no node meets the constraints", Together, func(t *T) {
			t.pending(1, "no suitable node (scheduling constraints not satisfied on 3 nodes)", constrained("node.labels.no==where"))
		}},
		{"task: pending, not enough memory", Together, func(t *T) {
			t.pending(1, "no suitable node (insufficient resources on 3 nodes)", reserved(0, 1<<50))
		}},
		{"task: pending, not enough processors", Together, func(t *T) {
			t.pending(1, "no suitable node (insufficient resources on 3 nodes)", reserved(1e15, 0))
		}},
		{"task: pending, the platform is another", Together, func(t *T) {
			t.pending(1, "no suitable node (unsupported platform on 3 nodes)", onPlatforms(api.Platform{Architecture: "s390x", OS: "linux"}))
		}},
		{"task: a platform in the words of images, or of nodes", Together, anyPlatform},
		{"task: pending, a host's port is taken on every node", Together, func(t *T) {
			t.pending(4, "no suitable node (host-mode port already in use on 3 nodes)", published(23001, "host"))
		}},
		{"task: pending, every node has its most", Together, func(t *T) {
			t.pending(4, "no suitable node (max replicas per node limit exceed)", func(s *api.ServiceSpec) {
				s.TaskTemplate.Placement = &api.Placement{MaxReplicas: 1}
			})
		}},
		{"task: pending, for several reasons", Alone, severalReasons},
		{"task: pending, then there is a node for it", Alone, placedLater},
		{"task: a host's port is told", Together, hostPort},
		{"task: names of constraints match in any case", Together, anyCase},
	}
}

func reserved(cpu, memory int64) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) {
		s.TaskTemplate.Resources = &api.ResourceRequirements{Reservations: &api.Resources{NanoCPUs: cpu, MemoryBytes: memory}}
	}
}

func onPlatforms(all ...api.Platform) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.TaskTemplate.Placement = &api.Placement{Platforms: all} }
}

// anyPlatform: one that fits is enough, and what is left out is any.
func anyPlatform(t *T) {
	for name, p := range map[string]api.Platform{"image": {Architecture: "amd64", OS: "linux"}, "node": {Architecture: "x86_64", OS: "linux"}, "os": {OS: "linux"}} {
		t.untilRunning(t.create(t.spec("fits-"+name, Good, 1, onPlatforms(api.Platform{Architecture: "arm64", OS: "linux"}, p))), 1)
	}
	id := t.create(t.spec("other", Good, 1, onPlatforms(api.Platform{Architecture: "amd64", OS: "windows"}, api.Platform{Architecture: "aarch64", OS: "linux"})))
	t.until("it waits", func() (bool, any) {
		all := t.tasks(id)
		return len(all) == 1 && all[0].Status.Err == "no suitable node (unsupported platform on 3 nodes)", t.told(id)
	})
}

func restarting(condition api.RestartPolicyCondition, delay time.Duration, attempts uint64) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) {
		s.TaskTemplate.RestartPolicy = &api.RestartPolicy{Condition: condition, Delay: &delay, MaxAttempts: &attempts}
	}
}

func runningTask(t *T) {
	id := t.create(t.spec("web", Good, 1))
	k := t.untilRunning(id, 1)[0]
	var raw map[string]json.RawMessage
	t.get("/tasks/"+k.ID, nil, &raw)
	fields := []string{"CreatedAt", "DesiredState", "ID", "Labels", "NodeID", "ServiceID", "Slot", "Spec", "Status", "UpdatedAt", "Version"}
	t.same("fields", either(t, fields, append(fields, "Volumes")), slices.Sorted(maps.Keys(raw)))
	t.same("labels", "{}", string(raw["Labels"]))
	var status map[string]json.RawMessage
	if err := json.Unmarshal(raw["Status"], &status); err != nil {
		t.Fatal(err)
	}
	t.same("fields of the status", []string{"ContainerStatus", "Message", "PortStatus", "State", "Timestamp"}, slices.Sorted(maps.Keys(status)))
	t.same("ends", []string{"running", "running", "started", ""}, end(k))
	c := k.Status.ContainerStatus
	t.same("container", true, c != nil && len(c.ContainerID) == 64 && c.PID > 0 && c.ExitCode == 0)
	t.same("specification", t.service(id).Spec.TaskTemplate.ContainerSpec, k.Spec.ContainerSpec)
	t.same("runtime", api.RuntimeType(""), k.Spec.Runtime)
}

func unknownTask(t *T) {
	t.refused(t.ask(0, "GET", "/tasks/nothere", nil, nil), 404, "task nothere not found")
	t.refused(t.ask(0, "GET", "/tasks", filter("service", "nothere"), nil), 404, "service nothere not found")
	t.refused(t.ask(0, "GET", "/tasks", filter("node", "nothere"), nil), 404, "node nothere not found")
	t.refused(t.ask(0, "GET", "/tasks", filter("node", "self"), nil), 404, "node self not found")
	t.refused(t.ask(0, "GET", "/tasks", filter("desired-state", "happy"), nil), 500, "Invalid desired-state filter: 'happy'")
	t.unknownFilter("/tasks")
}

func taskFilters(t *T) {
	id := t.create(t.spec("web", Good, 3, label("tier", "front")))
	all := t.untilRunning(id, 3)
	one := all[0]
	t.same("by service name", ids(all), ids(t.tasks(t.name("web"))))
	t.same("by desired state", 3, len(t.tasks(id, "desired-state", "running")))
	t.same("by desired state", 0, len(t.tasks(id, "desired-state", "shutdown")))
	t.same("by node", []string{one.ID}, ids(t.tasks(id, "node", one.NodeID)))
	t.same("by node name", 1, len(t.tasks(id, "node", t.info(1).Name)))
	t.same("by id", []string{one.ID}, ids(t.tasks(id, "id", one.ID[:12])))
	t.same("by label", 3, len(t.tasks(id, "label", "tier=front")))
	t.same("by name", 3, len(t.tasks(id, "name", t.name("web"))))
	t.same("by name and slot", 1, len(t.tasks(id, "name", t.name("web")+".2")))
}

func crashes(t *T) {
	id := t.create(t.spec("web", Crash, 1, restarting("any", 2*time.Second, 0)))
	t.until("there is a second one", func() (bool, any) { return len(t.tasks(id)) > 1, t.told(id) })
	all := t.tasks(id)
	t.same("the first one's end", []string{"shutdown", "failed", "started", "task: non-zero exit (1)"}, end(all[0]))
	t.same("exit code", 1, all[0].Status.ContainerStatus.ExitCode)
	t.same("the next one waits for the delay", api.TaskStateReady, all[1].DesiredState)
	t.until("it is ready", func() (bool, any) {
		k := t.tasks(id)[1]
		return k.Status.State == api.TaskStateReady || k.DesiredState == api.TaskStateRunning, t.told(id)
	})
	t.until("and starts", func() (bool, any) { return t.tasks(id)[1].Status.State == api.TaskStateFailed, t.told(id) })
	second := t.tasks(id)[1]
	if waited := second.Status.Timestamp.Sub(all[0].Status.Timestamp); waited < 2*time.Second {
		t.Errorf("the second one ended %v after the first", waited)
	}
	t.same("slot", []int{1, 1}, slots(t.tasks(id)[:2]))
}

func endsWell(t *T) {
	id := t.create(t.spec("job", Done, 1, restarting("any", 100*time.Millisecond, 0)))
	t.until("there is a third one", func() (bool, any) { return len(t.tasks(id)) > 2, t.told(id) })
	t.same("the first one's end", []string{"shutdown", "complete", "finished", ""}, end(t.tasks(id)[0]))
}

func (t *T) untilEnded(id string, state api.TaskState) {
	t.Helper()
	t.until("it ends", func() (bool, any) { return t.tasks(id)[0].Status.State == state, t.told(id) })
	t.always("and is the only one", time.Second, func() (bool, any) { return len(t.tasks(id)) == 1, t.told(id) })
}

func staysComplete(t *T) {
	id := t.create(t.spec("job", Done, 1, restarting("on-failure", 0, 0)))
	t.until("it is there", func() (bool, any) { return len(t.tasks(id)) == 1, nil })
	t.untilEnded(id, api.TaskStateComplete)
	t.same("its end", []string{"shutdown", "complete", "finished", ""}, end(t.tasks(id)[0]))
}

func staysFailed(t *T) {
	id := t.create(t.spec("job", Crash, 1, restarting("none", 0, 0)))
	t.until("it is there", func() (bool, any) { return len(t.tasks(id)) == 1, nil })
	t.untilEnded(id, api.TaskStateFailed)
	t.same("its end", []string{"shutdown", "failed", "started", "task: non-zero exit (1)"}, end(t.tasks(id)[0]))
}

func attempts(t *T) {
	id := t.create(t.spec("job", Crash, 1, restarting("on-failure", 0, 2)))
	failed := func() (n int) {
		for _, k := range t.tasks(id) {
			n += count(k.Status.State == api.TaskStateFailed)
		}
		return n
	}
	t.until("three have failed", func() (bool, any) { return failed() == 3, t.told(id) })
	t.always("and there is no fourth", 1500*time.Millisecond, func() (bool, any) { return len(t.tasks(id)) == 3, t.told(id) })
}

func rejected(t *T) {
	id := t.create(t.spec("web", Missing, 1, restarting("none", 0, 0)))
	t.until("it is rejected", func() (bool, any) {
		all := t.tasks(id)
		return len(all) == 1 && all[0].Status.State == api.TaskStateRejected, t.told(id)
	})
	t.same("its end", []string{"shutdown", "rejected", "preparing", "No such image: " + Missing.Ref()}, end(t.tasks(id)[0]))
}

// past counts the tasks that will not run again.
func (t *T) past(id string) (n int) {
	t.Helper()
	for _, k := range t.tasks(id) {
		n += count(k.DesiredState == api.TaskStateShutdown)
	}
	return n
}

// replace has a service of one task replace it so many times.
func (t *T) replace(id string, times int) {
	t.Helper()
	for n := range times {
		t.update(id, func(s *api.ServiceSpec) { s.TaskTemplate.ForceUpdate = uint64(n + 1) })
		t.until("it is replaced", func() (bool, any) {
			now := t.running(id)
			return len(now) == 1 && now[0].Spec.ForceUpdate == uint64(n+1), t.told(id)
		})
	}
}

func history(t *T) {
	id := t.create(t.spec("web", Good, 1))
	t.untilRunning(id, 1)
	t.replace(id, 6)
	t.until("two are forgotten", func() (bool, any) { return len(t.tasks(id)) == 5, t.told(id) })
	t.always("and no more", time.Second, func() (bool, any) { return len(t.tasks(id)) == 5, t.told(id) })
	t.same("past ones", 4, t.past(id))
	present := t.tasks(id, "desired-state", "ready", "desired-state", "running", "desired-state", "remove")
	t.same("present ones, by desired state", ids(t.running(id)), ids(present))
	t.same("past and present ones, by desired state", 5, len(t.tasks(id, "desired-state", "shutdown", "desired-state", "running")))
	t.refused(t.ask(0, "GET", "/tasks", filter("node", "nothere"), nil), 404, "node nothere not found")
}

func countedHistory(t *T) {
	id := t.create(t.spec("job", Missing, 1, restarting("any", 0, 7)))
	t.until("all attempts are kept", func() (bool, any) { return t.past(id) == 8, t.told(id) })
	t.always("for good", time.Second, func() (bool, any) { return t.past(id) == 8, t.told(id) })
}

func shortHistory(t *T) {
	limit := int64(1)
	t.setSwarm(func(s *api.Spec) { s.Orchestration.TaskHistoryRetentionLimit = &limit })
	defer t.setSwarm(func(s *api.Spec) { *s.Orchestration.TaskHistoryRetentionLimit = 5 })
	id := t.create(t.spec("web", Good, 1))
	t.untilRunning(id, 1)
	t.replace(id, 2)
	t.until("only the one that runs is left", func() (bool, any) { return len(t.tasks(id)) == 1, t.told(id) })
}

// setSwarm changes the cluster's specification.
func (t *T) setSwarm(edit func(*api.Spec)) {
	t.Helper()
	s := t.swarm()
	edit(&s.Spec)
	t.done("update the swarm", t.ask(0, "POST", "/swarm/update", at(s.Version.Index), s.Spec))
}
