// Package bootstrap makes a swarm from nothing: the first manager over the cloud's API, the swarm on its private address, the API
// token as a secret, the file as revision 1, swarmd on the managers. From then on the loop does everything; bootstrap only
// follows. Each step looks before it acts, so that a run after a broken one continues where that one stopped.
package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Cloud is what bootstrap needs of the cloud.
type Cloud interface {
	Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error)
	Droplet(ctx context.Context, id int) (cloud.Droplet, error)
	CreateDroplet(ctx context.Context, req cloud.CreateDroplet) (cloud.Droplet, error)
	TagDroplet(ctx context.Context, id int, tag string) error
}

// Engine is what bootstrap needs of the first manager's engine.
type Engine interface {
	Info(ctx context.Context) (swarm.Info, error)
	InitSwarm(ctx context.Context, addr, pool string) error
}

// Progress tells people what happens, a short sentence each time.
type Progress func(format string, args ...any)

// Options is what bootstrap starts from.
type Options struct {
	Spec    *spec.Spec
	Cloud   Cloud
	VPC     string          // uuid, "" for the region's default
	Private netip.Prefix    // the VPC's range: the swarm's own networks are put beside it
	Boot    userdata.Params // of the first manager, without a host key
	// UserData is what the first manager boots with: firewall, no join. It carries a private ssh host key that is made for this one create; the
	// public one is returned beside it, "" where nobody connects by ssh. So the machine is known before its first connection.
	UserData func(ctx context.Context) (text, hostKey string, err error)
	Intent   Records // where the write-ahead record of the one create lives
	// Dial reaches the Docker API through ssh. The host must show one of the keys; without any, the record says nothing of it: an older
	// bootstrap made it, or one on another machine.
	Dial     func(ctx context.Context, host string, hostKeys []string) (Engine, error)
	Progress Progress
	Poll     time.Duration // between two looks while waiting; 1 s
	Beside   bool          // a person said so: make the first manager beside droplets of a cluster of the name
}

// First is the first manager, reachable, with a swarm on it.
type First struct {
	Droplet cloud.Droplet
	Engine  Engine
	Created bool // by this run
}

// FirstManager returns the cluster's first manager and makes it if there is none. It is safe to run again at any point, also beside
// another run somewhere else. The machine has the tag of its swarm when it returns.
func FirstManager(ctx context.Context, o Options) (First, error) {
	if o.Poll == 0 {
		o.Poll = time.Second
	}
	first, err := o.first(ctx)
	if err != nil {
		return First{}, err
	}
	return first, o.mark(ctx, first)
}

// mark tags the machine with the id of the swarm that it is in: until there is a swarm nobody can.
func (o Options) mark(ctx context.Context, first First) error {
	info, err := first.Engine.Info(ctx)
	if err != nil {
		return err
	}
	switch ids := first.Droplet.SwarmIDs(); {
	case info.ClusterID == "":
		return fmt.Errorf("the engine of %s does not tell its swarm's id", first.Droplet.Name)
	case slices.Contains(ids, info.ClusterID):
		return nil
	case len(ids) > 0:
		o.Progress("%s is in the swarm %s, and tagged as one of %s: remove that tag, destroy goes by it", first.Droplet.Name, info.ClusterID, strings.Join(ids, ", "))
		return nil
	}
	if err := o.Cloud.TagDroplet(ctx, first.Droplet.ID, cloud.SwarmTag(info.ClusterID)); err != nil {
		return fmt.Errorf("tag %s with its swarm's id; run bootstrap again: %w", first.Droplet.Name, err)
	}
	return nil
}

func (o Options) first(ctx context.Context) (First, error) {
	droplet, created, err := o.droplet(ctx)
	if err != nil {
		return First{}, err
	}
	first, info, err := o.reach(ctx, droplet)
	if err != nil {
		return First{}, err
	}
	if first.Created = created; manages(info) {
		return first, nil
	}
	there, oldest, err := o.others(ctx, first)
	switch {
	case err != nil:
		return First{}, err
	case there.Engine != nil:
		return there, nil
	case oldest.Droplet.ID != first.Droplet.ID:
		o.Progress("another bootstrap made %s first: the swarm begins there, and %s (droplet %d) is one too many", oldest.Droplet.Name, first.Droplet.Name, first.Droplet.ID)
	}
	if err := o.initSwarm(ctx, oldest.Engine, oldest.Droplet.PrivateIPv4); err != nil {
		return First{}, err
	}
	return oldest, nil
}

