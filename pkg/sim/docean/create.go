package docean

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxUserData    = 64 << 10 // bytes
	maxMultiCreate = 10
)

var (
	hostnameChars = regexp.MustCompile(`^[a-zA-Z0-9.-]+$`)
	tagChars      = regexp.MustCompile(`^[a-zA-Z0-9_:-]{1,255}$`)
)

// createRequest is the body of POST /v2/droplets.
type createRequest struct {
	Name     string            `json:"name"`
	Names    []string          `json:"names"`
	Region   string            `json:"region"`
	Size     string            `json:"size"`
	Image    json.RawMessage   `json:"image"`
	SSHKeys  []json.RawMessage `json:"ssh_keys"`
	Tags     []string          `json:"tags"`
	UserData string            `json:"user_data"`
	VPC      string            `json:"vpc_uuid"`

	Backups    bool `json:"backups"`
	IPv6       bool `json:"ipv6"`
	Monitoring bool `json:"monitoring"`
}

// features are those that are asked for, sorted.
func (q createRequest) features() []string {
	var out []string
	for _, f := range []struct {
		name string
		on   bool
	}{{"backups", q.Backups}, {"ipv6", q.IPv6}, {"monitoring", q.Monitoring}} {
		if f.on {
			out = append(out, f.name)
		}
	}
	return out
}

// order is a create request that has been found good.
type order struct {
	names          []string
	region         string
	size           Size
	image          Image
	vpc            *vpc
	keys           []string
	tags           []string
	userData       string
	features       []string
	multiple       bool
	made           []*droplet
	createdActions []*action
}

// createDroplets answers 202: that the droplets come to be is not certain yet.
func (c *Cloud) createDroplets(r *request) reply {
	var req createRequest
	if rep, ok := r.decode(&req); !ok {
		return rep
	}
	o, rep, ok := c.check(req)
	if !ok {
		return rep
	}
	if _, bounded := c.stock[stock{o.region, o.size.Slug}]; bounded {
		c.stock[stock{o.region, o.size.Slug}] -= len(o.names)
	}
	for _, name := range o.names {
		if err := c.make(&o, name, r.now); err != nil {
			return unprocessable("%s", err)
		}
	}
	return c.renderOrder(&o, r)
}

// check finds the first thing wrong with the request, in DigitalOcean's words.
func (c *Cloud) check(req createRequest) (order, reply, bool) {
	o := order{names: req.Names, features: req.features(), userData: req.UserData, tags: req.Tags, multiple: len(req.Names) > 0}
	if !o.multiple {
		o.names = []string{req.Name}
	}
	for _, check := range []func(createRequest, *order) string{
		c.checkNames, c.checkRegion, c.checkSize, c.checkImage, c.checkVPC, c.checkKeys, c.checkRest,
	} {
		if text := check(req, &o); text != "" {
			return o, unprocessable("%s", text), false
		}
	}
	return o, reply{}, true
}

func (c *Cloud) checkNames(_ createRequest, o *order) string {
	if len(o.names) > maxMultiCreate {
		return "You can only create 10 Droplets at a time."
	}
	for _, n := range o.names {
		if n == "" {
			return "Name can't be blank"
		}
		if !hostnameChars.MatchString(n) {
			return "Only valid hostname characters are allowed. (a-z, A-Z, 0-9, . and -)"
		}
	}
	return ""
}

// checkRegion takes a slug, a prefix like "nyc", or nothing, which is any region.
func (c *Cloud) checkRegion(req createRequest, o *order) string {
	i := slices.IndexFunc(c.opts.Regions, func(slug string) bool { return strings.HasPrefix(slug, req.Region) })
	if i < 0 {
		return "You specified an invalid region for Droplet creation."
	}
	o.region = c.opts.Regions[i]
	return ""
}

func (c *Cloud) checkSize(req createRequest, o *order) string {
	size, ok := c.size(req.Size)
	if !ok {
		return "You specified an invalid size for Droplet creation."
	}
	if size.Unavailable {
		return "Size is not available in this region."
	}
	if left, bounded := c.stock[stock{o.region, size.Slug}]; bounded && left < len(o.names) {
		return "Size is temporarily unavailable in this region. Please try again later."
	}
	o.size = size
	return ""
}

func (c *Cloud) checkImage(req createRequest, o *order) string {
	img, ok := c.image(scalar(req.Image))
	if !ok {
		return "You specified an invalid image for Droplet creation."
	}
	if img.MinDiskGB > o.size.DiskGB {
		return "Invalid size for the selected image: its disk is too small."
	}
	o.image = img
	return ""
}

