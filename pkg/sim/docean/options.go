package docean

import (
	"net/netip"
	"time"
)

// Options of a Cloud. The zero value of every field but Machines and Token is usable.
type Options struct {
	Machines Machines
	// Token is the bearer token of the account.
	Token string
	// OtherTokens are further tokens of the same account.
	OtherTokens []Token
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	Regions []string // slugs out of AllRegions; nil is all of them
	Sizes   []Size   // nil is DefaultSizes
	Images  []Image  // nil is DefaultImages

	PublicCIDR  netip.Prefix // default 198.18.0.0/15
	PrivateCIDR netip.Prefix // default 10.114.0.0/16; several regions divide it evenly, one has it all
	FirstHost   int          // number of the first address given out in a range, default 10

	ListLag    time.Duration // until a created droplet appears in lists, and a deleted one disappears from them
	TagDelay   time.Duration // until the tags of a created droplet show
	ActionTime time.Duration // shortest time an action is in progress

	PageSize     int // most entries of a page, default (and at most) 200
	RateLimit    RateLimit
	DropletLimit int  // default 25
	AnySSHKey    bool // accept ssh keys that were never registered

	Seed uint64 // of ids; the same requests at the same times give the same answers

	// Hook sees every droplet made or destroyed, at the moment of the effect and before the answer. It must not call the Cloud.
	Hook func(Event)
	// OnError sees the errors of Machines, which clients don't.
	OnError func(error)
}

// Token is a bearer token with less than all rights.
type Token struct {
	Secret string `json:"-"`
	// NoTagRead hides all tags, as a token without the scope tag:read sees them.
	NoTagRead bool
	// ReadOnly refuses everything but GET with 403.
	ReadOnly bool
}

// String keeps the secret out of logs.
func (Token) String() string { return "token(hidden)" }

// GoString keeps the secret out of logs.
func (Token) GoString() string { return "token(hidden)" }

// RateLimit is the number of requests an account has. Zero values are DigitalOcean's own.
type RateLimit struct {
	PerHour   int // default 5000, in any 60 minutes
	PerMinute int // default 250, in any 60 seconds
}

// EventKind says what happened to a droplet.
type EventKind string

// The kinds of events.
const (
	Created EventKind = "created"
	Deleted EventKind = "deleted"
)

// Event is something that happened in truth, whatever the API shows of it.
type Event struct {
	Kind    EventKind
	Droplet Droplet
	At      time.Time
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	o = o.withDefaultCatalog()
	if !o.PublicCIDR.IsValid() {
		o.PublicCIDR = netip.MustParsePrefix("198.18.0.0/15")
	}
	if !o.PrivateCIDR.IsValid() {
		o.PrivateCIDR = netip.MustParsePrefix("10.114.0.0/16")
	}
	setDefault(&o.FirstHost, 10)
	setDefault(&o.DropletLimit, 25)
	setDefault(&o.RateLimit.PerHour, 5000)
	setDefault(&o.RateLimit.PerMinute, 250)
	if o.PageSize <= 0 || o.PageSize > maxPage {
		o.PageSize = maxPage
	}
	return o
}

func (o Options) withDefaultCatalog() Options {
	if o.Regions == nil {
		o.Regions = AllRegions()
	}
	if o.Sizes == nil {
		o.Sizes = DefaultSizes()
	}
	if o.Images == nil {
		o.Images = DefaultImages()
	}
	return o
}

func setDefault(v *int, def int) {
	if *v <= 0 {
		*v = def
	}
}
