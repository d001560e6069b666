package conform

import (
	"time"

	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"
)

// restartCases are of what happens to tasks later in their lives.
func restartCases() []Case {
	return []Case{
		{"task: the delay that nobody names is five seconds", Together, defaultDelay},
		{"task: drained away, no delay is kept", Alone, drainedWithoutDelay},
		{"task: given up, a forced update tries again", Together, triesAgain},
		{"task: scaled down, the one that waits goes first", Together, waitingGoesFirst},
		{"task: waits for a port until another service leaves it", Together, portIsLeft},
		{"task: reservations fill the nodes", Together, fullNodes},
		{"node: a changed label shuts a global task down and starts another", Alone, evictedGlobal},
		{"node: paused, a new global service leaves it out", Alone, globalOnPaused},
		{"node: promoted, its tasks follow the role that it has", Fresh, roleMovesTasks},
		{"service refused: one place for two references", Together, onePlace},
		{"service refused: references without a place", Together, noPlace},
		{"service refused: a bad configuration of the rollback", Together, badRollback},
		{"service refused: a reference by another name", Together, otherName},
		{"service refused: an unknown mount", Together, unknownMount},
		{"service: global with the most a node may have", Together, globalWithMost},
	}
}

// secondEnd waits until two tasks of a slot have ended and returns how long after the first the second did.
func (t *T) secondEnd(id string) time.Duration {
	t.Helper()
	t.until("two have failed", func() (bool, any) { return len(t.times(id, Crash, api.TaskStateFailed)) == 2, t.told(id) })
	at := t.times(id, Crash, api.TaskStateFailed)
	return at[1].Sub(at[0])
}

func defaultDelay(t *T) {
	id := t.create(t.spec("job", Crash, 1))
	if d := t.secondEnd(id); d < 5*time.Second || d > 20*time.Second {
		t.Errorf("the second one ended %v after the first", d)
	}
}

func drainedWithoutDelay(t *T) {
	id := t.create(t.spec("web", Good, 3, restarting("any", time.Hour, 0)))
	t.untilOn(id, 1, 1, 1)
	t.done("drain", t.setNode(1, setAvailability("drain")))
	t.untilOn(id, -1, 0, -1)
	t.untilRunning(id, 3)
}

func triesAgain(t *T) {
	id := t.create(t.spec("job", Crash, 1, restarting("on-failure", 0, 1), rolling(api.UpdateConfig{FailureAction: "continue", Monitor: monitored})))
	t.until("it is given up", func() (bool, any) { return len(t.times(id, Crash, api.TaskStateFailed)) == 2, t.told(id) })
	t.update(id, func(s *api.ServiceSpec) { s.TaskTemplate.ForceUpdate++ })
	t.until("it is tried twice more", func() (bool, any) {
		n := 0
		for _, k := range t.tasks(id) {
			n += count(k.Spec.ForceUpdate == 1 && k.Status.State == api.TaskStateFailed)
		}
		return n == 2, t.told(id)
	})
}

func waitingGoesFirst(t *T) {
	id := t.create(t.spec("web", Good, 4, published(27001, "host")))
	t.untilRunning(id, 3)
	t.until("one waits", func() (bool, any) { return len(t.waiting(id)) == 1, t.told(id) })
	before := ids(t.running(id))
	t.update(id, replicas(3))
	t.until("none waits", func() (bool, any) { return len(t.tasks(id)) == 3, t.told(id) })
	t.same("those that run", before, ids(t.running(id)))
}

func portIsLeft(t *T) {
	one := t.create(t.spec("one", Good, 3, published(27002, "host")))
	t.untilRunning(one, 3)
	two := t.create(t.spec("two", Good, 1, published(27002, "host")))
	t.until("it waits", func() (bool, any) { return len(t.waiting(two)) == 1, t.told(two) })
	t.done("remove", t.ask(0, "DELETE", "/services/"+one, nil, nil))
	t.untilRunning(two, 1)
}

func fullNodes(t *T) {
	least := t.node(0).Description.Resources.MemoryBytes
	for i := range t.testbed.Machines {
		least = min(least, t.node(i).Description.Resources.MemoryBytes)
	}
	most := reserved(0, least*6/10)
	t.pending(4, "no suitable node (insufficient resources on 3 nodes)", most)
}

func evictedGlobal(t *T) {
	t.done("label", t.setNode(1, setLabel("zone", "a")))
	id := t.create(t.spec("agent", Good, 0, global, constrained("node.labels.zone==a")))
	t.untilOn(id, 0, 1, 0)
	t.done("label", t.setNode(2, setLabel("zone", "a")))
	t.untilOn(id, 0, 1, 1)
	t.done("label", t.setNode(1, setLabel("zone", "b")))
	t.untilOn(id, 0, 0, 1)
	gone := t.node(1).ID
	for _, k := range t.tasks(id) {
		if k.NodeID == gone {
			t.same("wished", api.TaskStateShutdown, k.DesiredState)
		}
	}
	t.done("label", t.setNode(1, setLabel("zone", "a")))
	t.untilOn(id, 0, 1, 1)
}

