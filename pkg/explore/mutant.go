package explore

import (
	"net/http"

	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
)

// Mutant is swarmd with one deliberate bug, put in from outside. Every seam may be nil.
type Mutant struct {
	Name     string
	Incident string // where the bug was seen: a row of the fault catalogue or a trap

	Wire   func(http.RoundTripper) http.RoundTripper
	Cloud  func(brake.CloudAPI) brake.CloudAPI // between the client and the brakes
	Engine func(brake.Engine) brake.Engine
	Config func(reconcile.Config) reconcile.Config // above the brakes: reads, executor, planner
}

func (m Mutant) wire(t http.RoundTripper) http.RoundTripper {
	if m.Wire == nil {
		return t
	}
	return m.Wire(t)
}

func (m Mutant) cloud(c brake.CloudAPI) brake.CloudAPI {
	if m.Cloud == nil {
		return c
	}
	return m.Cloud(c)
}

func (m Mutant) engine(e brake.Engine) brake.Engine {
	if m.Engine == nil {
		return e
	}
	return m.Engine(e)
}

func (m Mutant) config(c reconcile.Config) reconcile.Config {
	if m.Config == nil {
		return c
	}
	return m.Config(c)
}
