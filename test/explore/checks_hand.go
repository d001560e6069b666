package explore

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// handWrite judges what a person's command sends.
func (c *checks) handWrite(s *state, t *ticket, h *hand) {
	switch {
	case h.command != "bootstrap":
		c.dooms(s, t)
	case t.method == http.MethodPost && t.path == "/v2/droplets":
		c.begun(s, t, h)
	case t.method == http.MethodPost && t.path == "/swarm/init": // that a second swarm begins is seen when it is there
	case t.method == http.MethodPost && strings.HasPrefix(t.path, "/v2/tags"):
		c.marked(s, t)
	default:
		c.run.violate("foreign", "%s calls %s %s", t.proc.name, t.method, t.path)
	}
}

// begun: the first manager is made once for each record, and the record is there before.
func (c *checks) begun(s *state, t *ticket, h *hand) {
	var req struct {
		Name string
		Tags []string
	}
	if err := json.Unmarshal(t.body, &req); err != nil {
		c.run.violate("create", "a request that is no JSON: %v", err)
		return
	}
	record := h.laptop.records.now
	if !record.Sent || !slices.Contains(req.Tags, cloud.OpTag(record.OpID)) || !slices.Contains(req.Tags, cloud.ClusterTag(c.run.cluster)) {
		c.run.violate("write-ahead", "%s is created with the tags %v, and the record is %+v", req.Name, req.Tags, record)
	}
	for _, d := range s.droplets {
		if opOf(d) == record.OpID {
			c.run.violate("write-ahead", "%s is created again: droplet %d is its operation's", req.Name, d.ID)
		}
	}
}

// marked: only a machine of the cluster is tagged, and only as its swarm's.
func (c *checks) marked(s *state, t *ticket) {
	var req struct {
		Name      string
		Resources []struct {
			ID string `json:"resource_id"`
		}
	}
	if err := json.Unmarshal(t.body, &req); err != nil {
		c.run.violate("foreign", "a request that is no JSON: %v", err)
	}
	tag, _, _ := strings.Cut(strings.TrimPrefix(t.path, "/v2/tags/"), "/")
	if t.path == "/v2/tags" {
		tag = req.Name
	}
	if tag != cloud.SwarmTag(s.swarm.ID) {
		c.run.violate("foreign", "%s makes or gives the tag %s in the swarm %s", t.proc.name, tag, s.swarm.ID)
	}
	for _, resource := range req.Resources {
		id, _ := strconv.Atoi(resource.ID) // what is no number is no droplet
		if d, ok := c.run.world.Cloud.Droplet(id); !ok || poolOf(c.run.cluster, d) == "" {
			c.run.violate("foreign", "%s tags %s", t.proc.name, resource.ID)
		}
	}
}

// spare reports whether the machine was made by a bootstrap and is not where swarmd is: of two bootstraps at once one makes it for nothing.
func (c *checks) spare(d docean.Droplet) bool {
	return c.run.workflow.Empty && d.Name != c.run.only && c.recorded(d)
}

// recorded reports whether a laptop's record names the machine.
func (c *checks) recorded(d docean.Droplet) bool {
	return slices.ContainsFunc(c.run.actors.hands, func(h *hand) bool { return opOf(d) != "" && h.laptop.records.now.OpID == opOf(d) })
}

// named: what is left over after a bootstrap, with no node on it, is named by a laptop's record or by the ledger.
func (c *checks) named(s *state) {
	for _, d := range s.droplets {
		if !c.run.workflow.Empty || poolOf(c.run.cluster, d) == "" || s.nodeOn(d) >= 0 || c.recorded(d) {
			continue
		}
		if !slices.ContainsFunc(s.ledger.Ops, func(op ledger.Op) bool { return op.ID == opOf(d) || op.DropletID == d.ID }) {
			c.run.violate("leak", "%s is left over, and no record names it", d.Name)
		}
	}
}
