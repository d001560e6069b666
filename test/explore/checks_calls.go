package explore

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// viewAge is how old a view may be that something destructive is based on.
const viewAge = 61 * time.Second

// cloudWrite: only own droplets and by id, the intent first, under the newest lease.
func (c *checks) cloudWrite(s *state, t *ticket) {
	switch id := dropletIn(t.path); {
	case t.method == http.MethodPost && t.path == "/v2/droplets":
		c.create(s, t)
	case t.method == http.MethodPost && strings.HasPrefix(t.path, "/v2/tags"):
		c.marked(s, t)
	case id == 0 || strings.Contains(t.query, "tag_name") || strings.Contains(t.path, "associated"):
		c.run.violate("foreign", "%s %s?%s is no call for one droplet", t.method, t.path, t.query)
	case asks(t, "power_on"):
		if c.starts(s, t, id); s.swarm.Leader == "" {
			return // nobody can hold the lease
		}
	case asks(t, "power_cycle"):
		c.starts(s, t, id)
		c.cycles(s, t, id)
	case s.openResize(id) != nil && t.method == http.MethodPost:
		c.resizes(s, t, *s.openResize(id))
	default:
		c.destroy(s, t, id)
	}
	epoch := c.leases[t.proc.name]
	if epoch < c.acted {
		c.run.violate("single-writer", "%s writes to the cloud under epoch %d, another one did so under %d", t.proc.name, epoch, c.acted)
	}
	c.acted = max(c.acted, epoch)
}

// create: the operation is in the ledger, and no second droplet is made for it.
func (c *checks) create(s *state, t *ticket) {
	var req struct {
		Name, Region string
		Tags         []string
		UserData     string `json:"user_data"`
	}
	if err := json.Unmarshal(t.body, &req); err != nil {
		c.run.violate("create", "a request that is no JSON: %v", err)
		return
	}
	var op string
	for _, tag := range req.Tags {
		if id, ok := strings.CutPrefix(tag, cloud.OpTagPrefix); ok {
			op = id
		}
	}
	if op == "" || !slices.Contains(req.Tags, cloud.ClusterTag(c.run.cluster)) || !slices.Contains(req.Tags, cloud.SwarmTag(s.swarm.ID)) {
		c.run.violate("create", "%s has the tags %v", req.Name, req.Tags)
	}
	if known := s.ledger.ByID(op); known == nil || known.Kind != ledger.Create {
		c.run.violate("write-ahead", "%s is created, and the ledger has no operation %s", req.Name, op)
	}
	for _, d := range s.droplets {
		if opOf(d) == op {
			c.run.violate("write-ahead", "%s is created again: droplet %d is its operation's", req.Name, d.ID)
		}
	}
	c.joins(s, req.Name, req.Region)
	c.secrets(s, "user-data", req.UserData, s.swarm.Tokens.Worker)
	c.handed = append(c.handed, s.swarm.Tokens.Worker)
}

// destroy is a call that stops or deletes a droplet.
func (c *checks) destroy(s *state, t *ticket, id int) {
	d, alive := c.run.world.Cloud.Droplet(id)
	if !alive {
		return // it never was: nothing can happen
	}
	if poolOf(c.run.cluster, d) == "" || c.lost[id] {
		c.run.violate("foreign", "%s %s is for %s, which is not this swarm's", t.method, t.path, d.Name)
		return
	}
	if !d.Deleted.IsZero() {
		return
	}
	if s.ledger.ByDroplet(ledger.Delete, id) == nil {
		c.run.violate("write-ahead", "%s %s: the ledger has no operation to delete %s", t.method, t.path, d.Name)
	}
	if d.Name == t.proc.machine {
		c.run.violate("self", "%s %s: %s is the machine that it runs on", t.method, t.path, d.Name)
	}
	c.elsewhere(t, d)
	c.member(s, t, d)
	c.drained(s, d)
	if t.method == http.MethodDelete {
		c.viewed(t, id)
	} else if c.listed[t.proc.name].acted[id] && c.run.world.Cloud.Acting(id) {
		c.run.violate("one-action", "%s %s: an action that it began on %s is still in progress", t.method, t.path, d.Name)
	}
}

