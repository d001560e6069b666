package explore

import (
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/spec"
)

// rolls is how many deletes a file permits because a pool's machines are to be others: each machine that stays in it is replaced once.
func (c *checks) rolls(p spec.Pool) int {
	was, known := c.templates[p.Name]
	c.templates[p.Name] = p.Template()
	if !known || was == p.Template() {
		return 0
	}
	return min(c.last(p), p.Count)
}

// replacing takes in which replacements are open: each has one machine more in its pool until all is as wanted again.
func (c *checks) replacing(s *state) {
	open := map[string]int{}
	for _, op := range s.ledger.Ops {
		if op.Kind == ledger.Replace {
			open[op.Pool]++
			if c.run.workflow.NoCycle {
				c.run.violate("patience", "%s is replaced, and it is not the machine that fails", op.Name)
			}
		}
	}
	for pool, n := range open {
		c.extra[pool] = max(c.extra[pool], n)
		if n > 1 {
			c.run.violate("one-replacement", "%d machines of pool %s are replaced at once", n, pool)
		}
	}
}

// newFirst: no machine that works begins to leave before as many others of its pool work as any file wanted.
func (c *checks) newFirst(s *state, t *ticket, d docean.Droplet) {
	i := s.nodeOn(d)
	pool := poolOf(c.run.cluster, d)
	if i < 0 || s.swarm.Nodes[i].Status.State != "ready" || len(c.run.faults.down) > 0 {
		return
	}
	working := 0
	for _, o := range s.droplets {
		j := s.nodeOn(o)
		if j >= 0 && o.ID != d.ID && poolOf(c.run.cluster, o) == pool && !s.leaving(o.ID) &&
			(s.swarm.Nodes[j].Status.State == "ready" || c.run.faults.last.After(c.listed[t.proc.name].nodes)) {
			working++
		}
	}
	if working < c.least[pool] {
		c.run.violate("new-first", "%s is to leave and works, and only %d others of pool %s do, which has wanted %d and more", d.Name, working, pool, c.least[pool])
	}
}
