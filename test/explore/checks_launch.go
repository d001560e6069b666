package explore

import (
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// mostLaunches is how many machines of a pool that do not join are made in three hours.
const mostLaunches = 8

// creates: an image that never joins is not tried for ever.
func (c *checks) creates(e docean.Event) {
	pool := poolOf(c.run.cluster, e.Droplet)
	c.created[pool] = append(c.created[pool], e.At)
	n := 0
	for _, at := range c.created[pool] {
		if e.At.Sub(at) < 3*time.Hour {
			n++
		}
	}
	if c.run.workflow.Broken && n > mostLaunches {
		c.run.violate("launches", "%d machines of %s in three hours, and none joins", n, pool)
	}
}

// joins: no machine is made in a region where the swarm has none: it is in no private network of that one, so that it would not reach a manager.
func (c *checks) joins(s *state, name, region string) {
	other := ""
	for _, d := range s.droplets {
		switch i := s.nodeOn(d); {
		case i < 0:
		case d.Region == region:
			return
		default:
			other = d.Region
		}
	}
	if other != "" {
		c.run.violate("unreachable", "%s is made in %s, and the swarm is in %s", name, region, other)
	}
}

// retries: what is deleted as a machine that never joined has no node, and had its time; it costs no permission.
func (c *checks) retries(s *state, op ledger.Op) {
	c.allowed++
	d, known := c.run.world.Cloud.Droplet(op.DropletID)
	if !known || !d.Deleted.IsZero() {
		return
	}
	if i := s.nodeOn(d); i >= 0 {
		c.run.violate("well", "%s is to be deleted as one that never joined, and its node is %s", d.Name, s.swarm.Nodes[i].Status.State)
	}
	f, err := c.run.explorer.parse("cluster.yaml", []byte(s.files[s.ledger.Revision]))
	if err != nil {
		c.run.violate("harness", "revision %d: %v", s.ledger.Revision, err)
		return
	}
	began, within := d.Created, f.Policies.ActiveTimeout
	if since, on := c.run.world.Booted(d.ID); on {
		began, within = since, f.Policies.JoinTimeout(d.Image)
	}
	if had := s.at.Sub(began); had < within-time.Second && len(c.run.faults.wrong) == 0 {
		c.run.violate("well", "%s is to be deleted as one that never joined, and had %s of %s", d.Name, had, within)
	}
}
