package dockerd_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

func (l *lab) wantUpdate(name string, want api.UpdateState) {
	l.Helper()
	var got api.UpdateState
	if s := l.service(name).UpdateStatus; s != nil {
		got = s.State
	}
	if got != want {
		l.Fatalf("%s is %q, want %q\n%s", name, got, want, l.show(name))
	}
}

// watch samples, until the roll-out has ended, the tasks that run and are meant to, and all that run.
func (l *lab) watch(name string, limit time.Duration) (lowest, highest int) {
	l.Helper()
	lowest = 99
	for range limit / (100 * time.Millisecond) {
		lowest, highest = min(lowest, l.running(name)), max(highest, len(l.tasks(name, api.TaskStateRunning)))
		if s := l.service(name).UpdateStatus; s != nil && s.State == api.UpdateStateCompleted {
			return lowest, highest
		}
		l.pass(100 * time.Millisecond)
	}
	l.Fatalf("%s has not rolled out in %s\n%s", name, limit, l.show(name))
	return 0, 0
}

func TestStopFirstAndStartFirst(t *testing.T) {
	for _, c := range []struct {
		order           string
		lowest, highest int
	}{{"stop-first", 3, 4}, {"start-first", 4, 5}} {
		t.Run(c.order, func(t *testing.T) {
			bubble(t, 1, 2, func(l *lab) {
				l.create(web("web", 4, rolling(api.UpdateConfig{Parallelism: 1, Delay: 2 * time.Second, Order: c.order})))
				l.pass(3 * time.Second)
				start := time.Now()
				l.update("web", image("web:2"))
				l.wantUpdate("web", api.UpdateStateUpdating)
				low, high := l.watch("web", time.Minute)
				if low != c.lowest || high != c.highest {
					l.Errorf("between %d and %d ran, want %d to %d", low, high, c.lowest, c.highest)
				}
				// Four tasks one by one with a delay of 2 s after each, then 5 s of monitoring.
				if d := time.Since(start); d < 13*time.Second || d > 20*time.Second {
					l.Errorf("the roll-out took %s", d)
				}
				for _, k := range l.tasks("web", api.TaskStateRunning) {
					if k.Spec.ContainerSpec.Image != "web:2" {
						l.Errorf("slot %d still runs %s", k.Slot, k.Spec.ContainerSpec.Image)
					}
				}
			})
		})
	}
}

func TestStaleVersionsAreRefusedAndTheWholeSpecIsReplaced(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.create(web("web", 1))
		s := l.service("web")
		l.update("web", replicas(2))
		_, err := l.docker.ServiceUpdate(l.ctx, s.ID, s.Version, s.Spec, api.ServiceUpdateOptions{})
		l.refused(err, "update out of sequence")
		l.must(l.setNode(1, func(n *api.NodeSpec) { n.Labels = map[string]string{"a": "1"}; n.Availability = "drain" }))
		n := l.node(1)
		l.must(l.docker.NodeUpdate(l.ctx, n.ID, n.Version, api.NodeSpec{Role: "worker", Availability: "active"}))
		if got := l.node(1).Spec; len(got.Labels) != 0 {
			l.Fatalf("labels %v survived a write without them", got.Labels)
		}
	})
}

// TestAScaleDuringABadUpdateForgetsTheGoodSpec is T1 of traps.md, as it was seen on a real engine.
func TestAScaleDuringABadUpdateForgetsTheGoodSpec(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.world.SetImage("web:bad", dockerd.Image{Missing: true})
		l.create(web("web", 3))
		l.pass(3 * time.Second)
		l.update("web", image("web:bad"))
		l.pass(20 * time.Second)
		l.wantUpdate("web", api.UpdateStatePaused)
		if got := l.service("web").PreviousSpec.TaskTemplate.ContainerSpec.Image; got != "web:1" {
			l.Fatalf("the previous spec has image %s", got)
		}
		l.update("web", replicas(4))
		if got := l.service("web").PreviousSpec.TaskTemplate.ContainerSpec.Image; got != "web:bad" {
			l.Fatalf("after the scale the previous spec has image %s, want the bad one", got)
		}
		l.pass(20 * time.Second)
		good := slices.DeleteFunc(l.tasks("web", api.TaskStateRunning), func(k api.Task) bool {
			return k.Spec.ContainerSpec.Image != "web:1"
		})
		if len(good) != 1 {
			l.Fatalf("%d good tasks left, want 1\n%s", len(good), l.show("web"))
		}
	})
}

// TestAutomaticRollback is T4: the old spec is live again and there is no previous one.
func TestAutomaticRollback(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.world.SetImage("web:bad", dockerd.Image{CrashAfter: time.Second})
		l.create(web("web", 3, rolling(api.UpdateConfig{Parallelism: 1, FailureAction: "rollback"})))
		l.pass(3 * time.Second)
		l.update("web", image("web:bad"))
		l.pass(30 * time.Second)
		l.wantUpdate("web", api.UpdateStateRollbackCompleted)
		s := l.service("web")
		if s.Spec.TaskTemplate.ContainerSpec.Image != "web:1" || s.PreviousSpec != nil {
			l.Fatalf("live is %s, previous %+v", s.Spec.TaskTemplate.ContainerSpec.Image, s.PreviousSpec)
		}
		l.wantRunning("web", 3)
	})
}

