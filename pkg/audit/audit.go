// Package audit names what the failure of one part would take down: one manager, one machine, one task. It decides what a single point of failure is,
// in a file and in a cluster that runs, and what to change. It must not ask anybody: what is there is given to it.
package audit

import (
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Finding is a single point of failure: what fails with it, and what to change.
type Finding struct {
	Keys []string // of the field to change, see file.Places
	Text string
	Note bool // it cannot be said, or the file cannot change it; no failure by itself
}

// Cluster is what is audited.
type Cluster struct {
	Spec  *spec.Spec
	Stack swarm.Stack  // of the spec's services, converted
	Sizes SizeOf       // what a size has
	World *world.World // what runs; nil: the file alone is audited, as if all of it were there
	sites []site       // the machines
	tasks []swarm.Task // that run
	found []Finding
}

// SizeOf is what a machine of a size has: bytes of memory and thousandths of processors. It is not known of every size.
type SizeOf func(size string) (memory, cpu int64, known bool)

// site is a machine, or one that the file asks for.
type site struct {
	name        string
	pool        string
	node        swarm.Node
	memory, cpu int64
	known       bool // memory and cpu are
}

// Audit returns what it finds, the managers first, then the services by name, then the room.
func Audit(c Cluster) []Finding {
	if c.World == nil {
		c.planned()
	} else {
		c.seen()
	}
	c.managers()
	for _, s := range c.Stack.Services {
		c.service(s)
	}
	c.room()
	return c.found
}

// planned are the machines that the file asks for and that take tasks or manage.
func (c *Cluster) planned() {
	for _, p := range c.Spec.Pools {
		for i := range p.Count {
			s := site{name: fmt.Sprintf("machine %d of pool %s", i+1, p.Name), pool: p.Name}
			s.memory, s.cpu, s.known = c.Sizes(p.Size)
			s.node = swarm.Node{ID: fmt.Sprintf("%s/%d", p.Name, i), State: swarm.NodeReady,
				Spec: swarm.NodeSpec{Role: swarm.Role(p.Role), Availability: swarm.Availability(p.Availability), Labels: p.Labels}}
			if p.Role == "manager" {
				s.node.Manager = &swarm.ManagerStatus{Reachability: "reachable"}
			}
			c.sites = append(c.sites, s)
		}
	}
}

// seen are the machines that are there and ready.
func (c *Cluster) seen() {
	for _, m := range c.World.Machines {
		if m.Node == nil || m.Node.State != swarm.NodeReady {
			continue
		}
		name := m.Node.Hostname
		if m.Droplet != nil {
			name = m.Droplet.Name
		}
		c.sites = append(c.sites, site{name: name, pool: m.Pool, node: *m.Node, memory: m.Node.MemoryBytes, cpu: int64(m.Node.CPUs * 1000), known: m.Node.MemoryBytes > 0})
	}
	for _, t := range c.World.Tasks {
		if t.Runs() {
			c.tasks = append(c.tasks, t)
		}
	}
}

func (c *Cluster) find(text string, keys ...string) {
	c.found = append(c.found, Finding{Keys: keys, Text: text})
}

func (c *Cluster) note(text string, keys ...string) {
	c.found = append(c.found, Finding{Keys: keys, Text: text, Note: true})
}

// managers looks at the quorum: how many managers there are to be, how many answer, and where.
func (c *Cluster) managers() {
	wanted, first, regions := 0, "", map[string]bool{}
	for _, p := range c.Spec.Pools {
		if p.Role != "manager" || p.Count == 0 {
			continue
		}
		wanted, regions[p.Region] = wanted+p.Count, true
		if first == "" {
			first = p.Name
		}
	}
	if first == "" {
		return // the nodes are another cluster's
	}
	keys := []string{"nodes", first, "count"}
	if wanted == 1 { // an even number is a fault of the file
		c.find("1 manager: when it is lost, nothing is scheduled, nothing is repaired, and its disk has the only copy of what the swarm knows: 3 managers tolerate the loss of one", keys...)
	}
	c.quorum(keys)
	if len(regions) == 1 {
		c.note(fmt.Sprintf("all managers are in %s, and so is everything in one VPC: against the loss of a region only a second cluster elsewhere helps",
			c.Spec.Pools[0].Region), "cloud", "digitalocean", "region")
	}
}

// quorum looks at the managers that are there: one that does not answer may be the one that was to spare.
func (c *Cluster) quorum(keys []string) {
	if c.World == nil {
		return
	}
	n, reachable := 0, 0
	for _, m := range c.World.Machines {
		if m.Node == nil || m.Node.Manager == nil {
			continue
		}
		if n++; m.Node.Manager.Reachability == "reachable" && m.Node.State != swarm.NodeDown {
			reachable++
		}
	}
	if n > 1 && reachable <= n/2+1 {
		c.find(fmt.Sprintf("%d of %d managers answer: with one more the quorum is lost: swarmd status names who does not answer", reachable, n), keys...)
	}
}

// fitting are the machines that can take a task of the service.
func (c *Cluster) fitting(s swarm.ServiceSpec) []site {
	return slices.DeleteFunc(slices.Clone(c.sites), func(m site) bool { return m.node.Spec.Availability != swarm.Active || !s.Fits(m.node) })
}

// key leads to a field of the service, in the file's words.
func (c *Cluster) key(s swarm.ServiceSpec, keys ...string) []string {
	if stack := s.Stack(); stack != c.Stack.Namespace {
		return []string{"stacks", stack} // its own files are not looked into
	}
	return append([]string{"services", s.Short()}, keys...)
}

// service looks at one service: how many tasks it has, where they can run, and what they keep.
func (c *Cluster) service(s swarm.ServiceSpec) {
	if s.Mode != swarm.Replicated || s.Replicas() == 0 {
		return // a task on each machine
	}
	fit, volumes := c.fitting(s), s.Form().Volumes()
	switch {
	case len(fit) == 0:
		return // it does not run at all, which validate and status say
	case len(fit) == 1:
		c.find(fmt.Sprintf("only %s can run it: when that is lost, nothing of it runs: let its constraints fit a second machine", fit[0].name),
			c.key(s, "deploy", "placement", "constraints")...)
	case s.Replicas() == 1:
		c.find("1 replica: when its machine is lost, it is down until Swarm has noticed and started it elsewhere: 2 replicas, if it can share its work",
			c.key(s, "deploy", "replicas")...)
	default:
		c.together(s)
	}
	for _, v := range volumes {
		c.find(fmt.Sprintf("volume %s is on the machine where its task runs, and is lost with it; a task that starts elsewhere finds it empty: keep copies elsewhere, or use a volume driver whose volumes follow",
			v), c.key(s, "volumes")...)
	}
	if s.Replicas() == 1 && len(volumes) == 0 && s.Form()["UpdateConfig.Order"] != "start-first" && !hostPort(s) {
		c.find("each roll-out stops its only task before the new one runs: order: start-first, if two of it can run beside each other for a moment",
			c.key(s, "deploy", "update_config")...)
	}
}

func hostPort(s swarm.ServiceSpec) bool {
	return slices.ContainsFunc(s.Ports, func(p swarm.Port) bool { return p.Mode == "host" })
}

// together looks at where the tasks of a service run now.
func (c *Cluster) together(s swarm.ServiceSpec) {
	if c.World == nil {
		return
	}
	on, running := map[string]bool{}, 0
	for _, live := range c.World.Services {
		if live.Spec.Name != s.Name {
			continue
		}
		for _, t := range c.tasks {
			if t.ServiceID == live.ID {
				on[t.NodeID], running = true, running+1
			}
		}
	}
	if len(on) != 1 || running < 2 {
		return
	}
	for _, m := range c.sites {
		if on[m.node.ID] {
			c.find(fmt.Sprintf("all %d tasks run on %s: when that is lost, all are: its next roll-out spreads them, docker service update --force %s does so now", running, m.name, s.Name),
				c.key(s, "deploy", "replicas")...)
		}
	}
}
