package docean

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
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
	return page(c, r, "droplets", found, func(d *droplet) json.RawMessage { return c.render(d, r) })
}

func (c *Cloud) getDroplet(r *request) reply {
	d := c.named(r)
	if d == nil {
		return notFound()
	}
	return reply{http.StatusOK, json.RawMessage(fmt.Appendf(nil, `{"droplet":%s}`, c.render(d, r)))}
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

// written is a droplet as it was shown last.
type written struct {
	looks looks
	body  json.RawMessage
}

// looks is all that changes in what is shown of a droplet.
type looks struct {
	status    State
	locked    bool
	addresses bool
	tags      string
}

// render writes a droplet out, or takes what was written before: lists are asked for all the time, and few droplets change.
func (c *Cloud) render(d *droplet, r *request) json.RawMessage {
	tags := d.shownTags(r.now)
	if r.token.NoTagRead {
		tags = []string{}
	}
	now := looks{c.status(d), c.locked(d.ID), !r.now.Before(d.Networks), strings.Join(tags, " ")}
	if d.written.body == nil || d.written.looks != now {
		d.written = written{now, text(c.picture(d, now, tags))}
	}
	return d.written.body
}

func (c *Cloud) picture(d *droplet, now looks, tags []string) map[string]any {
	size, _ := c.size(d.Size)
	return map[string]any{
		"id": d.ID, "name": d.Name, "memory": size.MemoryMB, "vcpus": size.VCPUs, "disk": c.disk(d),
		"disk_info": diskInfo(c.disk(d)), "locked": now.locked, "status": now.status, "kernel": nil,
		"created_at": stamp(d.Created), "features": append([]string{"droplet_agent", "private_networking"}, d.Features...),
		"backup_ids": []int{}, "next_backup_window": nil, "snapshot_ids": append([]int{}, d.Snapshots...), "volume_ids": append([]string{}, d.Volumes...),
		"image": c.renderImage(d.Image), "size": c.renderSize(size), "size_slug": d.Size,
		"networks": c.networks(d, now.addresses), "region": c.renderRegion(d.Region), "tags": tags, "vpc_uuid": d.VPC,
	}
}

// networks is empty until the addresses are assigned, which is some time into the create action.
func (c *Cloud) networks(d *droplet, assigned bool) map[string]any {
	v4 := []map[string]any{}
	if assigned {
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
	v6 := []map[string]any{}
	if assigned && slices.Contains(d.Features, "ipv6") {
		v6 = append(v6, map[string]any{"ip_address": ipv6(d.Public.Addr()).String(), "netmask": 64, "gateway": ipv6(c.public.gateway()).String(), "type": "public"})
	}
	return map[string]any{"v4": v4, "v6": v6}
}

// ipv6 is a public address in the documentation's range that belongs to an IPv4 one.
func ipv6(v4 netip.Addr) netip.Addr {
	b := netip.MustParseAddr("2001:db8::").As16()
	old := v4.As4()
	copy(b[12:], old[:])
	return netip.AddrFrom16(b)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
