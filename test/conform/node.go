package conform

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

func nodeCases() []Case {
	return []Case{
		{"node: one that is not there", Together, unknownNode},
		{"node: found by id, by the beginning of an id, by host name", Together, nodeByReference},
		{"node: a manager has a membership, a worker has none", Together, managerStatus},
		{"node: what it says of itself", Together, nodeDescription},
		{"node: an update at a stale version", Together, staleNode},
		{"node: a bad role or availability", Together, badNodeSpec},
		{"node: an update without a version, without a body", Together, nodeUpdateForm},
		{"node: filters of the list", Alone, nodeFilters},
		{"node: filters that are none", Together, badNodeFilters},
		{"node: an update forgets that the node was accepted", Fresh, membershipForgotten},
		{"node: an update replaces the whole specification", Alone, wholeNodeSpec},
		{"node: drained, its tasks move at once and it stays ready", Alone, drained},
		{"node: paused, its tasks stay and new ones go elsewhere", Alone, paused},
		{"node: active again, nothing moves back", Alone, activeAgain},
		{"node: drained, a global service leaves it, and comes back", Alone, drainedGlobal},
		{"node: a changed label evicts what no longer fits", Alone, evicted},
		{"node: paused, a changed label evicts nothing", Alone, pausedKeeps},
	}
}

func setAvailability(a api.NodeAvailability) func(*api.NodeSpec) {
	return func(s *api.NodeSpec) { s.Availability = a }
}

func setLabel(key, value string) func(*api.NodeSpec) {
	return func(s *api.NodeSpec) {
		s.Labels = maps.Clone(s.Labels)
		s.Labels[key] = value
	}
}

func unknownNode(t *T) {
	t.refused(t.ask(0, "GET", "/nodes/nothere", nil, nil), 404, "node nothere not found")
	t.refused(t.ask(0, "DELETE", "/nodes/nothere", nil, nil), 404, "node nothere not found")
	t.refused(t.ask(0, "POST", "/nodes/nothere/update", at(1), t.node(0).Spec), 404, "node nothere not found")
}

func nodeByReference(t *T) {
	want := t.node(0)
	for _, ref := range []string{want.ID, want.ID[:12], want.Description.Hostname} {
		var got api.Node
		t.get("/nodes/"+ref, nil, &got)
		t.same("node by "+ref, want.ID, got.ID)
	}
	t.refused(t.ask(0, "GET", "/nodes/"+strings.ToUpper(want.Description.Hostname), nil, nil), 404,
		"node "+strings.ToUpper(want.Description.Hostname)+" not found")
	t.refused(t.ask(0, "GET", "/nodes/self", nil, nil), 404, "node self not found") // it is the command line that knows "self"
}

func managerStatus(t *T) {
	t.same("manager", &api.ManagerStatus{Leader: true, Reachability: "reachable", Addr: t.testbed.Machines[0].Addr + ":2377"}, t.node(0).ManagerStatus)
	var raw map[string]json.RawMessage
	t.get("/nodes/"+t.node(1).ID, nil, &raw)
	_, has := raw["ManagerStatus"]
	t.same("worker has a ManagerStatus", false, has)
	t.same("fields", []string{"CreatedAt", "Description", "ID", "Spec", "Status", "UpdatedAt", "Version"}, slices.Sorted(maps.Keys(raw)))
	t.same("status", `{"State":"ready","Addr":"`+t.testbed.Machines[1].Addr+`"}`, string(raw["Status"]))
	t.same("spec", `{"Labels":{},"Role":"worker","Availability":"active"}`, string(raw["Spec"]))
}

func nodeDescription(t *T) {
	d := t.node(1).Description
	t.same("platform", api.Platform{Architecture: "x86_64", OS: "linux"}, d.Platform)
	t.same("host name", t.info(1).Name, d.Hostname)
	t.same("engine", t.info(1).ServerVersion, d.Engine.EngineVersion)
	t.same("cores", int64(t.info(1).NCPU)*1e9, d.Resources.NanoCPUs)
	t.same("memory", t.info(1).MemTotal, d.Resources.MemoryBytes)
	t.same("root", t.swarm().TLSInfo, d.TLSInfo)
	var networks []string
	for _, p := range d.Engine.Plugins {
		if p.Type == "Network" {
			networks = append(networks, p.Name)
		}
	}
	t.same("networks", []string{"bridge", "host", "ipvlan", "macvlan", "null", "overlay"}, networks)
}

func staleNode(t *T) {
	n := t.node(1)
	t.refused(t.ask(0, "POST", "/nodes/"+n.ID+"/update", at(n.Version.Index-1), n.Spec), 500, outOfSequence)
	t.refused(t.ask(0, "POST", "/nodes/"+n.ID+"/update", at(n.Version.Index+1000), n.Spec), 500, outOfSequence)
}

