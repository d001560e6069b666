package plan

import (
	"fmt"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// operation is a change of a machine that takes many passes. It is in the ledger from its first step to its last; how far it is follows from what is seen.
type operation interface {
	// next writes the step that comes next, the hold that keeps it, or that it is waited for.
	next(v *view, b *builder)
	about() ledger.Op
}

// restarter is an operation that has a machine off on its way. While one is, it goes on whatever a person has paused: the machine is switched on again.
type restarter interface{ restarts(v *view) bool }

// advance moves each open operation one stage on, and begins what was granted.
func advance(v *view, granted []grant, b *builder) {
	if !v.actsOnMachines() {
		return
	}
	if n := len(v.creates); n > 0 && v.in.World.NoDroplets {
		b.hold(GuardNoCloud, "cluster", fmt.Sprintf("%d creates are open and no cloud is looked at", n))
	}
	follow(v.creates, v, b)
	follow(v.resizes, v, b)
	for _, g := range granted {
		switch g.kind {
		case removeGhost:
			b.removeNode(g.machine, WhyGhost, g.text)
		case powerOn, powerCycle:
			beginPower(v, g, b)
		case grow:
			beginCreates(v, g, b)
		case shrink, replaceDead, leaveReplaced:
			beginDelete(v, g, b)
		case replaceIll, replaceAsked, changeSize, changeImage, changeRegion, changeVPC:
			beginReplace(g, b)
		case retryLaunch, dropKept:
			beginRetry(v, g, b)
		case forgetKept:
			b.step("forget-kept", fmt.Sprint(g.n), ForgetKept{DropletID: g.n}, WhyKeptOver, g.text+" is gone, or has joined after all")
		case resizeHere:
			beginResize(g, b)
		}
	}
	follow(v.replaces, v, b)
	if n := len(v.deletes); n > 0 && v.in.World.NoDroplets {
		b.hold(GuardNoCloud, "cluster", fmt.Sprintf("%d machines are to leave, and no cloud to delete them", n))
	}
	follow(v.deletes, v, b)
}

// follow takes the next step of each operation.
func follow[T operation](ops []T, v *view, b *builder) {
	for _, op := range ops {
		r, _ := any(op).(restarter)
		if kept := v.keepsOp(op.about()); kept != nil && (r == nil || !r.restarts(v)) {
			b.refuse(*kept)
			continue
		}
		op.next(v, b)
	}
}