func TestARollbackThatFailsIsPaused(t *testing.T) {
	bubble(t, 1, 0, func(l *lab) {
		for _, name := range []string{"web:1", "web:bad"} {
			l.world.SetImage(name, dockerd.Image{CrashAfter: 3 * time.Second})
		}
		l.create(web("web", 1, rolling(api.UpdateConfig{Parallelism: 1, FailureAction: "rollback"})))
		l.pass(2 * time.Second)
		l.update("web", image("web:bad"))
		l.pass(30 * time.Second)
		l.wantUpdate("web", api.UpdateStateRollbackPaused)
	})
}

func TestFailureActionContinueAndTheRatio(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.world.SetImage("web:gone", dockerd.Image{Missing: true})
		l.create(web("go", 2, rolling(api.UpdateConfig{Parallelism: 1, FailureAction: "continue"})))
		l.create(web("lax", 2, rolling(api.UpdateConfig{Parallelism: 0, FailureAction: "pause", MaxFailureRatio: 1})))
		l.pass(3 * time.Second)
		l.update("go", image("web:gone"))
		l.update("lax", image("web:gone"))
		l.pass(30 * time.Second)
		l.wantUpdate("go", api.UpdateStateCompleted)
		l.wantUpdate("lax", api.UpdateStateCompleted)
		for _, k := range l.tasks("go", api.TaskStateRejected) {
			if k.Status.Err != "No such image: web:gone" {
				l.Fatalf("rejected with %q", k.Status.Err)
			}
		}
	})
}

// TestAPendingTaskNeverFailsTheUpdate is T2.
func TestAPendingTaskNeverFailsTheUpdate(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.create(web("web", 2, hostPort(80), rolling(api.UpdateConfig{Parallelism: 1, Order: "start-first", FailureAction: "rollback"})))
		l.pass(3 * time.Second)
		l.update("web", image("web:2"))
		l.pass(24 * time.Hour)
		l.wantUpdate("web", api.UpdateStateUpdating)
		l.wantPending("web", 1, "no suitable node (host-mode port already in use on 2 nodes)")
		l.wantRunning("web", 2)
	})
}

func TestChangingOnlyConstraintsMovesNoTaskThatFits(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.create(web("web", 2))
		l.pass(3 * time.Second)
		before := ids(l.tasks("web", api.TaskStateRunning))
		l.update("web", constrained("node.hostname!=nowhere"))
		l.update("web", func(s *api.ServiceSpec) { s.Labels["note"] = "1" })
		l.pass(10 * time.Second)
		if after := ids(l.tasks("web", api.TaskStateRunning)); !slices.Equal(before, after) {
			l.Fatalf("%v became %v", before, after)
		}
		l.wantUpdate("web", "")
	})
}

func ids(tasks []api.Task) []string {
	out := []string{}
	for _, t := range tasks {
		out = append(out, t.ID)
	}
	slices.Sort(out)
	return out
}

func TestRequestedRollbackSwapsTheSpecs(t *testing.T) {
	bubble(t, 1, 0, func(l *lab) {
		l.create(web("web", 1))
		l.pass(3 * time.Second)
		l.update("web", image("web:2"))
		l.pass(20 * time.Second)
		s := l.service("web")
		_, err := l.docker.ServiceUpdate(l.ctx, s.ID, s.Version, s.Spec, api.ServiceUpdateOptions{Rollback: "previous"})
		l.must(err)
		l.pass(20 * time.Second)
		l.wantUpdate("web", api.UpdateStateRollbackCompleted)
		s = l.service("web")
		if s.Spec.TaskTemplate.ContainerSpec.Image != "web:1" || s.PreviousSpec.TaskTemplate.ContainerSpec.Image != "web:2" {
			l.Fatalf("live %s, previous %s", s.Spec.TaskTemplate.ContainerSpec.Image, s.PreviousSpec.TaskTemplate.ContainerSpec.Image)
		}
	})
}

func TestConfigsAreAStoreWithCompareAndSwap(t *testing.T) {
	bubble(t, 1, 0, func(l *lab) {
		spec := api.ConfigSpec{Annotations: api.Annotations{Name: "swarmd.x", Labels: map[string]string{"n": "1"}}, Data: []byte("d")}
		made, err := l.docker.ConfigCreate(l.ctx, spec)
		l.must(err)
		_, err = l.docker.ConfigCreate(l.ctx, spec)
		if !cerrdefs.IsConflict(err) {
			l.Fatalf("a second one of the name: %v", err)
		}
		c, _, err := l.docker.ConfigInspectWithRaw(l.ctx, "swarmd.x")
		l.must(err)
		l.create(web("web", 1)) // moves the store's index, not the config's version
		spec.Labels = map[string]string{"n": "2"}
		l.must(l.docker.ConfigUpdate(l.ctx, made.ID, c.Version, spec))
		l.refused(l.docker.ConfigUpdate(l.ctx, made.ID, c.Version, spec), "update out of sequence")
		spec.Data = []byte("other")
		l.refused(l.docker.ConfigUpdate(l.ctx, made.ID, c.Version, spec), "only updates to Labels are allowed")
		secret, err := l.docker.SecretCreate(l.ctx, api.SecretSpec{Annotations: api.Annotations{Name: "s"}, Data: []byte("hidden")})
		l.must(err)
		s, raw, err := l.docker.SecretInspectWithRaw(l.ctx, secret.ID)
		if err != nil || s.Spec.Data != nil {
			l.Fatalf("a secret gave away %s: %v", raw, errors.Join(err))
		}
	})
}
