package reconcile

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// The results of a pass.
const (
	Starting  = "starting"  // no pass has ended yet
	Waiting   = "waiting"   // no revision was accepted yet
	Converged = "converged" // everything is as wanted
	Progress  = "progress"  // something was done, or is under way
	Held      = "held"      // something is not done because a guard says so
	Watching  = "watching"  // another swarmd acts
	Failed    = "failed"    // something could not be read, or a write was refused or is in doubt

	Unattended = "unattended" // nobody acts, so nothing is put right, whatever it is like
)

// Results are all results that a pass can have.
func Results() []string {
	return []string{Waiting, Converged, Progress, Held, Watching, Failed, Unattended}
}

// Report is what one pass saw, planned and did. It holds no secret.
type Report struct {
	Cluster      string              `json:"cluster"`
	Pass         uint64              `json:"pass"`
	At           time.Time           `json:"at"` // when it ended
	Took         time.Duration       `json:"took_ns"`
	NextLook     time.Time           `json:"next_look"`
	Result       string              `json:"result"`
	Error        string              `json:"error,omitempty"`
	Converged    bool                `json:"converged"`
	HeldOnly     bool                `json:"held_only,omitempty"`   // nothing is left to do or to wait for but holds that a person has to end
	ConvergedAt  time.Time           `json:"converged_at,omitzero"` // when it was so last
	Node         string              `json:"node,omitempty"`        // id of the node whose engine was asked
	Revision     int                 `json:"revision"`              // accepted
	Source       string              `json:"source,omitempty"`      // of the accepted revision
	FileFault    string              `json:"file_fault,omitempty"`  // why the watched file is bad, or cannot be read
	FileUnread   bool                `json:"file_unread,omitempty"` // the watched file cannot be read
	Stale        map[string]int      `json:"stale,omitempty"`       // node id → the older revision that its file is
	Broken       map[string]string   `json:"broken,omitempty"`      // node id → why its file does not count
	Lease        LeaseReport         `json:"lease"`
	Unattended   string              `json:"unattended,omitempty"`    // why nobody acts; "" while somebody does
	ServicesOnly bool                `json:"services_only,omitempty"` // the cluster owns none of the swarm's nodes
	Pools        []plan.PoolCount    `json:"pools,omitempty"`
	Services     []plan.ServiceCount `json:"services,omitempty"`
	Nodes        []NodeReport        `json:"nodes,omitempty"`
	Operations   []ledger.Op         `json:"operations,omitempty"`
	Steps        []StepReport        `json:"steps,omitempty"`
	Holds        []plan.Hold         `json:"holds,omitempty"`
	Gaps         []world.Gap         `json:"gaps,omitempty"`
}

// LeaseReport says who acts.
type LeaseReport struct {
	Holder  string    `json:"holder,omitempty"`
	Name    string    `json:"name,omitempty"` // of the holder's machine, "" if it is none's or is not seen
	Epoch   uint64    `json:"epoch"`
	Held    bool      `json:"held"`             // by the swarmd that reports
	Renewed time.Time `json:"renewed,omitzero"` // when it was seen to be renewed last; a single look has the swarm's word and clock for it
}

// Who is the holder as people name it; "" if there is none.
func (l LeaseReport) Who() string {
	if l.Name == "" && strings.HasPrefix(l.Holder, ledger.VisitorPrefix) {
		return "a swarmd apply (" + l.Holder + ")"
	}
	return cmp.Or(l.Name, l.Holder)
}

// NodeReport is a machine in one line.
type NodeReport struct {
	Name         string    `json:"name"`
	NodeID       string    `json:"node_id,omitempty"`
	DropletID    int       `json:"droplet_id,omitempty"`
	Pool         string    `json:"pool,omitempty"` // "" if it is not the cluster's
	Role         string    `json:"role,omitempty"`
	Class        string    `json:"class,omitempty"` // how the machine is, see plan.Class; "" without a plan
	State        string    `json:"state"`
	Availability string    `json:"availability,omitempty"`
	Leader       bool      `json:"leader,omitempty"`
	PublicIPv4   string    `json:"public_ipv4,omitempty"` // of the droplet
	Address      string    `json:"address,omitempty"`     // private: what the managers see, else the droplet's
	Size         string    `json:"size,omitempty"`
	Image        string    `json:"image,omitempty"`
	Created      time.Time `json:"created,omitzero"` // the droplet, else the node
	Why          string    `json:"why,omitempty"`
}

