package swarm

import "slices"

// Named is the stack's service of that name, as Docker has it; nil if there is none.
func (s Stack) Named(name string) *ServiceSpec {
	i := slices.IndexFunc(s.Services, func(o ServiceSpec) bool { return o.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Services[i]
}
