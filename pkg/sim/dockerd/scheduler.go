package dockerd

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

// capacity is what the scheduler knows of a node: what is left of it, and what runs there.
type capacity struct {
	node    *node
	cpu     int64
	memory  int64
	tasks   int            // wanted ones
	service map[string]int // wanted ones, by service
	ports   map[string]bool
}

// schedule gives every pending task a node, or an explanation why it has none.
func (c *cluster) schedule() {
	var nodes []*capacity
	for _, t := range c.ordered {
		if t.placed() || !t.wanted() || t.Status.State == api.TaskStateNew {
			continue
		}
		if nodes == nil {
			nodes = c.capacities()
		}
		c.place(t, nodes)
	}
}

func (c *cluster) capacities() []*capacity {
	nodes, byID := []*capacity{}, map[string]*capacity{}
	for _, n := range c.sortedNodes() {
		r := n.Description.Resources
		k := &capacity{node: n, cpu: r.NanoCPUs, memory: r.MemoryBytes, service: map[string]int{}, ports: map[string]bool{}}
		nodes, byID[n.ID] = append(nodes, k), k
	}
	for _, t := range c.ordered {
		if k := byID[t.NodeID]; k != nil && t.placed() && !t.finished() {
			k.take(t)
		}
	}
	return nodes
}

// take counts a task that holds resources on the node. One that is stopping still holds them, but counts for no spread.
func (k *capacity) take(t *task) {
	cpu, memory := reservation(t)
	k.cpu -= cpu
	k.memory -= memory
	for _, p := range fixedHostPorts(t.endpoint) {
		k.ports[p] = true
	}
	if t.wanted() {
		k.tasks++
		k.service[t.ServiceID]++
	}
}

func (c *cluster) place(t *task, nodes []*capacity) {
	candidates := nodes
	if t.NodeID != "" { // of a global service
		candidates = slices.DeleteFunc(slices.Clone(nodes), func(k *capacity) bool { return k.node.ID != t.NodeID })
	}
	fit, why := filterNodes(t, candidates)
	if len(fit) == 0 {
		if why = "no suitable node" + why; t.Status.Err != why {
			c.setTask(t, api.TaskStatePending, "pending task scheduling", why)
		}
		return
	}
	best := slices.MinFunc(fit, func(a, b *capacity) int { return compareCapacity(t, fit, a, b) })
	t.NodeID = best.node.ID
	c.setTask(t, api.TaskStateAssigned, "scheduler assigned task to node", "")
	best.take(t)
}

// compareCapacity prefers, in this order: the branch of each spread preference with the fewest tasks of the service, the node with
// the fewest of the service, the node with the fewest of all.
func compareCapacity(t *task, all []*capacity, a, b *capacity) int {
	if t.Spec.Placement != nil {
		for _, p := range t.Spec.Placement.Preferences {
			if p.Spread == nil {
				continue
			}
			if d := branch(t, all, a, p.Spread.SpreadDescriptor) - branch(t, all, b, p.Spread.SpreadDescriptor); d != 0 {
				return d
			}
		}
	}
	return cmp.Or(a.service[t.ServiceID]-b.service[t.ServiceID], a.tasks-b.tasks, compareText(a.node.ID, b.node.ID))
}

// branch counts the service's tasks on the nodes that share a label's value with k.
func branch(t *task, all []*capacity, k *capacity, descriptor string) int {
	value, count := nodeLabel(k.node, descriptor), 0
	for _, o := range all {
		if nodeLabel(o.node, descriptor) == value {
			count += o.service[t.ServiceID]
		}
	}
	return count
}

func nodeLabel(n *node, descriptor string) string {
	if key, ok := strings.CutPrefix(descriptor, "node.labels."); ok {
		return n.Spec.Labels[key]
	}
	if key, ok := strings.CutPrefix(descriptor, "engine.labels."); ok {
		return n.Description.Engine.Labels[key]
	}
	return ""
}

// filter is one reason why a node may not take a task.
type filter struct {
	fits   func(t *task, k *capacity) bool
	one    string
	others string // with the number of nodes
}

