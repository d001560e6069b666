package spec

import (
	"net/netip"
	"path"
	"slices"
)

// declaredNetwork is a declaration under the top-level networks.
type declaredNetwork struct {
	node     *node
	key      string
	name     string // in the swarm
	external bool
}

// declaredNetworks are the networks of the file, in its order.
func declaredNetworks(root *node, cluster string) []declaredNetwork {
	var all []declaredNetwork
	for _, f := range root.get("networks").fields {
		n := declaredNetwork{node: f.value, key: f.key, name: f.key}
		external := f.value.child("external")
		n.external = external != nil && (external.kind == kindMap || external.text == "true")
		if !n.external {
			n.name = cluster + "_" + f.key
		}
		for _, named := range []*node{f.value.child("name"), f.value.get("external").child("name")} {
			if named != nil {
				n.name = named.text
			}
		}
		all = append(all, n)
	}
	return all
}

// ownNetworks are the networks that each engine or each swarm has from the start.
func ownNetworks() []string { return []string{"ingress", "bridge", "host", "none", "docker_gwbridge"} }

// checkNetworks holds the networks that the file makes to what the engine makes (swarmkit, controlapi: validateAnnotations), and their subnets to
// having room beside each other: of two that overlap Swarm makes both, and tasks in the later one wait for an address for ever.
func (w *walker) checkNetworks(root *node, s *Spec) {
	if root.child("networks") == nil || root.child("networks").kind != kindMap {
		return
	}
	var taken []subnetOf
	for _, n := range declaredNetworks(root, s.Cluster) {
		if n.external || n.node.child("name") != nil && n.node.child("name").unresolved {
			continue
		}
		switch at := n.node.get("name"); {
		case slices.Contains(ownNetworks(), n.name):
			w.lacks(at, "the name is taken: %s is a network that every engine has", n.name)
		case !isSwarmName(n.name):
			w.lacks(at, "the network would be named %s: the name %s", shown(at, n.name), swarmName().wants(n.name))
		}
		taken = w.checkSubnets(n, taken)
	}
}

type subnetOf struct {
	network string
	prefix  netip.Prefix
}

// ingressSubnet is what Swarm's own network for published ports has, unless the swarm was made with another address pool.
func ingressSubnet() netip.Prefix { return netip.MustParsePrefix("10.0.0.0/24") }

// checkSubnets compares a network's subnets with those before it, and returns all of them.
func (w *walker) checkSubnets(n declaredNetwork, taken []subnetOf) []subnetOf {
	for _, item := range n.node.get("ipam", "config").items {
		at := item.get("subnet")
		prefix, err := netip.ParsePrefix(at.text)
		if err != nil {
			continue // a fault already
		}
		for _, other := range taken {
			if prefix.Overlaps(other.prefix) {
				w.fault(at, "%s overlaps %s of the network %s: tasks would wait for an address for ever; take another range", prefix, other.prefix, other.network)
			}
		}
		if prefix.Overlaps(ingressSubnet()) {
			w.warn(at, "%s overlaps %s, which Swarm gives its own ingress network: tasks would wait for an address for ever; take another range", prefix, ingressSubnet())
		}
		taken = append(taken, subnetOf{n.key, prefix})
	}
	return taken
}

// checkAttached refuses networks to which no service can be attached.
func (w *walker) checkAttached(root *node, s serviceFacts) {
	all := declaredNetworks(root, "")
	check := func(at *node, key string) {
		i := slices.IndexFunc(all, func(n declaredNetwork) bool { return n.key == key && n.external })
		if i < 0 {
			return
		}
		switch all[i].name {
		case "ingress":
			w.lacks(at, "no service can be attached to ingress, Swarm's own network for published ports: name the ports under ports")
		case "none", "docker_gwbridge":
			w.lacks(at, "no service can be attached to %s, which ends at one machine", all[i].name)
		}
	}
	for _, item := range s.node.get("networks").items {
		check(item, item.text)
	}
	for _, f := range s.networkFields() {
		check(f.value, f.key)
	}
}

// checkTargets finds two mounts at one place (swarmkit, controlapi: validateMounts; the engine that makes the container compares clean paths).
func (w *walker) checkTargets(s serviceFacts) {
	first := map[string]int{}
	for _, m := range s.mounts() {
		target := path.Clean(m.target)
		if at, twice := first[target]; twice && m.target != "" {
			w.fault(m.node, "%s has a mount already: volumes[%d]", shown(m.node, target), at)
			continue
		}
		first[target] = m.node.place.item - 1
	}
}
