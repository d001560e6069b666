package explore

import (
	"fmt"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// replaceMutants replace the wrong machine, too early, too many, or none.
func replaceMutants() []Mutant {
	return []Mutant{
		planned("never-replaces", "A3: a machine that nothing brings back stays dead", dropSteps(func(a plan.Action) bool { _, ok := a.(plan.OpenReplace); return ok })),
		planned("replaces-for-ever", "A3: a replacement goes on though nothing speaks against the machine any more",
			dropSteps(func(a plan.Action) bool { c, ok := a.(plan.CloseOp); return ok && c.Outcome == "needless" })),
		planned("old-one-first", "A3: the old machine leaves before the new one is there", func(_ plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.OpenReplace); ok {
					p.Steps[i] = plan.NewStep(fmt.Sprint("leave/", a.DropletID), plan.OpenDelete{OpID: a.OpID, Pool: a.Pool, Name: a.Name, NodeID: a.NodeID, DropletID: a.DropletID, Budgeted: true}, s.Reason)
				}
			}
		}),
		planned("replaces-all-at-once", "A3: all machines of a pool are replaced at once", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				a, ok := s.Action.(plan.OpenReplace)
				if !ok {
					continue
				}
				for j, m := range in.World.Machines {
					if m.Pool == a.Pool && m.Droplet != nil && m.Node != nil && m.Droplet.ID != a.DropletID {
						b := a
						b.OpID, b.DropletID, b.Name, b.NodeID = in.OpIDs[len(in.OpIDs)-1-j%8], m.Droplet.ID, m.Droplet.Name, m.Node.ID
						p.Steps = append(p.Steps, plan.NewStep(fmt.Sprint("replace/", b.DropletID), b, p.Steps[i].Reason))
					}
				}
				return
			}
		}),
		planned("takes-a-sound-one", "A3: deletes by count, and a machine that works dies in the place of the one that does not", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				a, ok := s.Action.(plan.OpenDelete)
				if !ok || s.Reason.Code != plan.WhyReplaced {
					continue
				}
				for _, m := range in.World.Machines {
					if m.Pool == a.Pool && m.Droplet != nil && m.Node != nil && m.Node.State == swarm.NodeReady && m.Droplet.ID != a.DropletID {
						a.DropletID, a.Name, a.NodeID = m.Droplet.ID, m.Droplet.Name, m.Node.ID
					}
				}
				p.Steps[i] = plan.NewStep(fmt.Sprint("leave/", a.DropletID), a, s.Reason)
			}
		}),
		planned("no-patience", "A3: a machine is replaced that is cut off for some minutes", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if how, id := plan.Ails(m); how == plan.Hangs && m.Op == nil && m.Pool == "workers" {
					p.Steps = addStep(p.Steps, fmt.Sprint("replace/", id), plan.OpenReplace{OpID: in.OpIDs[len(in.OpIDs)-1], Pool: m.Pool, Name: m.Droplet.Name, DropletID: id, NodeID: m.Node.ID, Reason: "ill"})
				}
			}
		}),
	}
}
