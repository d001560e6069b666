package dockerd_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

func image(name string) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.TaskTemplate.ContainerSpec.Image = name }
}

func replicas(n uint64) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.Mode.Replicated = &api.ReplicatedService{Replicas: &n} }
}

func rolling(u api.UpdateConfig) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.UpdateConfig = &u }
}

func constrained(c ...string) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.TaskTemplate.Placement = &api.Placement{Constraints: c} }
}

func hostPort(p uint32) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) {
		s.EndpointSpec = &api.EndpointSpec{Ports: []api.PortConfig{{TargetPort: 80, PublishedPort: p, PublishMode: "host"}}}
	}
}

// perNode counts a service's tasks that run and are meant to, by host name.
func (l *lab) perNode(name string) map[string]int {
	l.Helper()
	host, out := map[string]string{}, map[string]int{}
	for _, n := range l.truth().Nodes {
		host[n.ID] = n.Description.Hostname
	}
	for _, t := range l.tasks(name, api.TaskStateRunning) {
		if t.DesiredState == api.TaskStateRunning {
			out[host[t.NodeID]]++
		}
	}
	return out
}

func (l *lab) wantSpread(name, want string) {
	l.Helper()
	if got := fmt.Sprint(l.perNode(name)); got != want {
		l.Fatalf("%s is spread %s, want %s\n%s", name, got, want, l.show(name))
	}
}

func (l *lab) wantPending(name string, count int, why string) {
	l.Helper()
	pending := l.tasks(name, api.TaskStatePending)
	if len(pending) != count {
		l.Fatalf("%d tasks pending, want %d\n%s", len(pending), count, l.show(name))
	}
	for _, t := range pending {
		if t.Status.Err != why {
			l.Fatalf("pending because %q, want %q", t.Status.Err, why)
		}
	}
}

func TestAHostPortHoldsOneTaskPerNode(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.create(web("web", 5, hostPort(8080)))
		l.pass(3 * time.Second)
		l.wantSpread("web", "map[node-1:1 node-2:1 node-3:1]")
		l.wantPending("web", 2, "no suitable node (host-mode port already in use on 3 nodes)")
	})
}

func TestWhyATaskWaits(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.must(l.setNode(0, availability(api.NodeAvailabilityDrain)))
		l.must(l.setNode(1, availability(api.NodeAvailabilityPause)))
		l.create(web("picky", 1, constrained("node.labels.zone==b")))
		l.create(web("heavy", 1, func(s *api.ServiceSpec) {
			s.TaskTemplate.Resources = &api.ResourceRequirements{Reservations: &api.Resources{MemoryBytes: 4 << 30}}
		}))
		l.create(web("few", 3, func(s *api.ServiceSpec) { s.TaskTemplate.Placement = &api.Placement{MaxReplicas: 1} }))
		l.pass(3 * time.Second)
		l.wantPending("picky", 1, "no suitable node (2 nodes not available for new tasks; scheduling constraints not satisfied on 1 node)")
		l.wantPending("heavy", 1, "no suitable node (2 nodes not available for new tasks; insufficient resources on 1 node)")
		l.wantRunning("few", 1)
		l.must(l.setNode(2, func(s *api.NodeSpec) { s.Labels["zone"] = "b" }))
		l.pass(3 * time.Second)
		l.wantRunning("picky", 1)
	})
}

func TestAChangedLabelEvictsAtOnce(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		zone := func(z string) func(*api.NodeSpec) {
			return func(s *api.NodeSpec) { s.Labels = map[string]string{"zone": z} }
		}
		l.must(l.setNode(1, zone("a")))
		l.must(l.setNode(2, zone("a")))
		l.create(web("web", 4, constrained("node.labels.zone == a")))
		l.pass(3 * time.Second)
		l.wantSpread("web", "map[node-2:2 node-3:2]")
		l.must(l.setNode(2, zone("b")))
		l.wantRunning("web", 2)
		l.pass(10 * time.Second)
		l.wantSpread("web", "map[node-2:4]")
	})
}

// The two tricks of traps.md that were seen on three real engines.
func TestSpreadAfterAJoinByScalingUpAndDown(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.create(web("web", 6))
		l.pass(3 * time.Second)
		third := l.world.AddEngine(outsider())
		l.must(third.Join(l.truth().Tokens.Worker, "", []string{"10.0.0.1:2377"}))
		l.pass(5 * time.Second)
		l.wantSpread("web", "map[node-1:3 node-2:3]")
		l.update("web", replicas(8))
		l.pass(3 * time.Second)
		l.wantSpread("web", "map[node-1:3 node-2:3 outsider:2]")
		l.update("web", replicas(6))
		l.pass(3 * time.Second)
		l.wantSpread("web", "map[node-1:2 node-2:2 outsider:2]")
	})
}

