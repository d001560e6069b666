package explore

import (
	"net/http"

	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/reconcile"
)

// Mutant is swarmd with one deliberate bug, put in from outside.
type Mutant struct {
	Name     string
	Incident string // where the bug was seen: a row of the fault catalogue or a trap

	Wire func(http.RoundTripper) http.RoundTripper // may be nil

	// Of the seams a mutant has BesideCloud, BesideEngine and Config, each of which may be nil. The others are the run's own.
	app.Seams
}

func (m Mutant) wire(t http.RoundTripper) http.RoundTripper {
	if m.Wire == nil {
		return t
	}
	return m.Wire(t)
}

// into returns the run's own seams with the mutant's put in. Its Config comes after the run's.
func (m Mutant) into(own app.Seams) app.Seams {
	own.BesideCloud, own.BesideEngine = m.BesideCloud, m.BesideEngine
	if config := own.Config; m.Config != nil {
		own.Config = func(c reconcile.Config) reconcile.Config { return m.Config(config(c)) }
	}
	return own
}