// nodeFilters are in the order in which a node is asked. The first that fails is the one that is counted.
func nodeFilters() []filter {
	return []filter{
		{isAvailable, "1 node not available for new tasks", "%d nodes not available for new tasks"},
		{hasResources, "insufficient resources on 1 node", "insufficient resources on %d nodes"},
		{meetsConstraints, "scheduling constraints not satisfied on 1 node", "scheduling constraints not satisfied on %d nodes"},
		{hasPlatform, "unsupported platform on 1 node", "unsupported platform on %d nodes"},
		{hasFreePorts, "host-mode port already in use on 1 node", "host-mode port already in use on %d nodes"},
		{belowMaxReplicas, "max replicas per node limit exceed", "max replicas per node limit exceed"},
	}
}

// filterNodes returns the nodes that can take the task and, if there is none, why, in the words of docker service ps.
func filterNodes(t *task, nodes []*capacity) ([]*capacity, string) {
	all := nodeFilters()
	failures := make([]int, len(all))
	var fit []*capacity
	for _, k := range nodes {
		i := slices.IndexFunc(all, func(f filter) bool { return !f.fits(t, k) })
		if i < 0 {
			fit = append(fit, k)
			continue
		}
		failures[i]++
	}
	return fit, explain(all, failures)
}

func explain(all []filter, failures []int) string {
	order := []int{}
	for i, n := range failures {
		if n > 0 {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return failures[b] - failures[a] })
	parts := []string{}
	for _, i := range order {
		switch text := all[i].others; {
		case failures[i] == 1:
			parts = append(parts, all[i].one)
		case strings.Contains(text, "%d"):
			parts = append(parts, fmt.Sprintf(text, failures[i]))
		default:
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

func isAvailable(_ *task, k *capacity) bool {
	return k.node.Status.State == api.NodeStateReady && k.node.Spec.Availability == api.NodeAvailabilityActive
}

func hasResources(t *task, k *capacity) bool {
	cpu, memory := reservation(t)
	return (cpu == 0 || cpu <= k.cpu) && (memory == 0 || memory <= k.memory)
}

func meetsConstraints(t *task, k *capacity) bool {
	return t.Spec.Placement == nil || nodeMatches(t.Spec.Placement.Constraints, k.node)
}

func hasPlatform(t *task, k *capacity) bool {
	if t.Spec.Placement == nil || len(t.Spec.Placement.Platforms) == 0 {
		return true
	}
	is := k.node.Description.Platform
	for _, p := range t.Spec.Placement.Platforms {
		if (p.Architecture == "" || imageArchitecture(p.Architecture) == imageArchitecture(is.Architecture)) && (p.OS == "" || p.OS == is.OS) {
			return true
		}
	}
	return false
}

// imageArchitecture is a node's architecture in the words of images, as far as the scheduler knows them.
func imageArchitecture(arch string) string {
	switch arch {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return arch
}

func hasFreePorts(t *task, k *capacity) bool {
	return !slices.ContainsFunc(fixedHostPorts(t.endpoint), func(p string) bool { return k.ports[p] })
}

func belowMaxReplicas(t *task, k *capacity) bool {
	p := t.Spec.Placement
	return p == nil || p.MaxReplicas == 0 || uint64(k.service[t.ServiceID]) < p.MaxReplicas
}

func reservation(t *task) (cpu, memory int64) {
	if r := t.Spec.Resources; r != nil && r.Reservations != nil {
		return r.Reservations.NanoCPUs, r.Reservations.MemoryBytes
	}
	return 0, 0
}

func fixedHostPorts(e *api.EndpointSpec) []string {
	var out []string
	if e == nil {
		return nil
	}
	for _, p := range e.Ports {
		if p.PublishMode == api.PortConfigPublishModeHost && p.PublishedPort != 0 {
			out = append(out, fmt.Sprintf("%d/%s", p.PublishedPort, p.Protocol))
		}
	}
	return out
}
