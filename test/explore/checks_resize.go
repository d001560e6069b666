package explore

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// resizes is a call that stops a droplet, or asks for another size of it, while its resize is open: only of a machine that is empty, with its phase in
// the ledger, of one machine of a pool at a time, of a manager only while all others are there, and never of its own.
func (c *checks) resizes(s *state, t *ticket, op ledger.Op) {
	d, alive := c.run.world.Cloud.Droplet(op.DropletID)
	if !alive || !d.Deleted.IsZero() {
		return // nothing can happen
	}
	if poolOf(c.run.cluster, d) == "" || c.lost[d.ID] {
		c.run.violate("foreign", "%s %s is for %s, which is not this swarm's", t.method, t.path, d.Name)
		return
	}
	if d.Name == t.proc.machine {
		c.run.violate("self", "%s %s: %s is the machine that it runs on", t.method, t.path, d.Name)
	}
	if c.listed[t.proc.name].acted[d.ID] && c.run.world.Cloud.Acting(d.ID) {
		c.run.violate("one-action", "%s %s: an action that it began on %s is still in progress", t.method, t.path, d.Name)
	}
	c.elsewhere(t, d)
	c.alone(s, d)
	if asks(t, "resize") {
		if strings.Contains(string(t.body), `"disk":true`) {
			c.run.violate("disk", "the disk of %s is to grow, which nothing takes back", d.Name)
		}
		c.asksSize(d, op)
		return
	}
	if op.Phase != ledger.Stopping {
		c.run.violate("write-ahead", "%s is stopped, and its resize is in phase %s", d.Name, op.Phase)
	}
	c.drained(s, d)
	c.keepsManagers(s, d)
}

// asksSize: the phase is in the ledger, and nobody asks again for what was accepted.
func (c *checks) asksSize(d docean.Droplet, op ledger.Op) {
	if op.Phase != ledger.Resizing {
		c.run.violate("write-ahead", "the size of %s is asked for, and its resize is in phase %s", d.Name, op.Phase)
	}
	if d.Size == op.To {
		c.run.violate("repeats", "%s is asked for %s, which it has", d.Name, op.To)
	}
	if at, asked := c.sized[op.ID]; asked && at == op.Phased {
		c.run.violate("repeats", "the size of %s is asked for twice in one phase", d.Name)
	}
	c.sized[op.ID] = op.Phased
}

// alone: no other machine of the pool is off by swarmd's hand.
func (c *checks) alone(s *state, d docean.Droplet) {
	for _, o := range s.droplets {
		if o.ID == d.ID || poolOf(c.run.cluster, o) != poolOf(c.run.cluster, d) || c.run.world.State(o.ID) == docean.Running {
			continue
		}
		if s.ledger.ByDroplet(ledger.Resize, o.ID) != nil || s.leaving(o.ID) {
			c.run.violate("one-at-a-time", "%s is stopped while %s is off", d.Name, o.Name)
		}
	}
}

// keepsManagers: a manager is stopped for a while only if it is not the only one, and the others decide without it.
func (c *checks) keepsManagers(s *state, d docean.Droplet) {
	i := s.nodeOn(d)
	if i < 0 || !s.member(s.swarm.Nodes[i].ID) {
		return
	}
	if e := c.run.world.Engine(d.Name); e == nil || !e.Up() {
		return
	}
	if s.swarm.Alive-1 < len(s.swarm.Members)/2+1 {
		c.run.violate("quorum", "%s is stopped, and %d of %d managers are left", d.Name, s.swarm.Alive-1, len(s.swarm.Members))
	}
}

// leftOff: at the end every machine of the cluster runs, but one that is kept for a look.
func (c *checks) leftOff(s *state) {
	for _, d := range s.droplets {
		if poolOf(c.run.cluster, d) != "" && !c.lost[d.ID] && s.ledger.KeptDroplet(d.ID) == nil && c.run.world.State(d.ID) != docean.Running && !c.run.broken && !c.doomed[d.ID] {
			c.run.violate("left-off", "%s is off at the end", d.Name)
		}
	}
}

// sizedAt has, by operation, when its size was asked for last, by the ledger.
type sizedAt map[string]time.Time

// openResize is the open resize of a droplet, nil if there is none.
func (s *state) openResize(id int) *ledger.Op {
	i := slices.IndexFunc(s.ledger.Ops, func(op ledger.Op) bool { return op.Kind == ledger.Resize && op.DropletID == id })
	if i < 0 {
		return nil
	}
	return &s.ledger.Ops[i]
}