func globalOnPaused(t *T) {
	t.done("pause", t.setNode(1, setAvailability("pause")))
	id := t.create(t.spec("agent", Good, 0, global))
	t.untilOn(id, 1, 0, 1)
	t.same("tasks", 2, len(t.tasks(id)))
	t.done("activate", t.setNode(1, setAvailability("active")))
	t.untilOn(id, 1, 1, 1)
}

func roleMovesTasks(t *T) {
	t.workers(2)
	id := t.create(t.spec("agent", Good, 0, global, constrained("node.role==manager")))
	t.untilOn(id, 1, 0, 0)
	t.done("promote", t.setNode(1, setRole("manager")))
	t.untilOn(id, 1, 1, 0)
	t.untilRole(1, "manager")
	t.done("demote", t.setNode(1, setRole("worker")))
	t.untilOn(id, 1, 0, 0)
}

func (t *T) tryContainer(edit func(*api.ContainerSpec)) answer {
	return t.ask(0, "POST", "/services/create", nil, t.spec("bad", Good, 0, func(s *api.ServiceSpec) { edit(s.TaskTemplate.ContainerSpec) }))
}

// onePlace: what a reference is called in the container is its own business, but for once.
func onePlace(t *T) {
	for _, kind := range []string{"secret", "config"} {
		refer := func(name, id, file string) func(*api.ContainerSpec) {
			edit := t.using(kind, id, name)
			return func(c *api.ContainerSpec) {
				s := api.ServiceSpec{TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{}}}
				edit(&s)
				for _, r := range s.TaskTemplate.ContainerSpec.Secrets {
					r.File.Name = file
					c.Secrets = append(c.Secrets, r)
				}
				for _, r := range s.TaskTemplate.ContainerSpec.Configs {
					r.File.Name = file
					c.Configs = append(c.Configs, r)
				}
			}
		}
		one, two := t.createEntry(kind, "one", nil, "x"), t.createEntry(kind, "two", nil, "x")
		t.refused(t.tryContainer(func(c *api.ContainerSpec) {
			refer("one", one, "f")(c)
			refer("two", two, "f")(c)
		}), 400, badArgument+kind+" references '"+t.name("one")+"' and '"+t.name("two")+"' have a conflicting target: 'f'")
		t.refused(t.tryContainer(refer("one", one, "")), 400, badArgument+"malformed file "+kind+" reference, invalid target file name provided")
	}
}

func noPlace(t *T) {
	t.refused(t.tryContainer(func(c *api.ContainerSpec) { c.Secrets = []*api.SecretReference{{SecretID: "x", SecretName: "x"}} }), 400,
		badArgument+"malformed secret reference, no target provided")
	t.refused(t.tryContainer(func(c *api.ContainerSpec) { c.Configs = []*api.ConfigReference{{ConfigID: "x", ConfigName: "x"}} }), 400,
		"invalid Config: either File or Runtime should be set")
	t.refused(t.tryContainer(func(c *api.ContainerSpec) {
		c.Secrets = []*api.SecretReference{{SecretID: "x", File: &api.SecretReferenceFileTarget{Name: "f"}}}
	}), 400, badArgument+"malformed secret reference")
}

func otherName(t *T) {
	secret, config := t.createEntry("secret", "x", nil, "x"), t.createEntry("config", "x", nil, "x")
	t.refused(t.tryContainer(func(c *api.ContainerSpec) {
		c.Secrets = []*api.SecretReference{{SecretID: secret, SecretName: "other", File: &api.SecretReferenceFileTarget{Name: "f"}}}
	}), 400, badArgument+"secret not found: other")
	t.refused(t.tryContainer(func(c *api.ContainerSpec) {
		c.Configs = []*api.ConfigReference{{ConfigID: config, ConfigName: "other", File: &api.ConfigReferenceFileTarget{Name: "f"}}}
	}), 400, badArgument+"config not found: other")
}

func unknownMount(t *T) {
	t.refused(t.tryContainer(func(c *api.ContainerSpec) { c.Mounts = []mount.Mount{{Type: "magic", Target: "/x"}} }), 400, `invalid MountType: "magic"`)
}

func badRollback(t *T) {
	try := func(u api.UpdateConfig) answer {
		return t.ask(0, "POST", "/services/create", nil, t.spec("bad", Good, 0, func(s *api.ServiceSpec) { s.RollbackConfig = &u }))
	}
	t.refused(try(api.UpdateConfig{Order: "both"}), 400, "unrecognized update order both")
	t.refused(try(api.UpdateConfig{FailureAction: "panic"}), 400, "unrecognized update failure action panic")
	// No more than its words is looked at.
	t.create(t.spec("odd", Good, 0, func(s *api.ServiceSpec) {
		s.RollbackConfig = &api.UpdateConfig{FailureAction: "rollback", Delay: -time.Second, MaxFailureRatio: 2}
	}))
}

func globalWithMost(t *T) {
	id := t.create(t.spec("agent", Good, 0, global, func(s *api.ServiceSpec) { s.TaskTemplate.Placement = &api.Placement{MaxReplicas: 1} }))
	t.untilRunning(id, 3)
}
