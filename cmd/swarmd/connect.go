package main

import (
	"context"
	"errors"
	"strings"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/preflight"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

// connection is the swarmd of one command, and what its loops are told.
type connection struct {
	*app.App
	role app.Role
}

// connect puts a swarmd together. A missing token leaves the cloud out, unless it is required.
func (a *cli) connect(cluster string, log *zap.Logger, needCloud bool) (*connection, error) {
	swarmd, err := app.New(app.Options{Cluster: cluster, Version: version, Log: log, Engine: a.Engine, Credentials: a.Credentials(), Identity: a.Identity, Own: a.Own(),
		Cloud: func(observe access.Observe) (*digitalocean.Client, error) {
			api, err := a.Cloud(observe)
			if !needCloud && errors.Is(err, access.ErrNoToken) {
				return nil, nil
			}
			return api, err
		}})
	if err != nil {
		return nil, err
	}
	return &connection{App: swarmd}, nil
}

// oneShot returns the loop of a command, which acts while nobody else does.
func (c *connection) oneShot() *reconcile.Loop {
	r := c.role
	r.OneShot = true
	return c.Loop(r)
}

// understands refuses a file with what the engine is too old to know.
func (c *connection) understands(ctx context.Context, want *file.Document) error {
	lines, err := preflight.Unknown(ctx, c.Engine, want)
	if err == nil && len(lines) > 0 {
		return &exitError{code: 1, msg: strings.Join(append(lines, "nothing was changed"), "; ")}
	}
	return err
}

// offered refuses a file with what the cloud does not have. What the cloud does not say is a warning. Without a swarm live is nil.
func (a *cli) offered(ctx context.Context, api *digitalocean.Client, live preflight.Networks, path string, s *file.Document, data []byte) error {
	if api == nil { // the file names no machines
		return nil
	}
	found := preflight.Offers(ctx, api, live, path, s, data)
	if found.Denied != nil {
		return found.Denied
	}
	for _, w := range found.Warnings {
		printf(a.err, "warning: %s\n", w)
	}
	a.sayUnknown(found)
	return refused(a.err, path, found.Faults)
}

// sayUnknown says what the cloud did not say, and what to do about that.
func (a *cli) sayUnknown(found preflight.Findings) {
	if found.Unknown == "" {
		return
	}
	var call *apierr.Error
	text := a.redact(found.Unknown)
	if errors.As(found.Cause, &call) {
		text = withAdvice(text, a.advice(call))
	}
	printf(a.err, "warning: %s\n", text)
}

// connectFor is connect for a file that is to be handed in. One without nodes needs no cloud, and none is asked.
func (a *cli) connectFor(want *file.Document, b beginFlags) (*connection, error) {
	c, err := a.connect(want.Cluster, zap.NewNop(), len(want.Pools) > 0)
	if err != nil {
		return nil, err
	}
	c.role.TakeOver, c.role.NewCluster, c.role.Beginning = b.takeOver, b.newCluster, &want.Spec
	c.role.Confirmed = b.confirm
	if len(want.Pools) == 0 {
		c.WithoutCloud()
	}
	return c, nil
}
