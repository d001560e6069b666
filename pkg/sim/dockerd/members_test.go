package dockerd_test

import (
	"strings"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

const noLeader = "The swarm does not have a leader"

func (l *lab) setNode(i int, edit func(*api.NodeSpec)) error {
	l.Helper()
	n := l.node(i)
	edit(&n.Spec)
	return l.docker.NodeUpdate(l.ctx, n.ID, n.Version, n.Spec)
}

func role(r api.NodeRole) func(*api.NodeSpec) { return func(s *api.NodeSpec) { s.Role = r } }

func availability(a api.NodeAvailability) func(*api.NodeSpec) {
	return func(s *api.NodeSpec) { s.Availability = a }
}

func (l *lab) refused(err error, text string) {
	l.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		l.Fatalf("got %v, want a refusal with %q", err, text)
	}
}

func (l *lab) wantState(i int, want api.NodeState) {
	l.Helper()
	if got := l.node(i).Status.State; got != want {
		l.Fatalf("node %d is %s, want %s", i+1, got, want)
	}
}

func TestPromotionAndDemotionTakeTheirTime(t *testing.T) {
	bubble(t, 1, 2, func(l *lab) {
		l.must(l.setNode(1, role(api.NodeRoleManager)))
		if n := l.node(1); n.Spec.Role != api.NodeRoleManager || n.ManagerStatus != nil {
			l.Fatalf("right after the promotion: %+v %+v; the wish must show and the membership not yet", n.Spec, n.ManagerStatus)
		}
		l.pass(2 * time.Second)
		if n := l.node(1); n.ManagerStatus == nil || n.ManagerStatus.Addr != "10.0.0.2:2377" || n.ManagerStatus.Leader {
			l.Fatalf("after the promotion: %+v", n.ManagerStatus)
		}
		l.must(l.setNode(1, role(api.NodeRoleWorker)))
		if n := l.node(1); n.Spec.Role != api.NodeRoleWorker || n.ManagerStatus == nil {
			l.Fatalf("right after the demotion: %+v %+v", n.Spec, n.ManagerStatus)
		}
		l.pass(2 * time.Second)
		if n := l.node(1); n.ManagerStatus != nil {
			l.Fatalf("after the demotion: %+v", n.ManagerStatus)
		}
		l.refused(l.setNode(0, role(api.NodeRoleWorker)), "attempting to demote the last manager of the swarm")
	})
}

func TestQuorumIsSafeguarded(t *testing.T) {
	bubble(t, 3, 0, func(l *lab) {
		l.engines[2].Stop()
		l.pass(time.Minute)
		l.wantState(2, api.NodeStateDown)
		l.refused(l.setNode(1, role(api.NodeRoleWorker)), "this would result in a loss of quorum")
		l.must(l.setNode(2, role(api.NodeRoleWorker)))
		l.pass(10 * time.Second)
		if got := l.truth(); len(got.Members) != 2 {
			l.Fatalf("the dead manager is still one of %d members", len(got.Members))
		}
	})
}

func TestADemotionIsDeferredWhileItWouldLoseTheQuorum(t *testing.T) {
	bubble(t, 3, 0, func(l *lab) {
		l.must(l.setNode(1, role(api.NodeRoleWorker))) // accepted: three are up
		l.engines[2].Stop()                            // before the role manager acts
		l.pass(30 * time.Second)
		if got := l.truth(); len(got.Members) != 3 || !got.Quorum() {
			l.Fatalf("%d members, quorum %v; the demotion should wait", len(got.Members), got.Quorum())
		}
		l.engines[2].Start()
		l.pass(30 * time.Second)
		if got := l.truth(); len(got.Members) != 2 {
			l.Fatalf("%d members; the demotion should have gone on", len(got.Members))
		}
	})
}

