package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
)

// driftOf holds a pool whose machines are not what the file says now: replacing them is not done yet. Adopted machines are as they are.
func (d *draft) driftOf(p spec.Pool) {
	var sizes, images, regions []string
	for _, m := range d.members {
		if !m.counts() || m.Droplet == nil || m.Adopted || m.pool.Name != p.Name {
			continue
		}
		if m.Droplet.Size != p.Size {
			sizes = append(sizes, m.Droplet.Size)
		}
		if imageDiffers(m.Droplet.Image, p.Image) {
			images = append(images, m.Droplet.Image)
		}
		if regionDiffers(m.Droplet.Region, p.Region) {
			regions = append(regions, m.Droplet.Region)
		}
	}
	d.holdDrift(GuardSize, p.Name, p.Size, sizes)
	d.holdDrift(GuardImage, p.Name, p.Image, images)
	d.holdDrift(GuardRegion, p.Name, p.Region, regions)
}

func (d *draft) holdDrift(guard, pool, want string, have []string) {
	if len(have) == 0 {
		return
	}
	n := len(have)
	slices.Sort(have)
	d.hold(guard, "pool/"+pool, fmt.Sprintf("%s of %s, and the file says %s: swarmd does not change machines yet; write what they are, or add a pool of the new kind and set the count of this one to 0",
		machines(n), strings.Join(slices.Compact(have), ", "), want))
}

// imageDiffers: an image that is retired or replaced under its slug shows as a bare id, which says nothing about the slug.
func imageDiffers(live, want string) bool {
	return live != want && (decimal(want) || !decimal(live))
}

// regionDiffers: a region without a number ("nyc") permits each of its data centres.
func regionDiffers(live, want string) bool {
	if live == want || want == "" {
		return false
	}
	return strings.ContainsAny(want, "0123456789") || !strings.HasPrefix(live, want)
}

func decimal(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
