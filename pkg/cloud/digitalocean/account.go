package digitalocean

import (
	"cmp"
	"context"
	"slices"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/cloud"
)

// Account returns who the token belongs to.
func (c *Client) Account(ctx context.Context) (cloud.Account, error) {
	return read(ctx, c, "get account", func(ctx context.Context) (cloud.Account, error) {
		a, _, err := c.api.Account.Get(ctx)
		if err != nil {
			return cloud.Account{}, err
		}
		if a == nil || a.UUID == "" || a.Status == "" {
			return cloud.Account{}, malformed("an account without uuid or status")
		}
		team := ""
		if a.Team != nil {
			team = a.Team.UUID
		}
		return cloud.Account{UUID: a.UUID, TeamUUID: team, DropletLimit: a.DropletLimit, Status: a.Status}, nil
	})
}

// Sizes returns the droplet sizes on offer with their prices, sorted by slug.
func (c *Client) Sizes(ctx context.Context) ([]cloud.Size, error) {
	all, err := listAll(ctx, c, "list sizes", func(s godo.Size) string { return "size " + s.Slug }, c.api.Sizes.List)
	if err != nil {
		return nil, err
	}
	sizes := make([]cloud.Size, len(all))
	for i, s := range all {
		sizes[i] = cloud.Size{
			Slug: s.Slug, VCPUs: s.Vcpus, MemoryMB: s.Memory, DiskGB: s.Disk,
			PriceMonthly: s.PriceMonthly, PriceHourly: s.PriceHourly, Regions: s.Regions, Available: s.Available,
		}
	}
	slices.SortFunc(sizes, func(a, b cloud.Size) int { return cmp.Compare(a.Slug, b.Slug) })
	return sizes, nil
}

// VPCs returns the account's private networks, sorted by uuid.
func (c *Client) VPCs(ctx context.Context) ([]cloud.VPC, error) {
	fetch := func(ctx context.Context, o *godo.ListOptions) ([]*godo.VPC, *godo.Response, error) {
		found, resp, err := c.api.VPCs.List(ctx, o)
		if err == nil && slices.Contains(found, nil) {
			err = malformed("null for a VPC")
		}
		return found, resp, err
	}
	all, err := listAll(ctx, c, "list vpcs", func(v *godo.VPC) string { return "vpc " + v.ID }, fetch)
	if err != nil {
		return nil, err
	}
	vpcs := make([]cloud.VPC, len(all))
	for i, v := range all {
		vpcs[i] = cloud.VPC{UUID: v.ID, Name: v.Name, Region: v.RegionSlug, Default: v.Default, IPRange: v.IPRange}
	}
	slices.SortFunc(vpcs, func(a, b cloud.VPC) int { return cmp.Compare(a.UUID, b.UUID) })
	return vpcs, nil
}
