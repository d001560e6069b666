package app

import (
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Seams are where a test or the explorer puts in something of its own: a clock, numbers that can be drawn again, a cache of what is the same in
// every run, a deliberate bug. A daemon has none of them. Each may be nil.
type Seams struct {
	Wall   func() time.Time     // what the clock on the wall says
	Jitter func() float64       // see reconcile.Config
	OpIDs  func(n int) []string // see reconcile.Config

	ReadSecret func(path string) ([]byte, error) // see reconcile.Config

	Parse   func(name string, data []byte) (*file.Document, []file.Fault, error) // for the loop and the brakes, which may call it at the same time
	Convert func(*file.Document) (swarm.Stack, error)
	Render  func(userdata.Params) (string, error)
	Offer   func() map[string]cloud.Size // in place of what the cloud says: the sizes by slug
	Price   func() map[string]float64    // in place of what the cloud says: US dollars a month by size

	BesideCloud  func(brake.CloudAPI) brake.CloudAPI // between the client and the brakes
	BesideEngine func(brake.Engine) brake.Engine
	Refused      func(brake string)                      // is told each time a brake refused a call
	Config       func(reconcile.Config) reconcile.Config // has the last word on what the loop gets
}

func (s Seams) cloud(c brake.CloudAPI) brake.CloudAPI {
	if s.BesideCloud == nil {
		return c
	}
	return s.BesideCloud(c)
}

func (s Seams) engine(e brake.Engine) brake.Engine {
	if s.BesideEngine == nil {
		return e
	}
	return s.BesideEngine(e)
}

// brakeParser is Parse as the brakes have it; nil: they have their own.
func (s Seams) brakeParser() brake.Parser {
	if s.Parse == nil {
		return nil
	}
	return func(name string, data []byte) (*spec.Spec, error) {
		d, _, err := s.Parse(name, data)
		if err != nil {
			return nil, err
		}
		return &d.Spec, nil
	}
}

func (s Seams) render(p userdata.Params) (string, error) {
	if s.Render == nil {
		return userdata.Render(p)
	}
	return s.Render(p)
}
