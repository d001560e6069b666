package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// need is what one task reserves.
type need struct {
	service     swarm.ServiceSpec
	memory, cpu int64
	most        int // tasks of the service on one machine; 0: any number
}

// room looks at whether what is reserved has room when any one machine is lost. Without reservations nobody can say.
func (c *Cluster) room() {
	needs := c.needs()
	if len(needs) == 0 {
		if len(c.Stack.Services) > 0 && !slices.ContainsFunc(c.Stack.Services, reserves) {
			c.note("no service reserves memory, so whether the other machines carry all when one is lost cannot be said: deploy.resources.reservations.memory", "services")
		}
		return
	}
	if slices.ContainsFunc(c.sites, func(m site) bool { return !m.known && m.node.Spec.Availability == swarm.Active }) {
		c.note("what the machines have is not known of every size, so whether the others carry all when one is lost cannot be said", "nodes")
		return
	}
	if _, n := c.unplaced(needs, -1); n > 0 {
		return // there is no room as it is, which validate and status say
	}
	lost, service, most := -1, swarm.ServiceSpec{}, 0
	for i, m := range c.sites {
		if slices.ContainsFunc(c.sites[:i], m.like) {
			continue // it was looked at
		}
		if s, n := c.unplaced(needs, i); n > most {
			lost, service, most = i, s, n
		}
	}
	if lost < 0 {
		return
	}
	m := c.sites[lost]
	c.find(fmt.Sprintf("without %s %d of %d reserving tasks have no room on the others, the first one of service %s (%s): one machine more, or less reserved",
		m.name, most, len(needs), service.Name, reserved(service)), "nodes", m.pool, "count")
}

// like reports whether the loss of either machine is the same.
func (m site) like(o site) bool { return m.pool == o.pool && m.memory == o.memory && m.cpu == o.cpu }

func reserved(s swarm.ServiceSpec) string {
	memory, cpu := number(s, "MemoryBytes"), number(s, "NanoCPUs")
	switch {
	case cpu == 0:
		return fmt.Sprintf("%d MB each", memory>>20)
	case memory == 0:
		return fmt.Sprintf("%.2f processors each", float64(cpu)/1e9)
	}
	return fmt.Sprintf("%d MB and %.2f processors each", memory>>20, float64(cpu)/1e9)
}

func number(s swarm.ServiceSpec, key string) int64 {
	n, err := strconv.ParseInt(s.Form()["TaskTemplate.Resources.Reservations."+key], 10, 64)
	if err != nil {
		return 0 // it is not there
	}
	return n
}

func reserves(s swarm.ServiceSpec) bool {
	return number(s, "MemoryBytes") > 0 || number(s, "NanoCPUs") > 0
}

// needs are the tasks that reserve something, the largest first: so they are placed best. What runs on every machine takes its room there.
func (c *Cluster) needs() []need {
	var all []need
	for _, s := range c.Stack.Services {
		n := need{service: s, memory: number(s, "MemoryBytes"), cpu: number(s, "NanoCPUs") / 1e6}
		fit := len(c.fitting(s))
		if !reserves(s) || fit == 1 && s.Mode == swarm.Replicated {
			continue // that one machine is a finding already
		}
		n.most, _ = strconv.Atoi(s.Form()["TaskTemplate.Placement.MaxReplicas"])
		count := int(s.Replicas())
		if s.Mode == swarm.Global {
			count, n.most = fit, 1
		}
		for range count {
			all = append(all, n)
		}
	}
	slices.SortStableFunc(all, func(a, b need) int { return cmp.Or(cmp.Compare(b.memory, a.memory), cmp.Compare(b.cpu, a.cpu)) })
	return all
}

// unplaced returns how many of the tasks have no room when one machine is lost, -1 for none, and the service of the first of them. What runs on every
// machine does not need the place that it had on the lost one.
func (c *Cluster) unplaced(needs []need, lost int) (swarm.ServiceSpec, int) {
	type left struct {
		memory, cpu int64
		of          map[string]int
	}
	free := make([]left, len(c.sites))
	for i, m := range c.sites {
		free[i] = left{m.memory - 1, m.cpu, map[string]int{}} // a machine keeps some memory for itself
	}
	var first swarm.ServiceSpec
	n, spared := 0, map[string]bool{}
	for _, task := range needs {
		best := -1
		for i, m := range c.sites {
			f := free[i]
			if i == lost || m.node.Spec.Availability != swarm.Active || f.memory < task.memory || f.cpu < task.cpu || task.most > 0 && f.of[task.service.Name] >= task.most ||
				!task.service.Fits(m.node) {
				continue
			}
			if best < 0 || f.memory > free[best].memory {
				best = i
			}
		}
		if best >= 0 {
			free[best].memory, free[best].cpu = free[best].memory-task.memory, free[best].cpu-task.cpu
			free[best].of[task.service.Name]++
			continue
		}
		if task.service.Mode == swarm.Global && lost >= 0 && !spared[task.service.Name] && task.service.Fits(c.sites[lost].node) {
			spared[task.service.Name] = true
			continue
		}
		if n++; n == 1 {
			first = task.service
		}
	}
	return first, n
}
