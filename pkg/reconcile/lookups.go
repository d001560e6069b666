package reconcile

import (
	"context"
	"strings"
	"time"

	"github.com/distribution/reference"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The pace at which a registry is asked again that did not answer when a service was written. It doubles while the registry does not answer, so that
// there are ten calls in the first two hours and then two an hour at most, however many images wait for it.
const (
	firstLookup = time.Minute
	mostLookup  = time.Hour
)

// lookups ask registries again for the digests of images that services run by their tags alone.
type lookups struct {
	jitter     func() float64
	found      map[string]swarm.Pin // by image, for one revision: all its services run one version of an image
	of         string               // that revision's content
	asked      map[string]time.Time // by image
	registries map[string]*registry // by host
}

// registry is when one is asked again.
type registry struct {
	next time.Time
	grow *jittered
}

func newLookups(jitter func() float64) *lookups { return &lookups{jitter: jitter} }

// begin forgets what was found for another revision, and what nobody waits for.
func (ls *lookups) begin(content string, images []string, now time.Time) {
	if ls.of != content {
		ls.of, ls.found = content, map[string]swarm.Pin{}
	}
	asked, registries := map[string]time.Time{}, map[string]*registry{}
	for _, image := range images {
		asked[image] = ls.asked[image]
		host := hostOf(image)
		if registries[host] = ls.registries[host]; registries[host] == nil {
			r := &registry{grow: newBackoff(firstLookup, mostLookup, ls.jitter)}
			r.next = now.Add(r.grow.NextBackOff())
			registries[host] = r
		}
	}
	ls.asked, ls.registries = asked, registries
}

// due is the image that was asked for the longest time ago of those whose registry may be asked now, "" if there is none.
func (ls *lookups) due(images []string, now time.Time) string {
	best := ""
	for _, image := range images {
		if _, known := ls.found[image]; known || now.Before(ls.registries[hostOf(image)].next) {
			continue
		}
		if best == "" || ls.asked[image].Before(ls.asked[best]) {
			best = image
		}
	}
	return best
}

// learn takes in an answer, or that there was none. A registry that answered may be asked for the next image at once.
func (ls *lookups) learn(image string, pin swarm.Pin, err error, now time.Time) {
	r := ls.registries[hostOf(image)]
	ls.asked[image] = now
	if err != nil || pin.Digest == "" {
		r.next = now.Add(r.grow.NextBackOff())
		return
	}
	ls.found[image] = pin
	r.grow.Reset()
	r.next = now
}

// looked is what the planner is told, by a clock that is so far ahead of this process's own.
func (ls *lookups) looked(ahead time.Duration) map[string]plan.Looked {
	out := map[string]plan.Looked{}
	for image := range ls.asked {
		out[image] = plan.Looked{Pin: ls.found[image], Again: ls.registries[hostOf(image)].next.Add(ahead)}
	}
	return out
}

// hostOf is the registry that an image is in, as its reference names it.
func hostOf(image string) string {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		host, _, _ := strings.Cut(image, "/")
		return host
	}
	return reference.Domain(named)
}

// lookUp asks one registry for one image if this swarmd acts, after everything else that the pass has to do: the answer can take seconds.
func (l *Loop) lookUp(ctx context.Context, t passResult) {
	if !t.Held || !t.Planned || !known(t.World, world.GapServices) {
		return
	}
	images, now := plan.Unpinned(l.want.stack, t.World.Services), time.Now()
	l.lookups.begin(l.want.sha256, images, now)
	image := l.lookups.due(images, now)
	if image == "" {
		return
	}
	pin, err := l.ask(ctx, image)
	l.lookups.learn(image, pin, err, time.Now())
	l.recorder.logger().Info("asked again for the digest of "+image, zap.Error(err))
	if err == nil {
		l.Kick()
	}
}

// ask asks an image's registry, with the login that the file has for it.
func (l *Loop) ask(ctx context.Context, image string) (swarm.Pin, error) {
	login, _, err := l.logins.login(hostOf(image))
	if err != nil {
		return swarm.Pin{}, err
	}
	return l.cfg.Execute.Services.ResolveImage(ctx, image, login)
}
