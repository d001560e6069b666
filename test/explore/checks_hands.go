package explore

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// hands is what a person has said of what swarmd is to leave alone, and since when the swarm's leader leads.
type hands struct {
	paused    time.Time // since when the cluster is; zero: it is not
	resumed   time.Time // when it was resumed last
	protected time.Time // since when a node is
	attached  time.Time // since when a droplet has a volume
	leader    string
	led       time.Time // since when it was seen to lead
}

// For how long after these nobody is judged. When the leader changed is seen a moment later than it happened.
const (
	graceAfterStart  = 60 * time.Second
	graceAfterChange = 40 * time.Second
)

// leads takes in who leads the swarm. That the same one leads again no swarmd can see that has not looked in between.
func (h *hands) leads(s *state) {
	if s.swarm.Leader != h.leader && s.swarm.Leader != "" {
		h.leader, h.led = s.swarm.Leader, s.at
	}
}

// keepsOff: nothing is written while the cluster is paused, a protected machine is not taken away, and nobody is judged too early.
func (c *checks) keepsOff(s *state, t *ticket) {
	h, id := c.hands, dropletIn(t.path)
	returns := asks(t, "power_on") && slices.ContainsFunc(s.ledger.Ops, func(op ledger.Op) bool { return op.DropletID == id }) // an operation has switched it off
	if !h.paused.IsZero() && time.Since(h.paused) > viewAge && !strings.HasPrefix(t.path, "/configs/") && !returns {
		c.run.violate("paused", "%s %s: the cluster is paused for %s", t.method, t.path, time.Since(h.paused))
	}
	if (asks(t, "power_on") || asks(t, "power_cycle")) && !returns {
		c.judges(t)
	}
	c.protects(s, t)
	c.holdsVolumes(t, id)
}

// holdsVolumes: no droplet is stopped or deleted that could be seen to have a volume.
func (c *checks) holdsVolumes(t *ticket, id int) {
	if c.hands.attached.IsZero() || !c.listed[t.proc.name].droplets.After(c.hands.attached) {
		return
	}
	if d, ok := c.run.world.Cloud.Droplet(id); ok && len(d.Volumes) > 0 && t.method != http.MethodGet && d.Deleted.IsZero() {
		c.run.violate("volumes", "%s %s: volumes %v are attached to %s", t.method, t.path, d.Volumes, d.Name)
	}
}

// judges: nobody is powered on or off and on within a minute of the swarmd's start, of a pause's end and of an election that it could see.
func (c *checks) judges(t *ticket) {
	h, seen := c.hands, c.listed[t.proc.name].nodes
	switch {
	case time.Since(t.proc.began) < graceAfterStart:
		c.run.violate("grace", "%s %s, and the swarmd runs for %s", t.method, t.path, time.Since(t.proc.began))
	case time.Since(h.resumed) < graceAfterStart:
		c.run.violate("grace", "%s %s, and the pause ended %s ago", t.method, t.path, time.Since(h.resumed))
	case seen.After(h.led) && time.Since(h.led) < graceAfterChange:
		c.run.violate("grace", "%s %s, and %s leads for %s", t.method, t.path, h.leader, time.Since(h.led))
	}
}

// protects: no machine is stopped, deleted, drained or taken out of the swarm whose node could be seen to be protected.
func (c *checks) protects(s *state, t *ticket) {
	if c.hands.protected.IsZero() || !c.listed[t.proc.name].nodes.After(c.hands.protected) {
		return
	}
	for _, n := range s.swarm.Nodes {
		if _, ok := n.Spec.Labels[swarm.LabelProtected]; !ok {
			continue
		}
		of := slices.IndexFunc(s.droplets, func(d docean.Droplet) bool { return n.Status.Addr == d.Private.Addr().String() })
		onDroplet := of >= 0 && dropletIn(t.path) == s.droplets[of].ID && t.method != http.MethodGet
		if onDroplet || strings.HasPrefix(t.path, "/nodes/"+n.ID) && (t.method == http.MethodDelete || drains(t.body)) {
			c.run.violate("protected", "%s %s: node %s is protected", t.method, t.path, n.ID)
		}
	}
}

func drains(body []byte) bool {
	var want struct{ Availability string }
	return json.Unmarshal(body, &want) == nil && want.Availability == "drain"
}
