package file

import (
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// checkPools looks at the pools together: the managers' number, what they leave to the cloud's defaults, adopted machines.
func (w *walker) checkPools(root *node, s *spec.Spec) {
	nodes := root.child("nodes")
	if nodes == nil || nodes.kind != kindMap || len(nodes.fields) > maxPools {
		return
	}
	w.checkManagers(nodes, s)
	w.checkInherited(root, s)
	w.checkMaxDroplets(root, s)
	adopted := map[int]string{}
	for _, p := range s.Pools {
		w.checkAdopted(nodes.child(p.Name), p, adopted)
	}
}

// checkInherited reports what pools have neither themselves nor from the cloud: at the pool if it is one, else where all would get it from.
func (w *walker) checkInherited(root *node, s *spec.Spec) {
	cloud := root.child("cloud")
	lacking := map[string][]*node{}
	for _, p := range s.Pools {
		at := root.get("nodes", p.Name)
		for key, value := range map[string]string{"region": p.Region, "image": p.Image} {
			if value == "" && at.kind == kindMap && at.child(key) == nil {
				lacking[key] = append(lacking[key], at)
			}
		}
	}
	if cloud == nil {
		if len(lacking) > 0 {
			w.lacks(root, "\"cloud\" is missing: cloud.digitalocean names region and image of the pools that name none themselves")
		}
		return
	}
	at := cloud.child("digitalocean")
	if at == nil || at.kind != kindMap {
		return // a fault already
	}
	for key, pools := range lacking {
		switch {
		case at.child(key) != nil: // a fault already
		case len(pools) == 1:
			w.lacks(pools[0], "%q is missing: set it here or under cloud.digitalocean", key)
		default:
			w.lacks(at, "%q is missing: set it here, or in each of the %d pools that have none", key, len(pools))
		}
	}
}

// checkManagers holds the number of managers to what Raft is good with: odd, since an even number protects no better than one less,
// and at most seven. It is silent while a pool's own faults leave the number open.
func (w *walker) checkManagers(nodes *node, s *spec.Spec) {
	managers, last := 0, nodes
	for _, p := range s.Pools {
		at := nodes.child(p.Name)
		if p.Role == "" || p.Role == "manager" && !isCount(at.child("count")) {
			return
		}
		if p.Role == "manager" {
			managers += p.Count
			last = at.get("count")
		}
	}
	switch {
	case managers == 0:
		w.lacks(last, "there is no manager: a swarm needs 1, 3, 5 or 7; a file for --new-cluster has no nodes at all")
	case managers > maxManagers:
		w.fault(last, "%d managers in all: at most %d", managers, maxManagers)
	case managers%2 == 0:
		w.fault(last, "%d managers in all: the number must be odd, an even one survives no more failures than one less", managers)
	}
	w.checkDrained(nodes, s)
}

// checkMaxDroplets finds pools that want more machines than the policies permit.
func (w *walker) checkMaxDroplets(root *node, s *spec.Spec) {
	wanted := 0
	for _, p := range s.Pools {
		wanted += p.Count
	}
	if most := s.Policies.MaxDroplets; most > 0 && wanted > most {
		w.fault(root.get("policies", "max_droplets"), "the pools under nodes want %d machines in all: raise it, or lower a count", wanted)
	}
}

func isCount(n *node) bool {
	return n != nil && n.kind == kindInt && whole(0, maxPoolCount)(newWalker("", nil), n) != nil
}

// checkDrained finds managers on which swarmd's own service cannot run: Swarm starts no task on a drained node.
func (w *walker) checkDrained(nodes *node, s *spec.Spec) {
	if s.Swarmd.Image == "" {
		return
	}
	open := slices.ContainsFunc(s.Pools, func(p spec.Pool) bool { return p.Role == "manager" && p.Availability == "active" && p.Count > 0 })
	for _, p := range s.Pools {
		at := nodes.child(p.Name)
		switch {
		case p.Role != "manager" || p.Availability != "drain" || p.Count == 0:
		case open:
			w.warn(at.get("availability"), "no swarmd runs on these managers: Swarm starts nothing on a drained node")
		default:
			w.fault(at.get("availability"), "all managers are drained: swarmd itself, named under swarmd.image, could run on none of them")
		}
	}
}

// checkAdopted holds adopted machines to one place each. adopted is droplet id → pool of those seen so far.
func (w *walker) checkAdopted(at *node, p spec.Pool, adopted map[int]string) {
	if len(p.Adopt) > p.Count && isCount(at.child("count")) {
		w.lacks(at.get("adopt"), "%d machines are adopted into a pool of %d", len(p.Adopt), p.Count)
	}
	for _, id := range p.Adopt {
		if other, taken := adopted[id]; taken && other != p.Name {
			w.lacks(at.get("adopt"), "droplet %d is adopted by the pool %s already", id, other)
		}
		adopted[id] = p.Name
	}
}

// checkPoolNames looks at the names that machines would have.
func (w *walker) checkPoolNames(root *node, s *spec.Spec) {
	for _, p := range s.Pools {
		if longest := len(s.Cluster) + 1 + len(p.Name) + opSuffixChars; longest > maxHostname {
			w.lacks(root.get("nodes", p.Name), "droplets would be named %s-%s-xxxxx: %d characters, a host name has at most %d", s.Cluster, p.Name, longest, maxHostname)
		}
	}
}

// checkNames looks at the names that the stack's objects would have.
func (w *walker) checkNames() {
	for _, f := range w.services {
		if f.name == "swarmd" && len(w.files) == 0 {
			w.lacks(f.node, "the name is taken: it is swarmd's own service")
		}
		if full := w.full(f.name); len(full) > maxHostname && isSwarmName(f.name) {
			w.lacks(f.node, "the service would be named %s: %d characters, at most %d", clip(full), len(full), maxHostname)
		}
	}
	w.checkNetworks()
	w.checkObjects()
}

// checkServices looks at what a service's keys say together, and at the networks and volumes they name.
func (w *walker) checkServices() {
	root, external := w.root, externalNetworks(w.root)
	for i := range w.services {
		s := &w.services[i]
		if mode := s.mode(); mode.Job() {
			w.checkJob(s)
		}
		if mode := s.mode(); mode == swarm.Global || mode == swarm.GlobalJob {
			for _, path := range [][]string{{"deploy", "replicas"}, {"deploy", "placement", "max_replicas_per_node"}} {
				if at := s.node.get(path...); at.path() == s.node.path()+"."+dotted(path) {
					w.lacks(at, "a %s service runs once on each node", s.mode())
				}
			}
		}
		w.checkDeclared(root, s)
		w.checkAttached(external, s)
		w.checkTargets(s)
		w.checkReferences(root, s)
	}
}

// checkJob reports what a job cannot have: the engine refuses the first, and has no use for the other.
func (w *walker) checkJob(s *serviceFacts) {
	has := func(key string) *node {
		if at := s.node.get("deploy", key); at.path() == s.node.path()+".deploy."+key {
			return at
		}
		return nil
	}
	if at := has("update_config"); at != nil {
		w.lacks(at, "a job is not rolled out, it runs once more when it changes: take this out")
	}
	if at := has("rollback_config"); at != nil {
		w.warn(at, "a job is never rolled back: Swarm ignores this")
	}
}

func dotted(path []string) string {
	joined := path[0]
	for _, key := range path[1:] {
		joined += "." + key
	}
	return joined
}

// checkDeclared reports networks and volumes that a service names and the file does not declare.
func (w *walker) checkDeclared(root *node, s *serviceFacts) {
	networks := s.node.get("networks")
	for _, item := range networks.items {
		w.declared(root, item, "networks", item.text)
	}
	for _, f := range s.networkFields() {
		w.declared(root, f.value, "networks", f.key)
	}
	for _, m := range s.mounts() {
		if m.kind == "volume" && m.source != "" || m.kind == "cluster" && !strings.HasPrefix(m.source, clusterGroup) {
			w.declared(root, m.node, "volumes", m.source)
		}
	}
}

func (w *walker) declared(root, at *node, section, name string) {
	if section == "networks" && name == "default" {
		return
	}
	if d := root.child(section); d != nil && d.child(name) != nil {
		return
	}
	known := func(yield func(string) bool) {
		for _, f := range root.fieldsOf(section) {
			if !yield(f.key) {
				return
			}
		}
	}
	w.lacks(at, "%s is not declared under the top-level %s%s", shown(at, name), section, w.suggestion(name, known))
}
