package docean

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Cloud is one DigitalOcean account. It has no goroutines: what is due is worked out from the clock at each request.
type Cloud struct {
	opts   Options
	routes http.Handler

	mu        sync.Mutex
	rng       *rand.Rand
	nextID    int
	droplets  []*droplet // by growing id, the dead ones too
	byID      map[int]*droplet
	actions   []*action // by growing id
	inFlight  []*action
	tags      map[string]time.Time // registered tags, with the time of their making
	keys      []SSHKey
	snapshots []Image // images that the account has taken
	vpcs      []vpc
	public    *addressPool
	limits    limiter
	account   accountState
	fate      Fate          // of resizes
	stock     map[stock]int // how many more droplets can be made; no entry: as many as one likes
}

// stock is where droplets of a size are made.
type stock struct{ region, size string }

// droplet is the truth about one droplet. Times rule what the API shows of it.
type droplet struct {
	Droplet
	shows
	private *addressPool
	written written
	sorted  []string // all tags, see allTags
}

// shows is from when on the API shows what has long been so. It is settled when a thing happens: changed lags don't change it.
type shows struct {
	Listed   time.Time // in lists
	Unlisted time.Time // no longer in lists; zero while it lives
	Networks time.Time // the addresses
	Tags     map[string]time.Time
}

// SSHKey is a public key of the account.
type SSHKey struct {
	ID          int
	Name        string
	Fingerprint string // MD5, colon separated
	PublicKey   string // authorized_keys line
}

type vpc struct {
	ID      string
	Name    string
	Region  string
	Created time.Time
	pool    *addressPool
}

type accountState struct {
	uuid, team      string
	status, message string
	limit           int
}

// New makes an account without droplets.
func New(o Options) *Cloud {
	o = o.withDefaults()
	c := &Cloud{
		opts: o, rng: rand.New(rand.NewPCG(o.Seed, 0x5eed)),
		byID: map[int]*droplet{}, stock: map[stock]int{}, tags: map[string]time.Time{},
		public: newPool(o.PublicCIDR, o.FirstHost), limits: newLimiter(o.RateLimit),
	}
	c.nextID = 400_000_000 + c.rng.IntN(1_000_000)
	c.account = accountState{uuid: c.uuid(), team: c.uuid(), status: "active", limit: o.DropletLimit}
	c.vpcs = c.defaultVPCs()
	c.routes = c.newRoutes()
	return c
}

// defaultVPCs has the network every region comes with.
func (c *Cloud) defaultVPCs() []vpc {
	ranges := divide(c.opts.PrivateCIDR, len(c.opts.Regions))
	var all []vpc
	for i, r := range c.opts.Regions {
		all = append(all, vpc{
			ID: c.uuid(), Name: "default-" + r, Region: r,
			Created: c.now().Add(-24 * time.Hour), pool: newPool(ranges[i], c.opts.FirstHost),
		})
	}
	return all
}

func (c *Cloud) now() time.Time { return c.opts.Now().UTC() }

// newID grows by an uneven step, as the ids of a shared cloud do.
func (c *Cloud) newID() int {
	c.nextID += 1 + c.rng.IntN(9)
	return c.nextID
}

func (c *Cloud) uuid() string {
	a, b := c.rng.Uint64(), c.rng.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
}

// alive reports whether the droplet exists for a request by its id.
func (c *Cloud) alive(d *droplet) bool { return d != nil && d.Deleted.IsZero() }

// listed reports whether the lists show the droplet; they lag behind both creation and deletion.
func (d *droplet) listed(now time.Time) bool {
	return !now.Before(d.Listed) && (d.Deleted.IsZero() || now.Before(d.Unlisted))
}

// shownTags are the tags that have arrived, sorted.
func (d *droplet) shownTags(now time.Time) []string {
	all := d.allTags()
	shown := make([]string, 0, len(all))
	for _, tag := range all {
		if !now.Before(d.shows.Tags[tag]) {
			shown = append(shown, tag)
		}
	}
	return shown
}

// allTags are sorted. Nobody may change them; retag makes new ones.
func (d *droplet) allTags() []string {
	if d.sorted == nil {
		d.sorted = make([]string, 0, len(d.shows.Tags))
		d.sorted = slices.AppendSeq(d.sorted, maps.Keys(d.shows.Tags))
		slices.Sort(d.sorted)
	}
	return d.sorted
}

// tag puts a tag on the droplet that shows from then on; untag takes it away.
func (d *droplet) tag(name string, from time.Time) { d.shows.Tags[name], d.sorted = from, nil }
func (d *droplet) untag(name string)               { delete(d.shows.Tags, name); d.sorted = nil }

// living counts what the droplet limit counts.
func (c *Cloud) living() int {
	n := 0
	for _, d := range c.droplets {
		if d.Deleted.IsZero() {
			n++
		}
	}
	return n
}

// destroy takes the droplet away for good and frees its addresses.
func (c *Cloud) destroy(d *droplet, now time.Time) {
	d.Deleted, d.Unlisted = now, now.Add(c.opts.ListLag)
	c.public.free(d.Public.Addr())
	d.private.free(d.Private.Addr())
	c.dropActions(d.ID, now)
	if err := c.opts.Machines.Destroy(d.ID); err != nil {
		c.report(fmt.Errorf("destroy droplet %d: %w", d.ID, err))
	}
	c.emit(Deleted, d, now)
}

func (c *Cloud) emit(kind EventKind, d *droplet, now time.Time) {
	if c.opts.Hook != nil {
		c.opts.Hook(Event{Kind: kind, Droplet: d.truth(), At: now})
	}
}

func (c *Cloud) report(err error) {
	if err != nil && c.opts.OnError != nil {
		c.opts.OnError(err)
	}
}

func (c *Cloud) vpcByID(id string) *vpc {
	for i := range c.vpcs {
		if c.vpcs[i].ID == id {
			return &c.vpcs[i]
		}
	}
	return nil
}

func (c *Cloud) defaultVPC(region string) *vpc {
	for i := range c.vpcs {
		if c.vpcs[i].Region == region {
			return &c.vpcs[i]
		}
	}
	return nil
}

func (c *Cloud) size(slug string) (Size, bool) {
	i := slices.IndexFunc(c.opts.Sizes, func(s Size) bool { return s.Slug == slug })
	if i < 0 {
		return Size{}, false
	}
	return c.opts.Sizes[i], true
}

// addrIn gives the address its range's prefix length.
func addrIn(a netip.Addr, p *addressPool) netip.Prefix { return netip.PrefixFrom(a, p.prefix.Bits()) }