func badNodeSpec(t *T) {
	t.refused(t.setNode(1, func(s *api.NodeSpec) { s.Role = "boss" }), 400, `invalid Role: "boss"`)
	t.refused(t.setNode(1, func(s *api.NodeSpec) { s.Role = "" }), 400, `invalid Role: ""`)
	t.refused(t.setNode(1, setAvailability("sometimes")), 400, `invalid Availability: "sometimes"`)
	t.refused(t.setNode(1, setAvailability("")), 400, `invalid Availability: ""`)
}

func nodeUpdateForm(t *T) {
	n := t.node(1)
	t.refused(t.ask(0, "POST", "/nodes/"+n.ID+"/update", nil, n.Spec), 400, `invalid node version '': strconv.ParseUint: parsing "": invalid syntax`)
	t.refused(t.ask(0, "POST", "/nodes/"+n.ID+"/update", at(n.Version.Index), nil), 400, either(t, noBodyText, `invalid Role: ""`))
}

// found are the numbers of the machines whose nodes a list has.
func (t *T) found(pairs ...string) []int {
	t.Helper()
	var list []api.Node
	t.get("/nodes", filter(pairs...), &list)
	out := []int{}
	for i := range t.testbed.Machines {
		if slices.ContainsFunc(list, func(n api.Node) bool { return n.ID == t.info(i).Swarm.NodeID }) {
			out = append(out, i)
		}
	}
	return out
}

func nodeFilters(t *T) {
	t.done("label", t.setNode(1, setLabel("zone", "a")))
	t.done("label", t.setNode(2, setLabel("zone", "b")))
	for _, c := range []struct {
		pairs []string
		want  []int
	}{
		{[]string{"role", "manager"}, []int{0}},
		{[]string{"role", "worker"}, []int{1, 2}},
		{[]string{"role", "worker", "role", "manager"}, []int{0, 1, 2}},
		{[]string{"node.label", "zone"}, []int{1, 2}},
		{[]string{"node.label", "zone=b"}, []int{2}},
		{[]string{"label", "zone"}, []int{}}, // of the engine, not of the node
		{[]string{"name", t.info(1).Name}, []int{1}},
		{[]string{"name", t.info(1).Name[:len(t.info(1).Name)-1]}, []int{0, 1, 2}},
		{[]string{"id", t.node(2).ID[:10]}, []int{2}},
		{[]string{"role", "worker", "node.label", "zone=a"}, []int{1}},
	} {
		t.same(strings.Join(c.pairs, " "), c.want, t.found(c.pairs...))
	}
}

func badNodeFilters(t *T) {
	t.unknownFilter("/nodes")
	t.refusedBy(t.ask(0, "GET", "/nodes", url.Values{"filters": {"nothing"}}, nil),
		refusal{500, "invalid character 'o' in literal null (expecting 'u')"}, refusal{400, "invalid filter"})
	t.refused(t.ask(0, "GET", "/nodes", filter("role", "boss"), nil), 500, "Invalid role filter: 'boss'")
	t.refused(t.ask(0, "GET", "/nodes", filter("membership", "boss"), nil), 500, "Invalid membership filter: 'boss'")
}

func wholeNodeSpec(t *T) {
	t.done("label", t.setNode(1, setLabel("a", "1")))
	t.same("labels", map[string]string{"a": "1"}, t.node(1).Spec.Labels)
	t.done("availability alone", t.setNode(1, func(s *api.NodeSpec) { *s = api.NodeSpec{Role: "worker", Availability: "pause"} }))
	t.same("spec", api.NodeSpec{Annotations: api.Annotations{Labels: map[string]string{}}, Role: "worker", Availability: "pause"}, t.node(1).Spec)
}

// membershipForgotten: the API's specification has no membership, so whoever writes a node writes the zero one.
func membershipForgotten(t *T) {
	t.init()
	t.join(1, "worker")
	t.same("accepted", []string{"manager", "worker"}, t.roles(filter("membership", "accepted")))
	t.done("label", t.setNode(1, setLabel("a", "1")))
	t.same("accepted", []string{"manager"}, t.roles(filter("membership", "accepted")))
	t.same("pending", []string{"worker"}, t.roles(filter("membership", "pending")))
}

// roles are the wished roles of the listed nodes.
func (t *T) roles(query url.Values) []string {
	t.Helper()
	var list []api.Node
	t.get("/nodes", query, &list)
	out := []string{}
	for _, n := range list {
		out = append(out, string(n.Spec.Role))
	}
	slices.Sort(out)
	return out
}
