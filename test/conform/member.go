package conform

import (
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

func memberCases() []Case {
	return []Case{
		{"members: promoted, the wish at once and the membership later", Fresh, promoted},
		{"members: promoted while drained", Fresh, promotedDrained},
		{"members: demoted, the wish at once and the end of the membership later", Fresh, demoted},
		{"members: the last manager can't be demoted", Together, lastManager},
		{"members: the leader demoted, another one leads", Fresh, leaderDemoted},
		{"members: a demotion that would lose the quorum", Fresh, quorumKept},
		{"members: two managers, one gone, no leader", Fresh, noLeader},
		{"members: a manager of three gone, unreachable and then down", Fresh, unreachable},
		{"members: what a worker refuses", Together, workerRefuses},
		{"members: what an engine in no swarm refuses", Fresh, outsiderRefuses},
		{"members: promoted and demoted at once, nothing comes of it", Fresh, changedMind},
		{"removal: a ready worker", Together, removeReady},
		{"removal: a manager, forced too", Fresh, removeManager},
		{"removal: a worker that left, when it is down", Fresh, removeDown},
		{"removal: a ready worker by force, which goes on trying", Fresh, removeByForce},
		{"removal: a demoted manager that left", Fresh, removeDemoted},
		{"removal: the ghost of a machine that joined again", Fresh, removeGhost},
	}
}

func setRole(r api.NodeRole) func(*api.NodeSpec) { return func(s *api.NodeSpec) { s.Role = r } }

// workers makes a fresh swarm of a manager and so many workers.
func (t *T) workers(n int) {
	t.Helper()
	t.quick()
	for i := range n {
		t.join(i+1, "worker")
	}
}

func promoted(t *T) {
	t.workers(2)
	t.done("promote", t.setNode(1, setRole("manager")))
	t.same("wish", api.NodeRoleManager, t.node(1).Spec.Role)
	t.untilRole(1, "manager")
	t.same("membership", &api.ManagerStatus{Reachability: "reachable", Addr: t.testbed.Machines[1].Addr + ":2377"}, t.node(1).ManagerStatus)
	info := t.info(1).Swarm
	t.same("managers and nodes, by the new one", []int{2, 3}, []int{info.Managers, info.Nodes})
	var fromIt []api.Node
	t.getFrom(1, "/nodes", nil, &fromIt)
	t.same("nodes, by the new one", 3, len(fromIt))
	t.same("warned", 1, len(info.Warnings))
	t.same("peers, by the worker", 2, len(t.info(2).Swarm.RemoteManagers))
}

func promotedDrained(t *T) {
	t.workers(1)
	t.done("drain", t.setNode(1, setAvailability("drain")))
	t.done("promote", t.setNode(1, setRole("manager")))
	t.untilRole(1, "manager")
	t.same("availability", api.NodeAvailabilityDrain, t.node(1).Spec.Availability)
}

func demoted(t *T) {
	t.workers(1)
	t.done("promote", t.setNode(1, setRole("manager")))
	t.untilRole(1, "manager")
	t.done("demote", t.setNode(1, setRole("worker")))
	t.same("wish", api.NodeRoleWorker, t.node(1).Spec.Role)
	t.untilRole(1, "worker")
	t.same("membership", (*api.ManagerStatus)(nil), t.node(1).ManagerStatus)
	t.same("managers", 1, t.info(0).Swarm.Managers)
	t.refused(t.ask(1, "GET", "/nodes", nil, nil), 503, workerText)
}

func lastManager(t *T) {
	t.refused(t.setNode(0, setRole("worker")), 400, failedPrecondition+"attempting to demote the last manager of the swarm")
}

const (
	failedPrecondition = "rpc error: code = FailedPrecondition desc = "
	workerText         = "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. " +
		"Please run this command on a manager node or promote the current node to a manager."
	outsiderText = `This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.`
	noLeaderText = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online. " +
		"Make sure more than half of the managers are online."
	noBodyText     = "got EOF while reading request body" // of those that want one
	notInSwarmText = "This node is not part of a swarm"
	inSwarmText    = `This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.`
)

// three makes a fresh swarm of three managers.
func (t *T) three() {
	t.Helper()
	t.quick()
	t.join(1, "manager")
	t.join(2, "manager")
}

func leaderDemoted(t *T) {
	t.three()
	id, spec := t.node(0).ID, t.node(0)
	spec.Spec.Role = "worker"
	t.done("demote", t.ask(0, "POST", "/nodes/"+id+"/update", at(spec.Version.Index), spec.Spec))
	t.until("another one leads", func() (bool, any) {
		var list []api.Node
		a := t.ask(1, "GET", "/nodes", nil, nil)
		if a.Status != 200 {
			return false, a
		}
		t.parse(a, &list)
		leaders, members := 0, 0
		for _, n := range list {
			leaders += count(n.ManagerStatus != nil && n.ManagerStatus.Leader && n.ID != id)
			members += count(n.ManagerStatus != nil)
		}
		return leaders == 1 && members == 2, list
	})
	t.until("it is a worker", func() (bool, any) {
		a := t.ask(0, "GET", "/nodes", nil, nil)
		return a.Message == workerText, a
	})
}

// leaveSwarm takes a machine out of its swarm, from its own side alone.
func (t *T) leaveSwarm(i int) {
	t.Helper()
	t.done("leave", t.ask(i, "POST", "/swarm/leave", forcibly(), nil))
}

func quorumKept(t *T) {
	t.three()
	one := t.node(1).ID
	t.leaveSwarm(2)
	t.until("the third is unreachable", func() (bool, any) {
		n := t.nodeAt(2)
		return n.ManagerStatus != nil && n.ManagerStatus.Reachability == api.ReachabilityUnreachable, n
	})
	var n api.Node
	t.get("/nodes/"+one, nil, &n)
	n.Spec.Role = "worker"
	t.refused(t.ask(0, "POST", "/nodes/"+one+"/update", at(n.Version.Index), n.Spec), 400,
		failedPrecondition+"can't remove member from the raft: this would result in a loss of quorum")
	t.get("/nodes/"+one, nil, &n)
	t.same("wish", api.NodeRoleManager, n.Spec.Role)
}

// nodeAt is the node with machine i's address, whether or not the machine is still in the swarm.
func (t *T) nodeAt(i int) api.Node {
	t.Helper()
	var list []api.Node
	t.get("/nodes", nil, &list)
	for _, n := range list {
		if n.Status.Addr == t.testbed.Machines[i].Addr || (n.ManagerStatus != nil && strings.HasPrefix(n.ManagerStatus.Addr, t.testbed.Machines[i].Addr+":")) {
			return n
		}
	}
	t.Fatalf("no node at %d in %v", i, list)
	return api.Node{}
}

func noLeader(t *T) {
	t.init()
	t.join(1, "manager")
	t.leaveSwarm(1)
	// For a while the leader still answers reads, and writes hang; it is a write that makes it notice.
	t.until("there is no leader", func() (bool, any) {
		a := t.ask(0, "POST", "/configs/create", nil, t.entry("x", nil, "data"))
		return a.Message == noLeaderText, a
	})
	t.refused(t.ask(0, "GET", "/nodes", nil, nil), 500, noLeaderText)
	t.refused(t.ask(0, "GET", "/swarm", nil, nil), 500, noLeaderText)
	t.refused(t.ask(0, "POST", "/services/create", nil, t.spec("web", Good, 1)), 500, noLeaderText)
	info := t.info(0).Swarm
	t.same("what it says of itself", []any{api.LocalNodeStateActive, true, noLeaderText}, []any{info.LocalNodeState, info.ControlAvailable, info.Error})
}

func unreachable(t *T) {
	t.three()
	t.leaveSwarm(2)
	t.until("it is down and unreachable", func() (bool, any) {
		n := t.nodeAt(2)
		return n.Status.State == api.NodeStateDown && n.ManagerStatus.Reachability == api.ReachabilityUnreachable, n
	})
	t.same("why", "heartbeat failure", t.nodeAt(2).Status.Message)
	t.refused(t.ask(0, "DELETE", "/nodes/"+t.nodeAt(2).ID, forcibly(), nil), 400, failedPrecondition+
		"node ID is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal")
	t.same("managers", 3, t.info(0).Swarm.Managers)
}

func workerRefuses(t *T) {
	for _, path := range []string{"/nodes", "/services", "/tasks", "/configs", "/secrets", "/swarm", "/nodes/self"} {
		t.refused(t.ask(1, "GET", path, nil, nil), 503, workerText)
	}
	t.refused(t.ask(1, "POST", "/services/create", nil, t.spec("web", Good, 1)), 503, workerText)
	t.refused(t.ask(1, "POST", "/networks/create", nil, map[string]string{"Name": t.name("net"), "Driver": "overlay"}), 403,
		either(t, "Cannot create a multi-host network from a worker node. Please create the network from a manager node.", outsiderText))
	info := t.info(1).Swarm
	t.same("what it says of itself", []any{api.LocalNodeStateActive, false, "", 0}, []any{info.LocalNodeState, info.ControlAvailable, info.Error, info.Nodes})
}

func outsiderRefuses(t *T) {
	for _, path := range []string{"/nodes", "/services", "/tasks", "/configs", "/secrets", "/swarm"} {
		t.refused(t.ask(0, "GET", path, nil, nil), 503, outsiderText)
	}
	t.refused(t.ask(0, "POST", "/services/create", nil, t.spec("web", Good, 1)), 503, outsiderText)
	t.refused(t.ask(0, "POST", "/networks/create", nil, map[string]string{"Name": t.name("net"), "Driver": "overlay"}), either(t, 500, 403), outsiderText)
	t.refused(t.ask(0, "POST", "/swarm/leave", nil, nil), 503, notInSwarmText)
	info := t.info(0).Swarm
	t.same("what it says of itself", []any{api.LocalNodeStateInactive, false, "", ""}, []any{info.LocalNodeState, info.ControlAvailable, info.NodeID, info.NodeAddr})
}

func changedMind(t *T) {
	t.workers(1)
	t.done("promote", t.setNode(1, setRole("manager")))
	t.until("and demote", func() (bool, any) {
		a := t.setNode(1, setRole("worker"))
		return a.Status == 200, a
	})
	t.untilRole(1, "worker")
	t.until("for good", func() (bool, any) { return t.info(0).Swarm.Managers == 1, nil })
	time.Sleep(200 * time.Millisecond) // an engine that had begun to be a manager stops to
	t.untilRole(1, "worker")
}