func TestALeaderHandsOverBeforeItLeaves(t *testing.T) {
	bubble(t, 3, 0, func(l *lab) {
		l.must(l.setNode(0, role(api.NodeRoleWorker)))
		l.pass(20 * time.Second)
		_, err := l.docker.NodeList(l.ctx, api.NodeListOptions{})
		l.refused(err, "Worker nodes can't be used to view or modify cluster state")
		l.docker = dial(l, l.engines[1])
		if n := l.node(0); n.ManagerStatus != nil || n.Status.State != api.NodeStateReady {
			l.Fatalf("the old leader: %+v %+v", n.ManagerStatus, n.Status)
		}
	})
}

func TestTheOrderOfLeaving(t *testing.T) {
	bubble(t, 3, 1, func(l *lab) {
		remove := func(i int) error { return l.docker.NodeRemove(l.ctx, l.node(i).ID, api.NodeRemoveOptions{}) }
		l.must(l.setNode(3, availability(api.NodeAvailabilityDrain)))
		l.refused(remove(3), "is not down and can't be removed")
		l.refused(remove(2), "is a cluster manager and is a member of the raft cluster")
		l.must(l.setNode(2, role(api.NodeRoleWorker)))
		l.pass(5 * time.Second)
		for _, i := range []int{2, 3} {
			l.engines[i].Stop()
		}
		l.pass(20 * time.Second)
		for _, i := range []int{2, 3} {
			l.wantState(i, api.NodeStateDown)
			l.must(remove(i))
		}
		if got := l.truth(); len(got.Nodes) != 2 || len(got.Members) != 2 {
			l.Fatalf("%d nodes, %d members left", len(got.Nodes), len(got.Members))
		}
	})
}

func TestANewLeaderKnowsNobody(t *testing.T) {
	bubble(t, 3, 2, func(l *lab) {
		l.create(web("web", 5))
		l.pass(3 * time.Second)
		l.engines[0].Stop()
		l.docker = dial(l, l.engines[1])
		_, err := l.docker.NodeList(l.ctx, api.NodeListOptions{})
		l.refused(err, noLeader)
		l.pass(5 * time.Second)
		for i := range l.engines {
			l.wantState(i, api.NodeStateUnknown)
		}
		if got := l.running("web"); got != 5 {
			l.Fatalf("%d of 5 running: a change of leader moves no task", got)
		}
		l.pass(10 * time.Second)
		l.wantState(4, api.NodeStateReady)
		l.wantState(0, api.NodeStateUnknown) // it gets twice the time
		l.pass(30 * time.Second)
		l.wantState(0, api.NodeStateDown)
		l.engines[0].Start()
		l.pass(10 * time.Second)
		l.wantState(0, api.NodeStateReady)
		if n := l.node(0); n.ManagerStatus == nil || n.ManagerStatus.Reachability != api.ReachabilityReachable {
			l.Fatalf("the old leader came back as %+v", n.ManagerStatus)
		}
	})
}

func TestWithoutAMajorityNothingIsDecided(t *testing.T) {
	bubble(t, 3, 1, func(l *lab) {
		l.create(web("web", 4))
		l.pass(3 * time.Second)
		l.engines[1].Stop()
		l.engines[2].Stop()
		l.pass(time.Hour)
		_, err := l.docker.ConfigCreate(l.ctx, api.ConfigSpec{Annotations: api.Annotations{Name: "c"}, Data: []byte("x")})
		l.refused(err, noLeader)
		info, err := l.docker.Info(l.ctx)
		l.must(err)
		if !strings.Contains(info.Swarm.Error, noLeader) || !info.Swarm.ControlAvailable || info.Swarm.Cluster.ID != "" {
			l.Fatalf("info without a leader: %+v", info.Swarm)
		}
		l.engines[2].Start()
		l.pass(time.Minute)
		l.wantRunning("web", 4)
	})
}

