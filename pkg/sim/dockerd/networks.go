package dockerd

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
)

// swarmNetwork is a network of swarm scope.
type swarmNetwork struct {
	network.Inspect
	version api.Meta
	asked   network.CreateRequest // what it waits to be given; see unallocated
	used    int                   // addresses handed out
}

// nextAddr hands out an address of the network's subnet, "" if it has none that can be read.
func (n *swarmNetwork) nextAddr() string {
	if len(n.IPAM.Config) == 0 {
		return "" // of the host's or bridge's own
	}
	prefix, err := netip.ParsePrefix(n.IPAM.Config[0].Subnet)
	if err != nil {
		return ""
	}
	addr := prefix.Addr().Next() // the gateway
	n.used = n.used%250 + 1      // the simulation frees none: it begins again
	for range n.used {
		addr = addr.Next()
	}
	return fmt.Sprintf("%s/%d", addr, prefix.Bits())
}

// predefinedLabel marks the two networks that stand for the engines' own bridge and host. They show in no list.
const predefinedLabel = "com.docker.swarm.predefined"

func (c *cluster) createFirstNetworks() {
	c.addNetwork(network.CreateRequest{Name: "ingress", CreateOptions: network.CreateOptions{Driver: "overlay", Ingress: true}})
	for _, name := range []string{"bridge", "host"} {
		n := c.addNetwork(network.CreateRequest{Name: name, CreateOptions: network.CreateOptions{
			Driver: name, Labels: map[string]string{predefinedLabel: "true"},
		}})
		n.IPAM, n.Options = network.IPAM{Config: []network.IPAMConfig{}}, nil // the engines' own
	}
}

func (n *swarmNetwork) predefined() bool { return n.Labels[predefinedLabel] == "true" }

// attachment is a task's place in the network, with an address of its own.
func (n *swarmNetwork) attachment() api.NetworkAttachment {
	ipam := &api.IPAMOptions{Driver: api.Driver{Name: n.IPAM.Driver}}
	for _, k := range n.IPAM.Config {
		ipam.Configs = append(ipam.Configs, api.IPAMConfig{Subnet: k.Subnet, Range: k.IPRange, Gateway: k.Gateway})
	}
	a := api.NetworkAttachment{Network: api.Network{
		ID: n.ID, Meta: n.version,
		Spec: api.NetworkSpec{
			Annotations: api.Annotations{Name: n.Name, Labels: orEmpty(n.Labels)}, DriverConfiguration: &api.Driver{Name: n.Driver},
			Internal: n.Internal, Attachable: n.Attachable, Ingress: n.Ingress, IPAMOptions: &api.IPAMOptions{}, Scope: "swarm",
		},
		DriverState: api.Driver{Name: n.Driver, Options: n.Options}, IPAMOptions: ipam,
	}}
	if addr := n.nextAddr(); addr != "" {
		a.Addresses = []string{addr}
	}
	return a
}

func (c *cluster) ingress() *swarmNetwork {
	for _, n := range c.networks {
		if n.Ingress {
			return n
		}
	}
	return nil
}

func (c *cluster) createNetwork(r network.CreateRequest) (string, error) {
	if slices.ContainsFunc(c.sortedNetworks(), func(n *swarmNetwork) bool { return n.Name == r.Name }) {
		return "", &apiError{http.StatusConflict, "network with name " + r.Name + " already exists"}
	}
	if r.IPAM != nil {
		for _, k := range r.IPAM.Config {
			if _, err := netip.ParsePrefix(k.Subnet); k.Subnet != "" && err != nil {
				bad := c.world.dialect.badSubnet
				return "", &apiError{bad.status, fmt.Sprintf(bad.text, k.Subnet)}
			}
		}
	}
	if err := validName(r.Name); err != nil {
		return "", err
	}
	if r.Ingress && r.Attachable {
		return "", rpcError(invalidArgument, "ingress network cannot be attachable")
	}
	if n := c.ingress(); r.Ingress && n != nil {
		return "", rpcError(alreadyExists, "ingress network (%s) is already present", n.ID)
	}
	n := c.addNetwork(r)
	if n.unallocated() {
		return n.ID, nil // the allocator logs that it failed, and writes nothing
	}
	c.stamp(&n.version, false)
	c.publish(message("update", "network", n.ID, c.world.now, map[string]string{"name": n.Name})) // the allocator's write
	return n.ID, nil
}

func (c *cluster) addNetwork(r network.CreateRequest) *swarmNetwork {
	n := &swarmNetwork{asked: r, Inspect: network.Inspect{
		Name: r.Name, ID: c.world.newID(), Scope: "swarm", EnableIPv4: true,
		Internal: r.Internal, Attachable: r.Attachable, Ingress: r.Ingress, Labels: cloneMap(r.Labels),
		EnableIPv6: r.EnableIPv6 != nil && *r.EnableIPv6,
	}}
	c.give(n)
	c.stamp(&n.version, true)
	n.Created = n.version.CreatedAt
	c.networks[n.ID] = n
	c.publish(message("create", "network", n.ID, c.world.now, map[string]string{"name": n.Name}))
	return n
}

