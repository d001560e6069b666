package plan

import (
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// spent is what this pass has granted so far, and what that leaves of its budgets. It is a value: a guard can read it and not spend any of it.
type spent struct {
	granted []grant
	opens   []grant  // those of them that open operations
	ids     []string // the fresh operation ids that are left
	budget  int      // deletes that accepted edits still permit
	free    bool     // one delete beside the budget is still permitted
	repairs int      // that the hour still has
	retries int      // the same of machines that never joined
	tried   int      // roll-outs that are remembered of services of which none was
}

// begin is what a pass may spend.
func begin(v *view) spent {
	s := spent{ids: v.in.OpIDs, budget: v.in.World.Ledger.DeleteBudget, free: true}
	for _, t := range v.in.World.Ledger.FreeDeletes {
		if v.in.Now.Sub(t) < time.Hour {
			s.free = false
		}
	}
	s.repairs = ledger.RepairsAnHour(v.boundNodes()) - v.withinTheHour(v.in.World.Ledger.Repairs)
	s.retries = ledger.RetriesAnHour(v.boundNodes()) - v.withinTheHour(v.in.World.Ledger.Retries)
	return s
}

// with is what is spent when the wish is granted, too.
func (s spent) with(v *view, w wish) spent {
	g := grant{wish: w}
	switch w.kind {
	case grow:
		n := min(w.n, len(s.ids))
		g.ids, s.ids = s.ids[:n], s.ids[n:]
	case shrink, leaveReplaced, replaceDead:
		g.ids, s.ids = s.ids[:1], s.ids[1:]
		switch {
		case repairs(v, w):
			g.most = ledger.RepairsAnHour(v.boundNodes())
			s.repairs--
		case s.budget > 0:
			g.budgeted = true
			s.budget--
		default:
			s.free = false
		}
	case resizeHere, replaceIll, replaceAsked, changeSize, changeImage, changeRegion, changeVPC:
		g.ids, s.ids = s.ids[:1], s.ids[1:]
	case retryLaunch, dropKept:
		g.ids, s.ids, g.most = s.ids[:1], s.ids[1:], ledger.RetriesAnHour(v.boundNodes())
		s.retries--
	case changeService, pin:
		if v.newlyRecorded(w.service) {
			s.tried++
		}
	}
	s.granted = append(s.granted, g)
	if len(g.ids) > 0 {
		s.opens = append(s.opens, g)
	}
	return s
}

// creates is how many droplets are created; of one pool if it is named.
func (s spent) creates(pool string) int {
	n := 0
	for _, g := range s.opens {
		if g.kind == grow && (pool == "" || g.pool.Name == pool) {
			n += len(g.ids)
		}
	}
	return n
}

// replaces is how many replacements are begun; of one pool if it is named.
func (s spent) replaces(pool string) int {
	n := 0
	for _, g := range s.opens {
		if reasonOf(g.kind) != "" && (pool == "" || g.machine.pool.Name == pool) {
			n++
		}
	}
	return n
}

// opened is how many operations are begun.
func (s spent) opened() int {
	n := 0
	for _, g := range s.opens {
		n += len(g.ids)
	}
	return n
}

// leaving are the machines whose leave is begun.
func (s spent) leaving() []grant {
	return slices.DeleteFunc(slices.Clone(s.opens), func(g grant) bool { return g.kind != shrink && g.kind != replaceDead && g.kind != leaveReplaced })
}

// count is how many wishes of the kinds were granted.
func (s spent) count(kinds ...kind) int {
	n := 0
	for i := range s.granted {
		if slices.Contains(kinds, s.granted[i].kind) {
			n++
		}
	}
	return n
}

// room is how many more operations may be open.
func (s spent) room(v *view) int { return ledger.MaxOps - len(v.in.World.Ledger.Ops) - s.opened() }

// remembers reports whether the ledger has room for the service's roll-out, if it must be remembered. Without that the engine's word alone would be left.
func (s spent) remembers(v *view, of service) bool {
	return !v.newlyRecorded(of) || len(v.in.World.Ledger.Rollouts)+s.tried < ledger.MaxRollouts
}
