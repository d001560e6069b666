package plan

import (
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// seen refuses without a word on a view that hides what the decision needs: the gap's own hold has said it.
func seen(what decision) guard {
	return func(v *view, _ spent, _ wish) *refusal {
		if v.sees(what) {
			return nil
		}
		return &refusal{}
	}
}

// seenOrSay is seen, and says so of the machine.
func seenOrSay(what decision, text string) guard {
	return func(v *view, _ spent, w wish) *refusal {
		if v.sees(what) {
			return nil
		}
		return blocked(GuardGap, w.object, text)
	}
}

// held refuses always, with the wish's own words.
func held(name string) guard {
	return func(_ *view, _ spent, w wish) *refusal { return blocked(name, w.object, w.text) }
}

// backedOff keeps a pool whose last create was refused from the next one.
func backedOff(v *view, _ spent, w wish) *refusal {
	b, left := v.left(Ref{"pool", w.pool.Name})
	if !left {
		return nil
	}
	return &refusal{requeue: b.Until.Sub(v.in.Now), hold: Hold{Guard: GuardBackoff, Object: w.object, Blocking: true, Final: b.Final,
		Text: fmt.Sprintf("%d missing, no create before %s: the last one was refused: %s", w.n, b.Until.UTC().Format(time.RFC3339), b.Why)}}
}

// tokenRotates keeps a machine from a token that is gone when it joins.
func tokenRotates(v *view, _ spent, _ wish) *refusal {
	if !v.rotating() {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueSoon}
}

// maxCreates bounds what is under way at once.
func maxCreates(v *view, s spent, w wish) *refusal {
	room := max(v.in.Spec.Policies.MaxCreates-len(v.creates)-s.creates(""), 0)
	if w.n <= room {
		return nil
	}
	r := blocked(GuardMaxCreates, w.object, fmt.Sprintf("%d more are missing; %d are under way at once at most", w.n-room, v.in.Spec.Policies.MaxCreates))
	r.left = room
	return r
}

// ledgerFull bounds the operations that are open at once.
func ledgerFull(v *view, s spent, w wish) *refusal {
	room := max(s.room(v), 0)
	if max(w.n, 1) <= room {
		return nil
	}
	r := blocked(GuardLedger, w.object, fmt.Sprintf("no further machine is begun with or ended: %d operations are open, at most so many at once; status names them", ledger.MaxOps))
	r.left, r.rest = room, true
	return r
}

// idsLeft wants a fresh id for an operation.
func idsLeft(_ *view, s spent, _ wish) *refusal {
	if len(s.ids) > 0 {
		return nil
	}
	return &refusal{rest: true}
}

// oneManagerLeaves has the machines of manager pools leave one after the other.
func oneManagerLeaves(v *view, s spent, w wish) *refusal {
	if w.pool.Role != "manager" || !v.managerLeaves(s) {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueWait, rest: true}
}

// managerMayLeave has a manager that is needed wait until another took its place.
func managerMayLeave(v *view, _ spent, w wish) *refusal {
	if w.pool.Role != "manager" {
		return nil
	}
	why := v.mayDemote(w.machine)
	if why == "" {
		return nil
	}
	r := blocked(GuardQuorum, w.machine.object(), "may not leave: "+why)
	r.rest = true
	return r
}

// deleteBudget wants an accepted edit for each delete, but for one an hour.
func deleteBudget(_ *view, s spent, w wish) *refusal {
	if s.budget > 0 || s.free {
		return nil
	}
	r := blocked(GuardBudget, w.object, "no accepted edit permits a further delete, and one without an edit was begun within the hour: the next one goes by itself an hour after that")
	r.rest = true
	return r
}

// drainTurn has one machine of a pool drained after the other: drained together, all tasks of a service can be between two machines at once. A machine
// that carries nothing needs no turn.
func drainTurn(v *view, s spent, w wish) *refusal {
	if !v.carries(w.machine) {
		return nil
	}
	name := v.beingDrained(w.pool, s)
	if name == "" {
		return nil
	}
	r := warned(GuardDrainTurn, w.object, fmt.Sprintf("the next machine to leave waits: %s is drained first, until its tasks run elsewhere or for drain_timeout (%s)",
		name, v.in.Spec.Policies.DrainTimeout))
	r.progressing, r.requeue = true, requeueWait
	return r
}

// nodeUp has a node bound when it is up.
func nodeUp(_ *view, _ spent, w wish) *refusal {
	if w.machine.Node.State == swarm.NodeReady {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueWait}
}

// awaited is for what comes by itself.
func awaited(*view, spent, wish) *refusal { return &refusal{progressing: true, requeue: requeueWait} }

// strangerForLong wants a node to have been a stranger in each look for strangerGrace.
func strangerForLong(v *view, _ spent, w wish) *refusal {
	left := strangerGrace - v.in.Memory.Strangers[w.machine.Node.ID]
	if left <= 0 {
		return nil
	}
	return &refusal{requeue: left}
}

// fewDrains bounds how many strangers are drained in a pass.
func fewDrains(_ *view, s spent, _ wish) *refusal {
	if s.count(quarantine) < drainsPerPass {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueSoon, rest: true}
}

// noCreateOpen has the token replaced when nobody who was made with it is still to join.
func noCreateOpen(v *view, s spent, _ wish) *refusal {
	if !v.in.World.Ledger.Creates() && s.creates("") == 0 {
		return nil
	}
	return &refusal{}
}

// allSeen wants a view without any gap.
func allSeen(v *view, _ spent, _ wish) *refusal {
	if v.complete() && !v.outdated() {
		return nil
	}
	return &refusal{}
}

// idle wants nothing else to be done or under way.
func idle(v *view, s spent, _ wish) *refusal {
	if len(v.in.World.Ledger.Ops) == 0 && len(s.granted) == s.count(tag) {
		return nil
	}
	return &refusal{}
}

// fewTags bounds how many machines are tagged in a pass.
func fewTags(_ *view, s spent, _ wish) *refusal {
	if s.count(tag) < tagsPerPass {
		return nil
	}
	return &refusal{}
}
