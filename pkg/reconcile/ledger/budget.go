package ledger

import (
	"slices"

	"github.com/swarmd/swarmd/pkg/spec"
)

// Budget is what an accepted edit makes of the delete budget.
type Budget struct {
	More int // it adds so many deletes
	Most int // whatever earlier edits left, no more than so many are left
}

// Onto returns the delete budget after the edit, from what was left before it.
func (b Budget) Onto(left int) int { return max(0, min(left+b.More, b.Most)) }

// BudgetOf returns what an edit makes of the delete budget. history has the accepted files, the accepted one first and then what came before it; nil is one
// that cannot be read.
//
// More is the sum over the pools of what their count was lowered by, and of the machines that stay in a pool whose template is another one. A pool that is gone from the file adds none. Its machines are
// kept until it comes back with a lower count, which is compared with the count that it had when it was there last.
//
// Most is what the pools could have too many, had each grown to the highest count it ever had in history, and all machines of the pools that ever had
// another template. So a count that is lowered by
// mistake and put back at once leaves no budget behind that a later fault could spend.
func BudgetOf(history []*spec.Spec, edited *spec.Spec) Budget {
	var b Budget
	if edited == nil {
		return b
	}
	for _, p := range edited.Pools {
		highest, rolled := p.Count, 0
		for _, old := range history {
			if was, there := poolOf(old, p.Name); there {
				highest = max(highest, was.Count)
				if was.Template() != p.Template() {
					rolled = p.Count
				}
			}
		}
		b.Most += highest - p.Count + rolled
		if was, there := before(history, p.Name); there {
			b.More += max(0, was.Count-p.Count)
			if was.Template() != p.Template() {
				b.More += min(was.Count, p.Count)
			}
		}
	}
	return b
}

// before returns the pool as it was when it was there last. An accepted file that cannot be read adds nothing.
func before(history []*spec.Spec, pool string) (was spec.Pool, there bool) {
	if len(history) == 0 || history[0] == nil {
		return spec.Pool{}, false
	}
	for _, old := range history {
		if was, there = poolOf(old, pool); there {
			return was, true
		}
	}
	return spec.Pool{}, false
}

func poolOf(s *spec.Spec, pool string) (spec.Pool, bool) {
	if s == nil {
		return spec.Pool{}, false
	}
	i := slices.IndexFunc(s.Pools, func(p spec.Pool) bool { return p.Name == pool })
	if i < 0 {
		return spec.Pool{}, false
	}
	return s.Pools[i], true
}

// RepairsAnHour is how many machines an hour has deleted without an edit because they are broken, of a cluster with so many bound nodes: a fifth, at least one.
func RepairsAnHour(nodes int) int { return max(1, (nodes+4)/5) }
