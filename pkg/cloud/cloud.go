// Package cloud has the words for machines: droplets, their sizes, actions on them, the account. It knows no SDK; the adapter
// is pkg/cloud/digitalocean. Failed calls are *apierr.Error.
package cloud

import (
	"slices"
	"strings"
	"time"
)

// The API budget: what swarmd may send to the cloud. DigitalOcean allows 250 calls a minute and 5,000 an hour (its description, "Rate Limit"); the
// rest is for people.
const (
	CallsPerMinute = 200
	CallsPerHour   = 4000
)

// Status of a droplet, as the API names it.
type Status string

// The statuses of a droplet.
const (
	StatusNew     Status = "new"
	StatusActive  Status = "active"
	StatusOff     Status = "off"
	StatusArchive Status = "archive"
)

// Droplet is a machine as the cloud shows it. A zero ID never stands for a real droplet.
type Droplet struct {
	ID          int
	Name        string
	Tags        []string // sorted
	Region      string   // slug
	Size        string   // slug
	DiskGB      int      // its disk, which stays as it is when the size changes; 0: not known
	Image       string   // slug, or the decimal id of an image without one
	Status      Status
	Locked      bool   // an action is in flight; further actions are refused with 422
	PublicIPv4  string // "" until assigned
	PrivateIPv4 string // in the VPC; "" until assigned
	VPC         string // uuid
	Created     time.Time
	Volumes     []string // ids of the block storage that is attached, sorted
}

// HasTag reports whether the droplet carries the tag.
func (d Droplet) HasTag(tag string) bool { return slices.Contains(d.Tags, tag) }

// OpID returns the operation id in the droplet's swarmd-op tag, or "".
func (d Droplet) OpID() string {
	for _, t := range d.Tags {
		if id, ok := strings.CutPrefix(t, OpTagPrefix); ok {
			return id
		}
	}
	return ""
}

// SwarmIDs returns the ids in the droplet's swarmd-swarm tags: none if it was made before there were such tags, or they are not to be seen yet.
func (d Droplet) SwarmIDs() []string {
	var ids []string
	for _, t := range d.Tags {
		if id, ok := strings.CutPrefix(t, SwarmTagPrefix); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// The tags that carry ownership (design: names and identity).
const (
	ClusterTagPrefix = "swarmd:"
	OpTagPrefix      = "swarmd-op:"
	SwarmTagPrefix   = "swarmd-swarm:"
)

// ClusterTag is the tag on every droplet of the cluster.
func ClusterTag(cluster string) string { return ClusterTagPrefix + cluster }

// OpTag is the tag that makes the droplet of one create operation findable.
func OpTag(opID string) string { return OpTagPrefix + opID }

// SwarmTag is the tag with the id of the swarm that the droplet was made for.
func SwarmTag(swarmID string) string { return SwarmTagPrefix + swarmID }

// CreateDroplet is the request for one droplet.
type CreateDroplet struct {
	Name     string
	Region   string
	Size     string
	Image    string   // slug or decimal id
	VPC      string   // uuid; "" is the region's default
	SSHKeys  []string // fingerprints or decimal ids
	Tags     []string
	UserData string // cloud-init, at most 64 KiB
}

// Action is an asynchronous event on a droplet.
type Action struct {
	ID     int
	Type   string // "create", "shutdown", "power_off", "power_on", …
	Status string // "in-progress", "completed", "errored"
}

// Size is a droplet size on offer.
type Size struct {
	Slug         string
	VCPUs        int
	MemoryMB     int
	DiskGB       int
	PriceMonthly float64 // US dollars
	PriceHourly  float64 // US dollars
	Regions      []string
	Available    bool
}

// Account is who the token belongs to and what it may have.
type Account struct {
	UUID         string
	TeamUUID     string // "" for a personal account
	DropletLimit int
	Status       string // "active", "warning", "locked"
}

// VPC is a private network.
type VPC struct {
	UUID    string
	Name    string
	Region  string // slug
	Default bool
	IPRange string // CIDR
}

// Region is a place where droplets are.
type Region struct {
	Slug      string
	Available bool // new droplets can be made there
}

// Image is what droplets boot: a public one, or a snapshot of the account's.
type Image struct {
	ID        int
	Slug      string // "" for a snapshot
	Regions   []string
	MinDiskGB int
}

// SSHKey is a public key that the account knows.
type SSHKey struct {
	ID          int
	Name        string
	Fingerprint string // MD5 in colon-separated pairs
}
