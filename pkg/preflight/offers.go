// Package preflight asks both sides, read-only, whether they can give what a file asks for, before it is handed in. It decides what they cannot
// give, and what of that is no fault because it runs already. It must not decide whether the file is handed in all the same.
package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Catalog is what is asked of the cloud.
type Catalog interface {
	Account(ctx context.Context) (cloud.Account, error)
	Sizes(ctx context.Context) ([]cloud.Size, error)
	Regions(ctx context.Context) ([]cloud.Region, error)
	Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error)
	SSHKeys(ctx context.Context) ([]cloud.SSHKey, error)
	Image(ctx context.Context, word string) (cloud.Image, error)
	Images(ctx context.Context) ([]cloud.Image, error)
	VPCs(ctx context.Context) ([]cloud.VPC, error)
}

// Networks lists those that the swarm has.
type Networks func(context.Context) ([]swarm.Network, error)

// offersTime is how long the cloud may take to say what it offers: a file is handed in without that, too.
const offersTime = 15 * time.Second

// offers is what the cloud has for a file, as far as it said so: what it did not say is nil, and judged by nobody.
type offers struct {
	account  cloud.Account
	sizes    []cloud.Size
	regions  []cloud.Region
	images   map[string]*cloud.Image // by the file's word; nil if there is none
	all      []cloud.Image           // what an unknown one may be meant to be
	keys     []cloud.SSHKey
	droplets []cloud.Droplet // with the cluster's tag
	vpcs     []cloud.VPC
	networks []swarm.Network // that the swarm has; nil where there is none yet

	mu     sync.Mutex
	silent map[string]error // what could not be read, and why
}

// Findings is what is wrong with a file in the light of what the cloud offers, by places in the file.
type Findings struct {
	Faults, Warnings []file.Fault
	Unknown          string // what the cloud did not say, and why, in one line; "" if it said everything
	Cause            error  // of Unknown: what one of the calls failed with
	Denied           error  // the cloud does not let this token list droplets: nothing that needs it will work
}

// Offers asks the cloud whether it has what the file names, for 15 seconds at most. What it does not have is a fault, or a warning where machines
// that were made with it run. What it does not say is judged by nobody. data is the file's content, and path its name in what is found. Without a swarm live is nil.
func Offers(ctx context.Context, api Catalog, live Networks, path string, s *file.Document, data []byte) Findings {
	ctx, cancel := context.WithTimeout(ctx, offersTime)
	defer cancel()
	o := askOffers(ctx, api, live, s)
	j := judgement{offers: o, spec: s, places: file.PlacesOf(path, data)}
	j.all()
	found := Findings{Faults: j.faults, Warnings: j.warnings}
	found.Unknown, found.Cause = o.unknown()
	if err := o.silent["droplets"]; apierr.KindOf(err).Denied() {
		found.Denied = err
	}
	return found
}

// askOffers makes all calls at once.
func askOffers(ctx context.Context, api Catalog, live Networks, s *file.Document) *offers {
	o := &offers{images: map[string]*cloud.Image{}, silent: map[string]error{}}
	var calls sync.WaitGroup
	ask := func(what string, read func() error) {
		calls.Go(func() {
			if err := read(); err != nil {
				o.mu.Lock()
				defer o.mu.Unlock()
				o.silent[what] = err
			}
		})
	}
	ask("the droplet limit", func() (err error) { o.account, err = api.Account(ctx); return err })
	ask("sizes", func() (err error) { o.sizes, err = api.Sizes(ctx); return err })
	ask("regions", func() (err error) { o.regions, err = api.Regions(ctx); return err })
	ask("droplets", func() (err error) { o.droplets, err = api.Droplets(ctx, cloud.ClusterTag(s.Cluster)); return err })
	if len(s.Cloud.SSHKeys) > 0 {
		ask("ssh keys", func() (err error) { o.keys, err = api.SSHKeys(ctx); return err })
	}
	if ranges(s) || s.Cloud.VPC != "" {
		ask("vpcs", func() (err error) { o.vpcs, err = api.VPCs(ctx); return err })
	}
	if ranges(s) && live != nil {
		ask("networks", func() (err error) { o.networks, err = live(ctx); return err })
	}
	ask("images", func() error { return o.askImages(ctx, api, s) })
	calls.Wait()
	return o
}

