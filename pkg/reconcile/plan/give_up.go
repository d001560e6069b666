package plan

import (
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// failure is why the roll-out that a service shows has failed and does not end well by itself, "" if it has not. What the engine takes back by itself
// is its own. One that had succeeded is none any more, whatever becomes of its tasks later.
func (v *view) failure(s service) string {
	if s.live == nil || swarm.Replaces(s.diff) || s.live.Spec.Mode != s.want.Mode || putBackNow(*s.live) || v.gap(world.GapTasks) {
		return ""
	}
	live, try := *s.live, v.in.Memory.Tries[s.want.Name]
	switch c := v.tally(s.want, live); {
	case live.Update == swarm.Paused:
		return "the engine paused it"
	case live.Update == swarm.Updating && v.stuck(live) && try.Still >= v.progressDeadline()+live.Spec.Delay:
		return "it has made no progress since " + clock(v.lastStep(live))
	case live.Update != swarm.RollbackStarted && try.Fresh && !try.Good && v.crashes(s.want, c):
		return fmt.Sprintf("%d of its tasks failed and none was healthy", try.Failed)
	}
	return ""
}

// givesUp returns why a roll-out is ended, and what is put back. The end of a failure is what the service ran whole with last, exactly as it was: that
// replaces no task that is of it. The engine's own way back can lead forward, into what failed before.
func (v *view) givesUp(s service) (before swarm.ServiceSpec, why string) {
	if why = v.failure(s); why == "" {
		return before, ""
	}
	before, known := v.goesBackTo(*s.live)
	if !known {
		return before, ""
	}
	return before, why
}

// goesBackTo is what a roll-out that fails is ended with, if there is something.
func (v *view) goesBackTo(live swarm.Service) (before swarm.ServiceSpec, known bool) {
	before, known = v.lastGood(live)
	return before, known && swarm.Replaces(swarm.Diff(before.Form(), live.Spec.Form()))
}

// mayGiveUp reports whether a roll-out that has been still for too long by the clock of this machine, and not yet by the one that nobody sets, is ended
// when it has: nothing is written over it until then, since that would begin it anew.
func (v *view) mayGiveUp(s service) bool {
	if v.in.Memory.Tries[s.want.Name].Still >= v.progressDeadline()+s.live.Spec.Delay {
		return false
	}
	_, known := v.goesBackTo(*s.live)
	return known && s.live.Update == swarm.Updating
}

// machinesOnTheWay leaves a roll-out alone that may wait for machines that are about to come.
func machinesOnTheWay(v *view, s spent, w wish) *refusal {
	if w.service.live.Update == swarm.Paused {
		return nil
	}
	coming := len(v.creates) > 0 || s.creates("") > 0
	for _, m := range v.machines {
		coming = coming || m.class == booting || m.class == arriving
	}
	if !coming {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueWait}
}

// failureFits bounds the roll-outs that are remembered.
func failureFits(v *view, s spent, w wish) *refusal {
	if _, known := v.in.World.Ledger.Rollouts[w.service.want.Name]; known || len(v.in.World.Ledger.Rollouts)+s.tried+s.count(giveUp) < ledger.MaxRollouts {
		return nil
	}
	return blocked(GuardLedger, w.object, fmt.Sprintf("not taken back yet: the roll-outs of %d services are remembered already, at most so many at once", ledger.MaxRollouts))
}

// giveUp ends a roll-out: first it is remembered that it failed, so that nothing writes it again, then what ran before is put back.
func (b *builder) giveUp(v *view, w wish) {
	s, after := w.service, []string(nil)
	before, _ := v.givesUp(s)
	before.Labels[swarm.LabelFailed] = v.complaint(*s.live)
	tried := ledger.RollOut{Template: templateHash(s.want), Version: s.live.Version, Failed: true}
	if !v.isFailed(s.want) {
		b.step("failed", s.want.Name, RecordRollout{s.want.Name, tried}, WhyRolloutFailed, "its roll-out failed: "+w.text+v.because(*s.live))
		after = append(after, stepID("failed", s.want.Name))
	}
	back := swarm.ServiceChanges(before.Form(), s.live.Spec.Form())
	b.step("service", s.want.Name, UpdateService{ID: s.live.ID, Version: s.live.Version, Spec: before, Changes: back}, WhyRolloutFailed,
		"the roll-out failed, "+w.text+v.because(*s.live)+"; what ran before is put back: "+swarm.Summary(back), after...)
}

// failed is why a roll-out is ended, "" if it goes on.
func (v *view) failed(s service) string {
	_, why := v.givesUp(s)
	return why
}

// keepsFailing reports whether the roll-out that a service of the stack shows has failed, so that nothing of it is forgotten.
func (v *view) keepsFailing(name string) bool {
	return slices.ContainsFunc(v.services, func(s service) bool { return s.want.Name == name && v.failure(s) != "" })
}

// failing reports whether tasks of a roll-out that has not succeeded fail: as few as may end it.
func failing(t Try) bool { return t.Fresh && !t.Good && t.Failed >= fewestFailures }

// mostComplaint bounds, in characters, what is kept of a task's error.
const mostComplaint = 200

// complaint is what the newest task of a roll-out that failed says, and where. When what ran before is back, nobody can ask the engine any more.
func (v *view) complaint(live swarm.Service) string {
	text, t := []rune(v.taskError(live)), v.troubled(live)
	if len(text) > mostComplaint {
		text = append(text[:mostComplaint], '…')
	}
	if m := v.machineOf(t.NodeID); m != nil && len(text) > 0 {
		return string(text) + " (on " + m.name() + ")"
	}
	return string(text)
}
