package docean

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

func (c *Cloud) listDroplets(r *request) reply {
	q := r.URL.Query()
	tag, name := q.Get("tag_name"), q.Get("name")
	if tag != "" && name != "" {
		return unprocessable("The name and tag_name query parameters are mutually exclusive.")
	}
	var found []*droplet
	for _, d := range c.droplets {
		switch {
		case !d.listed(r.now), name != "" && d.Name != name:
		case tag != "" && !slices.Contains(d.shownTags(r.now), tag):
		default:
			found = append(found, d)
		}
	}
	return page(c, r, "droplets", found, func(d *droplet) map[string]any { return c.render(d, r) })
}

func (c *Cloud) getDroplet(r *request) reply {
	d := c.named(r)
	if d == nil {
		return notFound()
	}
	return reply{http.StatusOK, map[string]any{"droplet": c.render(d, r)}}
}

// deleteDroplet destroys by id. As on DigitalOcean a locked droplet can't be destroyed, and a second call finds nothing.
func (c *Cloud) deleteDroplet(r *request) reply {
	d := c.named(r)
	if d == nil {
		return notFound()
	}
	if c.locked(d.ID) {
		return pendingEvent()
	}
	c.destroy(d, r.now)
	return reply{status: http.StatusNoContent}
}

// deleteByTag destroys all that carry the tag: the most dangerous call of the API.
func (c *Cloud) deleteByTag(r *request) reply {
	tag := r.URL.Query().Get("tag_name")
	if tag == "" {
		return unprocessable("tag_name is required.")
	}
	for _, d := range c.droplets {
		if c.alive(d) && slices.Contains(d.shownTags(r.now), tag) {
			c.destroy(d, r.now)
		}
	}
	return reply{status: http.StatusNoContent}
}

// named is the living droplet of the path, or nil.
func (c *Cloud) named(r *request) *droplet {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !c.alive(c.byID[id]) {
		return nil
	}
	return c.byID[id]
}

func pendingEvent() reply { return unprocessable("Droplet already has a pending event.") }

// status is the droplet's word for what its machine does. A create in flight is "new" whatever the machine says, and a machine
// that boots once more is off until it is up.
func (c *Cloud) status(d *droplet) State {
	if !d.Deleted.IsZero() {
		return Off
	}
	for _, a := range c.inFlight {
		if a.Droplet == d.ID && a.Type == actionCreate {
			return Booting
		}
	}
	if s := c.opts.Machines.State(d.ID); s != Booting {
		return s
	}
	return Off
}

func (c *Cloud) render(d *droplet, r *request) map[string]any {
	size, _ := c.size(d.Size)
	tags := d.shownTags(r.now)
	if r.token.NoTagRead {
		tags = []string{}
	}
	return map[string]any{
		"id": d.ID, "name": d.Name, "memory": size.MemoryMB, "vcpus": size.VCPUs, "disk": size.DiskGB,
		"disk_info": diskInfo(size), "locked": c.locked(d.ID), "status": c.status(d), "kernel": nil,
		"created_at": stamp(d.Created), "features": []string{"droplet_agent", "private_networking"},
		"backup_ids": []int{}, "next_backup_window": nil, "snapshot_ids": []int{}, "volume_ids": []string{},
		"image": c.renderImage(d.Image), "size": c.renderSize(size), "size_slug": d.Size,
		"networks": c.networks(d, r.now), "region": c.renderRegion(d.Region), "tags": tags, "vpc_uuid": d.VPC,
	}
}

// networks is empty until the addresses are assigned, which is some time into the create action.
func (c *Cloud) networks(d *droplet, now time.Time) map[string]any {
	v4 := []map[string]any{}
	if !now.Before(d.Networks) {
		v4 = append(v4,
			map[string]any{
				"ip_address": d.Public.Addr().String(), "netmask": netmask(d.Public),
				"gateway": c.public.gateway().String(), "type": "public",
			},
			map[string]any{
				"ip_address": d.Private.Addr().String(), "netmask": netmask(d.Private),
				"gateway": "nil", "type": "private",
			})
	}
	return map[string]any{"v4": v4, "v6": []any{}}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
