package explore

import "github.com/swarmd/swarmd/pkg/spec"

// span is the least and the most of a number that files wanted, and the last.
type span struct {
	least, most, last int
	known             bool
}

func (s *span) add(n int) {
	if !s.known {
		s.least, s.most = n, n
	}
	s.least, s.most, s.last, s.known = min(s.least, n), max(s.most, n), n, true
}

// managersOf adds up the pools of managers.
func managersOf(s *spec.Spec) int {
	n := 0
	for _, p := range s.Pools {
		if p.Role == "manager" {
			n += p.Count
		}
	}
	return n
}

// managerPool reports whether the pool's machines are to be managers.
func managerPool(s *spec.Spec, name string) bool {
	for _, p := range s.Pools {
		if p.Name == name {
			return p.Role == "manager"
		}
	}
	return false
}

// poolIn reports whether the file has the pool.
func poolIn(s *spec.Spec, name string) bool {
	for _, p := range s.Pools {
		if p.Name == name {
			return true
		}
	}
	return false
}
