package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// networkNameTaken leaves a network of the wanted name alone that is not ours.
func networkNameTaken(v *view, _ spent, w wish) *refusal {
	live := v.liveNetwork(w.network.Name)
	if live == nil {
		return nil
	}
	return blocked(GuardForeignNet, w.object, "there is one of that name that is not the cluster's"+v.mayTakeOver(w.network.Labels, live.Spec.Labels))
}

// serviceNameTaken does so with a service.
func serviceNameTaken(v *view, _ spent, w wish) *refusal {
	live := v.liveService(w.service.want.Name)
	if live == nil {
		return nil
	}
	return blocked(GuardForeignSvc, w.object, "there is one of that name that is not the cluster's"+v.mayTakeOver(w.service.want.Labels, live.Spec.Labels))
}

// foreignNetwork keeps a service from a network that is not ours but has the name of one of the stack's.
func foreignNetwork(v *view, _ spent, w wish) *refusal {
	for _, n := range v.in.Stack.Networks {
		live := v.liveNetwork(n.Name)
		if live == nil || v.usable(n, live) || !slices.Contains(w.service.want.Networks, n.Name) {
			continue
		}
		return blocked(GuardForeignNet, w.object, "its network "+n.Name+" is not the cluster's"+v.mayTakeOver(n.Labels, live.Spec.Labels))
	}
	return nil
}

// networkThere holds a service that uses a network which is not there and which swarmd does not make: the engine would refuse it. Those that each machine
// has of its own are in no list; the beginning of an id names a network, too.
func networkThere(v *view, _ spent, w wish) *refusal {
	for _, name := range w.service.want.Networks {
		made := slices.ContainsFunc(v.in.Stack.Networks, func(n swarm.NetworkSpec) bool { return n.Name == name })
		there := slices.ContainsFunc(v.in.World.Networks, func(n swarm.Network) bool { return n.Spec.Name == name || strings.HasPrefix(n.ID, name) })
		if made || there || slices.Contains([]string{"host", "bridge", "none"}, name) {
			continue
		}
		return blocked(GuardNetMissing, w.object, fmt.Sprintf("not written: its network %s is not in the swarm: docker network create --driver overlay %s, "+
			"or have swarmd make it: networks: { %s: { shared: true } } at the file's top level", name, name, name))
	}
	return nil
}

// hostAccess keeps back a service that would be root on the machines where this swarmd is to deny that. One that runs is left as it is: what it could
// do it could have done by now, and others may need it.
func hostAccess(v *view, _ spent, w wish) *refusal { return v.denied(w.service) }

func (v *view) denied(s service) *refusal {
	if r := v.unopened(s); r != nil {
		return r
	}
	why := v.denial(s.want)
	if why == "" {
		return nil
	}
	why += ", and swarmd was started with --deny-host-access: take that out of the file, or run swarmd bootstrap --deny-host-access=false"
	switch {
	case s.live == nil:
		return blocked(GuardHostAccess, s.object(), "not created: "+why)
	case len(s.diff) > 0:
		return blocked(GuardHostAccess, s.object(), "not changed, what runs is left alone: "+why)
	}
	return warned(GuardHostAccess, s.object(), "it runs and is left alone: "+why)
}

// takenBackNow holds what was taken back just now: that is remembered first.
func takenBackNow(v *view, _ spent, w wish) *refusal {
	live := *w.service.live
	if !v.rollbackIsNew(w.service.want, live) {
		return nil
	}
	return blocked(GuardRolledBack, w.object, "the roll-out was taken back: "+live.UpdateMessage+v.because(live))
}

