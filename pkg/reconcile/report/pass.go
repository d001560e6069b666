package report

import (
	"cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// Pass is what a pass saw, planned and did.
type Pass struct {
	World   world.World
	Plan    plan.Plan
	Planned bool            // there is a plan
	Held    bool            // the lease, when the plan was made
	Results execute.Results // of the plan's steps, in their order; none if another swarmd is to do them
	Err     error           // what is wrong besides gaps and results
}

// Report sums the pass up. The cluster's name, the number and times of the pass, the revision, the file and the lease are the caller's to add.
func (p Pass) Report() Report {
	r := Report{Result: p.result(), Stale: p.World.Ledger.Stale, Broken: p.World.Ledger.Broken, Operations: p.World.Ledger.Ops,
		Pools: p.Plan.Pools, Services: p.Plan.Services, Holds: p.Plan.Holds, HandsOff: p.Plan.HandsOff, Gaps: p.World.Gaps,
		ServicesOnly: p.World.Ledger.ServicesOnly, Node: p.World.Self.NodeID, Nodes: nodes(p.World, p.Plan.Classes), Steps: p.steps()}
	if p.Err != nil {
		r.Error = p.Err.Error()
	}
	r.Converged = p.Planned && p.Plan.Converged && p.Err == nil
	r.HeldOnly = p.Planned && p.Plan.HeldOnly() && p.Err == nil
	return r
}

func (p Pass) steps() []Step {
	out := make([]Step, 0, len(p.Plan.Steps))
	for i, s := range p.Plan.Steps {
		r := Step{ID: s.ID, Action: s.Action.About().Name, Object: s.Action.About().Object.String(), Reason: s.Reason.Code, Text: s.Reason.Text}
		if i < len(p.Results) {
			res := p.Results[i]
			r.Outcome, r.Warning = res.Outcome, res.Warning
			if res.Err != nil {
				r.Error = res.Err.Error()
			}
		}
		out = append(out, r)
	}
	return out
}

func nodes(w world.World, classes []plan.Class) []Node {
	out := make([]Node, 0, len(w.Machines))
	for i, m := range w.Machines {
		n := node(m)
		if i < len(classes) {
			n.Class = string(classes[i])
		}
		out = append(out, n)
	}
	return out
}

func node(m world.Machine) Node {
	r := Node{Pool: m.Pool, Why: m.Why}
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

// NameOf returns the name that a report has for a machine.
func NameOf(m world.Machine) string { return node(m).Name }

// MachineName returns the name of the machine that the node is on, "" if it is not seen.
func MachineName(w world.World, id string) string {
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
