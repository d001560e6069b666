package digitalocean

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

// maxUserData is the API's limit on user-data.
const maxUserData = 64 << 10

// tagForm is what the API allows in a tag.
var tagForm = regexp.MustCompile(`^[A-Za-z0-9:_-]{1,255}$`)

// Droplets returns all droplets with the tag, sorted by id: complete, or an error. No tag is refused: it would list the account.
func (c *Client) Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error) {
	const op = "list droplets"
	if !tagForm.MatchString(tag) {
		return nil, c.refuse(op, "%q is no tag", tag)
	}
	now := instant()
	all, err := listAll(ctx, c, op, dropletKey, func(ctx context.Context, o *godo.ListOptions) ([]godo.Droplet, *godo.Response, error) {
		found, resp, err := c.listed.unlessSame(ctx, tag+" "+strconv.Itoa(o.Page), func(ctx context.Context) ([]godo.Droplet, *godo.Response, error) {
			return c.api.Droplets.ListByTag(ctx, tag, o)
		})
		if err == nil && slices.ContainsFunc(found, func(d godo.Droplet) bool { return d.ID <= 0 }) {
			err = malformed("a droplet without an id")
		}
		return found, resp, err
	})
	if err != nil {
		return nil, err
	}
	droplets := make([]cloud.Droplet, len(all))
	for i := range all {
		droplets[i] = droplet(&all[i], now)
	}
	slices.SortFunc(droplets, func(a, b cloud.Droplet) int { return a.ID - b.ID })
	return droplets, nil
}

func dropletKey(d godo.Droplet) string { return "droplet " + strconv.Itoa(d.ID) }

// Droplet returns the droplet; Kind NotFound if there is none with that id.
func (c *Client) Droplet(ctx context.Context, id int) (cloud.Droplet, error) {
	const op = "get droplet"
	if id <= 0 {
		return cloud.Droplet{}, c.refuse(op, "%d is no droplet id", id)
	}
	now := instant()
	return read(ctx, c, op, func(ctx context.Context) (cloud.Droplet, error) {
		d, err := c.listed.one(ctx, func(ctx context.Context) (*godo.Droplet, error) {
			d, _, err := c.api.Droplets.Get(ctx, id)
			return d, err
		})
		if err != nil {
			return cloud.Droplet{}, err
		}
		if d == nil || d.ID != id {
			return cloud.Droplet{}, malformed("not the droplet that was asked for")
		}
		return droplet(d, now), nil
	})
}

// CreateDroplet makes one droplet. It is sent once: the API has no idempotency key, so after Kind Unknown only the operation's tag
// tells whether the droplet exists.
func (c *Client) CreateDroplet(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
	const op = "create droplet"
	req, err := createRequest(r)
	if err != nil {
		return cloud.Droplet{}, c.classify(op, true, err, instant())
	}
	now := instant()
	return write(ctx, c, op, func(ctx context.Context) (cloud.Droplet, error) {
		d, _, err := c.api.Droplets.Create(ctx, req)
		if err != nil {
			return cloud.Droplet{}, err
		}
		if d == nil || d.ID <= 0 {
			return cloud.Droplet{}, malformed("a created droplet without an id")
		}
		return droplet(d, now), nil
	})
}

// createRequest turns our words into godo's, and refuses what the API would refuse or, worse, fill in by itself.
func createRequest(r cloud.CreateDroplet) (*godo.DropletCreateRequest, error) {
	if r.Name == "" || r.Region == "" || r.Size == "" || r.Image == "" {
		return nil, invalid("a droplet needs name, region, size and image")
	}
	if len(r.UserData) > maxUserData {
		return nil, invalid("user-data of %d bytes is over %d", len(r.UserData), maxUserData)
	}
	for _, t := range r.Tags {
		if !tagForm.MatchString(t) {
			return nil, invalid("%q is no tag", t)
		}
	}
	req := &godo.DropletCreateRequest{
		Name: r.Name, Region: r.Region, Size: r.Size, Image: image(r.Image),
		VPCUUID: r.VPC, Tags: r.Tags, UserData: r.UserData, SSHKeys: []godo.DropletCreateSSHKey{},
	}
	for _, k := range r.SSHKeys {
		req.SSHKeys = append(req.SSHKeys, sshKey(k))
	}
	return req, nil
}

// TagDroplet puts one more tag onto the droplet, which the account need not know yet. Both requests may be repeated without harm.
func (c *Client) TagDroplet(ctx context.Context, id int, tag string) error {
	const op = "tag droplet"
	if id <= 0 || !tagForm.MatchString(tag) {
		return c.refuse(op, "%d is no droplet id, or %q no tag", id, tag)
	}
	_, err := write(ctx, c, op, func(ctx context.Context) (struct{}, error) {
		_, _, err := c.api.Tags.Create(ctx, &godo.TagCreateRequest{Name: tag})
		return struct{}{}, err
	})
	if err != nil {
		return err
	}
	_, err = write(ctx, c, op, func(ctx context.Context) (struct{}, error) {
		_, err := c.api.Tags.TagResources(ctx, tag, &godo.TagResourcesRequest{
			Resources: []godo.Resource{{ID: strconv.Itoa(id), Type: godo.DropletResourceType}}})
		return struct{}{}, err
	})
	return err
}

// DeleteDroplet deletes the droplet, by id and never by tag. One that does not exist is a success.
func (c *Client) DeleteDroplet(ctx context.Context, id int) error {
	const op = "delete droplet"
	if id <= 0 {
		return c.refuse(op, "%d is no droplet id", id)
	}
	_, err := write(ctx, c, op, func(ctx context.Context) (struct{}, error) {
		resp, err := c.api.Droplets.Delete(ctx, id)
		if err == nil && resp.StatusCode != http.StatusNoContent {
			err = malformed(fmt.Sprintf("status %d to a delete", resp.StatusCode))
		}
		return struct{}{}, err
	})
	if apierr.KindOf(err) == apierr.NotFound {
		return nil
	}
	return err
}

// refuse is the error for a request that is wrong before it is sent.
func (c *Client) refuse(op, format string, args ...any) error {
	return &apierr.Error{Kind: apierr.Invalid, Side: side, Op: op, Err: c.scrub(invalid(format, args...))}
}