// askImages asks for each image by itself: one that is no longer listed may still be there.
func (o *offers) askImages(ctx context.Context, api Catalog, s *file.Document) error {
	for _, p := range s.Pools {
		if _, asked := o.images[p.Image]; asked {
			continue
		}
		found, err := api.Image(ctx, p.Image)
		switch {
		case err == nil:
			o.images[p.Image] = &found
			continue
		case apierr.KindOf(err) != apierr.NotFound:
			return err
		}
		o.images[p.Image] = nil
		if o.all == nil {
			if o.all, err = api.Images(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknown says in one line what could not be asked: a cloud that does not answer says it of everything.
func (o *offers) unknown() (text string, cause error) {
	var what []string
	for name := range o.silent {
		what = append(what, name)
	}
	if len(what) == 0 {
		return "", nil
	}
	slices.Sort(what)
	cause = o.silent[what[0]]
	return fmt.Sprintf("whether the cloud has what the file names is not known in full (%s): %s", strings.Join(what, ", "), cause), cause
}

// judgement is what is wrong with a file in the light of what the cloud offers.
type judgement struct {
	*offers
	spec             *file.Document
	places           file.Places
	faults, warnings []file.Fault
}

func (j *judgement) all() {
	for _, p := range j.spec.Pools {
		region := j.region(p)
		j.size(p, region)
		j.image(p, region)
	}
	j.vpc()
	j.sshKeys()
	j.limit()
	j.subnets()
	j.engines()
	for _, found := range [][]file.Fault{j.faults, j.warnings} {
		slices.SortStableFunc(found, func(a, b file.Fault) int { return cmp.Or(a.Line-b.Line, a.Col-b.Col) })
	}
}

// say keeps a fault once. What runs already was there when it was made, and an edit of something else must get through: it is a warning then.
func (j *judgement) say(runs bool, message string, keys ...string) {
	j.sayOf(runs, message, "; what runs with it stays, a new machine cannot be made", keys...)
}

// sayOf keeps it once: as a warning, with what that means, if it is there already.
func (j *judgement) sayOf(there bool, message, meaning string, keys ...string) {
	to := &j.faults
	if there {
		to, message = &j.warnings, message+meaning
	}
	if f := j.places.Fault(message, keys...); !slices.Contains(*to, f) {
		*to = append(*to, f)
	}
}

// runs reports whether a droplet of the cluster is like that.
func (j *judgement) runs(like func(cloud.Droplet) bool) bool {
	return slices.ContainsFunc(j.droplets, like)
}

// where is the place of what a pool names itself or has from cloud.digitalocean.
func (j *judgement) where(p spec.Pool, key string) []string {
	if own := []string{"nodes", p.Name, key}; j.places.Has(own...) {
		return own
	}
	return []string{"cloud", "digitalocean", key}
}

// region judges a pool's region and returns its slug, "" if nothing more is to be said of it.
func (j *judgement) region(p spec.Pool) string {
	if j.regions == nil {
		return p.Region
	}
	runs := j.runs(func(d cloud.Droplet) bool { return d.Region == p.Region })
	i := slices.IndexFunc(j.regions, func(r cloud.Region) bool { return r.Slug == p.Region })
	switch {
	case i < 0:
		j.say(runs, fmt.Sprintf("there is no region %q%s", p.Region, near(p.Region, j.regions, func(r cloud.Region) string { return r.Slug }, "doctl compute region list")),
			j.where(p, "region")...)
		return ""
	case !j.regions[i].Available:
		j.say(runs, fmt.Sprintf("region %q takes no new droplets: choose another", p.Region), j.where(p, "region")...)
		return ""
	}
	return p.Region
}

func (j *judgement) size(p spec.Pool, region string) {
	if j.sizes == nil {
		return
	}
	at := []string{"nodes", p.Name, "size"}
	runs := j.runs(func(d cloud.Droplet) bool { return d.Size == p.Size })
	i := slices.IndexFunc(j.sizes, func(s cloud.Size) bool { return s.Slug == p.Size })
	switch {
	case i < 0:
		j.say(runs, fmt.Sprintf("there is no size %q%s", p.Size, near(p.Size, j.sizes, func(s cloud.Size) string { return s.Slug }, "doctl compute size list")), at...)
	case !j.sizes[i].Available:
		j.say(runs, fmt.Sprintf("size %q is no longer to be had: choose another", p.Size), at...)
	case region != "" && !slices.Contains(j.sizes[i].Regions, region):
		j.say(runs, fmt.Sprintf("size %q is not to be had in region %q%s", p.Size, region, elsewhere(j.sizes[i].Regions)), at...)
	}
}

func (j *judgement) image(p spec.Pool, region string) {
	found, asked := j.images[p.Image]
	if !asked {
		return
	}
	at := j.where(p, "image")
	runs := j.runs(func(d cloud.Droplet) bool { return d.Image == p.Image })
	if found == nil {
		slug := func(i cloud.Image) string { return i.Slug }
		j.say(runs, fmt.Sprintf("there is no image %q%s", p.Image, near(p.Image, j.offers.all, slug, "doctl compute image list --public")), at...)
		return
	}
	if region != "" && len(found.Regions) > 0 && !slices.Contains(found.Regions, region) {
		j.say(runs, fmt.Sprintf("image %q is not in region %q%s", p.Image, region, elsewhere(found.Regions)), at...)
	}
	for _, size := range j.sizes {
		if size.Slug == p.Size && size.DiskGB < found.MinDiskGB {
			j.say(runs, fmt.Sprintf("image %q needs a disk of %d GB, size %q has %d", p.Image, found.MinDiskGB, p.Size, size.DiskGB), "nodes", p.Name, "size")
		}
	}
}

// sshKeys judges the keys. One that the account lost keeps machines from being made, and none that is there from running.
func (j *judgement) sshKeys() {
	if _, unknown := j.silent["ssh keys"]; unknown {
		return
	}
	for i, want := range j.spec.Cloud.SSHKeys {
		known := func(k cloud.SSHKey) bool { return k.Fingerprint == want || strconv.Itoa(k.ID) == want }
		if !slices.ContainsFunc(j.keys, known) {
			fingerprint := func(k cloud.SSHKey) string { return k.Fingerprint }
			j.say(!j.grows(), fmt.Sprintf("the account has no ssh key %q%s", want, near(want, j.keys, fingerprint, "doctl compute ssh-key list")),
				"cloud", "digitalocean", "ssh_keys", strconv.Itoa(i))
		}
	}
}

// grows reports whether machines are to be made. It is not known without the droplets: nothing is refused for it then.
func (j *judgement) grows() bool {
	if j.silent["droplets"] != nil {
		return false
	}
	return slices.ContainsFunc(j.spec.Pools, func(p spec.Pool) bool { return j.made(p) < p.Count-len(p.Adopt) })
}

// made counts the droplets that were made for the pool: by their names, which end as their operations begin. Others with the cluster's tag fill no place.
func (j *judgement) made(p spec.Pool) int {
	n := 0
	for _, d := range j.droplets {
		if cloud.ParseDropletName(j.spec.Cluster, d.Name, d.OpID()) == p.Name {
			n++
		}
	}
	return n
}

func (j *judgement) wanted() int {
	n := 0
	for _, p := range j.spec.Pools {
		n += p.Count - len(p.Adopt)
	}
	return n
}

func (j *judgement) limit() {
	if j.account.Status == "locked" {
		j.say(!j.grows(), "the DigitalOcean account is locked: its page at cloud.digitalocean.com says why", "cloud")
	}
	if limit := j.account.DropletLimit; limit > 0 && j.wanted() > limit {
		j.say(!j.grows(), fmt.Sprintf("the file wants %d droplets, the account may have %d: want fewer, or have the limit raised", j.wanted(), limit), "nodes")
	}
}

// near names the nearest of what is known, or the command that lists all.
func near[T any](word string, known []T, name func(T) string, command string) string {
	var names []string
	for _, k := range known {
		names = append(names, name(k))
	}
	if s := file.DidYouMean(word, names); s != "" {
		return s
	}
	return "; " + command + " names all"
}

// elsewhere says where something is to be had.
func elsewhere(regions []string) string {
	if len(regions) == 0 {
		return ""
	}
	return "; it is in " + strings.Join(regions, ", ")
}
