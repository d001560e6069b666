package conform

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

func clusterCases() []Case {
	return []Case{
		{"swarm: initialised, with these defaults", Fresh, initialised},
		{"swarm: initialised with a specification", Fresh, initialisedAs},
		{"swarm: initialised with a pool of addresses", Fresh, initialisedWithPool},
		{"swarm: initialised twice", Together, initialisedTwice},
		{"swarm: initialised on a bad address", Fresh, badAddress},
		{"swarm: joined with an availability", Fresh, joinedDrained},
		{"swarm: joined with the manager token", Fresh, joinedAsManager},
		{"swarm: joined twice", Together, joinedTwice},
		{"swarm: joins that are malformed", Fresh, badJoins},
		{"swarm: joined with a token that was rotated away, and with none", Fresh, wrongToken},
		{"swarm: joined with the token of another swarm", Fresh, wrongRoot},
		{"swarm: both tokens rotated at once", Alone, rotatedBoth},
		{"swarm: left by a manager without force", Fresh, leftByManager},
		{"swarm: left by the last manager, all is gone", Fresh, leftByLast},
		{"swarm: forced anew on the last of three managers", Fresh, forcedAnew},
		{"swarm: forced anew on a worker", Fresh, forcedOnWorker},
		{"swarm: an update at a stale version", Together, staleSwarm},
		{"swarm: an update that is malformed", Together, badSwarmUpdate},
		{"swarm: an update without a body", Alone, emptySwarmUpdate},
		{"swarm: labels", Alone, swarmLabels},
		{"swarm: the managers' key, made, replaced and taken away", Alone, autoLocked},
		{"swarm: its version moves with writes to it alone", Alone, swarmVersion},
		{"swarm: it is not locked", Together, notLocked},
	}
}

// initialisedWithPool: the networks take their ranges from the pool, in order, the ingress network first.
func initialisedWithPool(t *T) {
	r := t.initRequest()
	r.DefaultAddrPool, r.SubnetSize = []string{"10.128.0.0/9"}, 24
	t.done("init", t.ask(0, "POST", "/swarm/init", nil, r))
	s := t.swarm()
	t.same("pool", []any{[]string{"10.128.0.0/9"}, uint32(24)}, []any{s.DefaultAddrPool, s.SubnetSize})
	var ingress network.Inspect
	t.get("/networks/ingress", nil, &ingress)
	t.same("subnet of ingress", "10.128.0.0/24", ingress.IPAM.Config[0].Subnet)
}

func initialised(t *T) {
	a := t.done("init", t.ask(0, "POST", "/swarm/init", nil, t.initRequest()))
	t.same("answer", `"`+t.info(0).Swarm.NodeID+`"`, strings.TrimSpace(string(a.body)))
	var raw map[string]json.RawMessage
	t.get("/swarm", nil, &raw)
	t.same("fields", []string{"CreatedAt", "DataPathPort", "DefaultAddrPool", "ID", "JoinTokens", "RootRotationInProgress", "Spec", "SubnetSize", "TLSInfo",
		"UpdatedAt", "Version"}, slices.Sorted(maps.Keys(raw)))
	t.same("spec", `{"Name":"default","Labels":{},"Orchestration":{"TaskHistoryRetentionLimit":5},"Raft":{"SnapshotInterval":10000,`+
		`"KeepOldSnapshots":0,"LogEntriesForSlowFollowers":500,"ElectionTick":10,"HeartbeatTick":1},"Dispatcher":{"HeartbeatPeriod":5000000000},`+
		`"CAConfig":{"NodeCertExpiry":7776000000000000},"TaskDefaults":{},"EncryptionConfig":{"AutoLockManagers":false}}`, string(raw["Spec"]))
	t.same("pool", `["10.0.0.0/8"] 24 4789`, strings.Join([]string{string(raw["DefaultAddrPool"]), string(raw["SubnetSize"]), string(raw["DataPathPort"])}, " "))
	for _, token := range []string{t.token("worker"), t.token("manager")} {
		if !regexp.MustCompile(`^SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}$`).MatchString(token) {
			t.Errorf("a token is %q", token)
		}
	}
	s := t.info(0).Swarm
	t.same("what it says of itself", []any{api.LocalNodeStateActive, true, t.testbed.Machines[0].Addr, 1, 1, t.swarm().ID},
		[]any{s.LocalNodeState, s.ControlAvailable, s.NodeAddr, s.Nodes, s.Managers, s.Cluster.ID})
}

