package ledger

import "github.com/swarmd/swarmd/pkg/spec"

// Grant is what an accepted edit says about the permissions to delete.
type Grant struct {
	More int // it permits so many more
	Most int // and whatever earlier edits permitted, no more than so many are left
}

// Onto returns the permissions after the edit.
func (g Grant) Onto(credit int) int { return max(0, min(credit+g.More, g.Most)) }

// Granted returns what an edit permits. history has the accepted files, the accepted one first and then what came before it; nil is one
// that cannot be read.
//
// More is the sum over the pools of what their count was lowered by. A pool that is gone from the file permits none, its machines are
// kept until it comes back with a lower count: it is compared with what it was when it was there last.
//
// Most is what the pools could have too many, had each grown to the highest count it ever had in history. So a count that is lowered by
// mistake and put back at once leaves no permission behind that a later fault could spend.
func Granted(history []*spec.Spec, edited *spec.Spec) Grant {
	var g Grant
	if edited == nil {
		return g
	}
	for _, p := range edited.Pools {
		highest := p.Count
		for _, old := range history {
			if count, there := countOf(old, p.Name); there {
				highest = max(highest, count)
			}
		}
		g.Most += highest - p.Count
		g.More += max(0, before(history, p.Name)-p.Count)
	}
	return g
}

// before returns the pool's count when it was there last, 0 if it never was. An accepted file that cannot be read permits nothing.
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
