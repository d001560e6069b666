package plan

import (
	"slices"
	"time"
)

// Compute decides what to do now. A nil Spec (no revision was accepted yet) gives an empty plan.
func Compute(in Input) Plan {
	if in.Spec == nil {
		return Plan{}
	}
	d := newDraft(in)
	switch {
	case d.blind():
	case in.World.Ledger.ServicesOnly:
		if !d.outdated() {
			d.stack()
		}
	default:
		d.operations()
		d.notes()
		if !d.outdated() {
			d.pools()
		}
		d.leaves()
		d.nodes()
		d.membership()
		d.quarantine()
		d.rotate()
		if !d.outdated() {
			d.stack()
			d.tags()
		}
	}
	d.count()
	return d.builder.finish(d.view)
}

// draft is a view and what is made of it so far.
type draft struct {
	*view
	*builder
	opIDs    []string // the fresh ids that are left
	attempts int      // roll-outs that are remembered before they start
	credit   int      // deletes that accepted edits still permit
	spare    bool     // one delete without credit is still permitted
	pinning  bool     // a service is rolled out because its image's digest became known
	promote  []member // who may become a manager
	demote   []member // who must stop being one
}

func newDraft(in Input) *draft {
	d := &draft{view: survey(in), builder: &builder{}, opIDs: slices.Clone(in.OpIDs)}
	d.credit, d.spare = in.World.Ledger.Credit, true
	for _, t := range in.World.Ledger.Uncharged {
		if in.Now.Sub(t) < time.Hour {
			d.spare = false
		}
	}
	return d
}

// opID takes a fresh operation id, "" if none is left.
func (d *draft) opID() string {
	if len(d.opIDs) == 0 {
		return ""
	}
	id := d.opIDs[0]
	d.opIDs = d.opIDs[1:]
	return id
}
