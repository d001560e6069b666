package explore

import (
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// asks reports whether the call asks for that action on a droplet.
func asks(t *ticket, action string) bool {
	return strings.HasSuffix(t.path, "/actions") && strings.Contains(string(t.body), `"`+action+`"`)
}

// cycles: only the power of a machine is cycled whose node could be seen to be down, and that once in an hour.
func (c *checks) cycles(s *state, t *ticket, id int) {
	d, _ := c.run.world.Cloud.Droplet(id)
	if i := s.nodeOn(d); i >= 0 {
		if n := s.swarm.Nodes[i]; n.Status.State != "down" && c.listed[t.proc.name].nodes.After(c.run.faults.last) {
			c.run.violate("cycles", "the power of %s is cycled, and its node is %s", d.Name, n.Status.State)
		}
	}
	if c.run.workflow.NoCycle {
		c.run.violate("cycles", "the power of %s is cycled, and it is not the machine that fails", d.Name)
	}
	if last, before := c.cycled[id]; before && time.Since(last.at) < last.pause && last.by == t.proc.name {
		c.run.violate("cycles", "the power of %s is cycled again after %s", d.Name, time.Since(last.at))
	}
	pause := time.Hour
	if t.fault != "" {
		pause = time.Second // it may not have happened
	}
	c.cycled[id] = cycled{time.Now(), t.proc.name, pause}
}

// cycled is when a machine's power was cycled, and by which process: the next one's memory is empty.
type cycled struct {
	at    time.Time
	by    string
	pause time.Duration // for so long it may not be cycled again
}

// starts: only a machine of the cluster's own is powered on, none that is to leave, and none on which an action of its own is in progress.
func (c *checks) starts(s *state, t *ticket, id int) {
	d, alive := c.run.world.Cloud.Droplet(id)
	c.leaderless(s, d.Name)
	switch {
	case !alive || !d.Deleted.IsZero():
		return // nothing can happen
	case poolOf(c.run.cluster, d) == "" || c.lost[id]:
		c.run.violate("foreign", "%s %s is for %s, which is not this swarm's", t.method, t.path, d.Name)
	case s.ledger.ByDroplet(ledger.Delete, id) != nil:
		c.run.violate("starts", "%s is powered on, and the ledger has an operation to delete it", d.Name)
	case s.openResize(id) != nil && s.openResize(id).Phase != ledger.Returning:
		c.run.violate("starts", "%s is powered on, and its resize is in phase %s", d.Name, s.openResize(id).Phase)
	case c.listed[t.proc.name].acted[id] && c.run.world.Cloud.Acting(id):
		c.run.violate("one-action", "%s %s: an action that it began on %s is still in progress", t.method, t.path, d.Name)
	}
}