func initialisedAs(t *T) {
	r, limit := t.initRequest(), int64(2)
	r.Availability = "drain"
	r.Spec.Labels = map[string]string{"a": "1"}
	r.Spec.Orchestration.TaskHistoryRetentionLimit = &limit
	t.done("init", t.ask(0, "POST", "/swarm/init", nil, r))
	spec := t.swarm().Spec
	t.same("labels", map[string]string{"a": "1"}, spec.Labels)
	t.same("limit", int64(2), *spec.Orchestration.TaskHistoryRetentionLimit)
	t.same("snapshots", uint64(10000), spec.Raft.SnapshotInterval)
	t.same("availability", api.NodeAvailabilityDrain, t.node(0).Spec.Availability)
}

func initialisedTwice(t *T) {
	t.refused(t.ask(0, "POST", "/swarm/init", nil, t.initRequest()), 503, inSwarmText)
	r := t.initRequest()
	r.ListenAddr, r.AdvertiseAddr = t.testbed.Machines[1].Addr+":2377", t.testbed.Machines[1].Addr
	t.refused(t.ask(1, "POST", "/swarm/init", nil, r), 503, inSwarmText)
}

func badAddress(t *T) {
	r := t.initRequest()
	r.ListenAddr = ""
	t.refused(t.ask(0, "POST", "/swarm/init", nil, r), 400, `invalid ListenAddr "": invalid empty address`)
	r = t.initRequest()
	r.ListenAddr, r.AdvertiseAddr, r.DataPathAddr = "203.0.113.9:2377", "203.0.113.9", ""
	t.refused(t.ask(0, "POST", "/swarm/init", nil, r), 500,
		"manager stopped: failed to listen on remote API address: listen tcp 203.0.113.9:2377: bind: cannot assign requested address")
	t.same("state", api.LocalNodeStateInactive, t.info(0).Swarm.LocalNodeState)
}

func joinedDrained(t *T) {
	t.init()
	r := t.joinRequest(1, t.token("worker"))
	r.Availability = "drain"
	t.done("join", t.ask(1, "POST", "/swarm/join", nil, r))
	t.untilRole(1, "worker")
	t.same("spec", api.NodeSpec{Annotations: api.Annotations{Labels: map[string]string{}}, Role: "worker", Availability: "drain"}, t.node(1).Spec)
	id := t.create(t.spec("agent", Good, 0, global))
	t.untilOn(id, 1, 0)
}

func joinedAsManager(t *T) {
	t.init()
	t.join(1, "manager")
	t.same("wish", api.NodeRoleManager, t.node(1).Spec.Role)
	t.same("managers", []int{2, 2}, []int{t.info(0).Swarm.Managers, t.info(1).Swarm.Managers})
	t.same("it knows the tokens", t.swarm().JoinTokens, func() (tokens api.JoinTokens) {
		var s api.Swarm
		t.getFrom(1, "/swarm", nil, &s)
		return s.JoinTokens
	}())
	// A write to one is seen by the other.
	var made struct{ ID string }
	t.parse(t.done("config", t.ask(1, "POST", "/configs/create", nil, api.ConfigSpec{Annotations: api.Annotations{Name: "x"}, Data: []byte("x")})), &made)
	t.until("the first one sees it", func() (bool, any) { return t.ask(0, "GET", "/configs/"+made.ID, nil, nil).Status == 200, nil })
}

func joinedTwice(t *T) {
	t.refused(t.ask(1, "POST", "/swarm/join", nil, t.joinRequest(1, t.token("worker"))), 503, inSwarmText)
	t.refused(t.ask(0, "POST", "/swarm/join", nil, t.joinRequest(0, t.token("worker"))), 503, inSwarmText)
}

func badJoins(t *T) {
	t.init()
	good := t.joinRequest(1, t.token("worker"))
	try := func(edit func(*api.JoinRequest)) answer {
		r := good
		edit(&r)
		return t.ask(1, "POST", "/swarm/join", nil, r)
	}
	t.refused(try(func(r *api.JoinRequest) { r.ListenAddr = "" }), 400, `invalid ListenAddr "": invalid empty address`)
	t.refused(try(func(r *api.JoinRequest) { r.RemoteAddrs = nil }), 400, "at least 1 RemoteAddr is required to join")
	t.refused(try(func(r *api.JoinRequest) { r.RemoteAddrs = []string{""} }), 400, `invalid remoteAddr "": invalid empty address`)
	t.refused(try(func(r *api.JoinRequest) { r.JoinToken = "secret" }), 500, "invalid join token")
	t.refused(try(func(r *api.JoinRequest) { r.JoinToken = "SWMTKN-1-x-y" }), 500, "invalid join token")
	t.same("state", api.LocalNodeStateInactive, t.info(1).Swarm.LocalNodeState)
}

