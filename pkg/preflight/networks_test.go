package preflight_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/preflight"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const withNetwork = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: debian-12-x64 } }
nodes:
  managers: { role: manager, count: 1, size: small }
services:
  app: { image: "a:1", networks: [inner], healthcheck: { test: ["CMD", "true"], start_interval: 5s } }
networks: { inner: { ipam: { config: [{ subnet: 10.20.0.0/24 }] } } }
`

// TestRangesAreHeldAgainstTheVPCs: an overlap is a fault at the subnet; where the network is there already, or that is not known, a warning.
func TestRangesAreHeldAgainstTheVPCs(t *testing.T) {
	s, _, err := file.Parse("f.yaml", []byte(withNetwork))
	if err != nil {
		t.Fatal(err)
	}
	s.Pools[0].Image = "debian" // nothing is known of its engine
	const overlap = "f.yaml:8:49: networks.inner.ipam.config[0].subnet: the subnet 10.20.0.0/24 overlaps the VPC's range 10.20.0.0/16"
	has := func(names ...string) preflight.Networks {
		return func(context.Context) (out []swarm.Network, err error) {
			for _, name := range names {
				out = append(out, swarm.Network{Spec: swarm.NetworkSpec{Name: name}})
			}
			return out, nil
		}
	}
	for name, c := range map[string]struct {
		vpc            string
		live           preflight.Networks
		fault, warning string
	}{
		"no swarm yet":         {"10.20.0.0/16", nil, overlap, ""},
		"a new one":            {"10.20.0.0/16", has("web_other", "inner"), overlap, ""},
		"one that is there":    {"10.20.0.0/16", has("web_inner"), "", overlap},
		"not known":            {"10.20.0.0/16", func(context.Context) ([]swarm.Network, error) { return nil, errors.New("no") }, "", overlap},
		"a VPC that is beside": {"10.21.0.0/16", nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			all := catalog{images: []cloud.Image{{Slug: "debian"}}, vpcs: []cloud.VPC{{Region: "ams3", Default: true, IPRange: "10.20.0.0/16"}, {Region: "fra1", Default: true, IPRange: c.vpc}}}
			found := preflight.Offers(t.Context(), &all, c.live, "f.yaml", s, []byte(withNetwork))
			expect(t, "faults", found.Faults, c.fault)
			expect(t, "warnings", found.Warnings, c.warning)
		})
	}
}

// TestEnginesOfImages: what Debian's own engine does not know is a warning before there is one; of other images nothing is said.
func TestEnginesOfImages(t *testing.T) {
	s, _, err := file.Parse("f.yaml", []byte(withNetwork))
	if err != nil {
		t.Fatal(err)
	}
	for image, want := range map[string]string{
		"debian-12-x64": "f.yaml:3:47: cloud.digitalocean.image: machines of pool managers get Docker 20.10 with the image debian-12-x64: service web_app: the engine (API 1.41) does not know healthcheck.start_interval (API 1.44)",
		"debian-13-x64": "", "docker-20-04": "", "ubuntu-24-04-x64": "",
	} {
		s.Pools[0].Image = image
		found := preflight.Offers(t.Context(), &catalog{images: []cloud.Image{{Slug: image}}}, nil, "f.yaml", s, []byte(withNetwork))
		expect(t, image, found.Warnings, want)
		expect(t, image, found.Faults, "")
	}
}

// TestATokenThatIsNotTaken is told apart from a cloud that is busy.
func TestATokenThatIsNotTaken(t *testing.T) {
	s, _, err := file.Parse("f.yaml", []byte(fileOfOne))
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[apierr.Kind]bool{apierr.Unauthorized: true, apierr.Forbidden: true, apierr.Unavailable: false, apierr.RateLimited: false} {
		c := catalog{images: []cloud.Image{{Slug: "debian"}}, refuses: &apierr.Error{Kind: kind, Side: "cloud", Op: "list droplets", Err: errors.New("no")}}
		found := preflight.Offers(t.Context(), &c, nil, "f.yaml", s, []byte(fileOfOne))
		if (found.Denied != nil) != want || found.Cause == nil || found.Unknown == "" {
			t.Errorf("%s: denied %v, %q because of %v", kind, found.Denied, found.Unknown, found.Cause)
		}
	}
}

// TestTheVPCIsThere: one that a region of the pools does not have keeps machines from being made.
func TestTheVPCIsThere(t *testing.T) {
	named := strings.Replace(fileOfOne, "region: fra1,", "region: fra1, vpc: private,", 1)
	s, _, err := file.Parse("f.yaml", []byte(named))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		there cloud.VPC
		fault string
	}{
		"it is there":       {cloud.VPC{Region: "fra1", Name: "private"}, ""},
		"in another region": {cloud.VPC{Region: "ams3", Name: "private"}, `f.yaml:3:45: cloud.digitalocean.vpc: there is no VPC "private" in region fra1; doctl vpcs list names all`},
		"one that is like":  {cloud.VPC{Region: "fra1", Name: "privat"}, `f.yaml:3:45: cloud.digitalocean.vpc: there is no VPC "private" in region fra1; did you mean "privat"?`},
	} {
		t.Run(name, func(t *testing.T) {
			all := catalog{sizes: []cloud.Size{{Slug: "small", Available: true, DiskGB: 25, Regions: []string{"fra1"}}}, regions: []cloud.Region{{Slug: "fra1", Available: true}},
				images: []cloud.Image{{Slug: "debian"}}, vpcs: []cloud.VPC{c.there}}
			expect(t, "faults", preflight.Offers(t.Context(), &all, nil, "f.yaml", s, []byte(named)).Faults, c.fault)
		})
	}
}
