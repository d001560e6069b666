package swarm

import (
	"maps"
	"strings"
)

// StandIn begins what stands for the value of an encrypted variable until somebody has opened it. No engine may ever get one.
const StandIn = "swarmd-sealed:"

// HasStandIn reports whether the specification has what stands for a value that nobody has opened.
func (s ServiceSpec) HasStandIn() bool { return strings.Contains(string(s.Base.raw), StandIn) }

// Beside is an unopened specification as it can be compared with what lives: what stands for a value is taken for what the live one has there. Whether the
// value is another one now is not known.
func (s ServiceSpec) Beside(live ServiceSpec) ServiceSpec {
	if s.Unopened == "" {
		return s
	}
	form, lives := maps.Clone(s.Base.form), live.Form()
	for path, value := range form {
		if has, is := lives[path]; is && strings.Contains(value, StandIn) {
			form[path] = has
		}
	}
	s.Base.form = form
	return s
}

// unseen is a value that is encrypted and not known here, for people.
const unseen = "(encrypted)"

// Foreseen is an unopened specification for who only asks what another swarmd would make of it: a value whose encrypted text is the accepted one's stays to be
// compared, see Beside, and any other one is a new one.
func (s ServiceSpec) Foreseen(accepted ServiceSpec) ServiceSpec {
	if s.Unopened == "" {
		return s
	}
	form, was := maps.Clone(s.Base.form), accepted.Base.form
	for path, value := range form {
		if strings.Contains(value, StandIn) && was[path] != value {
			form[path] = unseen
		}
	}
	s.Base.form = form
	return s
}
