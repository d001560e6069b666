package docean

import (
	"net/netip"
	"slices"
	"time"
)

// Droplet is the truth about a droplet: everything, at once, whatever the API shows of it so far.
type Droplet struct {
	ID        int
	Name      string
	Region    string
	Size      string
	Image     string
	VPC       string
	Tags      []string // sorted; also those that don't show yet; not to be changed
	Public    netip.Prefix
	Private   netip.Prefix
	UserData  string
	SSHKeys   []string // authorized_keys lines
	Features  []string // sorted: "backups", "ipv6", "monitoring"
	DiskGB    int      // 0: its size's
	Snapshots []int    // ids of the images that were taken of it
	Volumes   []string // ids of the block storage that is attached
	Created   time.Time
	Deleted   time.Time // zero while it lives
}

func (d *droplet) truth() Droplet {
	t := d.Droplet
	t.Tags = d.allTags()
	t.SSHKeys = slices.Clone(d.SSHKeys)
	return t
}

// Advance does what is due by now.
func (c *Cloud) Advance() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endActions(c.now())
}

// Droplets returns every living droplet, by growing id.
func (c *Cloud) Droplets() []Droplet {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endActions(c.now())
	all := make([]Droplet, 0, c.living())
	for _, d := range c.droplets {
		if d.Deleted.IsZero() {
			all = append(all, d.truth())
		}
	}
	return all
}

// History returns every droplet that ever was, by growing id.
func (c *Cloud) History() []Droplet {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endActions(c.now())
	all := make([]Droplet, 0, len(c.droplets))
	for _, d := range c.droplets {
		all = append(all, d.truth())
	}
	return all
}

// Droplet returns one droplet, dead or alive.
func (c *Cloud) Droplet(id int) (Droplet, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.byID[id]
	if d == nil {
		return Droplet{}, false
	}
	return d.truth(), true
}

// Acting reports whether an action on the droplet is in progress.
func (c *Cloud) Acting(id int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endActions(c.now())
	return slices.ContainsFunc(c.inFlight, func(a *action) bool { return a.Droplet == id })
}

// DefaultVPC returns the uuid and range of the region's own network; false for an unknown region.
func (c *Cloud) DefaultVPC(region string) (id string, cidr netip.Prefix, ok bool) {
	v := c.defaultVPC(region)
	if v == nil {
		return "", netip.Prefix{}, false
	}
	return v.ID, v.pool.prefix, true
}

// SetAccountStatus makes the account "active", "warning" or "locked"; a locked one may create nothing.
func (c *Cloud) SetAccountStatus(status, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account.status, c.account.message = status, message
}

// SetDropletLimit changes how many droplets the account may have.
func (c *Cloud) SetDropletLimit(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account.limit = n
}

// SetStock has a region make only n more droplets of a size, or as many as one likes if n is negative. What is deleted comes back to nobody: others
// wait for it too.
func (c *Cloud) SetStock(region, size string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.stock, stock{region, size}); n >= 0 {
		c.stock[stock{region, size}] = n
	}
}

// SetLags changes how late the API shows what happens from now on; negative values leave a lag as it is.
func (c *Cloud) SetLags(list, tags, action time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range []struct {
		to *time.Duration
		d  time.Duration
	}{{&c.opts.ListLag, list}, {&c.opts.TagDelay, tags}, {&c.opts.ActionTime, action}} {
		if s.d >= 0 {
			*s.to = s.d
		}
	}
}

// Retag changes a living droplet's tags at once, as a person in the web interface would.
func (c *Cloud) Retag(id int, tags ...string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.byID[id]
	if !c.alive(d) {
		return false
	}
	d.shows.Tags, d.sorted = map[string]time.Time{}, nil
	for _, t := range tags {
		d.tag(t, c.now())
		c.register(t)
	}
	return true
}

// Attach sets which volumes are attached to a living droplet, as a person in the web interface would.
func (c *Cloud) Attach(id int, volumes ...string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.byID[id]
	if !c.alive(d) {
		return false
	}
	d.Volumes, d.written.body = volumes, nil
	return true
}

// ForgetRequests begins the limits of requests anew.
func (c *Cloud) ForgetRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits = newLimiter(c.opts.RateLimit)
}
