package digitalocean

import (
	"context"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/cloud"
)

// Shutdown asks the droplet's system to shut down. The action's completion says that it was asked, not that it obeyed.
func (c *Client) Shutdown(ctx context.Context, id int) (cloud.Action, error) {
	return c.act(ctx, "shutdown droplet", id, c.api.DropletActions.Shutdown)
}

// PowerOff cuts the droplet's power.
func (c *Client) PowerOff(ctx context.Context, id int) (cloud.Action, error) {
	return c.act(ctx, "power off droplet", id, c.api.DropletActions.PowerOff)
}

// PowerOn starts a droplet that is off.
func (c *Client) PowerOn(ctx context.Context, id int) (cloud.Action, error) {
	return c.act(ctx, "power on droplet", id, c.api.DropletActions.PowerOn)
}

// PowerCycle cuts the droplet's power and starts it again.
func (c *Client) PowerCycle(ctx context.Context, id int) (cloud.Action, error) {
	return c.act(ctx, "power cycle droplet", id, c.api.DropletActions.PowerCycle)
}

// Resize gives the droplet, which must be off, another size, and leaves its disk as it is: a disk that has grown never shrinks again. Kind Capacity:
// there is no room for the size where the droplet is.
func (c *Client) Resize(ctx context.Context, id int, size string) (cloud.Action, error) {
	const op = "resize droplet"
	if size == "" {
		return cloud.Action{}, c.refuse(op, "droplet %d is to get a size without a name", id)
	}
	return c.act(ctx, op, id, func(ctx context.Context, id int) (*godo.Action, *godo.Response, error) {
		return c.api.DropletActions.Resize(ctx, id, size, false)
	})
}

type actionCall func(context.Context, int) (*godo.Action, *godo.Response, error)

// act sends an action once. Kind Busy: another action is in flight on the droplet.
func (c *Client) act(ctx context.Context, op string, id int, call actionCall) (cloud.Action, error) {
	if id <= 0 {
		return cloud.Action{}, c.refuse(op, "%d is no droplet id", id)
	}
	return write(ctx, c, op, func(ctx context.Context) (cloud.Action, error) {
		a, _, err := call(ctx, id)
		return action(a, err)
	})
}

// Action returns how far an action on a droplet is.
func (c *Client) Action(ctx context.Context, dropletID, actionID int) (cloud.Action, error) {
	const op = "get action"
	if dropletID <= 0 || actionID <= 0 {
		return cloud.Action{}, c.refuse(op, "%d/%d is no action", dropletID, actionID)
	}
	return read(ctx, c, op, func(ctx context.Context) (cloud.Action, error) {
		a, _, err := c.api.DropletActions.Get(ctx, dropletID, actionID)
		return action(a, err)
	})
}

func action(a *godo.Action, err error) (cloud.Action, error) {
	if err != nil {
		return cloud.Action{}, err
	}
	if a == nil || a.ID <= 0 {
		return cloud.Action{}, malformed("an action without an id")
	}
	return cloud.Action{ID: a.ID, Type: a.Type, Status: a.Status}, nil
}