// StepReport is a step and what became of it. The outcome is "" if another swarmd is to do it.
type StepReport struct {
	ID      string          `json:"id"`
	Action  string          `json:"action"`
	Object  string          `json:"object"`
	Reason  string          `json:"reason"`
	Text    string          `json:"text"`
	Outcome execute.Outcome `json:"outcome,omitempty"`
	Error   string          `json:"error,omitempty"`
	Warning string          `json:"warning,omitempty"`
}

// report sums a pass up.
func (l *Loop) report(t turnout, began time.Time) Report {
	now := time.Now()
	seen := l.elector.Seen()
	_, held := l.elector.Held()
	r := Report{Cluster: l.cfg.Cluster, Pass: l.number, At: now, Took: now.Sub(began), FileFault: l.sources.bad(), FileUnread: l.sources.unread != "",
		Lease: LeaseReport{Holder: seen.Holder, Name: nameOf(t.world, seen.Node()), Epoch: seen.Epoch, Held: held, Renewed: l.elector.Renewed()}, ConvergedAt: l.Last().ConvergedAt,
		Revision: l.accepted(t.world).revision, Source: l.accepted(t.world).source, Stale: t.world.Ledger.Stale, Broken: t.world.Ledger.Broken, Operations: t.world.Ledger.Ops,
		Pools: t.plan.Pools, Services: t.plan.Services, Holds: t.plan.Holds, Gaps: t.world.Gaps,
		ServicesOnly: t.world.Ledger.ServicesOnly, Node: t.world.Self.NodeID, Nodes: nodes(t.world, t.plan.Classes), Steps: steps(t)}
	r.Result = result(t)
	if t.err != nil {
		r.Error = t.err.Error()
	}
	r.Converged = t.planned && t.plan.Converged && t.err == nil
	r.HeldOnly = t.planned && t.plan.HeldOnly() && t.err == nil
	if r = l.attend(r); r.Converged {
		r.ConvergedAt = now
	}
	return r
}

// attend says in the report if nobody has acted for longer than a lease lasts.
func (l *Loop) attend(r Report) Report {
	idle, why := l.elector.Idle()
	if idle < ledger.Term {
		return r
	}
	return r.leftAlone("nobody acts since "+time.Now().Add(-idle).UTC().Format(time.TimeOnly)+" UTC", why)
}

// leftAlone is the report when nobody acts: then nothing is as wanted, because it does not stay so.
func (r Report) leftAlone(text string, why error) Report {
	if why != nil {
		text += ": " + why.Error()
	}
	r.Unattended, r.Converged = text, false
	switch r.Result {
	case Converged, Progress, Held, Watching:
		r.Result = Unattended
	}
	return r
}

// result names what a pass came to.
func result(t turnout) string {
	switch {
	case t.err != nil || len(t.world.Gaps) > 0 || broken(t.results):
		return Failed
	case !t.planned:
		return Waiting
	case t.plan.Converged:
		return Converged
	case !t.held:
		return Watching
	case blocked(t.plan):
		return Held
	}
	return Progress
}

// broken reports whether a step ended in a way that the next look alone will not put right.
func broken(rs execute.Results) bool {
	for _, r := range rs {
		if r.Outcome == execute.Unknown || r.Outcome == execute.Refused && !soon(r.Kind) && r.Kind != apierr.Busy {
			return true
		}
	}
	return false
}

func blocked(p plan.Plan) bool {
	for _, h := range p.Holds {
		if h.Blocking {
			return len(p.Steps) == 0
		}
	}
	return false
}

func steps(t turnout) []StepReport {
	out := make([]StepReport, 0, len(t.plan.Steps))
	for i, s := range t.plan.Steps {
		r := StepReport{ID: s.ID, Action: s.Action.About().Name, Object: s.Action.About().Object.String(), Reason: s.Reason.Code, Text: s.Reason.Text}
		if i < len(t.results) {
			res := t.results[i]
			r.Outcome, r.Warning = res.Outcome, res.Warning
			if res.Err != nil {
				r.Error = res.Err.Error()
			}
		}
		out = append(out, r)
	}
	return out
}

