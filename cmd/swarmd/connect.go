package main

import (
	"context"
	"errors"
	"strings"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// connection is the swarmd of one command, and what its loops are told.
type connection struct {
	*app.App
	role app.Role
}

// connect puts a swarmd together. A missing token leaves the cloud out, unless it is required.
func (a *cli) connect(cluster string, log *zap.Logger, needCloud bool) (*connection, error) {
	swarmd, err := app.New(app.Options{Cluster: cluster, Version: version, Log: log, Engine: a.Engine,
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

// visit returns the loop of a command, which acts while nobody else does.
func (c *connection) visit() *reconcile.Loop {
	r := c.role
	r.Visitor = true
	return c.Loop(r)
}

// understands reports, as an error, what the file has that the engine is too old to know: it would refuse, or drop it without a word.
func (c *connection) understands(ctx context.Context, want *spec.Spec) error {
	stack, err := docker.Convert(want.Cluster, want.Stack)
	if err != nil {
		return err
	}
	lines, err := c.Engine.Unknown(ctx, stack)
	if err == nil && len(lines) > 0 {
		return &exitError{code: 1, msg: strings.Join(append(lines, "nothing was changed"), "; ")}
	}
	return err
}
