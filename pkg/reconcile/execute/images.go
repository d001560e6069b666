package execute

import (
	"context"
	"fmt"
	"sync"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// patience is how many runs ask a registry that fails for a passing reason before a service is written without a digest.
const patience = 3

// images resolves each image once per revision, so that all services of one revision run one version of it.
type images struct {
	mu       sync.Mutex
	revision int
	asked    map[string]*lookup
	failures map[string]int // runs in which the registry failed for a passing reason
}

// lookup is one question to a registry, asked once and answered to all who wait.
type lookup struct {
	done    chan struct{}
	pin     swarm.Pin
	later   bool // the registry may tell it later
	warning string
	err     error
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
func (im *images) resolve(ctx context.Context, spec swarm.ServiceSpec, ask func(context.Context, string) (swarm.Pin, error)) *lookup {
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
		return l
	}
	defer close(l.done)
	pin, err := ask(ctx, ref)
	switch {
	case err == nil:
		l.pin = pin
	case spec.Pin().Digest != "":
		l.warning = fmt.Sprintf("the platforms of image %s are not known (%s): its tasks are also put on nodes that it cannot run on", ref, apierr.KindOf(err))
	default:
		l.later, l.warning, l.err = im.judge(ref, err)
	}
	return l
}

// judge decides about an image without a digest. `docker stack deploy` always goes on with a warning, and every node then pulls what
// the tag means to it at that moment. So here a registry that fails for a passing reason is asked again in later runs first, and later on when the
// service runs.
func (im *images) judge(ref string, err error) (later bool, warning string, refused error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	kind := apierr.KindOf(err)
	warning = fmt.Sprintf("image %s has no digest (%s): each node takes what the tag means to it, and versions can differ", ref, kind)
	if final(kind) {
		return false, warning, nil
	}
	if im.failures[ref]++; im.failures[ref] < patience {
		return true, "", notSent("resolve image "+ref, err)
	}
	return true, warning + "; its registry is asked again from time to time, and the digest is rolled out then", nil
}

// final reports whether asking again does not help. An image that no registry knows, or that we may not see, exists on the nodes or nowhere.
func final(k apierr.Kind) bool {
	return k.Denied() || k == apierr.NotFound || k == apierr.Invalid || k == apierr.Precondition
}
