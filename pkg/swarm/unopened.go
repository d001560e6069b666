package swarm

import (
	"maps"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
)

// HasStandIn reports whether the specification has what stands for a value that nobody has opened.
func (s ServiceSpec) HasStandIn() bool { return strings.Contains(string(s.Base.raw), spec.SealedText) }

// Beside is an unopened specification as it can be compared with what lives: what stands for a value is taken for what the live one has there. Whether the
// value is another one now is not known.
func (s ServiceSpec) Beside(live ServiceSpec) ServiceSpec {
	if s.Unopened == "" {
		return s
	}
	form, lives := maps.Clone(s.Base.form), live.Form()
	for path, value := range form {
		if has, is := lives[path]; is && strings.Contains(value, spec.SealedText) {
			form[path] = has
		}
	}
	s.Base.form = form
	return s
}