// member: nothing is deleted under a node that could have been seen to be up (a droplet may join while its delete is on its way), and
// is stopped or deleted under a manager.
func (c *checks) member(s *state, t *ticket, d docean.Droplet) {
	i := s.nodeOn(d)
	if i < 0 {
		return
	}
	if n := s.swarm.Nodes[i]; s.member(n.ID) {
		c.run.violate("raft-before-delete", "%s %s: %s is a manager", t.method, t.path, d.Name)
	} else if t.method == http.MethodDelete && n.Status.State != "down" && n.CreatedAt.Before(c.listed[t.proc.name].nodes) {
		c.run.violate("raft-before-delete", "%s is deleted while its node is %s", d.Name, n.Status.State)
	}
}

// viewed: a delete follows a complete list, a look at the droplet and a look at the nodes, all of the last minute.
func (c *checks) viewed(t *ticket, id int) {
	seen, now := c.listed[t.proc.name], time.Now()
	for _, view := range [...]struct {
		what string
		at   time.Time
	}{{"the list of droplets", seen.droplets}, {"the nodes", seen.nodes}, {"the droplet", seen.gets[id]}} {
		if age := now.Sub(view.at); age > viewAge {
			c.run.violate("complete-view", "%s deletes droplet %d and has not seen %s for %s", t.proc.name, id, view.what, age)
		}
	}
}

// drained: a machine that is stopped or deleted takes no tasks any more, and none runs on it.
func (c *checks) drained(s *state, d docean.Droplet) {
	i := s.nodeOn(d)
	if i < 0 || s.swarm.Nodes[i].Status.State != "ready" {
		return
	}
	n := s.swarm.Nodes[i]
	if n.Spec.Availability != "drain" {
		c.run.violate("drain-before-loss", "%s is stopped, and its availability is %s", d.Name, n.Spec.Availability)
	}
	for _, k := range s.swarm.Tasks {
		if k.NodeID == n.ID && k.Status.State == "running" {
			c.run.violate("drain-before-loss", "%s is stopped while task %s runs on it", d.Name, k.ID)
		}
	}
}

// nodeWrite: one change of membership at a time, and never one that costs the margin.
func (c *checks) nodeWrite(s *state, t *ticket) {
	id := objectIn(t.path)
	c.strangeNode(s, t, id)
	if t.method == http.MethodDelete {
		if strings.Contains(t.query, "force=1") || strings.Contains(t.query, "force=true") {
			c.run.violate("engine", "node %s is removed with force", id)
		}
		return
	}
	var want struct {
		Role, Availability string
		Labels             map[string]string
	}
	if json.Unmarshal(t.body, &want) != nil {
		return
	}
	c.quarantines(s, t, id, want.Labels)
	var changing []string
	changes := false
	for _, n := range s.swarm.Nodes {
		if n.ID == id {
			if t.query != fmt.Sprintf("version=%d", n.Version.Index) && t.fault != Slow {
				return // the engine refuses it
			}
			changes = string(n.Spec.Role) != want.Role
		} else if (string(n.Spec.Role) == "manager") != s.member(n.ID) {
			changing = append(changing, n.ID)
		}
	}
	if changes && len(changing) > 0 {
		c.run.violate("one-membership-change", "node %s becomes a %s while %v is on its way", id, want.Role, changing)
	}
	if e := c.run.world.Engine(t.proc.machine); e == nil || !e.Up() {
		return // it died after the brakes looked, and takes nothing
	}
	if changes && want.Role == "worker" {
		c.demotes(s, id)
		c.demotesItself(s, t, id)
	}
}

// demotesItself: another manager has to do it.
func (c *checks) demotesItself(s *state, t *ticket, id string) {
	for _, d := range s.droplets {
		if i := s.nodeOn(d); d.Name == t.proc.machine && i >= 0 && s.swarm.Nodes[i].ID == id {
			c.run.violate("self", "%s demotes the node that it runs on", t.proc.name)
		}
	}
}

