// Package bootstrap makes a swarm from nothing: the first manager over the cloud's API, the swarm on its private address, the API
// token as a secret, the file as revision 1, swarmd on the managers. From then on the loop does everything; bootstrap only
// follows. Each step looks before it acts, so that a run after a broken one continues where that one stopped.
package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Cloud is what bootstrap needs of the cloud.
type Cloud interface {
	Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error)
	Droplet(ctx context.Context, id int) (cloud.Droplet, error)
	CreateDroplet(ctx context.Context, req cloud.CreateDroplet) (cloud.Droplet, error)
}

// Engine is what bootstrap needs of the first manager's engine.
type Engine interface {
	Info(ctx context.Context) (swarm.Info, error)
	InitSwarm(ctx context.Context, addr string) error
}

// Progress tells people what happens, a short sentence each time.
type Progress func(format string, args ...any)

// Options is what bootstrap starts from.
type Options struct {
	Spec     *spec.Spec
	Cloud    Cloud
	VPC      string                                                 // uuid, "" for the region's default
	UserData func(ctx context.Context) (string, error)              // of the first manager: firewall, no join
	Intent   Intent                                                 // where the write-ahead record of the one create lives
	Dial     func(ctx context.Context, host string) (Engine, error) // the Docker API through ssh
	Progress Progress
	Poll     time.Duration // between two looks while waiting; 1 s
}

// First is the first manager, reachable, with a swarm on it.
type First struct {
	Droplet cloud.Droplet
	Engine  Engine
	Created bool // by this run
}

// FirstManager returns the cluster's first manager and makes it if there is none. It is safe to run again at any point.
func FirstManager(ctx context.Context, o Options) (First, error) {
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	droplet, created, err := o.droplet(ctx)
	if err != nil {
		return First{}, err
	}
	if droplet, err = o.waitActive(ctx, droplet); err != nil {
		return First{}, err
	}
	o.Progress("droplet %s is active at %s", droplet.Name, droplet.PublicIPv4)
	engine, err := o.waitEngine(ctx, droplet.PublicIPv4)
	if err != nil {
		return First{}, err
	}
	if err := o.initSwarm(ctx, engine, droplet.PrivateIPv4); err != nil {
		return First{}, err
	}
	return First{Droplet: droplet, Engine: engine, Created: created}, nil
}

func (o Options) managerPool() (spec.Pool, error) {
	for _, p := range o.Spec.Pools {
		if p.Role == string(swarm.Manager) && p.Count > 0 {
			return p, nil
		}
	}
	return spec.Pool{}, errors.New("the file has no manager pool")
}

// droplet finds the cluster's oldest machine in a manager pool, or creates it.
func (o Options) droplet(ctx context.Context) (cloud.Droplet, bool, error) {
	pool, err := o.managerPool()
	if err != nil {
		return cloud.Droplet{}, false, err
	}
	intent, err := o.Intent.Open(o.Spec.Cluster)
	if err != nil {
		return cloud.Droplet{}, false, err
	}
	deadline := intent.Started.Add(o.Spec.Policies.CreateVisible)
	for {
		found, err := o.existing(ctx, pool)
		if err != nil || found.ID != 0 {
			return found, false, err
		}
		// An earlier run may have sent its create and died before the answer: its droplet can take a while to be listed.
		if !intent.Sent || time.Now().After(deadline) {
			break
		}
		o.Progress("an earlier run may have created %s; looking for it until %s", o.name(pool, intent.OpID), deadline.Format(time.TimeOnly))
		if err := sleep(ctx, o.Poll); err != nil {
			return cloud.Droplet{}, false, err
		}
	}
	d, err := o.create(ctx, pool, intent)
	return d, err == nil, err
}

func (o Options) name(pool spec.Pool, opID string) string {
	return fmt.Sprintf("%s-%s-%.5s", o.Spec.Cluster, pool.Name, opID)
}

// existing returns the oldest droplet that is the cluster's own and in the pool; a zero ID if there is none.
func (o Options) existing(ctx context.Context, pool spec.Pool) (cloud.Droplet, error) {
	all, err := o.Cloud.Droplets(ctx, cloud.ClusterTag(o.Spec.Cluster))
	if err != nil {
		return cloud.Droplet{}, err
	}
	var oldest cloud.Droplet
	for _, d := range all {
		own := d.OpID() != "" && d.Name == o.name(pool, d.OpID())
		if own && (oldest.ID == 0 || d.Created.Before(oldest.Created) || d.Created.Equal(oldest.Created) && d.ID < oldest.ID) {
			oldest = d
		}
	}
	return oldest, nil
}

