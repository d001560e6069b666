package plan

import (
	"fmt"
	"slices"
	"strings"
)

// proposeDrifts proposes to replace the machines of each pool that are not what the file says now. Adopted machines are as they are.
func proposeDrifts(v *view) []wish {
	if v.outdated() {
		return nil
	}
	var wishes []wish
	for _, p := range v.in.Spec.Pools {
		var sizes, images, regions []string
		for _, m := range v.machines {
			if !m.counts() || m.Droplet == nil || m.Adopted || m.pool.Name != p.Name {
				continue
			}
			if m.Droplet.Size != p.Size && !p.ResizeHere {
				sizes = append(sizes, m.Droplet.Size)
			}
			if imageDiffers(m.Droplet.Image, p.Image) {
				images = append(images, m.Droplet.Image)
			}
			if regionDiffers(m.Droplet.Region, p.Region) {
				regions = append(regions, m.Droplet.Region)
			}
		}
		wishes = append(wishes, drifted(changeSize, p.Name, p.Size, sizes)...)
		wishes = append(wishes, drifted(changeImage, p.Name, p.Image, images)...)
		wishes = append(wishes, drifted(changeRegion, p.Name, p.Region, regions)...)
	}
	return wishes
}

func drifted(k kind, pool, want string, have []string) []wish {
	if len(have) == 0 {
		return nil
	}
	n := len(have)
	slices.Sort(have)
	return []wish{{kind: k, object: "pool/" + pool, text: fmt.Sprintf("%s of %s, and the file says %s: swarmd does not change machines yet; "+
		"write what they are, or add a pool of the new kind and set the count of this one to 0", machineCount(n), strings.Join(slices.Compact(have), ", "), want)}}
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
