package maintenance

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// target is what a person names: the cluster, a pool, a service, or a node.
type target struct {
	object string // as the ledger has it; "" of a node
	node   swarm.Node
}

// thing is the target as people call it in a sentence.
func (t target) thing(cluster string) string {
	if t.object == ledger.PausedCluster {
		return "cluster " + cluster
	}
	if t.object == "" {
		return "node " + t.node.Hostname
	}
	kind, name, _ := strings.Cut(t.object, "/")
	return kind + " " + name
}

// name is the target as the commands take it, with a space before it; that of the cluster is "".
func (t target) name() string {
	switch t.object {
	case ledger.PausedCluster:
		return ""
	case "":
		return " node/" + t.node.Hostname
	}
	return " " + t.object
}

// target finds what is meant by "pool/NAME", "service/NAME", "node/NAME", a name alone if only one of these has it, or "", which is the cluster.
func (u *upkeep) target(name string) (target, error) {
	if name == "" || name == ledger.PausedCluster {
		return target{object: ledger.PausedCluster}, nil
	}
	kind, rest, sorted := strings.Cut(name, "/")
	var found []target
	switch {
	case !sorted:
		found = u.named(name)
	case kind == "pool":
		found = objects(ledger.PausedPool, rest, u.pools())
	case kind == "service":
		found = append(objects(ledger.PausedService, rest, u.stack()), objects(ledger.PausedService, u.cluster+"_"+rest, u.stack())...)
	case kind == "node":
		n, err := u.ownNode(rest)
		return target{node: n}, err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return target{}, u.unknown(name)
	}
	var all []string
	for _, t := range found {
		all = append(all, strings.TrimSpace(t.name()))
	}
	return target{}, fmt.Errorf("%q is said of %s: give one of these", name, strings.Join(all, " and "))
}

// named is all that has the name. A node is also found by the beginning of its name or id, if nothing else has the name.
func (u *upkeep) named(name string) []target {
	found := append(objects(ledger.PausedPool, name, u.pools()), objects(ledger.PausedService, name, u.stack())...)
	found = append(found, objects(ledger.PausedService, u.cluster+"_"+name, u.stack())...)
	n, err := u.ownNode(name)
	exact := slices.Contains([]string{n.ID, n.Hostname, n.Spec.Labels[swarm.LabelDroplet]}, name)
	if err == nil && (exact || len(found) == 0) {
		found = append(found, target{node: n})
	}
	return found
}

func objects(kind, name string, known []string) []target {
	if !slices.Contains(known, name) {
		return nil
	}
	return []target{{object: kind + name}}
}

// ownNode is a node of the cluster.
func (u *upkeep) ownNode(name string) (swarm.Node, error) {
	n, err := u.pick(name)
	if err == nil && (n.Spec.Labels[swarm.LabelPool] == "" || n.Spec.Labels[swarm.LabelCluster] != u.cluster) {
		err = fmt.Errorf("%s is no machine of cluster %s, and swarmd leaves it alone", n.Hostname, u.cluster)
	}
	return n, err
}

// pools are the cluster's, of the file, of its nodes and of what is paused, sorted.
func (u *upkeep) pools() []string {
	all := u.pausedOf(ledger.PausedPool)
	if u.accepted != nil {
		for _, p := range u.accepted.Pools {
			all[p.Name] = true
		}
	}
	for _, n := range u.nodes {
		if name := n.Spec.Labels[swarm.LabelPool]; name != "" && n.Spec.Labels[swarm.LabelCluster] == u.cluster {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// stack are the services of the cluster, of the file, of the swarm and of what is paused, as Docker names them, sorted.
func (u *upkeep) stack() []string {
	all := u.pausedOf(ledger.PausedService)
	if u.accepted != nil {
		for _, s := range u.accepted.Stack.Services {
			all[u.cluster+"_"+s.Name] = true
		}
		for stack, file := range u.accepted.Composed {
			for _, s := range file.Services {
				all[stack+"_"+s.Name] = true
			}
		}
	}
	for _, s := range u.services {
		if s.Spec.Labels[swarm.LabelCluster] == u.cluster && s.Spec.Labels[swarm.LabelComponent] == "" {
			all[s.Spec.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (u *upkeep) pausedOf(kind string) map[string]bool {
	all := map[string]bool{}
	for object := range u.ledger.Pauses {
		if name, ok := strings.CutPrefix(object, kind); ok {
			all[name] = true
		}
	}
	return all
}

func (u *upkeep) hostnames() (names []string) {
	for _, n := range u.nodes {
		names = append(names, n.Hostname)
	}
	return names
}

func (u *upkeep) unknown(name string) error {
	kind, rest, _ := strings.Cut(name, "/")
	switch list := func(names []string) string { return strings.Join(names, ", ") }; kind {
	case "pool":
		return fmt.Errorf("cluster %s has no %s%s; its pools are %s", u.cluster, name, file.DidYouMean(rest, u.pools()), list(u.pools()))
	case "service":
		return fmt.Errorf("cluster %s has no %s%s; its services are %s", u.cluster, name, file.DidYouMean(rest, u.stack()), list(u.stack()))
	default:
		return fmt.Errorf("cluster %s has no pool, service or node %q%s; it has the pools %s, the services %s, and the nodes that swarmd status shows",
			u.cluster, name, file.DidYouMean(name, slices.Concat(u.pools(), u.stack(), u.hostnames())), list(u.pools()), list(u.stack()))
	}
}