func nodes(w world.World, classes []plan.Class) []NodeReport {
	out := make([]NodeReport, 0, len(w.Machines))
	for i, m := range w.Machines {
		n := node(m)
		if i < len(classes) {
			n.Class = string(classes[i])
		}
		out = append(out, n)
	}
	return out
}

func node(m world.Machine) NodeReport {
	r := NodeReport{Pool: m.Pool, Why: m.Why}
	if r.Why == "" && m.Of != "" {
		r.Why = "of cluster " + m.Of
	}
	if d := m.Droplet; d != nil {
		r.Name, r.DropletID, r.State = d.Name, d.ID, "droplet "+string(d.Status)
		r.PublicIPv4, r.Address, r.Size, r.Image, r.Created = d.PublicIPv4, d.PrivateIPv4, d.Size, d.Image, d.Created
	}
	if n := m.Node; n != nil {
		r.NodeID, r.State, r.Role, r.Availability = n.ID, string(n.State), role(m), string(n.Spec.Availability)
		r.Leader, r.Address = n.Leads(), cmp.Or(n.Addr, r.Address)
		if r.Name == "" {
			r.Name, r.Created = n.Hostname, n.Created
		}
	}
	return r
}

// nameOf returns the name of the node's machine, "" if it is not seen.
func nameOf(w world.World, id string) string {
	for _, m := range w.Machines {
		if m.Node != nil && m.Node.ID == id {
			return node(m).Name
		}
	}
	return ""
}

// role is what the node is, not what it is asked to be.
func role(m world.Machine) string {
	if m.Node.Manager != nil {
		return "manager"
	}
	return "worker"
}

// publish hands the report to all who want it.
func (l *Loop) publish(r Report) {
	l.recorder.report(r)
	l.cfg.Metrics.Pass(figures(r))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = r
	close(l.changed)
	l.changed = make(chan struct{})
	for ch := range l.followers {
		select {
		case <-ch: // the older one was not taken: only the newest counts
		default:
		}
		ch <- r
	}
}

// figures is the report for the metrics.
func figures(r Report) health.Pass {
	p := health.Pass{Result: r.Result, Ended: r.At, Took: r.Took, Gaps: len(r.Gaps), Revision: r.Revision, OpenOps: map[string]int{},
		Stale: len(r.Stale), Converged: r.Converged, LeaseHeld: r.Lease.Held, LeaseEpoch: r.Lease.Epoch}
	planned := len(r.Pools)+len(r.Services) > 0 // a file has pools, or services only
	looked := planned || r.Error == ""          // an error before the plan may have cost the look itself
	p.Seen = looked && !slices.ContainsFunc(r.Gaps, func(g world.Gap) bool { return g.What != world.GapRevision })
	p.SeenSwarm = looked && !slices.ContainsFunc(r.Gaps, func(g world.Gap) bool { return g.What != world.GapDroplets && g.What != world.GapRevision })
	p.LedgerKnown = p.SeenSwarm
	for _, h := range r.Holds {
		p.Guards = append(p.Guards, h.Guard)
	}
	for _, op := range r.Operations {
		p.OpenOps[string(op.Kind)]++
	}
	for _, c := range r.Pools {
		p.Pools = append(p.Pools, health.Pool{Name: c.Pool, Role: c.Role, Desired: c.Desired, Have: c.Have, Ready: c.Ready, Monthly: c.Monthly})
	}
	for _, n := range r.Nodes {
		if n.Class != "" {
			p.Machines = append(p.Machines, health.Machine{Pool: n.Pool, Class: n.Class})
		}
		if n.NodeID != "" {
			p.Nodes = append(p.Nodes, health.Node{Role: n.Role, State: n.State})
		}
	}
	for _, s := range r.Services {
		p.Services = append(p.Services, health.Service{Name: s.Service, Desired: s.Desired, Running: s.Running})
	}
	return p
}

// Vocabulary is every bounded value that the loop gives to metrics.
func Vocabulary(version string) health.Vocabulary {
	v := health.Vocabulary{Version: version, Results: Results(), Actions: plan.ActionNames(), Guards: plan.Guards(), Classes: plan.Classes(),
		OpKinds: []string{string(ledger.Create), string(ledger.Delete)}}
	for _, o := range execute.Outcomes() {
		v.Outcomes = append(v.Outcomes, string(o))
	}
	return v
}
