package brake

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

// maxViewAge is how old a sighting of a droplet may be for a call that changes the droplet's power. A delete takes a look of its own.
const maxViewAge = 60 * time.Second

// sighting is a droplet as an answer showed it.
type sighting struct {
	droplet cloud.Droplet
	at      time.Time
}

// observe remembers what an answer showed, and forgets what is too old to count.
func (b *brakes) observe(droplets ...cloud.Droplet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for id, s := range b.seen {
		if now.Sub(s.at) > maxViewAge {
			delete(b.seen, id)
		}
	}
	for _, d := range droplets {
		b.seen[d.ID] = sighting{d, now}
	}
}

// recent returns the droplet if it was seen not long ago.
func (b *brakes) recent(id int) (cloud.Droplet, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, ok := b.seen[id]
	return s.droplet, ok && time.Since(s.at) <= maxViewAge
}

// view returns the droplet as it was seen within the last minute, or takes a look.
func (c *Cloud) view(ctx context.Context, op string, id int) (cloud.Droplet, error) {
	if d, ok := c.brakes.recent(id); ok && c.owned(d) {
		return d, nil
	}
	return c.freshView(ctx, op, id)
}

// freshView takes a look at the droplet. Kind NotFound passes; any other failure is a refusal.
func (c *Cloud) freshView(ctx context.Context, op string, id int) (cloud.Droplet, error) {
	d, err := c.Droplet(ctx, id)
	if err != nil && apierr.KindOf(err) != apierr.NotFound {
		return d, c.refuse(View, cloudSide, op, "droplet %d could not be looked at first: %w", id, opaque(err))
	}
	return d, err
}

// owned reports whether the droplet is the cluster's: by tag, operation tag and name together, or because it was made through these
// brakes and its tags are not to be seen yet. A machine that a person made is owned only if a person has said so by its id. Whether it is
// this swarm's, or another's of the same name, is for belongs to say.
func (b *brakes) owned(d cloud.Droplet) bool {
	if d.ID <= 0 || b.othersTag(d) {
		return false
	}
	if slices.Contains(b.opts.Adopted, d.ID) || d.HasTag(cloud.ClusterTag(b.opts.Cluster)) && cloud.ParseDropletName(b.opts.Cluster, d.Name, d.OpID()) != "" {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	name, ok := b.created[d.ID]
	return ok && name == d.Name
}

// othersTag reports whether the droplet carries another cluster's tag.
func (b *brakes) othersTag(d cloud.Droplet) bool {
	return slices.ContainsFunc(d.Tags, func(t string) bool {
		return strings.HasPrefix(t, cloud.ClusterTagPrefix) && t != cloud.ClusterTag(b.opts.Cluster)
	})
}

// opaque hides the Kind of a cause, so that the refusal's own is the first in the chain and the only one.
func opaque(err error) error { return cause{err.Error()} }

type cause struct{ text string }

func (c cause) Error() string { return c.text }