// An engine tries a wrong secret for ten seconds, so these are asked side by side.
func wrongToken(t *T) {
	t.init()
	before := t.swarm()
	query := at(before.Version.Index)
	query.Set("rotateWorkerToken", "true")
	t.done("rotate", t.ask(0, "POST", "/swarm/update", query, before.Spec))
	now := t.swarm()
	t.same("worker token", false, now.JoinTokens.Worker == before.JoinTokens.Worker)
	t.same("manager token", before.JoinTokens.Manager, now.JoinTokens.Manager)
	t.same("same root", before.JoinTokens.Worker[:59], now.JoinTokens.Worker[:59])
	t.same("spec", before.Spec, now.Spec)
	old, none := both(func() answer { return t.tryJoin(1, before.JoinTokens.Worker) }, func() answer { return t.tryJoin(2, "") })
	t.refused(old, 400, badArgument+"A valid join token is necessary to join this cluster")
	t.refused(none, 400, badArgument+"A valid join token is necessary to join this cluster")
	t.same("state", api.LocalNodeStateInactive, t.info(1).Swarm.LocalNodeState)
	t.join(1, "worker")
}

func wrongRoot(t *T) {
	t.init()
	old := t.token("worker")
	t.leaveSwarm(0)
	t.init()
	token := t.token("worker")
	root, last := strings.Repeat("0", 50), strings.LastIndexByte(token, '-')
	gone, other := both(func() answer { return t.tryJoin(1, old) }, func() answer { return t.tryJoin(2, "SWMTKN-1-"+root+token[last:]) })
	gone.Message, _, _ = strings.Cut(gone.Message, ". Expected")
	t.refused(gone, 500, "remote CA does not match fingerprint")
	t.refused(other, 500, "remote CA does not match fingerprint. Expected: "+strings.Repeat("0", 64))
}

func rotatedBoth(t *T) {
	before := t.swarm()
	query := at(before.Version.Index)
	query.Set("rotateWorkerToken", "true")
	query.Set("rotateManagerToken", "true")
	t.done("rotate", t.ask(0, "POST", "/swarm/update", query, before.Spec))
	now := t.swarm()
	t.same("tokens", true, now.JoinTokens.Worker != before.JoinTokens.Worker && now.JoinTokens.Manager != before.JoinTokens.Manager)
	t.same("version grows", true, now.Version.Index > before.Version.Index)
	query.Set("rotateWorkerToken", "perhaps")
	query.Set("version", url.Values(at(now.Version.Index)).Get("version"))
	t.refused(t.ask(0, "POST", "/swarm/update", query, now.Spec), 400, `invalid value for rotateWorkerToken: perhaps`)
}

func leftByManager(t *T) {
	t.init()
	warning := "You are attempting to leave the swarm on a node that is participating as a manager. "
	t.refused(t.ask(0, "POST", "/swarm/leave", nil, nil), 503, warning+
		"Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message. ")
	t.join(1, "manager")
	t.refused(t.ask(0, "POST", "/swarm/leave", nil, nil), 503, warning+
		"Removing this node leaves 1 managers out of 2. Without a Raft quorum your swarm will be inaccessible. "+
		"The only way to restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. Use `--force` to suppress this message.")
	t.join(2, "manager")
	t.refused(t.ask(1, "POST", "/swarm/leave", nil, nil), 503, warning+
		"The only way to restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. Use `--force` to suppress this message.")
}

func leftByLast(t *T) {
	t.init()
	before := t.swarm()
	t.create(t.spec("web", Good, 0))
	t.leaveSwarm(0)
	t.same("state", api.LocalNodeStateInactive, t.info(0).Swarm.LocalNodeState)
	t.init()
	now := t.swarm()
	t.same("another swarm", true, before.ID != now.ID && before.JoinTokens != now.JoinTokens)
	var left []api.Service
	t.get("/services", nil, &left)
	t.same("services", 0, len(left))
}

func staleSwarm(t *T) {
	s := t.swarm()
	t.refused(t.ask(0, "POST", "/swarm/update", at(s.Version.Index-1), s.Spec), 500, outOfSequence)
}

func badSwarmUpdate(t *T) {
	s := t.swarm()
	t.refused(t.ask(0, "POST", "/swarm/update", nil, s.Spec), 400, `invalid swarm version '': strconv.ParseUint: parsing "": invalid syntax`)
	s.Spec.Name = "other"
	t.refused(t.ask(0, "POST", "/swarm/update", at(s.Version.Index), s.Spec), 400, `swarm spec must be named "default"`)
}

