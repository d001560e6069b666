package reconcile

import "github.com/swarmd/swarmd/pkg/reconcile/plan"

// twice are the droplets whose delete the last plan wanted to open although no accepted edit permits it. One answer that is wrong, a list in which
// two machines have changed their ids, makes one that is needed look like one too many: so such a delete is opened when two looks, one after
// the other, want it. It is a value: sift makes the next one.
type twice map[int]bool

// sift returns what is remembered after a plan, and takes out of that what is wanted for the first time. The executor drops what comes after it.
func (w twice) sift(p plan.Plan) (twice, plan.Plan) {
	steps, next := p.Steps, twice{}
	p.Steps = nil
	for _, s := range steps {
		a, ok := s.Action.(plan.OpenDelete)
		if ok && !a.Budgeted {
			if next[a.DropletID] = true; !w[a.DropletID] {
				continue
			}
		}
		p.Steps = append(p.Steps, s)
	}
	return next, p
}
