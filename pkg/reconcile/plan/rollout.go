package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// rollout decides about a live service of ours. Any write sets the engine's previous specification to the current one and forgets
// the roll-out's state (seen on 20.10.24), so while one runs only a newer edit is written, see supersede, and what failed is not pushed again.
func (d *draft) rollout(want swarm.ServiceSpec, live swarm.Service, made map[string]string) {
	diff := swarm.Diff(want.Form, live.Spec.Form)
	if d.rememberRollback(want, live, len(diff) > 0) {
		return
	}
	d.holdStuck(live)
	if d.supersede(want, live, diff) || d.pinLater(want, live, diff) {
		return
	}
	switch guard, why := d.mayWrite(want, live, diff); {
	case len(diff) == 0:
		d.holdPaused(live)
	case guard != "":
		d.hold(guard, "service/"+want.Name, why)
	case want.Mode != live.Spec.Mode:
		d.hold(GuardMode, "service/"+want.Name, fmt.Sprintf("Swarm cannot change %s into %s: remove the service, then add it", live.Spec.Mode, want.Mode))
	case !d.foreignNetwork(want):
		d.updateService(want, live, diff, made)
	}
}

// mayWrite names the guard that forbids to write the wanted specification, "" if there is none.
func (v *view) mayWrite(want swarm.ServiceSpec, live swarm.Service, diff []string) (guard, why string) {
	hash, newer := want.Labels[swarm.LabelHash], newer(want, live, diff)
	switch {
	case moving(live) && putBack(live) && !v.stuck(live):
		return GuardRollout, "the roll-out before is superseded: what ran before it is put back, and the change follows when the engine has completed that"
	case live.Update == swarm.RollbackStarted && !v.stuck(live):
		return GuardRollout, "a roll-back runs; the change follows when it has ended"
	case live.Update == swarm.RollbackStarted && v.tried(want.Name).hash == hash:
		return GuardRolledBack, "this specification is being taken back, and that does not end: " + live.UpdateMessage + v.because(live) + "; change the service to try again"
	case moving(live) && (!newer || v.gap(world.GapTasks)) && !v.stuck(live):
		return GuardRollout, "a roll-out runs; the change follows when it has ended"
	case v.isFailed(want):
		return GuardRolledBack, "this specification was rolled out and taken back: " + live.UpdateMessage + v.because(live) + "; change the service to try again"
	case live.Update == swarm.Paused && live.Spec.Labels[swarm.LabelHash] == hash:
		return GuardRolloutPaused, "the roll-out is paused: " + live.UpdateMessage + v.because(live) + "; change the service to go on"
	case live.Update == swarm.Paused && !newer:
		return GuardRolloutPaused, "the roll-out is paused: " + live.UpdateMessage + v.because(live) + "; a change that replaces no task would only make it go on: change what failed as well"
	}
	return "", ""
}

// isFailed reports whether what is wanted was rolled out before and taken back.
func (v *view) isFailed(want swarm.ServiceSpec) bool {
	hash, tried := want.Labels[swarm.LabelHash], v.tried(want.Name)
	return hash != "" && tried.failed && tried.hash == hash
}

// holdPaused: what is wanted is written, and the engine stopped on the way to it, or on the way back.
func (d *draft) holdPaused(live swarm.Service) {
	if live.Update == swarm.Paused || live.Update == swarm.RollbackPaused {
		d.hold(GuardRolloutPaused, "service/"+live.Spec.Name, "the engine paused: "+live.UpdateMessage+d.because(live)+"; change the service to go on")
	}
}

func (d *draft) updateService(want swarm.ServiceSpec, live swarm.Service, diff []string, made map[string]string) {
	want.Labels = d.labelled(want)
	if good := d.remembering(live, diff); good != "" {
		want.Labels[swarm.LabelGood] = good
	}
	resolve := !sameImage(want, live.Spec)
	if !resolve {
		want = want.Pinned(live.Spec.Pin()) // the same image stays the same bytes
	} else if since := live.Spec.Labels[swarm.LabelUnpinned]; since != "" && unpinned(want, live) {
		want.Labels[swarm.LabelUnpinned] = since // if the registry still does not tell it
	}
	remembered, room := d.rememberAttempt(want, live)
	if !room {
		d.hold(GuardLedger, "service/"+want.Name, fmt.Sprintf("not rolled out yet: the roll-outs of %d services are remembered already, at most so many at once", ledger.MaxRollouts))
		return
	}
	changes := swarm.ServiceChanges(want.Form, live.Spec.Form)
	first := append(after(want, made), remembered...)
	d.step("service", want.Name, UpdateService{ID: live.ID, Version: live.Version, Spec: want, ResolveImage: resolve, Changes: changes},
		WhyServiceDiff, swarm.Summary(changes), first...)
}

// sameImage reports whether the live specification has the image that is wanted, as its registry had it. A digest that the file names is what is run,
// whatever the tag means. Without one the tag's of now is taken when the image changes, and one that could not be had is asked for with the next change.
func sameImage(want, live swarm.ServiceSpec) bool {
	return want.Image == live.Image && live.Digest != "" && (want.Digest == "" || want.Digest == live.Digest)
}