// unallocated reports whether the network waits for a subnet that another has. Until that one goes it has neither driver nor addresses, and tasks
// that are to be in it stay new.
func (n *swarmNetwork) unallocated() bool { return n.Driver == "" }

// give is the allocator's part in a network: its driver and its subnet, unless another network has that.
func (c *cluster) give(n *swarmNetwork) {
	r := n.asked
	if r.IPAM != nil && slices.ContainsFunc(r.IPAM.Config, func(k network.IPAMConfig) bool { return c.overlapped(k.Subnet) }) {
		return
	}
	if n.Driver = r.Driver; n.Driver == "" {
		n.Driver = "overlay"
	}
	n.Options = orEmpty(cloneMap(r.Options))
	n.Options["com.docker.network.driver.overlay.vxlanid_list"] = fmt.Sprint(4096 + c.subnets)
	n.IPAM = network.IPAM{Driver: "default"}
	if r.IPAM != nil {
		n.IPAM = deepCopy(*r.IPAM)
		text(&n.IPAM.Driver, "default")
		for i, k := range n.IPAM.Config {
			if subnet, err := netip.ParsePrefix(k.Subnet); err == nil {
				text(&n.IPAM.Config[i].Gateway, subnet.Masked().Addr().Next().String())
			}
		}
	}
	if len(n.IPAM.Config) == 0 && !n.predefined() {
		for c.overlapped(c.subnet(c.subnets).String()) {
			c.subnets++
		}
		subnet := c.subnet(c.subnets)
		c.subnets++
		n.IPAM.Config = []network.IPAMConfig{{Subnet: subnet.String(), Gateway: subnet.Addr().Next().String()}}
	}
}

// overlapped reports whether a network has a part of the subnet.
func (c *cluster) overlapped(subnet string) bool {
	mine, err := netip.ParsePrefix(subnet)
	if err != nil {
		return false
	}
	for _, n := range c.networks {
		for _, k := range n.IPAM.Config {
			if other, err := netip.ParsePrefix(k.Subnet); err == nil && other.Overlaps(mine) {
				return true
			}
		}
	}
	return false
}

// giveWaiting gives networks that wait what has become free, and their services and tasks what comes with it.
func (c *cluster) giveWaiting() {
	for _, n := range c.sortedNetworks() {
		if !n.unallocated() {
			continue
		}
		if c.give(n); n.unallocated() {
			continue
		}
		c.stamp(&n.version, false)
		c.publish(message("update", "network", n.ID, c.world.now, map[string]string{"name": n.Name}))
		for _, s := range c.sortedServices() {
			if old := s.snapshot(); c.allocate(s) {
				c.touchService(s, old)
			}
		}
		for _, t := range c.ordered {
			if s := c.services[t.ServiceID]; t.Status.State == api.TaskStateNew && s != nil && !c.waits(s.Spec) {
				t.NetworksAttachments = c.attachments(s.Spec)
				c.setTask(t, api.TaskStatePending, "pending task scheduling", "")
			}
		}
	}
}

// waits reports whether the service is to be in a network that has no addresses yet.
func (c *cluster) waits(s api.ServiceSpec) bool {
	return slices.ContainsFunc(c.attached(s), (*swarmNetwork).unallocated)
}

// attachments are the places in networks of a task of the service.
func (c *cluster) attachments(s api.ServiceSpec) []api.NetworkAttachment {
	var out []api.NetworkAttachment
	for _, n := range c.attached(s) {
		out = append(out, n.attachment())
	}
	return out
}

// subnet is the nth range of the swarm's pool.
func (c *cluster) subnet(n int) netip.Prefix {
	pool, bits := netip.MustParsePrefix(c.info.DefaultAddrPool[0]), int(c.info.SubnetSize)
	base := pool.Masked().Addr().As4()
	addr := binary.BigEndian.Uint32(base[:]) + uint32(n)<<(32-bits)
	binary.BigEndian.PutUint32(base[:], addr)
	return netip.PrefixFrom(netip.AddrFrom4(base), bits)
}

// networksOn are the ids of the networks that a node has for the tasks whose containers it has made.
func (c *cluster) networksOn(nodeID string) map[string]bool {
	out := map[string]bool{}
	for _, t := range c.ordered {
		if t.NodeID != nodeID || t.finished() || rank(t.Status.State) < rank(api.TaskStateReady) {
			continue
		}
		for _, a := range t.NetworksAttachments {
			if n := c.networks[a.Network.ID]; n != nil && !n.predefined() {
				out[n.ID] = true
			}
		}
	}
	return out
}

// attachNodes is the allocator's part in nodes: one has an address in each overlay of its tasks. It writes to the node when the first such task
// comes and when the last one has ended.
func (c *cluster) attachNodes() {
	now := map[string][]string{}
	for _, t := range c.ordered {
		if !t.placed() || t.finished() {
			continue
		}
		for _, a := range t.NetworksAttachments {
			n := c.networks[a.Network.ID]
			if n == nil || n.Ingress || n.predefined() {
				continue
			}
			if at, has := slices.BinarySearch(now[t.NodeID], n.ID); !has {
				now[t.NodeID] = slices.Insert(now[t.NodeID], at, n.ID)
			}
		}
	}
	changed := false
	for _, n := range c.nodes {
		changed = changed || !slices.Equal(n.networks, now[n.ID])
	}
	if !changed {
		return
	}
	for _, n := range c.sortedNodes() {
		old := *n
		if n.networks = now[n.ID]; !slices.Equal(n.networks, old.networks) {
			c.touchNode(n, old)
		}
	}
}

