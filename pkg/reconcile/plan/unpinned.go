package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// Looked is what came of asking a registry again for an image's digest.
type Looked struct {
	Pin   swarm.Pin // its zero value as long as the registry does not tell
	Again time.Time // when it is asked the next time, by Input.Now's clock; zero: another swarmd knows
}

// unpinned reports whether the live service has the image that is wanted, by its tag alone.
func unpinned(want swarm.ServiceSpec, live swarm.Service) bool {
	return live.Spec.Pin().Digest == "" && want.Pin().Digest == "" && live.Spec.Image == want.Image
}

// unpinnedSince is since when the service waits for its image's digest. It does not if the registry gave an answer: no such image, or not for us.
func unpinnedSince(live swarm.Service) (since time.Time, waits bool) {
	label := live.Spec.Labels[swarm.LabelUnpinned]
	if label == "" {
		return time.Time{}, false
	}
	since, err := time.Parse(time.RFC3339, label)
	return since, err == nil
}

// Unpinned returns the images, sorted, whose registries are to be asked again: those of the stack's services that were written without a digest because
// a registry did not answer, or had no time. Memory.Looked is asked for these.
func Unpinned(stack swarm.Stack, services []swarm.Service) []string {
	wanted, images := named(stack.Services, wantedName), map[string]bool{}
	for _, live := range services {
		want := wanted[live.Spec.Name]
		if live.Spec.Mode.Job() {
			continue // the digest would run it again
		}
		if _, waits := unpinnedSince(live); want != nil && waits && unpinned(*want, live) {
			images[want.Image] = true
		}
	}
	return slices.Sorted(maps.Keys(images))
}

// A service whose image has no digest may have tasks that run different versions of it. When the registry tells the digest after all, it is rolled out as
// an edit would be: nobody can know which version the tasks run, and the edit that the service was last written for asked for the digest, too.

// notPinned is why it is not, as the end of a sentence.
func notPinned(s service, why string) *refusal {
	return warned(GuardUnpinned, s.object(), "its image "+s.want.Image+" has no digest, so each node takes what the tag means to it"+why)
}

// registryAnswers wants the digest to be known.
func registryAnswers(v *view, _ spent, w wish) *refusal {
	s := w.service
	since, waits := unpinnedSince(*s.live)
	switch looked := v.in.Memory.Looked[s.want.Image]; {
	case !waits:
		return notPinned(s, ": the registry does not give it; the next change of the service asks again")
	case looked.Pin.Digest == "" && looked.Again.IsZero():
		return notPinned(s, " since "+clock(since)+", when its registry did not answer; it is asked again from time to time")
	case looked.Pin.Digest == "":
		return notPinned(s, " since "+clock(since)+", when its registry did not answer; it is asked again at "+clock(looked.Again))
	}
	return nil
}

// pinTakenBack keeps a roll-out that failed from being tried again.
func pinTakenBack(_ *view, _ spent, w wish) *refusal {
	if !rolledBack(*w.service.live) {
		return nil
	}
	return notPinned(w.service, ": its registry tells it now, but the roll-out to it was taken back: "+w.service.live.UpdateMessage+"; change the service to try again")
}

// allCalm has a service rolled out without an edit only when that is all: its tasks run, no roll-out is under way, so that one follows the other, and
// the ledger has room to remember it.
func allCalm(v *view, s spent, w wish) *refusal {
	want, live := w.service.want, *w.service.live
	if len(w.service.diff) == 0 && s.count(pin) == 0 && settled(live) && v.isWhole(want, live) && !v.anyMoving() && s.remembers(v, w.service) {
		return nil
	}
	return notPinned(w.service, ": its registry tells it now, and it is rolled out when nothing else is and all tasks run")
}

// anyMoving reports whether a roll-out is under way.
func (v *view) anyMoving() bool {
	return slices.ContainsFunc(v.in.World.Services, func(s swarm.Service) bool { return v.ours(s.Spec.Labels) && moving(s) })
}