// rememberAttempt writes into the ledger what is about to be rolled out, if the engine would take it back should it fail: it does not say then
// which one that was, the file may have changed meanwhile, and swarmd may have died. It returns the step that does so, if one is needed, and false
// if there is no room for it: without it the engine's word alone would be left.
func (d *draft) rememberAttempt(want swarm.ServiceSpec, live swarm.Service) (step []string, room bool) {
	hash, tried := want.Labels[swarm.LabelHash], d.tried(want.Name)
	if !want.RollsBack || !tried.failed && tried.hash == hash {
		return nil, true
	}
	if _, known := d.in.World.Ledger.Rollouts[want.Name]; !known {
		if d.attempts++; len(d.in.World.Ledger.Rollouts)+d.attempts > ledger.MaxRollouts {
			return nil, false
		}
	}
	next := attempt{hash: hash, version: live.Version}
	if moving(live) {
		next.over = live.Spec.Labels[swarm.LabelHash]
	}
	d.step("try", want.Name, RecordRollout{Service: want.Name, Value: next.String()}, WhyServiceTried, "noted before it is rolled out, in case it is taken back")
	return []string{stepID("try", want.Name)}, true
}

// rolledBack reports whether the service shows the end of a roll-back: the old specification is live again.
func rolledBack(s swarm.Service) bool {
	return s.Update == swarm.RollbackCompleted || s.Update == swarm.RollbackPaused
}

// rememberRollback writes down a roll-back that is seen for the first time: with the hash that failed, which is the one that was rolled out
// last, or with none if what is live is what is wanted. The service's version tells a first sight from a known one, and from one that was
// there before what is to be rolled out next was even sent.
func (d *draft) rememberRollback(want swarm.ServiceSpec, live swarm.Service, differs bool) bool {
	tried, wanted := d.tried(want.Name), want.Labels[swarm.LabelHash]
	if !rolledBack(live) || tried.version == live.Version {
		return false
	}
	seen := attempt{hash: tried.blamed(live), version: live.Version, failed: true}
	switch {
	case differs:
		if tried.failed || tried.hash == "" {
			seen.hash = wanted // nobody has written down what else it could have been
		}
		d.hold(GuardRolledBack, "service/"+want.Name, "the roll-out was taken back: "+live.UpdateMessage+d.because(live))
	case seen.hash == wanted:
		seen.hash = "" // it is live and wanted: it did not fail
	}
	d.step("failed", want.Name, RecordRollout{Service: want.Name, Value: seen.String()}, WhyRollbackSeen,
		"version "+fmt.Sprint(live.Version)+" is a roll-back")
	return true
}

// attempt is a specification that was rolled out last, as Ledger.Rollouts has it: "HASH@VERSION" of one that failed, with the service's version
// when that was seen, and "HASH@VERSION?OVER" of one of which it is not known yet, with the version that it was written over.
type attempt struct {
	hash    string
	version uint64
	failed  bool
	over    string // the hash of what was being rolled out at that version, "" if nothing was
}

// String is what is written.
func (a attempt) String() string {
	s := fmt.Sprintf("%s@%d", a.hash, a.version)
	if !a.failed {
		s += "?" + a.over
	}
	return s
}

// blamed is the hash of what was taken back, when a roll-back has ended. What was to be written over a running roll-out was perhaps refused,
// because that one was taken back meanwhile. If it was written, the engine has gone back to what it was written over.
func (a attempt) blamed(live swarm.Service) string {
	if !a.failed && a.over != "" && live.Spec.Labels[swarm.LabelHash] != a.over {
		return a.over
	}
	return a.hash
}

// tried reads what is remembered of a service; the zero value if that is nothing.
func (v *view) tried(name string) attempt {
	hash, rest, ok := strings.Cut(v.in.World.Ledger.Rollouts[name], "@")
	number, over, open := strings.Cut(rest, "?")
	version, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil {
		return attempt{hash: hash, failed: hash != ""}
	}
	return attempt{hash: hash, version: version, failed: !open, over: over}
}

// forget removes what is remembered of services that nobody wants and that are gone, or that run what is wanted and show no roll-back any
// more. Of one that is wanted and missing in a list nothing is forgotten: lists have been empty before.
func (d *draft) forget() {
	for _, name := range slices.Sorted(maps.Keys(d.in.World.Ledger.Rollouts)) {
		want, live := d.wantedService(name), d.liveService(name)
		over := want == nil && live == nil
		if want != nil && live != nil {
			over = !rolledBack(*live) && live.Update != swarm.Updating && live.Update != swarm.RollbackStarted &&
				len(swarm.Diff(want.Form, live.Spec.Form)) == 0
		}
		if over {
			d.step("forget", name, RecordRollout{Service: name}, WhyRolloutOver, name+" runs what is wanted")
		}
	}
}

// serviceGap reports whether the services' state cannot be judged.
func (v *view) serviceGap() bool {
	return v.gap(world.GapServices) || v.gap(world.GapTasks) || v.gap(world.GapNetworks)
}