func (c *Cloud) checkVPC(req createRequest, o *order) string {
	o.vpc = c.defaultVPC(o.region)
	if req.VPC == "" {
		return ""
	}
	v := c.vpcByID(req.VPC)
	if v == nil || v.Region != o.region {
		return "You specified an invalid vpc_uuid for Droplet creation."
	}
	o.vpc = v
	return ""
}

func (c *Cloud) checkKeys(req createRequest, o *order) string {
	var unknown []string
	for _, raw := range req.SSHKeys {
		want := scalar(raw)
		i := slices.IndexFunc(c.keys, func(k SSHKey) bool { return k.Fingerprint == want || strconv.Itoa(k.ID) == want })
		switch {
		case i >= 0:
			o.keys = append(o.keys, c.keys[i].PublicKey)
		case !c.opts.AnySSHKey:
			unknown = append(unknown, want)
		}
	}
	if len(unknown) > 0 {
		return strings.Join(unknown, ", ") + " are invalid key identifiers for Droplet creation."
	}
	return ""
}

func (c *Cloud) checkRest(req createRequest, o *order) string {
	for _, t := range req.Tags {
		if !tagChars.MatchString(t) {
			return fmt.Sprintf("Error validating resource tag: %q contains invalid characters", t)
		}
	}
	if len(req.UserData) > maxUserData {
		return "User data is too long (maximum is 64 KB)."
	}
	if c.account.status == "locked" {
		return "Your account is locked."
	}
	if c.living()+len(o.names) > c.account.limit {
		return "creating this/these droplet(s) will exceed your droplet limit"
	}
	return ""
}

// scalar is the text of a JSON string or number.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// make brings one droplet into being and tells Machines to boot it. When that fails the droplet vanishes again after the
// answer, as a failed placement does.
func (c *Cloud) make(o *order, name string, now time.Time) error {
	pub, err := c.public.take()
	if err != nil {
		return err
	}
	priv, err := o.vpc.pool.take()
	if err != nil {
		c.public.free(pub)
		return err
	}
	d := &droplet{private: o.vpc.pool, shows: c.newShows(now), Droplet: Droplet{
		ID: c.newID(), Name: name, Region: o.region, Size: o.size.Slug, Image: o.image.key(), VPC: o.vpc.ID, UserData: o.userData,
		SSHKeys: o.keys, Features: o.features, Created: now, Public: addrIn(pub, c.public), Private: addrIn(priv, o.vpc.pool),
	}}
	for _, t := range o.tags {
		d.tag(t, now.Add(c.opts.TagDelay))
		c.register(t)
	}
	c.droplets = append(c.droplets, d)
	c.byID[d.ID] = d
	o.made = append(o.made, d)
	o.createdActions = append(o.createdActions, c.begin(d, actionCreate, now))
	c.emit(Created, d, now)
	c.boot(d, o)
	return nil
}

func (c *Cloud) newShows(now time.Time) shows {
	return shows{Listed: now.Add(c.opts.ListLag), Networks: now.Add(c.opts.ActionTime / 2), Tags: map[string]time.Time{}}
}

func (c *Cloud) boot(d *droplet, o *order) {
	if err := c.opts.Machines.Create(c.machineOf(d)); err != nil {
		o.createdActions[len(o.createdActions)-1].Failed = true
		c.report(fmt.Errorf("create droplet %d: %w", d.ID, err))
	}
}

// machineOf is what the droplet is made of.
func (c *Cloud) machineOf(d *droplet) Machine {
	size, _ := c.size(d.Size)
	return Machine{
		ID: d.ID, Name: d.Name, Region: d.Region, Image: d.Image, VCPUs: size.VCPUs, MemoryMB: size.MemoryMB,
		PublicIPv4: d.Public.String(), PrivateIPv4: d.Private.String(), UserData: d.UserData, SSHKeys: slices.Clone(d.SSHKeys),
	}
}

func (c *Cloud) renderOrder(o *order, r *request) reply {
	links := []map[string]any{}
	for _, a := range o.createdActions {
		links = append(links, map[string]any{"id": a.ID, "rel": "create", "href": r.actionURL(a.ID)})
	}
	body := map[string]any{"links": map[string]any{"actions": links}}
	var shown []json.RawMessage
	for _, d := range o.made {
		shown = append(shown, c.render(d, r))
	}
	if o.multiple {
		body["droplets"] = shown
	} else {
		body["droplet"] = shown[0]
	}
	return reply{http.StatusAccepted, body}
}
