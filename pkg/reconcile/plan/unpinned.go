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
	return live.Spec.Digest == "" && want.Digest == "" && live.Spec.Image == want.Image
}

// unpinnedSince is since when the service waits for its image's digest. It does not if the registry gave an answer: no such image, or not for us.
func unpinnedSince(live swarm.Service) (since time.Time, waits bool) {
	since, err := time.Parse(time.RFC3339, live.Spec.Labels[swarm.LabelUnpinned])
	return since, err == nil
}

// Unpinned returns the images, sorted, whose registries are to be asked again: those of the stack's services that were written without a digest because
// a registry did not answer, or had no time. Memory.Looked is asked for these.
func Unpinned(stack swarm.Stack, services []swarm.Service) []string {
	wanted, images := map[string]swarm.ServiceSpec{}, map[string]bool{}
	for _, s := range stack.Services {
		wanted[s.Name] = s
	}
	for _, live := range services {
		want, there := wanted[live.Spec.Name]
		if _, waits := unpinnedSince(live); there && waits && unpinned(want, live) {
			images[want.Image] = true
		}
	}
	return slices.Sorted(maps.Keys(images))
}

// pinLater names a service whose image has no digest, so that its tasks may run different versions of it. When the registry tells the digest after all,
// it is rolled out as an edit would be: nobody can know which version the tasks run, and the edit that the service was last written for asked for the
// digest, too. It reports whether it did.
func (d *draft) pinLater(want swarm.ServiceSpec, live swarm.Service, diff []string) bool {
	if !unpinned(want, live) {
		return false
	}
	since, waits := unpinnedSince(live)
	looked, why := d.in.Memory.Looked[want.Image], ""
	switch {
	case !waits:
		why = ": the registry does not give it; the next change of the service asks again"
	case looked.Pin.Digest == "" && looked.Again.IsZero():
		why = " since " + clock(since) + ", when its registry did not answer; it is asked again from time to time"
	case looked.Pin.Digest == "":
		why = " since " + clock(since) + ", when its registry did not answer; it is asked again at " + clock(looked.Again)
	case rolledBack(live):
		why = ": its registry tells it now, but the roll-out to it was taken back: " + live.UpdateMessage + "; change the service to try again"
	case len(diff) == 0 && d.calm(want, live) && d.pinNow(want, live, looked.Pin):
		return true
	default:
		why = ": its registry tells it now, and it is rolled out when nothing else is and all tasks run"
	}
	d.note(GuardUnpinned, "service/"+want.Name, "its image "+want.Image+" has no digest, so each node takes what the tag means to it"+why)
	return false
}

// calm reports whether a service may be rolled out without an edit: its tasks run, and no roll-out is under way, so that one follows the other.
func (d *draft) calm(want swarm.ServiceSpec, live swarm.Service) bool {
	return !d.pinning && settled(live) && d.isWhole(want, live) && !slices.ContainsFunc(d.in.World.Services, func(s swarm.Service) bool {
		return d.ours(s.Spec.Labels) && moving(s)
	})
}

// pinNow writes the digest, unless the ledger has no room for the roll-out. What ran before is not named as good: it is the same specification, and the engine goes back to it.
func (d *draft) pinNow(want swarm.ServiceSpec, live swarm.Service, pin swarm.Pin) bool {
	tag := want.Image
	want = want.Pinned(pin)
	want.Labels = d.labelled(want)
	changes := []swarm.Change{{Key: "image", From: tag, To: want.Reference()}}
	remembered, room := d.rememberAttempt(want, live)
	if !room {
		return false
	}
	d.pinning = true
	d.step("service", want.Name, UpdateService{ID: live.ID, Version: live.Version, Spec: want, Changes: changes}, WhyPinned,
		"its registry tells the image's digest now: "+swarm.Summary(changes), remembered...)
	return true
}
