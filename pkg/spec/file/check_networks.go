package file

import (
	"cmp"
	"net/netip"
	"path"
	"slices"
	"strings"
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
	for _, f := range root.fieldsOf("networks") {
		n := declaredNetwork{node: f.value, key: f.key, name: f.key}
		external := f.value.child("external")
		n.external = external != nil && (external.kind == kindMap || external.text == "true")
		if shared := f.value.child("shared"); !n.external && (shared == nil || shared.text != "true") {
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
func (w *walker) checkNetworks() {
	for _, n := range w.madeNetworks() {
		switch at := n.node.get("name"); {
		case slices.Contains(ownNetworks(), n.name):
			w.lacks(at, "the name is taken: %s is a network that every engine has", n.name)
		case !isSwarmName(n.name):
			w.lacks(at, "the network would be named %s: the name %s", shown(at, n.name), swarmName().wants(n.name))
		}
	}
}

// madeNetworks are the networks that the stack makes, as far as their names can be told.
func (w *walker) madeNetworks() []declaredNetwork {
	if n := w.root.child("networks"); n == nil || n.kind != kindMap {
		return nil
	}
	return slices.DeleteFunc(declaredNetworks(w.root, w.namespace), func(n declaredNetwork) bool {
		return n.external || n.node.child("name") != nil && n.node.child("name").unresolved
	})
}

// checkApart holds the stacks to not being in each other's way: one name is one object's, and subnets do not overlap.
func checkApart(all []*walker) {
	taken, subnets := map[string]string{}, []subnetOf(nil)
	claim := func(w *walker, at *node, what, name string) {
		called := quote(name)
		if at.substituted {
			called = shown(at, name)
		}
		if other, is := taken[what+" "+name]; is && other != w.namespace {
			w.lacks(at, "the %s would be named %s, as one of the stack %s: give one of the two another name, or say external: true here to use that one", what, called, other)
			return
		}
		taken[what+" "+name] = w.namespace
	}
	for _, w := range all {
		for _, f := range w.services {
			claim(w, f.node, "service", w.full(f.name))
		}
		for _, n := range w.madeNetworks() {
			claim(w, n.node.get("name"), "network", n.name)
			subnets = append(subnets, n.subnets()...)
		}
		for _, of := range []string{"configs", "secrets"} {
			for key := range section(w.values, of) {
				if o := section(section(w.values, of), key); o["external"] != true {
					claim(w, w.root.get(of, key), strings.TrimSuffix(of, "s"), cmp.Or(str(o, "name"), w.full(key)))
				}
			}
		}
	}
	all[0].checkSubnets(subnets)
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
