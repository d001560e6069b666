package execute

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// patience is how many runs ask a registry that fails for a passing reason before a service that is content with it is written without a digest.
const patience = 3

// How long a registry is not asked that said that it was asked too often. The pause doubles. Docker Hub counts each question as a pull, and its
// count is over six hours.
const (
	firstClosed = time.Minute
	mostClosed  = time.Hour
)

// images resolves each image once per revision, so that all services of one revision run one version of it.
type images struct {
	mu       sync.Mutex
	revision int
	asked    map[string]*lookup
	failures map[string]int // runs in which the registry failed for a passing reason
	closed   map[string]closed
}

// closed is a registry that said that it was asked too often.
type closed struct {
	until time.Time
	pause time.Duration
	mark  string // of the login that it was said to: another one has another count
}

// lookup is one question to a registry, asked once and answered to all who wait.
type lookup struct {
	done  chan struct{}
	pin   swarm.Pin
	tries int           // runs in which it failed
	wait  time.Duration // until the registry is asked again at the earliest; 0: no bound
	err   error
}

// answer is what one service makes of it.
type answer struct {
	pin     swarm.Pin
	later   bool // the registry may tell it later
	warning string
	err     error
}

// UnresolvedError is why a service was not written: its image's registry does not tell what the tag stands for.
type UnresolvedError struct {
	Image    string
	Registry string
	Kind     apierr.Kind // of the registry's refusal
	LoggedIn bool        // it was shown a login
	Err      error
}

// Error says it with what to do.
func (e *UnresolvedError) Error() string {
	return fmt.Sprintf("%s does not tell the digest of %s (%v): %s", e.Registry, e.Image, e.Err, e.wayOut())
}

// Unwrap returns the registry's refusal.
func (e *UnresolvedError) Unwrap() error { return e.Err }

func (e *UnresolvedError) wayOut() string {
	switch {
	case e.Kind.Denied() && e.LoggedIn:
		return "it refuses the login, or has no such image for it: correct registries." + e.Registry + " and its password's file, or the image"
	case e.Kind.Denied():
		return "it wants a login, or has no such image: name one under registries." + e.Registry + ", or correct the image"
	case e.Kind == apierr.RateLimited && e.Registry == spec.DockerHub && !e.LoggedIn:
		return "it was asked too often from this address, and is asked again more and more seldom; Docker Hub counts who logs in for themselves: name a login under registries." + e.Registry
	case e.Kind == apierr.RateLimited:
		return "it was asked too often, and is asked again more and more seldom"
	case e.Kind == apierr.NotFound:
		return "push the image, or correct its tag"
	case final(e.Kind):
		return "correct the image"
	}
	return "it is asked again; x-swarmd: { resolve: best-effort } in the service does without"
}

// enter begins a run. The answers of registries stay for the revision; a question that failed is asked again.
func (im *images) enter(revision int) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.asked == nil || im.revision != revision {
		im.revision, im.asked, im.failures = revision, map[string]*lookup{}, map[string]int{}
	}
	for ref, l := range im.asked {
		if l.pin.Digest == "" {
			delete(im.asked, ref)
		}
	}
}

// resolve returns what the registry says of the specification's image, with a warning instead, when the service is to be written all the same, or
// with an error.
func (im *images) resolve(ctx context.Context, spec swarm.ServiceSpec, bestEffort bool, ask func(context.Context, string, swarm.Login) (swarm.Pin, error)) answer {
	ref := spec.Reference()
	im.mu.Lock()
	l, there := im.asked[ref]
	if !there {
		l = &lookup{done: make(chan struct{})}
		im.asked[ref] = l
	}
	im.mu.Unlock()
	if there {
		<-l.done
		return l.judged(spec, bestEffort)
	}
	defer close(l.done)
	if l.wait = im.closedFor(spec, l); l.wait > 0 {
		l.err = &apierr.Error{Kind: apierr.RateLimited, Side: "swarm", Op: "resolve image", Err: errors.New("it asked for a pause")}
	} else {
		if l.pin, l.err = ask(ctx, ref, spec.Login); l.err == nil && l.pin.Digest == "" {
			l.err = &apierr.Error{Kind: apierr.Unavailable, Side: "swarm", Op: "resolve image", Err: errors.New("the answer has no digest")}
		}
		im.learn(spec, l)
	}
	return l.judged(spec, bestEffort)
}

