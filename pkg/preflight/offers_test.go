package preflight_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/preflight"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

// catalog is what a cloud offers, and what it does not say.
type catalog struct {
	account  cloud.Account
	sizes    []cloud.Size
	regions  []cloud.Region
	droplets []cloud.Droplet
	keys     []cloud.SSHKey
	images   []cloud.Image
	vpcs     []cloud.VPC
	silent   error // of sizes
	refuses  error // the list of droplets
}

func (c *catalog) Account(context.Context) (cloud.Account, error)  { return c.account, nil }
func (c *catalog) Sizes(context.Context) ([]cloud.Size, error)     { return c.sizes, c.silent }
func (c *catalog) Regions(context.Context) ([]cloud.Region, error) { return c.regions, nil }
func (c *catalog) SSHKeys(context.Context) ([]cloud.SSHKey, error) { return c.keys, nil }
func (c *catalog) Images(context.Context) ([]cloud.Image, error)   { return c.images, nil }
func (c *catalog) VPCs(context.Context) ([]cloud.VPC, error)       { return c.vpcs, nil }
func (c *catalog) Droplets(context.Context, string) ([]cloud.Droplet, error) {
	return c.droplets, c.refuses
}

func (c *catalog) Image(_ context.Context, word string) (cloud.Image, error) {
	if i := slices.IndexFunc(c.images, func(i cloud.Image) bool { return i.Slug == word }); i >= 0 {
		return c.images[i], nil
	}
	return cloud.Image{}, &apierr.Error{Kind: apierr.NotFound, Side: "cloud", Op: "get image", Err: errors.New("it is not there")}
}

const fileOfOne = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: debian } }
nodes:
  managers: { role: manager, count: 1, size: small }
`

// TestOffersAreJudged: each thing that the cloud does not have is one fault at its place, and a warning where a machine runs with it.
func TestOffersAreJudged(t *testing.T) {
	s, _, err := file.Parse("f.yaml", []byte(fileOfOne))
	if err != nil {
		t.Fatal(err)
	}
	made := cloud.Droplet{ID: 1, Name: cloud.DropletName("web", "managers", "abcdefgh"), Tags: []string{cloud.ClusterTag("web"), cloud.OpTag("abcdefgh")},
		Region: "fra1", Size: "small", Image: "debian"}
	for name, c := range map[string]struct {
		change func(*catalog)
		want   string // part of the one fault, "" for none
		runs   bool   // a machine that is there makes a warning of it
	}{
		"all is there":             {func(*catalog) {}, "", false},
		"no such size":             {func(c *catalog) { c.sizes[0].Slug = "smalls" }, `f.yaml:5:46: nodes.managers.size: there is no size "small"; did you mean "smalls"?`, true},
		"a size that is no more":   {func(c *catalog) { c.sizes[0].Available = false }, `size "small" is no longer to be had`, true},
		"a size elsewhere":         {func(c *catalog) { c.sizes[0].Regions = []string{"ams3"} }, `size "small" is not to be had in region "fra1"; it is in ams3`, true},
		"an image elsewhere":       {func(c *catalog) { c.images[0].Regions = []string{"ams3"} }, `cloud.digitalocean.image: image "debian" is not in region "fra1"; it is in ams3`, true},
		"an image that is too big": {func(c *catalog) { c.images[0].MinDiskGB = 50 }, `image "debian" needs a disk of 50 GB, size "small" has 25`, true},
		"a region without room":    {func(c *catalog) { c.regions[0].Available = false }, `cloud.digitalocean.region: `, true},
		"a locked account":         {func(c *catalog) { c.account.Status = "locked" }, `the DigitalOcean account is locked`, true},
		"too many droplets":        {func(c *catalog) { c.account.DropletLimit = 1; s.Pools[0].Count = 2 }, `the file wants 2 droplets, the account may have 1`, false},
	} {
		t.Run(name, func(t *testing.T) {
			defer func(was int) { s.Pools[0].Count = was }(s.Pools[0].Count)
			has := catalog{account: cloud.Account{DropletLimit: 25, Status: "active"}, sizes: []cloud.Size{{Slug: "small", DiskGB: 25, Regions: []string{"fra1"}, Available: true}},
				regions: []cloud.Region{{Slug: "fra1", Available: true}}, images: []cloud.Image{{Slug: "debian"}}}
			c.change(&has)
			found := preflight.Offers(t.Context(), &has, nil, "f.yaml", s, []byte(fileOfOne))
			expect(t, "faults", found.Faults, c.want)
			expect(t, "warnings", found.Warnings, "")
			if has.droplets = []cloud.Droplet{made}; c.runs {
				found = preflight.Offers(t.Context(), &has, nil, "f.yaml", s, []byte(fileOfOne))
				expect(t, "faults where one runs", found.Faults, "")
				expect(t, "warnings where one runs", found.Warnings, c.want)
			}
			if found.Unknown != "" {
				t.Errorf("it says that it does not know: %s", found.Unknown)
			}
		})
	}
}

// expect wants the one fault, or none.
func expect(t *testing.T, what string, got []file.Fault, want string) {
	t.Helper()
	if n := len(got); n > 1 || (n == 1) != (want != "") || n == 1 && !strings.Contains(got[0].String(), want) {
		t.Errorf("%s: %v, want %q", what, got, want)
	}
}

// TestWhatTheCloudDoesNotSayIsJudgedByNobody: it is named, with the reason.
func TestWhatTheCloudDoesNotSayIsJudgedByNobody(t *testing.T) {
	s, _, err := file.Parse("f.yaml", []byte(fileOfOne))
	if err != nil {
		t.Fatal(err)
	}
	found := preflight.Offers(t.Context(), &catalog{silent: errors.New("it is busy"), regions: []cloud.Region{{Slug: "fra1", Available: true}}, images: []cloud.Image{{Slug: "debian"}}}, nil, "f.yaml", s, []byte(fileOfOne))
	expect(t, "faults", found.Faults, "")
	if found.Unknown != "whether the cloud has what the file names is not known in full (sizes): it is busy" {
		t.Error(found.Unknown)
	}
}
