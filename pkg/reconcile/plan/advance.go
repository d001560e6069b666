package plan

import (
	"fmt"
)

// operation is a change of a machine that takes many passes. It is in the ledger from its first step to its last; how far it is follows from what is seen.
type operation interface {
	// next writes the step that comes next, the hold that keeps it, or that it is waited for.
	next(v *view, b *builder)
}

// advance moves each open operation one stage on, and begins what was granted.
func advance(v *view, granted []grant, b *builder) {
	if !v.actsOnMachines() {
		return
	}
	if n := len(v.creates); n > 0 && v.in.World.NoDroplets {
		b.hold(GuardNoCloud, "cluster", fmt.Sprintf("%d creates are open and no cloud is looked at", n))
	}
	follow(v.creates, v, b)
	for _, g := range granted {
		switch g.kind {
		case removeGhost:
			b.removeNode(g.machine, WhyGhost, g.text)
		case powerOn, powerCycle:
			beginPower(v, g, b)
		case grow:
			beginCreates(v, g, b)
		case shrink, replaceDead:
			beginDelete(v, g, b)
		}
	}
	if n := len(v.deletes); n > 0 && v.in.World.NoDroplets {
		b.hold(GuardNoCloud, "cluster", fmt.Sprintf("%d machines are to leave, and no cloud to delete them", n))
	}
	follow(v.deletes, v, b)
}

// follow takes the next step of each operation.
func follow[T operation](ops []T, v *view, b *builder) {
	for _, op := range ops {
		op.next(v, b)
	}
}
