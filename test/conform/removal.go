package conform

import (
	"net/url"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// forcibly is the query of a forced write.
func forcibly() url.Values { return url.Values{"force": {"1"}} }

func removeReady(t *T) {
	n := t.node(1)
	t.refused(t.ask(0, "DELETE", "/nodes/"+n.ID, nil, nil), 400, failedPrecondition+"node ID is not down and can't be removed")
}

func removeManager(t *T) {
	t.workers(1)
	t.done("promote", t.setNode(1, setRole("manager")))
	t.untilRole(1, "manager")
	for _, query := range []url.Values{nil, forcibly()} {
		t.refused(t.ask(0, "DELETE", "/nodes/"+t.node(1).ID, query, nil), 400, failedPrecondition+
			"node ID is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal")
	}
}

// untilDown waits until a node that left is known to be gone.
func (t *T) untilDown(id string) api.Node {
	t.Helper()
	var n api.Node
	t.until("it is down", func() (bool, any) {
		t.get("/nodes/"+id, nil, &n)
		return n.Status.State == api.NodeStateDown, n
	})
	return n
}

func removeDown(t *T) {
	t.quick()
	t.join(1, "worker")
	id := t.create(t.spec("web", Good, 2))
	t.untilOn(id, 1, 1)
	gone := t.node(1).ID
	t.leaveSwarm(1)
	n := t.untilDown(gone)
	t.same("status", api.NodeStatus{State: "down", Message: "heartbeat failure", Addr: t.testbed.Machines[1].Addr}, n.Status)
	t.untilRunning(id, 2)
	for _, k := range t.tasks(id) {
		if k.NodeID == gone {
			t.same("a task that was there", []string{"shutdown", "running", "started", ""}, end(k))
		}
	}
	t.done("remove", t.ask(0, "DELETE", "/nodes/"+gone, nil, nil))
	t.refused(t.ask(0, "GET", "/nodes/"+gone, nil, nil), 404, "node ID not found")
	t.until("its task is orphaned or forgotten", func() (bool, any) {
		for _, k := range t.tasks(id) {
			if k.NodeID == gone && k.Status.State != api.TaskStateOrphaned {
				return false, t.told(id)
			}
		}
		return true, nil
	})
	t.same("running still", 2, len(t.running(id)))
}

func removeByForce(t *T) {
	t.quick()
	t.join(1, "worker")
	gone := t.node(1).ID
	t.done("remove", t.ask(0, "DELETE", "/nodes/"+gone, forcibly(), nil))
	t.refused(t.ask(0, "GET", "/nodes/"+gone, nil, nil), 404, "node ID not found")
	// It is refused at the door from now on, and says nothing of it: it tries again for ever.
	t.always("what it says of itself", 3*time.Second, func() (bool, any) {
		s := t.info(1).Swarm
		return s.LocalNodeState == api.LocalNodeStateActive && s.NodeID == gone && s.Error == "", s
	})
	t.refused(t.ask(1, "GET", "/nodes", nil, nil), 503, workerText)
	t.refused(t.ask(1, "POST", "/swarm/join", nil, t.joinRequest(1, t.token("worker"))), 503, inSwarmText)
	t.leaveSwarm(1)
	t.join(1, "worker")
	t.same("it has a new id", true, t.node(1).ID != gone)
}

func removeDemoted(t *T) {
	t.quick()
	t.join(1, "manager")
	id := t.node(1).ID
	t.done("demote", t.setNode(1, setRole("worker")))
	t.untilRole(1, "worker")
	t.refused(t.ask(0, "DELETE", "/nodes/"+id, nil, nil), 400, failedPrecondition+"node ID is not down and can't be removed")
	t.done("leave", t.ask(1, "POST", "/swarm/leave", nil, nil)) // a worker needs no force
	t.untilDown(id)
	t.done("remove", t.ask(0, "DELETE", "/nodes/"+id, nil, nil))
	t.same("nodes", 1, t.info(0).Swarm.Nodes)
}

func removeGhost(t *T) {
	t.quick()
	t.join(1, "worker")
	ghost, host := t.node(1).ID, t.node(1).Description.Hostname
	t.leaveSwarm(1)
	t.join(1, "worker")
	t.refused(t.ask(0, "GET", "/nodes/"+host, nil, nil), 400, "node "+host+" is ambiguous (2 matches found)")
	t.same("nodes", 2, len(t.found()))
	t.untilDown(ghost)
	t.done("remove", t.ask(0, "DELETE", "/nodes/"+ghost, nil, nil))
	var left api.Node
	t.get("/nodes/"+host, nil, &left)
	t.same("the one that is left", t.node(1).ID, left.ID)
}
