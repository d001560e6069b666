package brake

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

// cloudSide and swarmSide name the sides in errors.
const (
	cloudSide = "cloud"
	swarmSide = "swarm"
)

// Cloud is the cloud's side behind the brakes. It is safe for concurrent use.
type Cloud struct{ *brakes }

var _ CloudAPI = (*Cloud)(nil)

// Droplets lists the droplets with the tag.
func (c *Cloud) Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error) {
	if err := c.spend("list droplets"); err != nil {
		return nil, err
	}
	found, err := c.opts.Cloud.Droplets(ctx, tag)
	if err == nil {
		c.observe(found...)
	}
	return found, err
}

// Droplet returns a droplet.
func (c *Cloud) Droplet(ctx context.Context, id int) (cloud.Droplet, error) {
	if err := c.spend("get droplet"); err != nil {
		return cloud.Droplet{}, err
	}
	d, err := c.opts.Cloud.Droplet(ctx, id)
	if err == nil {
		c.observe(d)
	}
	return d, err
}

// CreateDroplet creates a droplet that can be known as the cluster's afterwards: with its tag, one operation tag, the name that goes with
// it, and the tag of this swarm if there is one.
func (c *Cloud) CreateDroplet(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
	const op = "create droplet"
	wanted := cloud.Droplet{ID: 1, Name: r.Name, Tags: r.Tags}
	opTags := slices.DeleteFunc(slices.Clone(r.Tags), func(t string) bool { return !strings.HasPrefix(t, cloud.OpTagPrefix) })
	if !wanted.HasTag(cloud.ClusterTag(c.opts.Cluster)) || c.othersTag(wanted) || len(opTags) != 1 || cloud.ParseDropletName(c.opts.Cluster, r.Name, wanted.OpID()) == "" {
		return cloud.Droplet{}, c.refuse(Ownership, cloudSide, op, "name %q and tags %q are not those of a droplet of cluster %s", r.Name, r.Tags, c.opts.Cluster)
	}
	if c.ledgerSeen().ServicesOnly {
		return cloud.Droplet{}, c.refuse(Ownership, cloudSide, op, "cluster %s owns no nodes", c.opts.Cluster)
	}
	if err := c.forThisSwarm(ctx, op, wanted); err != nil {
		return cloud.Droplet{}, err
	}
	if err := c.spend(op); err != nil {
		return cloud.Droplet{}, err
	}
	d, err := c.opts.Cloud.CreateDroplet(ctx, r)
	if err == nil && d.ID > 0 {
		c.mu.Lock()
		c.created[d.ID] = r.Name
		c.mu.Unlock()
	}
	return d, err
}

// TagDroplet tags a droplet of the cluster as one of a swarm, if it is no other swarm's by a tag that it has. Where there is an engine, that
// is its swarm.
func (c *Cloud) TagDroplet(ctx context.Context, id int, tag string) error {
	const op = "tag droplet"
	d, err := c.freshView(ctx, op, id)
	if err != nil {
		return err
	}
	tagged := cloud.Droplet{Tags: []string{tag}}
	if !c.owned(d) || len(tagged.SwarmIDs()) == 0 || len(d.SwarmIDs()) > 0 && !d.HasTag(tag) {
		return c.refuse(Ownership, cloudSide, op, "droplet %d (%s) with the tags %q is not to be tagged %q", id, d.Name, d.Tags, tag)
	}
	if here, err := c.swarmID(ctx); err != nil {
		return c.refuse(View, cloudSide, op, "the swarm could not be looked at first: %w", opaque(err))
	} else if here != "" && tag != cloud.SwarmTag(here) {
		return c.refuse(Ownership, cloudSide, op, "droplet %d (%s) is not to be tagged %q, this swarm is %q", id, d.Name, tag, here)
	}
	if err := c.spend(op); err != nil {
		return err
	}
	return c.opts.Cloud.TagDroplet(ctx, id, tag)
}

// DeleteDroplet deletes a droplet of the cluster for which the ledger has an open operation, if that is within what is permitted
// and no manager is on it. One that does not exist is a success, without a request.
func (c *Cloud) DeleteDroplet(ctx context.Context, id int) error {
	const op = "delete droplet"
	done, err := c.takeTurn(ctx, cloudSide, op, strconv.Itoa(id))
	if err != nil {
		return err
	}
	defer done()
	d, err := c.freshView(ctx, op, id)
	switch {
	case apierr.KindOf(err) == apierr.NotFound:
		return nil
	case err != nil:
		return err
	case !c.owned(d):
		return c.notOurs(op, d)
	}
	if err := c.deletable(ctx, op, d); err != nil {
		return err
	}
	if err := c.leftAlone(op, d); err != nil {
		return err
	}
	if err := permitted(ctx); err != nil {
		return err
	}
	if err := c.spend(op); err != nil {
		return err
	}
	return c.opts.Cloud.DeleteDroplet(ctx, id)
}

func (b *brakes) notOurs(op string, d cloud.Droplet) error {
	return b.refuse(Ownership, cloudSide, op, "droplet %d (%s) is not one of cluster %s", d.ID, d.Name, b.opts.Cluster)
}

// Shutdown asks a droplet of the cluster to shut down, if the managers keep their majority without it.
func (c *Cloud) Shutdown(ctx context.Context, id int) (cloud.Action, error) {
	return c.stop(ctx, "shutdown droplet", id, c.opts.Cloud.Shutdown)
}