func (c *cluster) removeNetwork(n *swarmNetwork) error {
	if n.predefined() {
		return rpcError(failedPrecondition, "network %s (%s) is a swarm predefined network and cannot be removed", n.ID, n.Name)
	}
	for _, s := range c.sortedServices() {
		if n.Ingress && usesIngress(s.Spec) {
			return rpcError(failedPrecondition, "ingress network cannot be removed because service %s depends on it", s.ID)
		}
		if slices.Contains(targets(s.Spec), n.ID) {
			return rpcError(failedPrecondition, "network %s is in use by service %s", n.ID, s.ID)
		}
	}
	for _, t := range c.ordered {
		attached := slices.ContainsFunc(t.Spec.Networks, func(a api.NetworkAttachmentConfig) bool { return a.Target == n.ID })
		if attached && t.wanted() && !t.finished() {
			return rpcError(failedPrecondition, "network %s is in use by task %s", n.ID, t.ID)
		}
	}
	delete(c.networks, n.ID)
	c.index++
	c.publish(message("remove", "network", n.ID, c.world.now, map[string]string{"name": n.Name}))
	c.giveWaiting()
	return nil
}

func usesIngress(s api.ServiceSpec) bool {
	return s.EndpointSpec != nil && slices.ContainsFunc(s.EndpointSpec.Ports, func(p api.PortConfig) bool {
		return p.PublishMode == api.PortConfigPublishModeIngress
	})
}

func targets(s api.ServiceSpec) []string {
	var out []string
	for _, a := range s.TaskTemplate.Networks {
		out = append(out, a.Target)
	}
	//lint:ignore SA1019 older clients still send it
	for _, a := range s.Networks {
		out = append(out, a.Target)
	}
	return out
}

func (c *cluster) sortedNetworks() []*swarmNetwork {
	out := make([]*swarmNetwork, 0, len(c.networks))
	for _, n := range c.networks {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b *swarmNetwork) int { return compareText(a.ID, b.ID) })
	return out
}

// resolveNetworks turns the names of attached networks into ids. The template's list counts; the older one only if it is empty.
func (c *cluster) resolveNetworks(s *api.ServiceSpec) error {
	list := s.TaskTemplate.Networks
	if len(list) == 0 {
		//lint:ignore SA1019 older clients still send it
		list = s.Networks
	}
	for i, a := range list {
		n, err := c.findNetwork(a.Target)
		if err != nil {
			return &apiError{http.StatusInternalServerError, err.Error()}
		}
		list[i].Target = n.ID
	}
	return nil
}

func (c *cluster) findNetwork(ref string) (*swarmNetwork, error) {
	if n := c.networks[ref]; n != nil {
		return n, nil
	}
	all := c.sortedNetworks()
	named := slices.DeleteFunc(slices.Clone(all), func(n *swarmNetwork) bool { return n.Name != ref })
	if len(named) == 0 {
		named = slices.DeleteFunc(all, func(n *swarmNetwork) bool { return !strings.HasPrefix(n.ID, ref) })
	}
	return one("network", ref, named)
}

func (e *Engine) localNetwork(name, driver string) network.Inspect {
	return network.Inspect{
		Name: name, ID: e.world.newHexID(), Created: e.world.now.UTC(), Scope: "local", Driver: driver, EnableIPv4: true,
		IPAM:       network.IPAM{Driver: "default", Config: []network.IPAMConfig{}},
		Containers: map[string]network.EndpointResource{}, Options: map[string]string{}, Labels: map[string]string{},
	}
}

// addGateway makes the bridge by which tasks reach the world, as an engine does when it joins its first swarm.
func (e *Engine) addGateway() {
	if slices.ContainsFunc(e.networks, func(n network.Inspect) bool { return n.Name == "docker_gwbridge" }) {
		return
	}
	n := e.localNetwork("docker_gwbridge", "bridge")
	n.IPAM.Config = []network.IPAMConfig{{Subnet: "172.18.0.0/16", Gateway: "172.18.0.1"}}
	n.Options["com.docker.network.bridge.name"] = n.Name
	e.networks = append(e.networks, n)
}

// localNetworks are the three that every engine has.
func (e *Engine) localNetworks() []network.Inspect {
	bridge := e.localNetwork("bridge", "bridge")
	bridge.IPAM.Config = []network.IPAMConfig{{Subnet: "172.17.0.0/16", Gateway: "172.17.0.1"}}
	bridge.Options = map[string]string{
		"com.docker.network.bridge.default_bridge": "true", "com.docker.network.bridge.name": "docker0",
		"com.docker.network.driver.mtu": "1500",
	}
	return []network.Inspect{e.localNetwork("none", "null"), e.localNetwork("host", "host"), bridge}
}
