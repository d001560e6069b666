package plan

import (
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/spec"
)

// replacesAtOnce is how many machines are replaced at once for what they are ill of, in all pools.
const replacesAtOnce = 2

// fewReplaced has one machine of a pool replaced after the other, and in all few of those that are ill.
func fewReplaced(v *view, s spent, w wish) *refusal {
	pool, all, first := s.replaces(w.machine.pool.Name), s.replaces(""), ""
	for _, g := range s.opens {
		if reasonOf(g.kind) != "" && g.machine.pool == w.machine.pool {
			first = g.machine.name()
		}
	}
	for _, op := range v.replaces {
		if reasonOf(w.kind) == forIll && op.onlyWaits(v) {
			continue
		}
		if op.Pool == w.machine.pool.Name {
			pool, first = pool+1, op.Name
		}
		all++
	}
	most := 1
	if driftGuard(w.kind) != "" {
		most = max(1, w.machine.pool.Disruption.MaxSurge)
	}
	switch {
	case pool >= most && most > 1:
		return waits(w, fmt.Sprintf("%d machines of pool %s are replaced at once (disruption.max_surge), and so many are", most, w.machine.pool.Name))
	case pool >= most:
		return waits(w, fmt.Sprintf("one machine of pool %s is replaced after the other, and %s is first", w.machine.pool.Name, first))
	case reasonOf(w.kind) == forIll && all >= replacesAtOnce:
		return waits(w, fmt.Sprintf("%d machines are replaced at once at most, and so many are", replacesAtOnce))
	}
	return nil
}

// notInACrowd keeps a machine that is ill while so many of its pool are down at once that it is likely not the machines: they may all come back.
func notInACrowd(v *view, s spent, w wish) *refusal {
	if op := v.replacing(w.machine); op == nil || op.Reason != forIll || w.machine.ails() != Hangs {
		return nil
	}
	w.kind, w.text = replaceIll, "the node is down"
	return fewDown(v, s, w)
}

// pauseInACrowd is how long after a repair the next one of a pool waits of which many are down.
const pauseInACrowd = 10 * time.Minute

// slowlyInACrowd has machines that are gone replaced one by one while many others of their pool are down. That they are gone is no guess.
func slowlyInACrowd(v *view, s spent, w wish) *refusal {
	if !Crowded(Crowd(v.in.World.Machines, w.machine.pool.Name)) {
		return nil
	}
	last := time.Time{}
	for _, t := range v.in.World.Ledger.Repairs {
		if t.After(last) {
			last = t
		}
	}
	left := last.Add(pauseInACrowd).Sub(v.in.Now)
	if s.count(replaceDead) > 0 {
		left = pauseInACrowd
	}
	if left <= 0 {
		return nil
	}
	return downUntil(w, fmt.Sprintf(": many of pool %s are down, so one is replaced in %s; this one at the earliest at %s", w.machine.pool.Name, pauseInACrowd, clock(v.in.Now.Add(left))), left)
}

// managersCalm has a manager replaced only while no other comes, is promoted or leaves.
func managersCalm(v *view, s spent, w wish) *refusal {
	if w.machine.pool.Role != "manager" && !w.machine.isManager() {
		return nil
	}
	why := ""
	if m, ok := v.changing(); ok {
		why = m.name() + " changes its role"
	}
	for _, m := range v.machines {
		if m.pool == nil || m.pool.Role != "manager" || m.dropletID() == w.machine.dropletID() {
			continue
		}
		switch m.class {
		case booting, overdue, arriving, leaving:
			why = m.name() + " is " + string(m.class)
		}
		if op := v.replacing(m); op != nil && (w.kind != replaceIll && w.kind != powerCycle || !op.onlyWaits(v)) {
			why = m.name() + " is being replaced"
		}
	}
	if v.managerLeaves(s) {
		why = "another manager leaves"
	}
	if why == "" {
		return nil
	}
	return waits(w, "one manager at a time, and "+why)
}

// wholePool has machines replaced for what the file says only while all machines of their pool work: if a new one does not, it goes no further.
func wholePool(v *view, _ spent, w wish) *refusal {
	if why := v.stopsRoll(w.machine.pool); why != "" {
		return &refusal{hold: rollStopped(w.machine.pool, w.text, why), progressing: true, requeue: requeueStopped, rest: true}
	}
	for _, m := range v.machines {
		if m.pool != w.machine.pool || !m.counts() && m.class != leaving {
			continue
		}
		if m.class != ready {
			return waits(w, fmt.Sprintf("it waits until all of pool %s work, and %s is %s", w.machine.pool.Name, m.name(), m.class))
		}
	}
	return nil
}

