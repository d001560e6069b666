package conform

import (
	"strings"
	"time"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
)

func networkCases() []Case {
	return []Case{
		{"network: what comes back", Together, networkReadBack},
		{"network: one that is not there", Together, unknownNetwork},
		{"network: a taken name", Together, takenNetworkName},
		{"network: the subnet is given, or bad", Together, networkSubnet},
		{"network: a bad name", Together, badNetworkName},
		{"network: a subnet that another has is waited for", Together, takenSubnet},
		{"network: in use by a service", Together, networkInUse},
		{"network: a service names it, and its tasks have addresses there", Together, networkOfTasks},
		{"network: the ingress and those that every engine has", Together, firstNetworks},
		{"network: filters of the list", Together, networkFilters},
		{"network: a worker sees it once it has a task there", Together, networkOnWorker},
		{"network: a node's version moves when the first task comes there and when the last one goes", Alone, attachedNode},
		{"network: a port is published in the ingress", Together, ingressPort},
		{"network: a published port that nobody names is given", Together, givenPort},
	}
}

var overlay = network.CreateOptions{Driver: "overlay"}

func (t *T) tryNetwork(name string, o network.CreateOptions) answer {
	return t.ask(0, "POST", "/networks/create", nil, network.CreateRequest{Name: t.name(name), CreateOptions: o})
}

// createNetwork makes one for the time of the case.
func (t *T) createNetwork(name string, o network.CreateOptions) string {
	t.Helper()
	var made struct{ ID string }
	t.parse(t.done("create", t.tryNetwork(name, o)), &made)
	t.Cleanup(func() { // once the services that use it are gone
		late := &T{TB: untied{t.TB}, testbed: t.testbed, prefix: t.prefix}
		late.removeServices(t.prefix + "-")
		late.ask(0, "DELETE", "/networks/"+made.ID, nil, nil)
	})
	return made.ID
}

func (t *T) getNetwork(ref string) (out network.Inspect) {
	t.Helper()
	t.get("/networks/"+ref, nil, &out)
	return out
}

// allocated is a network once the allocator has given it what it needs, a moment after its making.
func (t *T) allocated(id string) (n network.Inspect) {
	t.Helper()
	t.until("the network has a subnet", func() (bool, any) {
		n = t.getNetwork(id)
		return len(n.IPAM.Config) == 1, n
	})
	return n
}

func networkReadBack(t *T) {
	o := overlay
	o.Attachable, o.Internal, o.Labels = true, true, map[string]string{"a": "1"}
	id := t.createNetwork("net", o)
	n := t.allocated(id)
	t.same("facts", []any{t.name("net"), "swarm", "overlay", true, true, false, "1", "default", 1},
		[]any{n.Name, n.Scope, n.Driver, n.Attachable, n.Internal, n.Ingress, n.Labels["a"], n.IPAM.Driver, len(n.IPAM.Config)})
	t.same("by name", id, t.getNetwork(t.name("net")).ID)
	t.same("by the beginning of its id", id, t.getNetwork(id[:12]).ID)
	a := t.done("remove", t.ask(0, "DELETE", "/networks/"+id, nil, nil))
	t.same("status", 204, a.Status)
}

func unknownNetwork(t *T) {
	t.refused(t.ask(0, "GET", "/networks/nothere", nil, nil), 404, "network nothere not found")
	t.refused(t.ask(0, "DELETE", "/networks/nothere", nil, nil), 404, "network nothere not found")
}

func takenNetworkName(t *T) {
	t.createNetwork("net", overlay)
	t.refused(t.tryNetwork("net", overlay), 409, "network with name "+t.name("net")+" already exists")
	try := func(name string) answer {
		return t.ask(0, "POST", "/networks/create", nil, network.CreateRequest{Name: name, CreateOptions: overlay})
	}
	t.refused(try("host"), 409, "network with name host already exists")
	t.refused(try("bridge"), 409, "network with name bridge already exists")
	t.refused(try("none"), 403, "operation is not permitted on predefined none network ")
}

func badNetworkName(t *T) {
	for name, text := range map[string]string{"x.y": notDNS, "x-": notDNS, "x_": notDNS, "-x": notDNS, strings.Repeat("x", 64): longName} {
		t.refused(t.ask(0, "POST", "/networks/create", nil, network.CreateRequest{Name: name, CreateOptions: overlay}), 400, badArgument+text)
	}
}