func TestACutOffManagerIsAloneAndTheOthersGoOn(t *testing.T) {
	bubble(t, 3, 0, func(l *lab) {
		l.engines[0].Partition(true)
		l.pass(time.Minute)
		_, err := l.docker.NodeList(l.ctx, api.NodeListOptions{})
		l.refused(err, noLeader)
		alone := l.docker
		l.docker = dial(l, l.engines[1])
		l.wantState(0, api.NodeStateDown)
		l.engines[0].Partition(false)
		l.pass(20 * time.Second)
		l.docker = alone
		l.wantState(0, api.NodeStateReady)
	})
}

func TestJoinTriesOnlyTheFirstAndGoesOnInTheBackground(t *testing.T) {
	bubble(t, 2, 0, func(l *lab) {
		late := l.world.AddEngine(outsider())
		tokens := l.truth().Tokens
		l.engines[1].Partition(true)
		l.refused(late.Join(tokens.Worker, "drain", []string{"10.0.0.2:2377", "10.0.0.1:2377"}), "Timeout was reached before node joined")
		l.refused(late.Join(tokens.Worker, "drain", []string{"10.0.0.1:2377"}), "This node is already part of a swarm")
		info, err := dial(l, late).Info(l.ctx)
		l.must(err)
		if info.Swarm.LocalNodeState != api.LocalNodeStatePending || info.Swarm.RemoteManagers[0].Addr != "10.0.0.2:2377" {
			l.Fatalf("while it joins: %+v", info.Swarm)
		}
		l.engines[1].Partition(false)
		l.pass(time.Minute)
		n, _, err := l.docker.NodeInspectWithRaw(l.ctx, "outsider")
		l.must(err)
		if n.Status.State != api.NodeStateReady || n.Spec.Availability != api.NodeAvailabilityDrain {
			l.Fatalf("joined as %+v %+v", n.Spec, n.Status)
		}
	})
}

func TestAForgedLabelAndAGhost(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.engines[1].SetLabels(map[string]string{"swarmd.droplet": "7"})
		l.pass(20 * time.Second)
		if got := l.node(1).Description.Engine.Labels["swarmd.droplet"]; got != "7" {
			l.Fatalf("the engine label is %q after 20 s", got)
		}
		ghost := l.engines[0].AddGhost()
		l.pass(time.Minute)
		n, _, err := l.docker.NodeInspectWithRaw(l.ctx, ghost)
		l.must(err)
		if n.Description.Hostname != "" || n.Status.State != api.NodeStateDown {
			l.Fatalf("the ghost: %+v", n)
		}
		l.must(l.docker.NodeRemove(l.ctx, ghost, api.NodeRemoveOptions{}))
	})
}

func TestForcedRemovalThrowsTheMachineOut(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.must(l.docker.NodeRemove(l.ctx, l.node(1).ID, api.NodeRemoveOptions{Force: true}))
		c := dial(l, l.engines[1])
		info, err := c.Info(l.ctx)
		l.must(err)
		if info.Swarm.LocalNodeState != api.LocalNodeStateActive { // it says nothing of it
			l.Fatalf("the removed machine's state is %s", info.Swarm.LocalNodeState)
		}
		l.must(c.SwarmLeave(l.ctx, false))
		l.must(l.engines[1].Join(l.truth().Tokens.Worker, "", []string{"10.0.0.1"}))
		l.pass(5 * time.Second)
		l.wantState(1, api.NodeStateReady)
	})
}

func TestTheSameSeedGivesTheSameSwarm(t *testing.T) {
	run := func() (out dockerd.Truth) {
		bubble(t, 3, 2, func(l *lab) {
			l.create(web("web", 7))
			l.pass(10 * time.Second)
			l.engines[0].Stop()
			l.pass(time.Minute)
			out = l.truth()
		})
		return out
	}
	a, b := run(), run()
	if len(a.Tasks) < 7 {
		t.Fatalf("only %d tasks", len(a.Tasks))
	}
	if diff(a, b) != "" {
		t.Fatal(diff(a, b))
	}
}