// stopsRoll says which machine of a pool is not well, or does not become so, "" if there is none: no other machine is put at risk for it.
func (v *view) stopsRoll(p *spec.Pool) string {
	for _, m := range v.machines {
		switch {
		case m.pool != p || !m.counts():
		case m.class == overdue, m.class == down, m.class == dead, m.unsure():
			return m.name() + " is " + string(m.class)
		}
	}
	if l := v.launches(p); l.Failures > 0 {
		return fmt.Sprintf("%s did not get well, try %d of %d", l.Name, l.Failures, v.in.Spec.Policies.Repair.LaunchTries)
	}
	return ""
}

// rollStopped says that no further machine of a pool is replaced, and how it goes on.
func rollStopped(p *spec.Pool, text, why string) Hold {
	return Hold{Guard: GuardRollStopped, Object: "pool/" + p.Name, Blocking: true, Text: fmt.Sprintf("%s: no further one is replaced, because %s. What is left works on as it is. "+
		"It goes on when all of the pool work; swarmd why %s says what is done about that. Another size, image, region or VPC in the file goes on from here at once, what it was before too", text, why, p.Name)}
}

// rollBudget has as many machines replaced for what the file says as accepted edits permit to delete. A person who changed a machine by hand has not
// edited the file.
func rollBudget(v *view, s spent, w wish) *refusal {
	reserved := s.count(changeSize, changeImage, changeRegion, changeVPC)
	for _, op := range v.replaces {
		if op.Reason != forIll && op.Reason != forAsked {
			reserved++
		}
	}
	if s.budget-reserved > 0 {
		return nil
	}
	r := blocked(driftGuard(w.kind), w.object, w.text+": no accepted edit permits to replace them; write what they are, or swarmd replace "+w.machine.name())
	r.rest = true
	return r
}

// driftGuard is the guard whose name the holds of a kind of drift bear.
func driftGuard(k kind) string {
	return map[kind]string{changeSize: GuardSize, changeImage: GuardImage, changeRegion: GuardRegion, changeVPC: GuardVPC}[k]
}

// waits is a refusal of a replacement until something that is under way is over.
func waits(w wish, why string) *refusal {
	guard := driftGuard(w.kind)
	switch w.kind {
	case replaceIll, powerCycle:
		guard = GuardNodeDown
	case replaceAsked:
		guard = GuardReplace
	}
	r := warned(guard, w.object, w.text+": "+why)
	r.progressing, r.requeue, r.rest = true, requeueWait, driftGuard(w.kind) != ""
	return r
}

// illForLong has a machine replaced that its power did not help, as long after it was cycled as it was down before.
func illForLong(v *view, _ spent, w wish) *refusal {
	ill := v.ill(w.machine)
	if w.machine.ails() != Hangs {
		return nil
	}
	from := ill.Few
	if ill.Cycled.After(from) {
		from = ill.Cycled
	}
	next := from.Add(v.patience(w.machine))
	if left := next.Sub(v.in.Now); left > 0 {
		return downUntil(w, fmt.Sprintf(", and its machine's power was cycled at %s: if it stays so another one takes its place at %s", clock(ill.Cycled), clock(next)), left)
	}
	return nil
}

// patience is how long a machine hangs before its power is cycled, and again until it is replaced.
func (v *view) patience(m machine) time.Duration {
	if m.Node.Manages() {
		return v.in.Spec.Policies.Repair.Manager
	}
	return v.in.Spec.Policies.Repair.Worker
}

// permits wants what a machine's leave takes that another one took the place of: of what a repair or a person asked for the repair budget, else an
// accepted edit.
func permits(v *view, s spent, w wish) *refusal {
	if repairs(v, w) {
		return repairBudget(v, s, w)
	}
	return deleteBudget(v, s, w)
}

// repairs reports whether the leave of a machine is part of its repair.
func repairs(v *view, w wish) bool {
	op := v.replacing(w.machine)
	return w.kind == replaceDead || op != nil && (op.Reason == forIll || op.Reason == forAsked)
}