// reach waits until the droplet's engine answers.
func (o Options) reach(ctx context.Context, d cloud.Droplet) (First, swarm.Info, error) {
	d, err := o.waitActive(ctx, d)
	if err != nil {
		return First{}, swarm.Info{}, err
	}
	o.Progress("droplet %s is active at %s", d.Name, d.PublicIPv4)
	record, err := o.Intent.Open(o.Spec.Cluster)
	if err != nil {
		return First{}, swarm.Info{}, err
	}
	engine, info, err := o.waitEngine(ctx, d.PublicIPv4, record.hostKeysOf(d))
	return First{Droplet: d, Engine: engine}, info, err
}

func manages(info swarm.Info) bool { return info.LocalState == "active" && info.ControlAvail }

// others looks at the other machines of the pool before a swarm is begun on one that is in none. One of them may be a manager: two
// swarms of one cluster would each take the other's droplets for its own and delete them. Who cannot be asked could be one, so that is an
// error. If none is, the oldest is where the swarm begins, whoever made it.
func (o Options) others(ctx context.Context, first First) (there, oldest First, err error) {
	pool, err := o.managerPool()
	if err != nil {
		return First{}, First{}, err
	}
	all, err := o.ownWith(ctx, pool, first.Droplet)
	if err != nil {
		return First{}, First{}, err
	}
	oldest = first
	for _, d := range all {
		if d.ID == first.Droplet.ID {
			continue
		}
		other, info, err := o.reach(ctx, d)
		if err != nil {
			return First{}, First{}, fmt.Errorf("%s is in no swarm, and whether %s is cannot be seen; two swarms must not be: %w", first.Droplet.Name, d.Name, err)
		}
		if manages(info) {
			return other, First{}, nil
		}
		if older(d, oldest.Droplet) {
			oldest = other
		}
	}
	return First{}, oldest, nil
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
		if err := clock.Sleep(ctx, o.Poll); err != nil {
			return cloud.Droplet{}, false, err
		}
	}
	d, err := o.create(ctx, pool, intent)
	return d, err == nil, err
}

func (o Options) name(pool spec.Pool, opID string) string {
	return cloud.DropletName(o.Spec.Cluster, pool.Name, opID)
}

// existing returns the oldest droplet that is the cluster's own and in the pool; a zero ID if there is none.
func (o Options) existing(ctx context.Context, pool spec.Pool) (cloud.Droplet, error) {
	var oldest cloud.Droplet
	all, err := o.own(ctx, pool)
	for _, d := range all {
		if oldest.ID == 0 || older(d, oldest) {
			oldest = d
		}
	}
	return oldest, err
}

// own returns the droplets that are the cluster's own and in the pool. Of two swarms that have the cluster's name nobody can say which is meant.
func (o Options) own(ctx context.Context, pool spec.Pool) ([]cloud.Droplet, error) {
	all, err := o.Cloud.Droplets(ctx, cloud.ClusterTag(o.Spec.Cluster))
	if err != nil {
		return nil, err
	}
	others := slices.DeleteFunc(slices.Clone(all), func(d cloud.Droplet) bool { return d.OpID() == "" || !strings.HasPrefix(d.Name, o.Spec.Cluster+"-") })
	all = slices.DeleteFunc(all, func(d cloud.Droplet) bool { return d.OpID() == "" || d.Name != o.name(pool, d.OpID()) })
	if len(all) == 0 && len(others) > 0 && !o.Beside {
		return nil, fmt.Errorf("a cluster %s has machines already (%s, droplet %d), and none in the pool %s of this file; nothing was changed: use swarmd apply if it lives, "+
			"swarmd destroy if it shall go, another name for another cluster, or --take-over to begin beside them", o.Spec.Cluster, others[0].Name, others[0].ID, pool.Name)
	}
	var swarms []string
	for _, d := range all {
		swarms = append(swarms, d.SwarmIDs()...)
	}
	slices.Sort(swarms)
	if swarms = slices.Compact(swarms); len(swarms) > 1 {
		return nil, fmt.Errorf("the swarms %s both have machines of a cluster %s: destroy one with swarmd destroy --swarm ID, or use another name", strings.Join(swarms, " and "), o.Spec.Cluster)
	}
	return all, nil
}

// ownWith is own by a list that shows the droplet, too. Of two bootstraps at once at least one sees the other's machine then: a list that is
// older than the own machine may lack both, and each would begin a swarm.
func (o Options) ownWith(ctx context.Context, pool spec.Pool, d cloud.Droplet) ([]cloud.Droplet, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Spec.Policies.CreateVisible)
	defer cancel()
	for {
		all, err := o.own(ctx, pool)
		if err != nil || slices.ContainsFunc(all, func(o cloud.Droplet) bool { return o.ID == d.ID }) {
			return all, err
		}
		if err := clock.Sleep(ctx, o.Poll); err != nil {
			return nil, fmt.Errorf("%s is not listed, so another bootstrap's machine may not be, either; two swarms must not be: run bootstrap again: %w", d.Name, err)
		}
	}
}

