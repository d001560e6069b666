package digitalocean

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/cloud"
)

// Regions returns all regions, those too that take no new droplets, sorted by slug.
func (c *Client) Regions(ctx context.Context) ([]cloud.Region, error) {
	all, err := listAll(ctx, c, "list regions", func(r godo.Region) string { return "region " + r.Slug }, c.api.Regions.List)
	if err != nil {
		return nil, err
	}
	regions := make([]cloud.Region, len(all))
	for i, r := range all {
		regions[i] = cloud.Region{Slug: r.Slug, Available: r.Available}
	}
	slices.SortFunc(regions, func(a, b cloud.Region) int { return strings.Compare(a.Slug, b.Slug) })
	return regions, nil
}

// Images returns the public images and the account's own, sorted by id. An image that is no longer offered may be missing here and still be
// there for Image.
func (c *Client) Images(ctx context.Context) ([]cloud.Image, error) {
	all, err := listAll(ctx, c, "list images", func(i godo.Image) string { return "image " + strconv.Itoa(i.ID) }, c.api.Images.List)
	if err != nil {
		return nil, err
	}
	images := make([]cloud.Image, len(all))
	for i := range all {
		images[i] = imageOf(&all[i])
	}
	slices.SortFunc(images, func(a, b cloud.Image) int { return a.ID - b.ID })
	return images, nil
}

// Image returns the image with the slug or decimal id; Kind NotFound if there is none.
func (c *Client) Image(ctx context.Context, name string) (cloud.Image, error) {
	const op = "get image"
	if name == "" {
		return cloud.Image{}, c.refuse(op, "an image without a name")
	}
	return read(ctx, c, op, func(ctx context.Context) (cloud.Image, error) {
		want := image(name)
		ask := func() (*godo.Image, *godo.Response, error) { return c.api.Images.GetBySlug(ctx, want.Slug) }
		if want.ID > 0 {
			ask = func() (*godo.Image, *godo.Response, error) { return c.api.Images.GetByID(ctx, want.ID) }
		}
		found, _, err := ask()
		if err != nil {
			return cloud.Image{}, err
		}
		if found == nil || found.ID <= 0 || want.ID > 0 && found.ID != want.ID || want.ID == 0 && found.Slug != want.Slug {
			return cloud.Image{}, malformed("not the image that was asked for")
		}
		return imageOf(found), nil
	})
}

func imageOf(i *godo.Image) cloud.Image {
	return cloud.Image{ID: i.ID, Slug: i.Slug, Regions: slices.Clone(i.Regions), MinDiskGB: i.MinDiskSize}
}

// SSHKeys returns the account's public keys, sorted by id. The API answers this call 12 times a minute at most.
func (c *Client) SSHKeys(ctx context.Context) ([]cloud.SSHKey, error) {
	all, err := listAll(ctx, c, "list ssh keys", func(k godo.Key) string { return "key " + strconv.Itoa(k.ID) }, c.api.Keys.List)
	if err != nil {
		return nil, err
	}
	keys := make([]cloud.SSHKey, len(all))
	for i, k := range all {
		keys[i] = cloud.SSHKey{ID: k.ID, Name: k.Name, Fingerprint: k.Fingerprint}
	}
	slices.SortFunc(keys, func(a, b cloud.SSHKey) int { return a.ID - b.ID })
	return keys, nil
}
