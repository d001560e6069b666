package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// rollout decides about a live service of ours. Any write sets the engine's previous specification to the current one and forgets
// the roll-out's state (seen on 20.10.24), so nothing is written while one runs, and what failed is not pushed again.
func (d *draft) rollout(want swarm.ServiceSpec, live swarm.Service, made map[string]string) {
	diff := swarm.Diff(want.Form, live.Spec.Form)
	if d.rememberRollback(want, live, len(diff) > 0) {
		return
	}
	switch guard, why := d.mayWrite(want, live); {
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
func (d *draft) mayWrite(want swarm.ServiceSpec, live swarm.Service) (guard, why string) {
	hash := want.Labels[swarm.LabelHash]
	switch failed, _ := failure(d.in.World.Ledger.Failed[want.Name]); {
	case live.Update == swarm.Updating || live.Update == swarm.RollbackStarted:
		return GuardRollout, "a roll-out runs; the change follows when it has ended"
	case hash != "" && failed == hash:
		return GuardRolledBack, "this specification was rolled out and taken back: " + live.UpdateMessage + "; change the service to try again"
	case live.Update == swarm.Paused && live.Spec.Labels[swarm.LabelHash] == hash:
		return GuardRolloutPaused, "the roll-out is paused: " + live.UpdateMessage + "; change the service to go on"
	}
	return "", ""
}

// holdPaused: what is wanted is written, and the engine stopped on the way to it, or on the way back.
func (d *draft) holdPaused(live swarm.Service) {
	if live.Update == swarm.Paused || live.Update == swarm.RollbackPaused {
		d.hold(GuardRolloutPaused, "service/"+live.Spec.Name, "the engine paused: "+live.UpdateMessage)
	}
}

func (d *draft) updateService(want swarm.ServiceSpec, live swarm.Service, diff []string, made map[string]string) {
	want.Labels = d.labelled(want)
	resolve := want.Image != live.Spec.Image
	if !resolve {
		want.Digest = live.Spec.Digest // the same image stays the same bytes
	}
	d.step("service", want.Name, UpdateService{ID: live.ID, Version: live.Version, Spec: want, ResolveImage: resolve, Diff: diff},
		WhyServiceDiff, strings.Join(diff, ", "), after(want, made)...)
}

// rolledBack reports whether the service shows the end of a roll-back: the old specification is live again.
func rolledBack(s swarm.Service) bool {
	return s.Update == swarm.RollbackCompleted || s.Update == swarm.RollbackPaused
}

// rememberRollback writes down a roll-back that is seen for the first time: with the hash that failed, which is the one that was rolled out
// last, or if nobody has seen that the one still wanted; or with none if what is live is what is wanted. The service's version tells a first
// sight from a known one.
func (d *draft) rememberRollback(want swarm.ServiceSpec, live swarm.Service, differs bool) bool {
	hash, version := failure(d.in.World.Ledger.Failed[want.Name])
	if !rolledBack(live) || version == live.Version {
		return false
	}
	switch {
	case differs:
		hash = cmp.Or(d.in.Pushed[want.Name], want.Labels[swarm.LabelHash])
		d.hold(GuardRolledBack, "service/"+want.Name, "the roll-out was taken back: "+live.UpdateMessage)
	case hash == want.Labels[swarm.LabelHash]:
		hash = "" // it is live and wanted: it did not fail
	}
	d.step("failed", want.Name, RecordFailed{Service: want.Name, Value: fmt.Sprintf("%s@%d", hash, live.Version)}, WhyRollbackSeen,
		"version "+fmt.Sprint(live.Version)+" is a roll-back")
	return true
}

// failure reads a value of Ledger.Failed.
func failure(value string) (hash string, version uint64) {
	hash, v, ok := strings.Cut(value, "@")
	if !ok {
		return hash, 0
	}
	if _, err := fmt.Sscan(v, &version); err != nil {
		return hash, 0
	}
	return hash, version
}

// forget removes what is remembered of services that are gone, or that run what is wanted and show no roll-back any more.
func (d *draft) forget() {
	for _, name := range slices.Sorted(maps.Keys(d.in.World.Ledger.Failed)) {
		want, live := d.wantedService(name), d.liveService(name)
		over := live == nil
		if want != nil && live != nil {
			over = !rolledBack(*live) && live.Update != swarm.Updating && live.Update != swarm.RollbackStarted &&
				len(swarm.Diff(want.Form, live.Spec.Form)) == 0
		}
		if over {
			d.step("failed", name, RecordFailed{Service: name}, WhyRollbackOver, name+" runs what is wanted")
		}
	}
}

// serviceGap reports whether the services' state cannot be judged.
func (d *draft) serviceGap() bool {
	return d.gap(world.GapServices) || d.gap(world.GapTasks) || d.gap(world.GapNetworks)
}
