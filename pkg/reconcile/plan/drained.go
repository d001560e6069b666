package plan

import (
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A node that a person, or the file, wants drained is emptied as one of ours is, see surge.go. No operation in the ledger has it: that it is to be drained is
// in its label, or in the file, and so is since when.

// toBeDrained reports whether the machine works, and a person or the file wants its node drained.
func (v *view) toBeDrained(m machine) bool {
	return m.class == ready && m.pool != nil && !v.outdated() && m.availability() == swarm.Drain && !v.justJoined(m)
}

// emptiesFor reports whether the machine is emptied because a person, or the file, wants its node drained, and is not yet. What a person has swarmd leave
// alone is not.
func (v *view) emptiesFor(m machine) bool {
	if !v.toBeDrained(m) || drained(m) {
		return false
	}
	s := wish{machine: m}.scope()
	_, paused := v.keptOff(GuardPaused, s)
	_, protected := v.keptOff(GuardProtected, s)
	return !paused && !protected
}

// drainOf stands for the operation that the drain of such a machine is.
func (v *view) drainOf(m machine) ledger.Op {
	return ledger.Op{ID: swarm.SurgeDrain + m.Node.ID, Pool: m.pool.Name, Name: m.name(), NodeID: m.Node.ID, DropletID: m.dropletID(), Started: v.drainSince(m)}
}

// drainSince is when the machine's drain began: with the person's word or the file's edit, and anew with each write to its node since. The clock of one whose
// turn has not come begins when the node before it is drained.
func (v *view) drainSince(m machine) time.Time {
	since := v.in.Accepted
	if why, ok := m.maintained(); ok {
		since = why.Since
	}
	if m.Node.Spec.Availability != swarm.Active {
		return later(since, m.Node.Updated)
	}
	for _, o := range v.machines {
		switch {
		case !v.toBeDrained(o) || o.Node.Spec.Availability == swarm.Active:
		case drained(o):
			since = later(since, o.Node.Updated)
		default:
			since = v.in.Now
		}
	}
	return since
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// surgeFor returns the operation that a surge is for, or what stands for one; nil if there is none any more.
func (v *view) surgeFor(id string) *ledger.Op {
	if op := v.in.World.Ledger.ByID(id); op != nil {
		return op
	}
	for _, m := range v.machines {
		if m.Node != nil && swarm.SurgeDrain+m.Node.ID == id && v.toBeDrained(m) {
			op := v.drainOf(m)
			return &op
		}
	}
	return nil
}

// drainStep is what the availability of a node becomes next that is to be drained, and why; waits: nothing yet.
func (v *view) drainStep(m machine) (next swarm.Availability, text string, waits bool) {
	switch e := v.emptying(v.drainOf(m), m); e.stage {
	case emptyPause:
		return swarm.Pause, e.text, false
	case emptyWaits:
		return m.Node.Spec.Availability, e.text, true
	default:
		return swarm.Drain, e.text, false
	}
}

// reportDrain says how far a node is that is to be drained.
func reportDrain(v *view, m machine, b *builder) {
	if !v.emptiesFor(m) {
		return
	}
	if _, text, waits := v.drainStep(m); waits {
		b.warn(GuardSurge, m.object(), text)
		b.wait(time.Second)
	}
}