// rolloutRuns has a change follow when the roll-out has ended that runs. Only a newer edit is written while it does, see superseded.
func rolloutRuns(v *view, _ spent, w wish) *refusal {
	want, live := w.service.want, *w.service.live
	switch newer := newer(want, live, w.service.diff); {
	case putBackNow(live) && v.failsAgain(w.service):
		return nil // it is held for that
	case moving(live) && putBackNow(live) && !v.stuck(live):
		return blocked(GuardRollout, w.object, "the roll-out before is superseded: what ran before it is put back, and the change follows when the engine has completed that")
	case live.Update == swarm.RollbackStarted && !v.stuck(live):
		return blocked(GuardRollout, w.object, "a roll-back runs; the change follows when it has ended")
	case live.Update == swarm.RollbackStarted && isTemplate(v.tried(want.Name).Template, want):
		return blocked(GuardRolledBack, w.object, "this specification is being taken back, and that does not end"+v.said(live)+"; change what its tasks run or how it is rolled out to try again")
	case moving(live) && (!newer || v.gap(world.GapTasks)) && (!v.stuck(live) || v.mayGiveUp(w.service)):
		return blocked(GuardRollout, w.object, "a roll-out runs; the change follows when it has ended")
	}
	return nil
}

// takenBack keeps what failed from being pushed again.
func takenBack(v *view, _ spent, w wish) *refusal {
	if !v.failsAgain(w.service) {
		return nil
	}
	live := *w.service.live
	return blocked(GuardRolledBack, w.object, "this specification was rolled out and taken back"+v.said(live)+"; change what its tasks run or how it is rolled out to try again")
}

// atRest leaves a roll-out alone that has stopped on its way, or left tasks behind without a word: a write would cost the engine what it goes back to.
// That what is wanted failed is said already.
func atRest(v *view, _ spent, w wish) *refusal {
	if live := *w.service.live; settled(live) && !v.gap(world.GapTasks) && !v.halfway(live) {
		return nil
	}
	return &refusal{}
}

// rolloutPaused leaves a roll-out alone that the engine paused, but for an edit that replaces what failed.
func rolloutPaused(v *view, _ spent, w wish) *refusal {
	want, live := w.service.want, *w.service.live
	switch paused := live.Update == swarm.Paused; {
	case paused && live.Spec.Labels[swarm.LabelHash] == want.Labels[swarm.LabelHash]:
		return blocked(GuardRolloutPaused, w.object, "the roll-out is paused: "+live.UpdateMessage+v.because(live)+"; change the service to go on")
	case paused && !newer(want, live, w.service.diff):
		return blocked(GuardRolloutPaused, w.object, "the roll-out is paused: "+live.UpdateMessage+v.because(live)+
			"; a change that replaces no task would only make it go on: change what failed as well")
	}
	return nil
}

// modeFixed holds what Swarm cannot do.
func modeFixed(_ *view, _ spent, w wish) *refusal {
	want, live := w.service.want, w.service.live
	if want.Mode == live.Spec.Mode {
		return nil
	}
	way := "remove the service, then add it"
	if live.Spec.Labels[swarm.LabelProtected] != "" {
		way = "it is protected, so take that back in an edit of its own (" + protectKey + ") or with " + unprotect(want.Name) + ", then remove the service, then add it"
	}
	return blocked(GuardMode, w.object, fmt.Sprintf("Swarm cannot change %s into %s: %s", live.Spec.Mode, want.Mode, way))
}

// rolloutsFull bounds the roll-outs that are remembered.
func rolloutsFull(v *view, s spent, w wish) *refusal {
	if s.remembers(v, w.service) {
		return nil
	}
	return blocked(GuardLedger, w.object, fmt.Sprintf("not rolled out yet: the roll-outs of %d services are remembered already, at most so many at once", ledger.MaxRollouts))
}

// foreignUser leaves a network to a service that is not ours.
func foreignUser(v *view, _ spent, w wish) *refusal {
	user := v.userOf(w.live.name)
	if user == "" || v.leavesStack(user) {
		return nil
	}
	return blocked(GuardForeignSvc, w.object, fmt.Sprintf("not removed: the service %s uses it", user))
}

// stillUsed has a network go last. The engine refuses while a task is attached, so the tasks of removed services end first.
func stillUsed(v *view, _ spent, w wish) *refusal {
	if v.userOf(w.live.name) == "" && !v.orphanTasks() {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueWait}
}