// takenSubnet: of two networks whose subnets overlap both are made; the later one has neither driver nor subnet until the other goes, and tasks in
// it stay new.
func takenSubnet(t *T) {
	within := func(subnet string) network.CreateOptions {
		o := overlay
		o.IPAM = &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet}}}
		return o
	}
	first := t.createNetwork("first", within("10.99.8.0/24"))
	t.allocated(first)
	second := t.createNetwork("second", within("10.99.8.128/25"))
	web := t.create(t.spec("web", Good, 1, t.in("second")))
	t.until("its task is made", func() (bool, any) { return len(t.tasks(web)) == 1, t.told(web) })
	t.always("it stays new", 2*time.Second, func() (bool, any) { return t.tasks(web)[0].Status.State == api.TaskStateNew, t.told(web) })
	n := t.getNetwork(second)
	t.same("driver and subnets", []any{"", 0}, []any{n.Driver, len(n.IPAM.Config)})
	t.done("remove", t.ask(0, "DELETE", "/networks/"+first, nil, nil))
	t.same("subnet", "10.99.8.128/25", t.allocated(second).IPAM.Config[0].Subnet)
	t.untilRunning(web, 1)
}

func networkSubnet(t *T) {
	o := overlay
	o.IPAM = &network.IPAM{Config: []network.IPAMConfig{{Subnet: "10.99.7.0/24"}}}
	n := t.allocated(t.createNetwork("net", o))
	t.same("subnet", []string{"10.99.7.0/24", "10.99.7.1"}, []string{n.IPAM.Config[0].Subnet, n.IPAM.Config[0].Gateway})
	o.IPAM = &network.IPAM{Config: []network.IPAMConfig{{Subnet: "10.300.0.0/24"}}}
	t.refusedBy(t.tryNetwork("bad", o), refusal{500, "Invalid subnet 10.300.0.0/24 : invalid CIDR address: 10.300.0.0/24"},
		refusal{400, "invalid network config:\ninvalid subnet 10.300.0.0/24: invalid CIDR block notation"})
}

// in has a service use a network.
func (t *T) in(name string) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) {
		s.TaskTemplate.Networks = []api.NetworkAttachmentConfig{{Target: t.name(name), Aliases: []string{"web"}}}
	}
}

func dnsrr(s *api.ServiceSpec) { s.EndpointSpec = &api.EndpointSpec{Mode: "dnsrr"} }

func networkInUse(t *T) {
	id := t.createNetwork("net", overlay)
	web := t.create(t.spec("web", Good, 0, t.in("net")))
	t.refused(t.ask(0, "DELETE", "/networks/"+id, nil, nil), 400, failedPrecondition+"network ID is in use by service ID")
	t.done("remove", t.ask(0, "DELETE", "/services/"+web, nil, nil))
	t.until("it can be removed", func() (bool, any) {
		a := t.ask(0, "DELETE", "/networks/"+id, nil, nil)
		return a.Status == 204, a
	})
	t.refused(t.ask(0, "GET", "/networks/"+id, nil, nil), 404, "network ID not found")
}

func networkOfTasks(t *T) {
	id := t.createNetwork("net", overlay)
	web := t.create(t.spec("web", Good, 2, t.in("net"), dnsrr))
	s := t.service(web)
	t.same("the service has it by id", []api.NetworkAttachmentConfig{{Target: id, Aliases: []string{"web"}}}, s.Spec.TaskTemplate.Networks)
	t.same("virtual addresses", 0, len(s.Endpoint.VirtualIPs))
	subnet := t.allocated(id).IPAM.Config[0].Subnet
	seen := map[string]bool{}
	for _, k := range t.untilRunning(web, 2) {
		t.same("attachments", 1, len(k.NetworksAttachments))
		a := k.NetworksAttachments[0]
		t.same("network", []string{id, t.name("net"), "overlay", "swarm"}, []string{a.Network.ID, a.Network.Spec.Name, a.Network.DriverState.Name, a.Network.Spec.Scope})
		t.same("prefix", subnet[strings.IndexByte(subnet, '/'):], a.Addresses[0][strings.IndexByte(a.Addresses[0], '/'):])
		seen[a.Addresses[0]] = true
	}
	t.same("addresses", 2, len(seen))
}

func firstNetworks(t *T) {
	n := t.allocated("ingress")
	t.same("ingress", []any{"swarm", "overlay", true, false, "10.0.0.0/24"}, []any{n.Scope, n.Driver, n.Ingress, n.Attachable, n.IPAM.Config[0].Subnet})
	t.same("gateway bridge", []string{"local", "bridge"}, []string{t.getNetwork("docker_gwbridge").Scope, t.getNetwork("docker_gwbridge").Driver})
	for _, name := range []string{"host", "none", "bridge"} {
		t.same(name, "local", t.getNetwork(name).Scope)
		t.refused(t.ask(0, "DELETE", "/networks/"+name, nil, nil), 403, name+" is a pre-defined network and cannot be removed")
	}
	second := overlay
	second.Ingress = true
	t.refused(t.tryNetwork("second", second), 409, "rpc error: code = AlreadyExists desc = ingress network (ID) is already present")
}

