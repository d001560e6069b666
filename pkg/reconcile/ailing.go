package reconcile

import (
	"maps"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// ailing are the machines that are off, down or gone, by droplet id, and what was tried. It is a value: see and learn make the next one. It is a memory of this
// process, as that of strangers is: who acts anew begins to count anew, and judges nobody too early.
type ailing struct {
	of   map[int]plan.Ailing // by this process's own clock; one without a Since is well, and was repaired not long ago
	last time.Time           // look
}

// triedFor is how long the tries to power a machine on count after it runs: one that falls over at once is not powered on for ever.
const triedFor = 10 * time.Minute

// see returns what is remembered after a look. One that does not count, of a view with a gap or of a swarmd that does not act, ends how long each
// was ill, not what was tried.
func (a ailing) see(w world.World, counts bool, now time.Time) ailing {
	next := ailing{map[int]plan.Ailing{}, now}
	anew := !counts || now.Sub(a.last) > lookBreak
	for _, m := range w.Machines {
		how, id := plan.Ails(m)
		if !counts || how == plan.Well {
			continue
		}
		h := a.of[id]
		if anew || h.How != how || h.Since.IsZero() {
			h.How, h.Since, h.Few = how, now, time.Time{}
		}
		if how != plan.Hangs || plan.Crowded(plan.Crowd(w.Machines, m.Pool)) {
			h.Few = time.Time{}
		} else if h.Few.IsZero() {
			h.Few = now
		}
		next.of[id] = h
	}
	for id, h := range a.of {
		if _, still := next.of[id]; still {
			continue
		}
		if h.Tries > 0 && now.Sub(h.Tried) >= triedFor {
			h.Tries = 0
		}
		if h.Tries > 0 || !h.Cycled.IsZero() && now.Sub(h.Cycled) < plan.CycleEvery {
			h.How, h.Since, h.Few = plan.Well, time.Time{}, time.Time{}
			next.of[id] = h
		}
	}
	return next
}

// learn returns what is remembered after a run. A try counts that was sent, whatever became of it; a power cycle that was refused does not.
func (a ailing) learn(rs execute.Results, now time.Time) ailing {
	next := ailing{map[int]plan.Ailing{}, a.last}
	maps.Copy(next.of, a.of)
	for _, r := range rs {
		if r.Outcome == execute.Dropped {
			continue
		}
		switch step := r.Step.Action.(type) {
		case plan.PowerOnDroplet:
			h := next.of[step.DropletID]
			h.Tries, h.Tried = h.Tries+1, now
			next.of[step.DropletID] = h
		case plan.PowerCycleDroplet:
			if r.Outcome == execute.Refused {
				continue // it is tried again as all that is refused
			}
			h := next.of[step.DropletID]
			h.Cycled, h.Unsure = now, r.Outcome != execute.Done
			next.of[step.DropletID] = h
		}
	}
	return next
}

// seen is what the planner is told, by a clock that is so far ahead of this process's own.
func (a ailing) seen(ahead time.Duration) map[int]plan.Ailing {
	out := map[int]plan.Ailing{}
	for id, h := range a.of {
		for _, t := range []*time.Time{&h.Since, &h.Tried, &h.Cycled, &h.Few} {
			if !t.IsZero() {
				*t = t.Add(ahead)
			}
		}
		out[id] = h
	}
	return out
}
