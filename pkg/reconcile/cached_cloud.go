package reconcile

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// How old the droplets may be that a follower sees. All swarmds of a cluster share the account's limit of 250 calls a minute with everything else
// that uses its token. The acting swarmd needs the limit most, then a person's command.
const (
	cachedPace  = 10 * time.Second
	oneShotPace = 3 * time.Second
)

// cachedCloud is the cloud as a swarmd that does not act sees it: answers are kept for a while. It must never be what a step on a machine is based
// on; fleet sees to that for a swarmd that acts.
type cachedCloud struct {
	of   world.Cloud
	pace time.Duration

	mu   sync.Mutex
	list kept[[]cloud.Droplet]
	each map[int]kept[cloud.Droplet]
	ops  []ledger.Op // that were open when the list was kept
}

// kept is an answer with its age.
type kept[T any] struct {
	value T
	err   error
	at    time.Time
}

func newCachedCloud(of world.Cloud, oneShot bool) *cachedCloud {
	if oneShot {
		return &cachedCloud{of: of, pace: oneShotPace}
	}
	return &cachedCloud{of: of, pace: cachedPace}
}

func (k kept[T]) fresh(pace time.Duration) bool { return !k.at.IsZero() && time.Since(k.at) < pace }

// Droplets returns the kept list, or asks for one. A failure is not kept.
func (g *cachedCloud) Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error) {
	g.mu.Lock()
	old := g.list
	g.mu.Unlock()
	if old.fresh(g.pace) {
		return slices.Clone(old.value), nil
	}
	all, err := g.of.Droplets(ctx, tag)
	if err == nil {
		g.mu.Lock()
		g.list, g.each = kept[[]cloud.Droplet]{value: slices.Clone(all), at: time.Now()}, map[int]kept[cloud.Droplet]{}
		g.mu.Unlock()
	}
	return all, err
}

// Droplet returns the kept answer, "not found" included, or asks.
func (g *cachedCloud) Droplet(ctx context.Context, id int) (cloud.Droplet, error) {
	g.mu.Lock()
	old := g.each[id]
	g.mu.Unlock()
	if old.fresh(g.pace) {
		return old.value, old.err
	}
	d, err := g.of.Droplet(ctx, id)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.each != nil {
		g.each[id] = kept[cloud.Droplet]{value: d, err: err, at: time.Now()}
	}
	return d, err
}

// outdated reports whether other operations are open now than when the list was kept, and then forgets the list. Where an operation was closed
// since, the old list would show its droplet as one too many.
func (g *cachedCloud) outdated(now []ledger.Op, began time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	same := slices.Equal(g.ops, now)
	g.ops = slices.Clone(now)
	if same || !g.list.at.Before(began) {
		return false
	}
	g.list, g.each = kept[[]cloud.Droplet]{}, nil
	return true
}

// forget has the next look ask.
func (g *cachedCloud) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.list, g.each = kept[[]cloud.Droplet]{}, nil
}

// reads are the sources of a look.
func (l *Loop) reads(acting bool) world.Reads {
	r := l.cfg.Reads
	r.AskObjects = l.asksObjects()
	switch {
	case r.Cloud == nil:
	case acting:
		r.Cloud = l.fleet
	default:
		r.Cloud = l.cached
	}
	return r
}
