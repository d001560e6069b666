package swarm

import (
	"slices"
	"strings"
)

// Named is the service of that name, as Docker has it, of whichever stack; nil if there is none.
func (s Stack) Named(name string) *ServiceSpec {
	i := slices.IndexFunc(s.Services, func(o ServiceSpec) bool { return o.Name == name })
	if i < 0 {
		return nil
	}
	return &s.Services[i]
}

// Adopts reports whether the file says adopt: true of the stack: what runs under its name already, made by `docker stack deploy`, is to be taken over.
func (s Stack) Adopts(namespace string) bool { return slices.Contains(s.Adopt, namespace) }

// StackOf is the stack that an object's labels say it is of, "" if of none. So it is for live objects and for wanted ones alike: the label is the one that
// `docker stack deploy` sets. The cluster's own stack has the cluster's name.
func StackOf(labels map[string]string) string { return labels[LabelNamespace] }

// Stack is the stack that the service is of, see StackOf.
func (s ServiceSpec) Stack() string { return StackOf(s.Labels) }

// Short is the service's name in the file of its stack: without the stack's name. Two stacks may have services of one short name.
func (s ServiceSpec) Short() string {
	if stack := s.Stack(); stack != "" {
		return strings.TrimPrefix(s.Name, stack+"_")
	}
	return s.Name
}
