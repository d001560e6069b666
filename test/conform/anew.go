package conform

import (
	"net/http"

	api "github.com/docker/docker/api/types/swarm"
)

// forcedAnew: without a majority one manager goes on alone. It is the same swarm, the others' entries stay with the role that they had, as no members;
// such an entry cannot be demoted, and is removed like a worker's. The containers of the manager's own tasks are taken away, and others begin.
func forcedAnew(t *T) {
	t.three()
	before := t.swarm()
	id := t.create(t.spec("web", Good, 1, constrained("node.id=="+t.node(0).ID)))
	was := t.untilRunning(id, 1)[0]
	other := t.node(1)
	t.leaveSwarm(2)
	t.leaveSwarm(1)
	t.until("there is no leader", func() (bool, any) {
		a := t.ask(0, "POST", "/configs/create", nil, t.entry("x", nil, "data"))
		return a.Message == noLeaderText, a
	})
	r := t.initRequest()
	r.ForceNewCluster = true
	t.same("answer", t.info(0).Swarm.NodeID, parsed[string](t, t.done("force", t.ask(0, "POST", "/swarm/init", nil, r))))
	now := t.swarm()
	t.same("the swarm is the same", true, now.ID == before.ID && now.JoinTokens == before.JoinTokens)
	var nodes []api.Node
	t.get("/nodes", nil, &nodes)
	for _, n := range nodes {
		own := n.ID == t.info(0).Swarm.NodeID
		t.same("role and membership of "+n.ID, []any{api.NodeRoleManager, own}, []any{n.Spec.Role, n.ManagerStatus != nil})
	}
	t.same("nodes", 3, len(nodes))
	var services []api.Service
	t.get("/services", nil, &services)
	t.same("services", 1, len(services))
	t.until("what ran on it runs anew", func() (bool, any) {
		now := t.running(id)
		return len(now) == 1 && now[0].ID != was.ID, t.told(id)
	})
	n := t.untilDown(other.ID)
	n.Spec.Role = api.NodeRoleWorker
	t.refused(t.ask(0, "POST", "/nodes/"+n.ID+"/update", at(n.Version.Index), n.Spec), 404, "rpc error: code = NotFound desc = can't find manager in raft memberlist")
	t.done("remove", t.ask(0, http.MethodDelete, "/nodes/"+n.ID, nil, nil))
}

func forcedOnWorker(t *T) {
	t.workers(1)
	r := t.joinRequest(1, "")
	t.refused(t.ask(1, "POST", "/swarm/init", nil, api.InitRequest{ListenAddr: r.ListenAddr, AdvertiseAddr: r.AdvertiseAddr, ForceNewCluster: true}), 503, workerText)
}

// parsed is the answer's body.
func parsed[V any](t *T, a answer) (v V) {
	t.Helper()
	t.parse(a, &v)
	return v
}