// demotes: with three managers wanted or more, the others can still lose one afterwards, and none of them is down already. One that is
// reachable goes only if those that are, too, are as many as any file has wanted since all was as wanted.
func (c *checks) demotes(s *state, id string) {
	left, alive, loses := len(s.swarm.Members)-1, 0, false
	for _, n := range s.swarm.Nodes {
		if s.member(n.ID) && n.ManagerStatus != nil && n.ManagerStatus.Reachability == "reachable" {
			if n.ID == id {
				loses = true
			} else {
				alive++
			}
		}
	}
	if loses && alive < c.managers.least {
		c.run.violate("floor", "node %s is demoted, and %d reachable managers are left of %d that were always wanted", id, alive, c.managers.least)
	}
	if alive < left/2+1 {
		c.run.violate("quorum", "node %s is demoted, and %d of the %d others are reachable", id, alive, left)
	}
	if c.managers.last >= 3 && left >= 3 && alive-(left/2+1) < 1 {
		c.run.violate("margin", "node %s is demoted, and then none of the %d others may fail", id, left)
	}
}

// serviceWrite: other people's services are left alone, and no specification is written twice.
func (c *checks) serviceWrite(s *state, t *ticket) {
	c.portsFree(s, t)
	for _, v := range s.swarm.Services {
		if v.ID == objectIn(t.path) && v.Spec.Labels[swarm.LabelCluster] != c.run.cluster && !c.isTakenOver(v.Spec.Labels) {
			c.run.violate("foreign", "%s %s is for %s, which is not the cluster's", t.method, t.path, v.Spec.Name)
		}
	}
}

// changes compares the world before and after a call.
func (c *checks) changes(was, now *state, t *ticket) {
	for _, e := range c.clear() {
		c.happened(e)
	}
	c.leases[strings.TrimPrefix(now.holder[strings.LastIndexByte(now.holder, '/')+1:], "visitor-")] = now.epoch // whichever call it was: a slow one has its effect between others
	if was.at.After(c.meddled) {
		c.keeps(was, now)
	}
	if was.margin() >= 0 && now.margin() < 0 && len(c.doomed) == 0 {
		c.run.violate("quorum", "%s %s: %d of %d managers are left", t.method, t.path, now.swarm.Alive, len(now.swarm.Members))
	}
	for _, op := range now.ledger.Ops {
		if op.Kind == ledger.Delete && was.ledger.ByDroplet(ledger.Delete, op.DropletID) == nil {
			d, known := c.run.world.Cloud.Droplet(op.DropletID)
			if known && !d.Deleted.IsZero() {
				continue // nothing is taken away: another machine takes the place of one that is gone
			}
			if op.Repair && op.NodeID == "" {
				c.retries(now, op)
				continue
			}
			c.newFirst(now, t, d)
			c.needed(now, op)
			c.byRight(now, op)
			c.lastMeant(was, now, op)
		}
	}
	c.services(was, now, t)
	c.objects(was, now, t)
	c.takenOver(was, now)
}

// keeps: nothing that swarmd does takes its own record back.
func (c *checks) keeps(was, now *state) {
	if now.ledger.Epoch < was.ledger.Epoch && !ledger.Halted(was.ledger.Epoch) || now.epoch < was.epoch {
		c.run.violate("single-writer", "epochs went back: ledger %d to %d, lease %d to %d", was.ledger.Epoch, now.ledger.Epoch, was.epoch, now.epoch)
	}
	if was.recorded && !now.recorded {
		c.run.violate("ledger", "the ledger is gone")
	}
	if now.ledger.Revision < was.ledger.Revision {
		c.run.violate("revision", "it went back from %d to %d", was.ledger.Revision, now.ledger.Revision)
	}
}

// needed: who stays when one more leaves are at least as many as any file wanted since all was as wanted.
func (c *checks) needed(s *state, op ledger.Op) {
	if stay := c.staying(s)[op.Pool]; stay < c.least[op.Pool] {
		c.run.violate("needed", "%s is to leave, and %d stay in %s, which has wanted %d and more", op.Name, stay, op.Pool, c.least[op.Pool])
	}
}