func (o Options) create(ctx context.Context, pool spec.Pool, intent Record) (cloud.Droplet, error) {
	userData, err := o.UserData(ctx)
	if err != nil {
		return cloud.Droplet{}, err
	}
	if intent, err = o.Intent.Send(o.Spec.Cluster); err != nil {
		return cloud.Droplet{}, err
	}
	name := o.name(pool, intent.OpID)
	o.Progress("creating droplet %s (%s, %s, %s)", name, pool.Size, pool.Image, pool.Region)
	d, err := o.Cloud.CreateDroplet(ctx, cloud.CreateDroplet{
		Name: name, Region: pool.Region, Size: pool.Size, Image: pool.Image, VPC: o.VPC, SSHKeys: o.Spec.Cloud.SSHKeys,
		Tags:     []string{cloud.ClusterTag(o.Spec.Cluster), cloud.OpTag(intent.OpID)},
		UserData: userData,
	})
	if err == nil {
		return d, nil
	}
	if apierr.KindOf(err).Refused() {
		return cloud.Droplet{}, errors.Join(err, o.Intent.Close(o.Spec.Cluster))
	}
	o.Progress("the answer to the create was lost (%v); looking for the droplet, not asking again", err)
	return o.waitListed(ctx, pool, intent)
}

func (o Options) waitListed(ctx context.Context, pool spec.Pool, intent Record) (cloud.Droplet, error) {
	deadline := intent.Started.Add(o.Spec.Policies.CreateVisible)
	for time.Now().Before(deadline) {
		d, err := o.existing(ctx, pool)
		if err == nil && d.ID != 0 {
			return d, nil
		}
		if err := sleep(ctx, o.Poll); err != nil {
			return cloud.Droplet{}, err
		}
	}
	return cloud.Droplet{}, errors.New("the droplet did not appear; the create had no effect: run bootstrap again")
}

func (o Options) waitActive(ctx context.Context, d cloud.Droplet) (cloud.Droplet, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Spec.Policies.LaunchTimeout)
	defer cancel()
	for {
		now, err := o.Cloud.Droplet(ctx, d.ID)
		if err == nil && now.Status == cloud.StatusActive && now.PublicIPv4 != "" && now.PrivateIPv4 != "" {
			return now, nil
		}
		// Just created, it may be 404 for a moment; for longer it means that its placement failed.
		if err := sleep(ctx, o.Poll); err != nil {
			return d, fmt.Errorf("droplet %d did not become active: %w", d.ID, err)
		}
	}
}

func (o Options) waitEngine(ctx context.Context, host string) (Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Spec.Policies.LaunchTimeout)
	defer cancel()
	o.Progress("waiting for ssh and the engine on %s", host)
	for {
		engine, err := o.Dial(ctx, host)
		if err == nil {
			if _, err = engine.Info(ctx); err == nil {
				return engine, nil
			}
		}
		if fatal := (*FatalError)(nil); errors.As(err, &fatal) {
			return nil, err
		}
		if serr := sleep(ctx, o.Poll/2); serr != nil {
			return nil, fmt.Errorf("no engine over ssh on %s: %w", host, err)
		}
	}
}

// initSwarm makes the swarm on the private address, or finds it made.
func (o Options) initSwarm(ctx context.Context, e Engine, addr string) error {
	info, err := e.Info(ctx)
	if err != nil {
		return err
	}
	if info.LocalState == "active" && info.ControlAvail {
		return nil
	}
	if info.LocalState != "inactive" {
		return fmt.Errorf("the engine of the first manager is in swarm state %q; it must be inactive or an active manager", info.LocalState)
	}
	o.Progress("initialising the swarm on %s", addr)
	initErr := e.InitSwarm(ctx, addr)
	// The answer may have been lost: what counts is the state after it.
	if info, err = e.Info(ctx); err == nil && info.LocalState == "active" && info.ControlAvail {
		return nil
	}
	return errors.Join(initErr, err)
}

// FatalError is a failed dial that no waiting mends: a changed host key, a refused login.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return e.Err.Error() }
func (e *FatalError) Unwrap() error { return e.Err }

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