// closedFor is for how long a registry is not asked.
func (im *images) closedFor(spec swarm.ServiceSpec, l *lookup) time.Duration {
	im.mu.Lock()
	defer im.mu.Unlock()
	c := im.closed[spec.Registry]
	left := time.Until(c.until)
	if c.mark != spec.Labels[swarm.LabelLogin] || left <= 0 {
		return 0
	}
	im.failures[spec.Reference()]++
	l.tries = im.failures[spec.Reference()]
	return left
}

// learn takes in what a registry answered.
func (im *images) learn(spec swarm.ServiceSpec, l *lookup) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.closed == nil {
		im.closed = map[string]closed{}
	}
	switch kind := apierr.KindOf(l.err); {
	case l.err == nil:
		delete(im.closed, spec.Registry)
	case kind == apierr.RateLimited:
		c := closed{mark: spec.Labels[swarm.LabelLogin], pause: min(max(2*im.closed[spec.Registry].pause, firstClosed), mostClosed)}
		c.until = time.Now().Add(c.pause)
		im.closed[spec.Registry] = c
		im.failures[spec.Reference()]++
		l.wait = c.pause
	case !final(kind):
		im.failures[spec.Reference()]++
	}
	l.tries = im.failures[spec.Reference()]
}

// judged decides about an image without a digest. `docker stack deploy` always goes on with a warning, and every node then pulls what the tag means to
// it at that moment. So here the service is not written, unless the file is content with that: then a registry that fails for a passing reason is asked
// again in later runs first, and later on when the service runs.
func (l *lookup) judged(spec swarm.ServiceSpec, bestEffort bool) answer {
	kind, ref := apierr.KindOf(l.err), spec.Reference()
	switch {
	case l.err == nil:
		return answer{pin: l.pin}
	case spec.Pin().Digest != "":
		return answer{warning: fmt.Sprintf("the platforms of image %s are not known (%s): its tasks are also put on nodes that it cannot run on", ref, kind)}
	case !bestEffort, !final(kind) && l.tries < patience:
		return answer{later: true, err: l.unresolved(spec, bestEffort)}
	}
	warning := fmt.Sprintf("image %s has no digest (%s): each node takes what the tag means to it, and versions can differ", ref, kind)
	if final(kind) {
		return answer{warning: warning}
	}
	return answer{later: true, warning: warning + "; its registry is asked again from time to time, and the digest is rolled out then"}
}

// unresolved is the refusal of a service whose image has no digest. Nothing was sent.
func (l *lookup) unresolved(spec swarm.ServiceSpec, bestEffort bool) error {
	kind, err := apierr.KindOf(l.err), l.err
	if said := (*apierr.Error)(nil); errors.As(err, &said) {
		err = said.Err
	}
	e := &apierr.Error{Kind: kind, Op: "resolve image", RetryAfter: l.wait,
		Err: &UnresolvedError{Image: spec.Reference(), Registry: spec.Registry, Kind: kind, LoggedIn: spec.Login.Header() != "", Err: err}}
	if bestEffort {
		e.RetryAfter = 0 // it is not waited for
	}
	if !kind.Refused() {
		e.Kind = apierr.Precondition
	}
	return e
}

// final reports whether asking again does not help. An image that no registry knows, or that we may not see, exists on the nodes or nowhere.
func final(k apierr.Kind) bool {
	return k.Denied() || k == apierr.NotFound || k == apierr.Invalid || k == apierr.Precondition
}