// happened counts what was made and destroyed.
func (c *checks) happened(e docean.Event) {
	if e.Kind == docean.Created {
		c.run.out.Creates++
		c.creates(e)
		return
	}
	if c.gone[e.Droplet.ID] {
		return // a person did it
	}
	c.run.out.Deletes++
	c.deleted = append(c.deleted, e.At)
	if poolOf(c.run.cluster, e.Droplet) == "" || c.lost[e.Droplet.ID] {
		c.run.violate("foreign", "%s is gone, which is not this swarm's", e.Droplet.Name)
	}
	if free := 1 + int(e.At.Sub(c.run.scheduler.began)/time.Hour); len(c.deleted) > c.allowed+free {
		c.run.violate("blast-radius", "%d droplets are gone, %d were permitted", len(c.deleted), c.allowed)
	}
}

// secrets looks for what must not be in a text; permitted is what may.
func (c *checks) secrets(s *state, where, text, permitted string) {
	for _, secret := range [...]struct{ name, value string }{{"the API token", c.run.world.Token()}, {"the worker's token", s.swarm.Tokens.Worker},
		{"the managers' token", s.swarm.Tokens.Manager}, {"the age identity", explorersIdentity}} {
		if secret.value != "" && secret.value != permitted && strings.Contains(text, secret.value) {
			c.run.violate("secrets", "%s is in %s", secret.name, where)
		}
	}
}

// conclude looks for secrets in what was said, and for what was left over.
func (c *checks) conclude() {
	s := c.run.observe()
	for _, p := range c.run.actors.all {
		c.secrets(s, "the log of "+p.name, p.logs.String(), "")
		if slices.ContainsFunc(c.handed, func(token string) bool {
			return token != s.swarm.Tokens.Worker && strings.Contains(p.logs.String(), token)
		}) {
			c.run.violate("secrets", "a worker's token of before is in the log of %s", p.name)
		}
		if report, err := json.Marshal(p.loop.Last()); err == nil {
			c.secrets(s, "the report of "+p.name, string(report), "")
			c.bounded(s, p, report)
		}
		c.metrics(s, p)
	}
	c.leaks(s)
	c.leftOff(s)
	c.named(s)
	for _, d := range s.droplets {
		c.secrets(s, "a droplet's name and tags", d.Name+strings.Join(d.Tags, " "), "")
	}
	for h := range c.reached {
		c.run.out.States = append(c.run.out.States, h)
	}
	slices.Sort(c.run.out.States)
}

// metrics looks for secrets in all texts that the metrics of a process have.
func (c *checks) metrics(s *state, p *process) {
	all := make(chan prometheus.Metric, 1_000) // about as many as there are
	go func() { p.registry.Collect(all); close(all) }()
	var text []byte
	var described *prometheus.Desc
	for m := range all {
		if d := m.Desc(); d != described {
			described, text = d, append(text, d.String()...)
		}
		var series dto.Metric
		if err := m.Write(&series); err != nil {
			c.run.violate("harness", "metrics of %s: %v", p.name, err)
		}
		for _, l := range series.Label {
			text = append(append(append(text, l.GetName()...), '='), l.GetValue()...)
			text = append(text, ' ')
		}
	}
	c.secrets(s, "the metrics of "+p.name, string(text), "")
}

// leaks: at the end no pool has a machine that the file does not want.
func (c *checks) leaks(s *state) {
	have := map[string]int{}
	for _, d := range s.droplets {
		if !c.lost[d.ID] {
			have[poolOf(c.run.cluster, d)]++
		}
	}
	for _, pool := range slices.Sorted(maps.Keys(have)) {
		if n := have[pool]; pool != "" && n > c.run.counts[pool] {
			c.run.violate("leak", "pool %s has %d droplets at the end, %d wanted", pool, n, c.run.counts[pool])
		}
	}
}