// PowerOff cuts the power of a droplet of the cluster, if the managers keep their majority without it.
func (c *Cloud) PowerOff(ctx context.Context, id int) (cloud.Action, error) {
	return c.stop(ctx, "power off droplet", id, c.opts.Cloud.PowerOff)
}

// Resize gives a droplet of the cluster another size: one that is off, and for which the ledger has the open resize to that size.
func (c *Cloud) Resize(ctx context.Context, id int, size string) (cloud.Action, error) {
	const op = "resize droplet"
	done, err := c.takeTurn(ctx, cloudSide, op, strconv.Itoa(id))
	if err != nil {
		return cloud.Action{}, err
	}
	defer done()
	if err := c.resizable(ctx, op, id, size); err != nil {
		return cloud.Action{}, err
	}
	if err := permitted(ctx); err != nil {
		return cloud.Action{}, err
	}
	if err := c.spend(op); err != nil {
		return cloud.Action{}, err
	}
	return c.opts.Cloud.Resize(ctx, id, size)
}

type act func(context.Context, int) (cloud.Action, error)

func (c *Cloud) stop(ctx context.Context, op string, id int, send act) (cloud.Action, error) {
	done, err := c.takeTurn(ctx, cloudSide, op, strconv.Itoa(id))
	if err != nil {
		return cloud.Action{}, err
	}
	defer done()
	d, err := c.ours(ctx, op, id)
	if err != nil {
		return cloud.Action{}, err
	}
	managers, err := c.stoppable(ctx, op, d)
	if err == nil {
		err = c.leftAlone(op, d)
	}
	if err == nil {
		err = permitted(ctx)
	}
	if err != nil {
		return cloud.Action{}, err
	}
	if err := c.spend(op); err != nil {
		return cloud.Action{}, err
	}
	a, err := send(ctx, id)
	if mayHaveHappened(err) {
		c.disrupt(managers...)
	}
	return a, err
}

// PowerOn starts a droplet of the cluster.
func (c *Cloud) PowerOn(ctx context.Context, id int) (cloud.Action, error) {
	return c.start(ctx, "power on droplet", id, c.opts.Cloud.PowerOn)
}

// PowerCycle switches a droplet of the cluster off and on, if its node is down. One that carries a manager is cycled only where the others are a majority.
func (c *Cloud) PowerCycle(ctx context.Context, id int) (cloud.Action, error) {
	const op = "power cycle droplet"
	d, err := c.ours(ctx, op, id)
	if err != nil {
		return cloud.Action{}, err
	}
	managers, living, err := c.nodesOn(ctx, d)
	switch {
	case err != nil:
		return cloud.Action{}, c.refuse(View, cloudSide, op, "the nodes could not be looked at first: %w", opaque(err))
	case living != "":
		return cloud.Action{}, c.refuse(Joined, cloudSide, op, "droplet %d carries the node %s, which is not down", d.ID, living)
	case managers != "":
		if _, err := c.stoppable(ctx, op, d); err != nil {
			return cloud.Action{}, err
		}
	}
	if err := c.leftAlone(op, d); err != nil {
		return cloud.Action{}, err
	}
	return c.start(ctx, op, id, c.opts.Cloud.PowerCycle)
}

func (c *Cloud) start(ctx context.Context, op string, id int, send act) (cloud.Action, error) {
	d, err := c.ours(ctx, op, id)
	if err != nil {
		return cloud.Action{}, err
	}
	nodes, err := c.look(ctx)
	if apierr.KindOf(err) == apierr.NoLeader {
		if nodes, err = c.managersSeen(), nil; len(nodes) == 0 {
			return c.startPeer(ctx, op, d, send)
		}
	}
	if err != nil {
		return cloud.Action{}, c.refuse(View, cloudSide, op, "the nodes could not be looked at first: %w", opaque(err))
	}
	if err := c.belongs(ctx, op, d, nodes); err != nil {
		return cloud.Action{}, err
	}
	if err := permitted(ctx); err != nil {
		return cloud.Action{}, err
	}
	if err := c.spend(op); err != nil {
		return cloud.Action{}, err
	}
	return send(ctx, id)
}

// ours returns the droplet if it is the cluster's.
func (c *Cloud) ours(ctx context.Context, op string, id int) (cloud.Droplet, error) {
	d, err := c.view(ctx, op, id)
	if err == nil && !c.owned(d) {
		err = c.notOurs(op, d)
	}
	return d, err
}

// Action returns how far an action is.
func (c *Cloud) Action(ctx context.Context, dropletID, actionID int) (cloud.Action, error) {
	if err := c.spend("get action"); err != nil {
		return cloud.Action{}, err
	}
	return c.opts.Cloud.Action(ctx, dropletID, actionID)
}

// Sizes returns the sizes on offer.
func (c *Cloud) Sizes(ctx context.Context) ([]cloud.Size, error) {
	if err := c.spend("list sizes"); err != nil {
		return nil, err
	}
	return c.opts.Cloud.Sizes(ctx)
}

// Account returns who the token belongs to.
func (c *Cloud) Account(ctx context.Context) (cloud.Account, error) {
	if err := c.spend("get account"); err != nil {
		return cloud.Account{}, err
	}
	return c.opts.Cloud.Account(ctx)
}

// VPCs returns the private networks.
func (c *Cloud) VPCs(ctx context.Context) ([]cloud.VPC, error) {
	if err := c.spend("list vpcs"); err != nil {
		return nil, err
	}
	return c.opts.Cloud.VPCs(ctx)
}
