package explore

// lieEvery is how many single faults of a kind that lies, or sets a clock, one is played of. Most of them change nothing.
const lieEvery = 10

// oneOf is how many single faults of the kind in the workflow one is played of.
func oneOf(k Kind, w Workflow) int {
	of := max(1, w.Sparse)
	switch k {
	case ClockAhead, ClockBack, ClockDay, OtherIDs, Fewer, OtherStates:
		return max(of, lieEvery)
	}
	return of
}

// sieve lets one of so many faults of each kind through. Where it begins differs from kind to kind, so that not all fall on the same calls.
type sieve map[Kind]int

func (s sieve) lets(k Kind, w Workflow) bool {
	n := s[k]
	s[k]++
	return (n+7*len(k)+len(w.Name))%oneOf(k, w) == 0
}