func networkFilters(t *T) {
	o := overlay
	o.Labels = map[string]string{"tier": t.prefix}
	a, b := t.createNetwork("a", o), t.createNetwork("b", overlay)
	for _, c := range []struct {
		pairs []string
		want  []string
	}{
		{[]string{"name", t.prefix + "-"}, []string{}}, // of the swarm's networks the whole name counts
		{[]string{"name", t.name("a"), "name", t.name("b")}, []string{a, b}},
		{[]string{"id", b}, []string{b}},
		{[]string{"id", b[:12]}, []string{b}},
		{[]string{"id", b[1:]}, []string{}},
		{[]string{"label", "tier=" + t.prefix}, []string{a}},
		{[]string{"name", t.name("a"), "scope", "local"}, []string{}},
		{[]string{"name", t.name("a"), "driver", "overlay", "type", "custom", "scope", "swarm"}, []string{a}},
		{[]string{"name", t.name("a"), "type", "builtin"}, []string{}},
		{[]string{"name", "gwbridg"}, []string{t.getNetwork("docker_gwbridge").ID}}, // of an engine's own a part
	} {
		var list []network.Inspect
		t.get("/networks", filter(c.pairs...), &list)
		got := map[string]bool{}
		for _, n := range list {
			got[n.ID] = true
		}
		want := map[string]bool{}
		for _, id := range c.want {
			want[id] = true
		}
		t.same(text(c.pairs), want, got)
	}
	t.unknownFilter("/networks")
}

func networkOnWorker(t *T) {
	id := t.createNetwork("net", overlay)
	t.refused(t.ask(1, "GET", "/networks/"+id, nil, nil), 404, "network ID not found")
	web := t.create(t.spec("web", Good, 1, t.in("net"), dnsrr, constrained("node.id=="+t.node(1).ID)))
	t.untilRunning(web, 1)
	t.done("the worker sees it", t.ask(1, "GET", "/networks/"+id, nil, nil))
	t.done("remove", t.ask(0, "DELETE", "/services/"+web, nil, nil))
	t.until("and no more", func() (bool, any) {
		a := t.ask(1, "GET", "/networks/"+id, nil, nil)
		return a.Status == 404, a
	})
}

// attachedNode: the allocator gives a node an address in each overlay that its tasks use, and that is a write to the node.
func attachedNode(t *T) {
	name, pinned := t.info(1).Name, constrained("node.id=="+t.node(1).ID)
	t.allocated(t.createNetwork("net", overlay))
	since := t.now()
	one := t.create(t.spec("one", Good, 1, t.in("net"), dnsrr, pinned))
	t.untilRunning(one, 1)
	t.hearsOf([]string{"type", "node"}, since, "node update name="+name)
	before := t.node(1).Version
	two := t.create(t.spec("two", Good, 1, t.in("net"), dnsrr, pinned))
	t.untilRunning(two, 1)
	t.untilRunning(t.create(t.spec("three", Good, 1, published(24005, "ingress"), pinned)), 1)
	t.done("remove", t.ask(0, "DELETE", "/services/"+one, nil, nil))
	t.until("it is gone", func() (bool, any) { return len(t.tasksOf(one)) == 0, nil })
	t.same("version", before, t.node(1).Version)
	since = t.now()
	t.done("remove", t.ask(0, "DELETE", "/services/"+two, nil, nil))
	t.hearsOf([]string{"type", "node"}, since, "node update name="+name)
}

func ingressPort(t *T) {
	id := t.create(t.spec("web", Good, 1, published(24001, "ingress")))
	s := t.endpoint(id)
	want := []api.PortConfig{{Protocol: "tcp", TargetPort: 80, PublishedPort: 24001, PublishMode: "ingress"}}
	t.same("ports", want, s.Endpoint.Ports)
	t.same("ports asked for", want, s.Endpoint.Spec.Ports)
	ingress := t.getNetwork("ingress").ID
	t.same("virtual addresses", 1, len(s.Endpoint.VirtualIPs))
	t.same("network", ingress, s.Endpoint.VirtualIPs[0].NetworkID)
	t.same("prefix", true, strings.HasPrefix(s.Endpoint.VirtualIPs[0].Addr, "10.0.0.") && strings.HasSuffix(s.Endpoint.VirtualIPs[0].Addr, "/24"))
	t.update(id, func(s *api.ServiceSpec) { s.EndpointSpec = nil })
	t.until("it has no ports", func() (bool, any) { return len(t.service(id).Endpoint.Ports) == 0, t.service(id) })
}

// endpoint is a service once the allocator has given it its ports, a moment after its making.
func (t *T) endpoint(id string) (s api.Service) {
	t.Helper()
	t.until("the service has its ports", func() (bool, any) {
		s = t.service(id)
		return len(s.Endpoint.Ports) > 0, s
	})
	return s
}

func givenPort(t *T) {
	id := t.create(t.spec("web", Good, 0, published(0, "ingress")))
	s := t.endpoint(id)
	given := s.Endpoint.Ports[0].PublishedPort
	t.same("in the dynamic range", true, given >= 30000 && given <= 32767)
	t.same("the one asked for", uint32(0), s.Endpoint.Spec.Ports[0].PublishedPort)
	t.update(id, label("a", "1"))
	t.same("it is kept", given, t.endpoint(id).Endpoint.Ports[0].PublishedPort)
}