func TestDrainWithoutLosingCapacity(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.create(web("web", 6))
		l.pass(3 * time.Second)
		lowest := func(d time.Duration) int {
			low := 99
			for range d / (100 * time.Millisecond) {
				l.pass(100 * time.Millisecond)
				low = min(low, l.running("web"))
			}
			return low
		}
		l.must(l.setNode(2, availability(api.NodeAvailabilityPause)))
		l.update("web", replicas(8))
		low := lowest(3 * time.Second)
		l.must(l.setNode(2, availability(api.NodeAvailabilityDrain)))
		l.update("web", replicas(6))
		if low = min(low, lowest(5*time.Second)); low < 6 {
			l.Fatalf("only %d of 6 ran at one moment", low)
		}
		l.wantSpread("web", "map[node-1:3 node-2:3]")
		l.must(l.setNode(2, availability(api.NodeAvailabilityActive)))
		l.must(l.setNode(1, availability(api.NodeAvailabilityDrain)))
		if low := lowest(3 * time.Second); low != 3 {
			l.Fatalf("a plain drain left %d of 6 at the worst moment, want 3", low)
		}
	})
}

func TestAGlobalServiceRunsEverywhereItMay(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.create(web("agent", 0, constrained("node.role!=manager"), func(s *api.ServiceSpec) {
			s.Mode = api.ServiceMode{Global: &api.GlobalService{}}
		}))
		l.pass(3 * time.Second)
		l.wantSpread("agent", "map[node-2:1 node-3:1]")
		l.must(l.setNode(2, availability(api.NodeAvailabilityDrain)))
		late := l.world.AddEngine(outsider())
		l.must(late.Join(l.truth().Tokens.Worker, "", []string{"10.0.0.1"}))
		l.pass(10 * time.Second)
		l.wantSpread("agent", "map[node-2:1 outsider:1]")
		l.update("agent", image("agent:2"))
		l.pass(30 * time.Second)
		l.wantSpread("agent", "map[node-2:1 outsider:1]")
		if s := l.service("agent").UpdateStatus; s == nil || s.State != api.UpdateStateCompleted {
			l.Fatalf("the roll-out: %+v", s)
		}
	})
}

func TestDeadTasksComeBackAfterTheirDelayAndHistoryIsShort(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.create(web("web", 2))
		l.pass(3 * time.Second)
		for range 8 {
			if !l.world.KillTask("web", 1) {
				l.Fatal("nothing to kill")
			}
			l.wantRunning("web", 1)
			l.pass(4 * time.Second)
			l.wantRunning("web", 1)
			l.pass(3 * time.Second)
			l.wantRunning("web", 2)
		}
		if got := len(l.tasks("web", "")); got != 6 { // five in slot 1, one in slot 2
			l.Fatalf("%d tasks are kept, want 6\n%s", got, l.show("web"))
		}
	})
}

func TestRestartPolicies(t *testing.T) {
	bubble(t, 1, 0, func(l *lab) {
		l.world.SetImage("crash:1", dockerd.Image{CrashAfter: time.Second})
		two, delay := uint64(2), time.Second
		l.create(web("never", 1, image("crash:1"), func(s *api.ServiceSpec) {
			s.TaskTemplate.RestartPolicy = &api.RestartPolicy{Condition: "none"}
		}))
		l.create(web("twice", 1, image("crash:1"), func(s *api.ServiceSpec) {
			s.TaskTemplate.RestartPolicy = &api.RestartPolicy{MaxAttempts: &two, Delay: &delay}
		}))
		l.pass(time.Minute)
		if a, b := len(l.tasks("never", api.TaskStateFailed)), len(l.tasks("twice", api.TaskStateFailed)); a != 1 || b != 3 {
			l.Fatalf("%d and %d tasks failed, want 1 and 3", a, b)
		}
		l.wantRunning("twice", 0)
	})
}

func TestADownNodesTasksMoveAndAreOrphanedAfterADay(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.create(web("web", 3))
		l.pass(3 * time.Second)
		l.engines[2].Stop()
		l.pass(40 * time.Second)
		l.wantRunning("web", 3)
		list, err := l.docker.ServiceList(l.ctx, api.ServiceListOptions{Status: true})
		l.must(err)
		if got := list[0].ServiceStatus; got.RunningTasks != 4 || got.DesiredTasks != 3 {
			l.Fatalf("the status counts %+v; it should count the dead node's task too", *got)
		}
		l.pass(24 * time.Hour)
		if got := l.tasks("web", api.TaskStateOrphaned); len(got) != 1 {
			l.Fatalf("%d tasks orphaned, want 1", len(got))
		}
	})
}

// A reference with a digest means that manifest, whatever its tag means by now.
func TestTheRegistryAnswersForTheDigestThatIsNamed(t *testing.T) {
	bubble(t, 1, 0, func(l *lab) {
		named := "sha256:" + strings.Repeat("a", 64)
		for ref, want := range map[string]bool{"app:1@" + named: true, "app@" + named: true, "app:1": false} {
			got, err := l.docker.DistributionInspect(l.ctx, ref, "")
			if err != nil || (got.Descriptor.Digest.String() == named) != want {
				l.Errorf("%s: %s, %v", ref, got.Descriptor.Digest, err)
			}
		}
	})
}
