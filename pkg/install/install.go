// Package install puts swarmd onto a cluster's managers: as a service of the swarm, or as a unit on their hosts. It decides what is written there,
// how swarmd is started, and which token it gets; it is safe to repeat, and what is there already is not written again. It must not decide
// when: bootstrap's command calls First before the file is handed over, and Rest once the managers have joined.
package install

import (
	"context"
	"strings"

	"github.com/swarmd/swarmd/deploy"
	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// Installer puts swarmd onto the managers in one of two ways.
type Installer interface {
	First(ctx context.Context) error // onto the first manager, before the file is handed over
	Rest(ctx context.Context) error  // onto those that joined since
	DeniesHostAccess() bool          // whether swarmd is started so, once First has ended
}

// Options are what both ways need.
type Options struct {
	Access access.Access // to the first manager's engine, to the hosts, and with the token that swarmd gets
	Spec   *spec.Spec
	Deny   func(before bool) bool           // whether swarmd is to be started so that it denies access to hosts, given how it was started before
	Say    func(format string, args ...any) // to people
	Warn   func(format string, args ...any)

	denies bool
}

// DeniesHostAccess reports whether swarmd is started so.
func (o *Options) DeniesHostAccess() bool { return o.denies }

// ServiceDenies reports whether swarmd's own service is started so that it denies access to hosts. Of a swarmd that runs otherwise, and where it
// cannot be read, it says no.
func ServiceDenies(ctx context.Context, engine interface {
	Services(ctx context.Context) ([]swarm.Service, error)
}, cluster string) bool {
	services, err := engine.Services(ctx)
	if err != nil {
		return false
	}
	for _, s := range services {
		if s.Spec.Name == docker.SelfName(cluster) && docker.DeniesHostAccess(s.Spec) {
			return true
		}
	}
	return false
}

// unitDenies reports the same of a host's unit.
func unitDenies(unit string) bool {
	for line := range strings.Lines(unit) {
		if strings.HasPrefix(line, "ExecStart=") && strings.Contains(line, " --"+deploy.DenyHostAccess) {
			return true
		}
	}
	return false
}
