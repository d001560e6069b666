package reconcile

import (
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// convert makes a file's stack, with the values of its encrypted variables. Here is the only place where they come together: whatever is written down is the
// file, which has none. A service of which a value cannot be had is marked.
func (l *Loop) convert(d *file.Document) (swarm.Stack, error) {
	opened, unopened := d.Opened(l.sealer.variables)
	stack, err := l.cfg.Convert(opened)
	for i, s := range stack.Services {
		for of, why := range unopened {
			if s.Name == of[0]+"_"+of[1] {
				stack.Services[i].Unopened = why
			}
		}
	}
	return stack, err
}

// variables are the values of the encrypted file that a variable is of, by their names.
func (s *sealer) variables(v file.SealedVariable) (map[string]string, error) {
	f, err := sealed.Read(v.File, []byte(v.Text))
	if err != nil {
		return nil, err
	}
	with, err := s.identities()
	if err != nil {
		return nil, err
	}
	return f.OpenValues(with)
}

// identities are those that open what is encrypted to this swarmd.
func (s *sealer) identities() (sealed.Identities, error) {
	text, err := s.identity()
	if err != nil {
		return sealed.Identities{}, err
	}
	with, err := sealed.ReadIdentities(text)
	if err != nil {
		return with, fmt.Errorf("the age identity: %w", err)
	}
	return with, nil
}

// unopened reports whether a service of the stack has variables without a value: an identity may be there at the next look.
func unopened(stack swarm.Stack) bool {
	return slices.ContainsFunc(stack.Services, func(s swarm.ServiceSpec) bool { return s.Unopened != "" })
}

// withoutIdentity is a stack beside the accepted one as somebody sees it who may lack the identity that the acting swarmd has, see swarm.ServiceSpec's Foreseen.
func withoutIdentity(stack, accepted swarm.Stack) swarm.Stack {
	for i, s := range stack.Services {
		was := swarm.ServiceSpec{}
		if at := slices.IndexFunc(accepted.Services, func(o swarm.ServiceSpec) bool { return o.Name == s.Name }); at >= 0 {
			was = accepted.Services[at]
		}
		stack.Services[i] = s.Foreseen(was)
	}
	return stack
}
