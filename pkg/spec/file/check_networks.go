package file

import (
	"cmp"
	"net/netip"
	"path"
	"slices"

	"github.com/swarmd/swarmd/pkg/spec"
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
func (w *walker) checkNetworks(root *node, s *spec.Spec) {
	if root.child("networks") == nil || root.child("networks").kind != kindMap {
		return
	}
	var subnets []subnetOf
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
		subnets = append(subnets, n.subnets()...)
	}
	w.checkSubnets(subnets)
}

// subnetOf is a range that a network asks for.
type subnetOf struct {
	network string
	prefix  netip.Prefix
	at      *node
	order   int // in the file
}

func (n declaredNetwork) subnets() []subnetOf {
	var all []subnetOf
	for _, item := range n.node.get("ipam", "config").items {
		at := item.get("subnet")
		if prefix, err := netip.ParsePrefix(at.text); err == nil { // else a fault already
			all = append(all, subnetOf{network: n.key, prefix: prefix.Masked(), at: at})
		}
	}
	return all
}

// ingressSubnet is what Swarm's own network for published ports has, unless the swarm was made with another address pool.
func ingressSubnet() netip.Prefix { return netip.MustParsePrefix("10.0.0.0/24") }

// checkSubnets finds ranges that overlap. Of two that do one lies in the other, so that in their order each has to be compared with one only.
func (w *walker) checkSubnets(all []subnetOf) {
	for i := range all {
		all[i].order = i
		if p := all[i].prefix; p.Overlaps(ingressSubnet()) {
			w.warn(all[i].at, "%s overlaps %s, which Swarm gives its own ingress network: tasks would wait for an address for ever; take another range", p, ingressSubnet())
		}
	}
	slices.SortFunc(all, func(a, b subnetOf) int {
		return cmp.Or(a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits()), cmp.Compare(a.order, b.order))
	})
	outer := 0
	for i := 1; i < len(all); i++ {
		if !all[outer].prefix.Overlaps(all[i].prefix) {
			outer = i
			continue
		}
		first, later := all[outer], all[i]
		if later.order < first.order {
			first, later = later, first
		}
		w.fault(later.at, "%s overlaps %s of the network %s: tasks would wait for an address for ever; take another range", later.prefix, first.prefix, first.network)
	}
}

// externalNetworks are the names in the swarm of the networks that somebody else makes, by their keys.
func externalNetworks(root *node) map[string]string {
	names := map[string]string{}
	for _, n := range declaredNetworks(root, "") {
		if n.external {
			names[n.key] = n.name
		}
	}
	return names
}

// checkAttached refuses networks to which no service can be attached.
func (w *walker) checkAttached(external map[string]string, s *serviceFacts) {
	check := func(at *node, key string) {
		switch name := external[key]; name {
		case "ingress":
			w.lacks(at, "no service can be attached to ingress, Swarm's own network for published ports: name the ports under ports")
		case "none", "docker_gwbridge":
			w.lacks(at, "no service can be attached to %s, which ends at one machine", name)
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
func (w *walker) checkTargets(s *serviceFacts) {
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