// emptySwarmUpdate: engines since 26.1 take no body for an object without fields, and what an update leaves out is gone.
func emptySwarmUpdate(t *T) {
	t.setSwarm(func(s *api.Spec) { s.Labels = map[string]string{"a": "1"} })
	before := t.swarm()
	t.Cleanup(func() {
		t.TB = untied{t.TB}
		t.setSwarm(func(s *api.Spec) { *s = before.Spec; s.Labels = map[string]string{} })
	})
	a := t.ask(0, "POST", "/swarm/update", at(before.Version.Index), nil)
	if t.testbed.Engine == dockerd.Release20 {
		t.refused(a, 400, noBodyText)
		t.same("specification", before.Spec, t.swarm().Spec)
		return
	}
	t.done("update", a)
	now, none := t.swarm(), int64(0)
	want := api.Spec{Annotations: api.Annotations{Name: "default", Labels: map[string]string{}}, Raft: api.RaftConfig{KeepOldSnapshots: new(uint64)}}
	want.Orchestration.TaskHistoryRetentionLimit = &none
	t.same("specification", want, now.Spec)
	t.same("tokens", before.JoinTokens, now.JoinTokens)
	t.refused(t.raw("POST", "/v1.41/swarm/update?version="+strconv.FormatUint(now.Version.Index, 10), " "), 400, "invalid JSON: "+noBodyText)
	web := t.create(t.spec("web", Good, 1))
	t.untilRunning(web, 1)
	t.update(web, image(Better))
	t.until("no history is kept", func() (bool, any) { return len(t.tasksOf(web)) == 1 && len(t.running(web)) == 1, t.told(web) })
	both := at(now.Version.Index)
	both.Set("rotateWorkerToken", "true")
	t.done("rotate", t.ask(0, "POST", "/swarm/update", both, nil))
	t.same("one of the tokens is another", []bool{false, true},
		[]bool{t.token("worker") == before.JoinTokens.Worker, t.token("manager") == before.JoinTokens.Manager})
}

func swarmLabels(t *T) {
	before := t.swarm()
	t.setSwarm(func(s *api.Spec) { s.Labels = map[string]string{"a": "1"} })
	now := t.swarm()
	t.same("labels", map[string]string{"a": "1"}, now.Spec.Labels)
	t.same("version grows", true, now.Version.Index > before.Version.Index)
	t.same("tokens", before.JoinTokens, now.JoinTokens)
	t.setSwarm(func(s *api.Spec) { s.Labels = map[string]string{} })
	t.same("labels", map[string]string{}, t.swarm().Spec.Labels)
}

func swarmVersion(t *T) {
	before := t.swarm().Version.Index
	t.create(t.spec("web", Good, 0))
	t.done("label", t.setNode(1, setLabel("a", "1")))
	t.same("version", before, t.swarm().Version.Index)
}

func notLocked(t *T) {
	t.refused(t.ask(0, "POST", "/swarm/unlock", nil, api.UnlockRequest{UnlockKey: "x"}), 409, "swarm is not locked")
	t.same("key", "", t.unlockKey())
}

func (t *T) unlockKey() string {
	t.Helper()
	var key api.UnlockKeyResponse
	t.get("/swarm/unlockkey", nil, &key)
	return key.UnlockKey
}

var unlockKey = regexp.MustCompile(`^SWMKEY-1-[A-Za-z0-9+/]{43}$`)

func autoLocked(t *T) {
	lock := func(on bool) { t.setSwarm(func(s *api.Spec) { s.EncryptionConfig.AutoLockManagers = on }) }
	defer lock(false)
	lock(true)
	first := t.unlockKey()
	t.same("form of the key", true, unlockKey.MatchString(first))
	t.same("specification", true, t.swarm().Spec.EncryptionConfig.AutoLockManagers)
	t.setSwarm(func(s *api.Spec) { s.Labels = map[string]string{"a": "1"} })
	t.same("another update leaves the key", first, t.unlockKey())
	now := t.swarm()
	query := at(now.Version.Index)
	query.Set("rotateManagerUnlockKey", "true")
	t.done("rotate", t.ask(0, "POST", "/swarm/update", query, now.Spec))
	if second := t.unlockKey(); second == first || !unlockKey.MatchString(second) {
		t.Errorf("asked for another key there is %q", second)
	}
	t.refused(t.ask(0, "POST", "/swarm/unlock", nil, api.UnlockRequest{UnlockKey: first}), 409, "swarm is not locked")
	lock(false)
	t.same("key", "", t.unlockKey())
}
