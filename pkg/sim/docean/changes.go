package docean

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// The kinds of actions that change what the account says of a droplet. They take effect when they end.
const (
	actionResize         = "resize"
	actionRename         = "rename"
	actionSnapshot       = "snapshot"
	actionRebuild        = "rebuild"
	actionEnableIPv6     = "enable_ipv6"
	actionEnableBackups  = "enable_backups"
	actionDisableBackups = "disable_backups"
)

// actionRequest is the body of POST /v2/droplets/ID/actions.
type actionRequest struct {
	Type  string          `json:"type"`
	Size  string          `json:"size"`
	Disk  bool            `json:"disk"`
	Name  string          `json:"name"`
	Image json.RawMessage `json:"image"`
}

// change is what such an action makes of a droplet.
type change struct {
	To   string // the size, name or image; "" if there is nothing to name
	Disk bool   // of a resize: the disk grows too, and can never shrink again
}

// changes says what is wrong with a request for such an action, or what it is to change; unknown kinds are not its business.
func (c *Cloud) changes() map[string]func(*droplet, actionRequest) (change, string) {
	simply := func(*droplet, actionRequest) (change, string) { return change{}, "" }
	return map[string]func(*droplet, actionRequest) (change, string){
		actionResize: c.checkResize, actionRebuild: c.checkRebuild,
		actionRename: func(_ *droplet, q actionRequest) (change, string) {
			return change{To: q.Name}, c.checkNames(createRequest{}, &order{names: []string{q.Name}})
		},
		actionSnapshot:   func(_ *droplet, q actionRequest) (change, string) { return change{To: q.Name}, "" },
		actionEnableIPv6: simply, actionEnableBackups: simply, actionDisableBackups: simply,
	}
}

func (c *Cloud) checkResize(d *droplet, q actionRequest) (change, string) {
	size, ok := c.size(q.Size)
	switch {
	case !ok || size.Unavailable:
		return change{}, "You specified an invalid size for Droplet resize."
	case c.status(d) != Off:
		return change{}, "The Droplet must be powered off to be resized."
	case size.Slug == d.Size && !q.Disk:
		return change{}, "The Droplet already has this size."
	case size.DiskGB < c.disk(d):
		return change{}, "Size can not decrease size of Droplet's disk image"
	case c.fate == NoRoom:
		return change{}, "Size is too large to fit on your droplet's server"
	}
	return change{size.Slug, q.Disk}, ""
}

func (c *Cloud) checkRebuild(d *droplet, q actionRequest) (change, string) {
	name := scalar(q.Image)
	img, ok := c.image(name)
	switch {
	case !ok:
		return change{}, "You specified an invalid image for Droplet rebuild."
	case img.MinDiskGB > c.disk(d):
		return change{}, "Invalid size for the selected image: its disk is too small."
	}
	return change{To: img.key()}, ""
}

// disk is how large the droplet's disk is, in GB: its size's, unless it was resized without it.
func (c *Cloud) disk(d *droplet) int {
	if d.DiskGB > 0 {
		return d.DiskGB
	}
	size, _ := c.size(d.Size)
	return size.DiskGB
}

// startChange does what such an action does to the machine. A rebuilt one boots anew, from another disk.
func (c *Cloud) startChange(d *droplet, a *action) error {
	if a.Type != actionRebuild {
		return nil
	}
	if err := c.opts.Machines.Destroy(d.ID); err != nil {
		return err
	}
	d.Image = a.Change.To
	return c.opts.Machines.Create(c.machineOf(d))
}

// apply is the end of such an action.
func (c *Cloud) apply(a *action) {
	d := c.byID[a.Droplet]
	if !c.alive(d) {
		return
	}
	switch a.Type {
	case actionResize:
		disk := c.disk(d)
		if d.Size = a.Change.To; a.Change.Disk {
			disk = 0
		}
		d.DiskGB = disk
		size, _ := c.size(d.Size)
		c.report(c.opts.Machines.Resize(d.ID, size.VCPUs, size.MemoryMB))
	case actionRename:
		d.Name = a.Change.To
	case actionSnapshot:
		c.takeSnapshot(d, a)
	case actionEnableIPv6:
		d.feature("ipv6", true)
	case actionEnableBackups, actionDisableBackups:
		d.feature("backups", a.Type == actionEnableBackups)
	}
	d.written.body = nil
}

// feature turns a feature of the droplet on or off.
func (d *droplet) feature(name string, on bool) {
	features := map[string]bool{name: on}
	for _, f := range d.Features {
		if f != name {
			features[f] = true
		}
	}
	if !on {
		delete(features, name)
	}
	d.Features = slices.Sorted(maps.Keys(features))
}

// takeSnapshot keeps what is on the droplet's disk as an image of the account.
func (c *Cloud) takeSnapshot(d *droplet, a *action) {
	img, _ := c.image(d.Image)
	name := a.Change.To
	if name == "" {
		name = fmt.Sprintf("%s-%d", d.Name, a.Ended.Unix())
	}
	c.snapshots = append(c.snapshots, Image{ID: c.newID(), Name: name, Distribution: img.Distribution, MinDiskGB: c.disk(d), Taken: a.Ended})
	d.Snapshots = append(d.Snapshots, c.nextID)
}

// key is what a droplet's Image says of it.
func (i Image) key() string {
	if i.Slug == "" {
		return strconv.Itoa(i.ID)
	}
	return i.Slug
}

// images are all that the account can use.
func (c *Cloud) images() []Image { return slices.Concat(c.opts.Images, c.snapshots) }

func (c *Cloud) listSnapshots(r *request) reply {
	d := c.named(r)
	if d == nil {
		return notFound()
	}
	mine := slices.DeleteFunc(slices.Clone(c.snapshots), func(i Image) bool { return !slices.Contains(d.Snapshots, i.ID) })
	return page(c, r, "snapshots", mine, func(i Image) map[string]any { return c.renderImage(i.key()) })
}

// deleteImage deletes a snapshot. The catalogue's images are nobody's.
func (c *Cloud) deleteImage(r *request) reply {
	id, err := strconv.Atoi(r.PathValue("image"))
	i := slices.IndexFunc(c.snapshots, func(i Image) bool { return i.ID == id })
	if err != nil || i < 0 {
		return notFound()
	}
	c.snapshots = slices.Delete(c.snapshots, i, i+1)
	for _, d := range c.droplets {
		if n := slices.Index(d.Snapshots, id); n >= 0 {
			d.Snapshots, d.written.body = slices.Delete(slices.Clone(d.Snapshots), n, n+1), nil
		}
	}
	return reply{status: http.StatusNoContent}
}
