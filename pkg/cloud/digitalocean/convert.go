package digitalocean

import (
	"slices"
	"strconv"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/cloud"
)

// droplet turns godo's words into ours. A creation time that is missing, unreadable or in the future counts as now: too young for
// anything that waits for age.
func droplet(d *godo.Droplet, now time.Time) cloud.Droplet {
	v := cloud.Droplet{
		ID: d.ID, Name: d.Name, Tags: slices.Clone(d.Tags), Size: d.SizeSlug, DiskGB: d.Disk,
		Status: cloud.Status(d.Status), Locked: d.Locked, VPC: d.VPCUUID, Created: now,
	}
	slices.Sort(v.Tags)
	v.Volumes = slices.Clone(d.VolumeIDs)
	slices.Sort(v.Volumes)
	if d.Region != nil {
		v.Region = d.Region.Slug
	}
	if d.Image != nil {
		v.Image = d.Image.Slug
		if v.Image == "" {
			v.Image = strconv.Itoa(d.Image.ID)
		}
	}
	if t, err := time.Parse(time.RFC3339, d.Created); err == nil && t.Before(now) {
		v.Created = t.UTC()
	}
	v.PublicIPv4, v.PrivateIPv4 = address(d, "public"), address(d, "private")
	return v
}

// address returns the first address of the kind, "" while none is assigned.
func address(d *godo.Droplet, kind string) string {
	if d.Networks == nil {
		return ""
	}
	for _, n := range d.Networks.V4 {
		if n.Type == kind {
			return n.IPAddress
		}
	}
	return ""
}

// image names an image by slug or decimal id.
func image(s string) godo.DropletCreateImage {
	if id, err := strconv.Atoi(s); err == nil && id > 0 {
		return godo.DropletCreateImage{ID: id}
	}
	return godo.DropletCreateImage{Slug: s}
}

// sshKey names a key by fingerprint or decimal id.
func sshKey(s string) godo.DropletCreateSSHKey {
	if id, err := strconv.Atoi(s); err == nil && id > 0 {
		return godo.DropletCreateSSHKey{ID: id}
	}
	return godo.DropletCreateSSHKey{Fingerprint: s}
}

// instant is when a call began, for what its answer does not date.
func instant() time.Time { return time.Now().UTC() }
