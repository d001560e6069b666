package plan

import (
	"maps"
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// newlyRecorded reports whether the service's roll-out is remembered before it begins, and none of it was remembered so far.
func (v *view) newlyRecorded(s service) bool {
	_, known := v.in.World.Ledger.Rollouts[s.want.Name]
	return !known && v.recorded(s.want)
}

// recorded reports whether the ledger says what is rolled out before it is: the engine would take it back should it fail, and does not say then which
// one that was, the file may have changed meanwhile, and swarmd may have died.
func (v *view) recorded(want swarm.ServiceSpec) bool {
	tried := v.tried(want.Name)
	return want.RollsBack && (tried.Failed || !isTemplate(tried.Template, want))
}

// attemptOf is what is remembered of what is rolled out next.
func (v *view) attemptOf(want swarm.ServiceSpec, live swarm.Service) ledger.RollOut {
	next := ledger.RollOut{Template: templateHash(want), Version: live.Version}
	if moving(live) {
		next.Over = templateHash(live.Spec)
	}
	return next
}

// changed is what a service becomes, and whether its image's digest is to be asked for first.
func (v *view) changed(s service) (want swarm.ServiceSpec, resolve bool) {
	want, live := s.want, *s.live
	want.Labels = v.labelled(want)
	if good := v.remembering(live, s.diff); good != "" && !want.Mode.Job() {
		want.Labels[swarm.LabelGood] = good
	}
	want.Labels = spreadAt(want.Labels, live.Spec.Labels[swarm.LabelSpread])
	if mark := live.Spec.Labels[swarm.LabelLogin]; mark != "" && v.hasLogin(want) {
		want.Labels[swarm.LabelLogin] = mark // until it is written with another one
	}
	resolve = !sameImage(want, live.Spec) && !s.surgesOnly() && !s.protectsOnly()
	if !resolve {
		want = want.Pinned(live.Spec.Pin()) // the same image stays the same bytes
	}
	if since := live.Spec.Labels[swarm.LabelUnpinned]; since != "" && unpinned(want, live) {
		want.Labels[swarm.LabelUnpinned] = since // if the registry still does not tell it
	}
	return want, resolve
}

// spreadAt has the labels say when the service was spread last; "" is never.
func spreadAt(labels map[string]string, at string) map[string]string {
	setOrDelete(labels, swarm.LabelSpread, at)
	return labels
}

// surgesOnly reports whether nothing changes but how many tasks the service has beyond the file's.
func (s service) surgesOnly() bool { return s.surgeDiffers() && !swarm.Replaces(s.diff) }

// sameImage reports whether the live specification has the image that is wanted, as its registry had it. A digest that the file names is what is run,
// whatever the tag means. Without one the tag's of now is taken when the image changes, and one that could not be had is asked for with the next change.
func sameImage(want, live swarm.ServiceSpec) bool {
	return want.Image == live.Image && live.Pin().Digest != "" && (want.Pin().Digest == "" || want.Pin().Digest == live.Pin().Digest)
}

// rolledBack reports whether the service shows the end of a roll-back: the old specification is live again.
func rolledBack(s swarm.Service) bool {
	return s.Update == swarm.RollbackCompleted || s.Update == swarm.RollbackPaused
}

// rollbackIsNew reports whether the service shows a roll-back for the first time. Its version tells a first sight from a known one, and from one that
// was there before what is to be rolled out next was even sent.
func (v *view) rollbackIsNew(want swarm.ServiceSpec, live swarm.Service) bool {
	return rolledBack(live) && v.tried(want.Name).Version != live.Version
}

// rollbackSeen is what is remembered of a roll-back that is new: with the template that failed, which is the one that was rolled out last, or with
// none if the tasks that live are those that are wanted.
func (v *view) rollbackSeen(s service) ledger.RollOut {
	tried := v.tried(s.want.Name)
	seen := ledger.RollOut{Template: blamed(tried, *s.live), Version: s.live.Version, Failed: true}
	if len(s.diff) > 0 && (tried.Failed || tried.Template == "") {
		seen.Template = templateHash(s.want) // nobody has written down what else it could have been
	}
	switch mine := isTemplate(seen.Template, s.want); {
	case mine && !swarm.Replaces(s.diff):
		seen.Template = "" // it is live and wanted: it did not fail
	case mine:
		seen.Template = templateHash(s.want)
	}
	return seen
}

// blamed is the hash of what was taken back, when a roll-back has ended. What was to be written over a running roll-out was perhaps refused,
// because that one was taken back meanwhile. If it was written, the engine has gone back to what it was written over.
func blamed(tried ledger.RollOut, live swarm.Service) string {
	if !tried.Failed && tried.Over != "" && !isTemplate(tried.Over, live.Spec) {
		return tried.Over
	}
	return tried.Template
}

// tried is what is remembered of a service; the zero value if that is nothing.
func (v *view) tried(name string) ledger.RollOut { return v.in.World.Ledger.Rollouts[name] }

// proposeForgetting proposes to forget what is remembered of services that nobody wants and that are gone, or that run what is wanted and show no roll-back
// any more. Of one that is wanted and missing in a list nothing is forgotten: lists have been empty before.
func proposeForgetting(v *view) []wish {
	var wishes []wish
	for _, name := range slices.Sorted(maps.Keys(v.in.World.Ledger.Rollouts)) {
		want, live := v.wantedService(name), v.liveService(name)
		over := want == nil && live == nil
		if want != nil && live != nil && want.Unopened == "" {
			over = !rolledBack(*live) && live.Update != swarm.Updating && live.Update != swarm.RollbackStarted &&
				len(swarm.Diff(want.Form(), live.Spec.Form())) == 0 && !v.keepsFailing(name)
		}
		if over {
			wishes = append(wishes, wish{kind: forget, object: "service/" + name, live: liveObject{name: name}})
		}
	}
	return wishes
}