func older(a, b cloud.Droplet) bool {
	return a.Created.Before(b.Created) || a.Created.Equal(b.Created) && a.ID < b.ID
}

func (o Options) create(ctx context.Context, pool spec.Pool, intent Record) (cloud.Droplet, error) {
	userData, hostKey, err := o.UserData(ctx)
	if err != nil {
		return cloud.Droplet{}, err
	}
	if intent, err = o.Intent.Send(o.Spec.Cluster, hostKey); err != nil {
		return cloud.Droplet{}, err
	}
	name := o.name(pool, intent.OpID)
	o.Progress("creating droplet %s (%s, %s, %s)", name, pool.Size, pool.Image, pool.Region)
	d, err := o.Cloud.CreateDroplet(ctx, cloud.CreateDroplet{
		Name: name, Region: pool.Region, Size: pool.Size, Image: pool.Image, VPC: o.VPC, SSHKeys: o.Spec.Cloud.SSHKeys,
		Tags:     []string{cloud.ClusterTag(o.Spec.Cluster), cloud.OpTag(intent.OpID)},
		UserData: userData,
	})
	if err == nil && (d.Name == name || d.OpID() == intent.OpID) {
		return d, nil
	}
	if err == nil {
		err = fmt.Errorf("it is about droplet %d, which has neither the name nor the tag that were asked for", d.ID)
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
		if err := clock.Sleep(ctx, o.Poll); err != nil {
			return cloud.Droplet{}, err
		}
	}
	return cloud.Droplet{}, errors.New("the droplet did not appear; the create had no effect: run bootstrap again")
}

func (o Options) waitActive(ctx context.Context, d cloud.Droplet) (cloud.Droplet, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Spec.Policies.JoinTimeout(""))
	defer cancel()
	for {
		now, err := o.Cloud.Droplet(ctx, d.ID)
		if err == nil && now.Status == cloud.StatusActive && now.PublicIPv4 != "" && now.PrivateIPv4 != "" {
			return now, nil
		}
		// Just created, it may be 404 for a moment; for longer it means that its placement failed.
		if err := clock.Sleep(ctx, o.Poll); err != nil {
			return d, fmt.Errorf("droplet %d did not become active: %w", d.ID, err)
		}
	}
}

func (o Options) waitEngine(ctx context.Context, host string, hostKeys []string) (Engine, swarm.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, o.Spec.Policies.JoinTimeout(""))
	defer cancel()
	o.Progress("waiting for ssh and the engine on %s", host)
	for {
		engine, err := o.Dial(ctx, host, hostKeys)
		var info swarm.Info
		if err == nil {
			if info, err = engine.Info(ctx); err == nil {
				return engine, info, nil
			}
		}
		if fatal := (*FatalError)(nil); errors.As(err, &fatal) {
			return nil, info, err
		}
		if serr := clock.Sleep(ctx, o.Poll/2); serr != nil {
			return nil, info, fmt.Errorf("no engine over ssh on %s: %w", host, err)
		}
	}
}

// initSwarm makes the swarm on the private address, or finds it made.
func (o Options) initSwarm(ctx context.Context, e Engine, addr string) error {
	info, err := e.Info(ctx)
	if err != nil {
		return err
	}
	if manages(info) {
		return nil
	}
	if info.LocalState != "inactive" {
		return fmt.Errorf("the engine of the first manager is in swarm state %q; it must be inactive or an active manager", info.LocalState)
	}
	o.Progress("initialising the swarm on %s", addr)
	initErr := e.InitSwarm(ctx, addr, o.pool())
	// The answer may have been lost: what counts is the state after it.
	if info, err = e.Info(ctx); err == nil && manages(info) {
		return nil
	}
	return errors.Join(initErr, err)
}

// pool is where the swarm's networks take their ranges from, "" for the engine's own choice, 10.0.0.0/8. A container whose network overlaps the
// VPC reaches no machine there. The half of that range that the VPC is not in has room for 32,768 networks. DigitalOcean's VPCs are no larger than a /16.
func (o Options) pool() string {
	engines := netip.MustParsePrefix("10.0.0.0/8")
	if !o.Private.IsValid() || !engines.Overlaps(o.Private) {
		return ""
	}
	for _, half := range []string{"10.0.0.0/9", "10.128.0.0/9"} {
		if !netip.MustParsePrefix(half).Overlaps(o.Private) {
			return half
		}
	}
	return "192.168.0.0/16"
}

// FatalError is a failed dial that no waiting mends: a host key that is not the one that it must be.
type FatalError struct{ Err error }

func (e *FatalError) Error() string { return e.Err.Error() }
func (e *FatalError) Unwrap() error { return e.Err }
