package ledger

import "github.com/swarmd/swarmd/pkg/spec"

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
// More is the sum over the pools of what their count was lowered by. A pool that is gone from the file adds none. Its machines are
// kept until it comes back with a lower count, which is compared with the count that it had when it was there last.
//
// Most is what the pools could have too many, had each grown to the highest count it ever had in history. So a count that is lowered by
// mistake and put back at once leaves no budget behind that a later fault could spend.
func BudgetOf(history []*spec.Spec, edited *spec.Spec) Budget {
	var b Budget
	if edited == nil {
		return b
	}
	for _, p := range edited.Pools {
		highest := p.Count
		for _, old := range history {
			if count, there := countOf(old, p.Name); there {
				highest = max(highest, count)
			}
		}
		b.Most += highest - p.Count
		b.More += max(0, before(history, p.Name)-p.Count)
	}
	return b
}

// before returns the pool's count when it was there last, 0 if it never was. An accepted file that cannot be read adds nothing.
func before(history []*spec.Spec, pool string) int {
	if len(history) == 0 || history[0] == nil {
		return 0
	}
	for _, old := range history {
		if count, there := countOf(old, pool); there {
			return count
		}
	}
	return 0
}

func countOf(s *spec.Spec, pool string) (count int, there bool) {
	if s == nil {
		return 0, false
	}
	for _, p := range s.Pools {
		if p.Name == pool {
			return p.Count, true
		}
	}
	return 0, false
}

// RepairsAnHour is how many machines an hour has deleted without an edit because they are broken, of a cluster with so many bound nodes: a fifth, at least one.
func RepairsAnHour(nodes int) int { return max(1, (nodes+4)/5) }
