package explore

import (
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// byRight: no operation takes a machine away that the file wants which is accepted at that moment. That it is within the counted budget is no right by
// itself: swarmd replaces by itself only what does not exist any more.
func (c *checks) byRight(s *state, op ledger.Op) {
	f, err := c.run.explorer.parse("cluster.yaml", []byte(s.files[s.ledger.Revision]))
	if err != nil {
		c.run.violate("harness", "revision %d: %v", s.ledger.Revision, err)
		return
	}
	stay := c.staying(s)[op.Pool]
	for _, p := range f.Pools {
		if p.Name == op.Pool && stay < p.Count {
			c.run.violate("delete-by-right", "%s is to leave, and revision %d wants %d in %s, where %d stay", op.Name, s.ledger.Revision, p.Count, op.Pool, stay)
		}
	}
}

// elsewhere: no machine is stopped or deleted whose node is ready in another swarm than the one that was asked.
func (c *checks) elsewhere(t *ticket, d docean.Droplet) {
	if in := c.readyIn(d); in != "" && in != c.cluster {
		c.run.violate("delete-by-right", "%s %s: the node of %s is ready in the swarm %s", t.method, t.path, d.Name, in)
	}
}

// readyIn returns the swarm in which the node on the machine is ready, whichever swarm of the world that is; "" if it is in none.
func (c *checks) readyIn(d docean.Droplet) string {
	e := c.run.world.Engine(d.Private.Addr().String())
	if e == nil {
		return ""
	}
	truth, in := e.Glance()
	if !in {
		return ""
	}
	for _, n := range truth.Nodes {
		if n.ID == e.NodeID() && n.Status.State == "ready" {
			return truth.ID
		}
	}
	return ""
}
