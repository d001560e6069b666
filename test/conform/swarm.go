package conform

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// Form makes the first machine a manager and the two others its workers.
func Form(tb testing.TB, g Testbed) {
	tb.Helper()
	t := on(tb, g)
	t.init()
	t.join(1, "worker")
	t.join(2, "worker")
}

// Disband takes every machine out of whatever swarm it is in, one after the other: managers that leave side by side wait for each other. It
// does not look first, for a manager without a leader is slow to say what it is.
func Disband(tb testing.TB, g Testbed) {
	tb.Helper()
	t := on(untied{tb}, g)
	for i := range g.Machines {
		t.until("machine has left", func() (bool, any) {
			a := t.ask(i, "POST", "/swarm/leave", forcibly(), nil)
			return a.Status == 200 || a.Message == notInSwarmText, a
		})
	}
}

func (t *T) initRequest() api.InitRequest {
	addr := t.testbed.Machines[0].Addr
	return api.InitRequest{ListenAddr: addr + ":2377", AdvertiseAddr: addr, DataPathAddr: addr}
}

func (t *T) init() {
	t.Helper()
	t.done("init", t.ask(0, "POST", "/swarm/init", nil, t.initRequest()))
}

// quick is init for those who wait until a silent node is down: a second's heartbeat makes that sooner.
func (t *T) quick() {
	t.Helper()
	r := t.initRequest()
	r.Spec.Dispatcher.HeartbeatPeriod = time.Second
	t.done("init", t.ask(0, "POST", "/swarm/init", nil, r))
}

// both makes two calls side by side.
func both(one, other func() answer) (a, b answer) {
	var all sync.WaitGroup
	all.Go(func() { a = one() })
	all.Go(func() { b = other() })
	all.Wait()
	return a, b
}

// tryJoin has machine i join; it may be called from any goroutine.
func (t *T) tryJoin(i int, token string) answer {
	a, err := t.testbed.Machines[i].ask(t.Context(), "POST", "/swarm/join", nil, t.joinRequest(i, token))
	if err != nil {
		t.Error(err)
	}
	return a
}

func (t *T) swarm() api.Swarm {
	t.Helper()
	var out api.Swarm
	t.get("/swarm", nil, &out)
	return out
}

func (t *T) token(role string) string {
	t.Helper()
	tokens := t.swarm().JoinTokens
	if role == "manager" {
		return tokens.Manager
	}
	return tokens.Worker
}

func (t *T) joinRequest(i int, token string) api.JoinRequest {
	addr := t.testbed.Machines[i].Addr
	return api.JoinRequest{ListenAddr: addr + ":2377", AdvertiseAddr: addr, DataPathAddr: addr,
		RemoteAddrs: []string{t.testbed.Machines[0].Addr + ":2377"}, JoinToken: token}
}

// join makes machine i a node of the first machine's swarm and waits until it is ready, as a manager reachable too.
func (t *T) join(i int, role string) {
	t.Helper()
	t.done("join", t.ask(i, "POST", "/swarm/join", nil, t.joinRequest(i, t.token(role))))
	t.untilRole(i, role)
}

// untilRole waits until machine i is a ready node of that role, and as a manager a reachable member.
func (t *T) untilRole(i int, role string) {
	t.Helper()
	t.until("machine is a "+role, func() (bool, any) {
		n := t.node(i)
		member := n.ManagerStatus != nil && n.ManagerStatus.Reachability == api.ReachabilityReachable
		return n.Status.State == api.NodeStateReady && (role == "manager") == member && t.info(i).Swarm.ControlAvailable == member, n
	})
}

// tidy puts the shared swarm back to what Form made.
func (t *T) tidy() {
	t.Helper()
	t.TB = untied{t.TB}
	t.removeServices("")
	for i := range t.testbed.Machines {
		role := api.NodeRoleWorker
		if i == 0 {
			role = api.NodeRoleManager
		}
		plain := api.NodeSpec{Role: role, Availability: api.NodeAvailabilityActive}
		t.until("node is plain again", func() (bool, any) {
			a := t.setNode(i, func(s *api.NodeSpec) { *s = plain })
			return a.Status == 200, a
		})
		t.untilRole(i, string(role))
	}
}

// untied is a test whose context may have ended already, as it has in a clean-up.
type untied struct{ testing.TB }

func (untied) Context() context.Context { return context.Background() }

// removeServices removes the services whose names begin so, and waits until their tasks are gone.
func (t *T) removeServices(prefix string) {
	t.Helper()
	var all []api.Service
	t.get("/services", filterName(prefix), &all)
	for _, s := range all {
		t.ask(0, "DELETE", "/services/"+s.ID, nil, nil)
	}
	began := time.Now()
	for len(all) > 0 && time.Since(began) < patience {
		left := 0
		for _, s := range all {
			left += len(t.tasksOf(s.ID))
		}
		if left == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// tasksOf are the tasks of a service that may be gone.
func (t *T) tasksOf(id string) []api.Task {
	t.Helper()
	var tasks []api.Task
	t.get("/tasks", nil, &tasks)
	return slices.DeleteFunc(tasks, func(k api.Task) bool { return k.ServiceID != id })
}

func filterName(prefix string) url.Values {
	if prefix == "" {
		return nil
	}
	return filter("name", prefix)
}
