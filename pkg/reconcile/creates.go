package reconcile

import (
	"maps"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// creates is how long each open create may stay unseen, by operation id. The ledger has the deadline by its writer's clock, which may be set, and
// the next holder's clock may differ. So this process counts by its own monotonic clock, from the moment in which it knows of the create. It is a value: begin and age make the
// next one.
type creates map[string]term

type term struct {
	since time.Time     // with a monotonic reading
	left  time.Duration // from then on
}

// sameTime is how far apart two clocks may be that agree: the ledger keeps whole seconds.
const sameTime = 2 * time.Second

// begin returns what is remembered with the creates that the plan is about to open.
func (c creates) begin(p plan.Plan, now time.Time, visible time.Duration) creates {
	next := creates{}
	maps.Copy(next, c)
	for _, s := range p.Steps {
		if a, ok := s.Action.(plan.CreateDroplet); ok {
			next[a.OpID] = term{now, visible}
		}
	}
	return next
}

// age returns what is remembered after a look, and its operations with the deadlines of the creates as they are by the wall clock of now. now has a monotonic reading. A deadline
// further off than visible was written by a clock that is ahead, and counts as visible.
func (c creates) age(ops []ledger.Op, wall, now time.Time, visible time.Duration) (creates, []ledger.Op) {
	ops, next := slices.Clone(ops), creates{}
	for i := range ops {
		op := &ops[i]
		if op.Kind != ledger.Create {
			continue
		}
		t, ok := c[op.ID]
		if !ok {
			t = term{now, min(op.Deadline.Sub(wall), visible)}
		}
		next[op.ID] = t
		if off := wall.Add(t.left - now.Sub(t.since)).Sub(op.Deadline); off.Abs() > sameTime {
			op.Started, op.Deadline = op.Started.Add(off), op.Deadline.Add(off)
		}
	}
	return next, ops
}
