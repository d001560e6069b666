package plan

import (
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// reportMachine says what is left alone, and what comes by itself.
func reportMachine(v *view, m machine, b *builder) {
	switch m.class {
	case foreign:
		reportForeign(v, m, b)
	case disputed, removed:
		reportDisputed(v, m, b)
	case kept:
		reportKept(v, m, b)
	case booting, unknown:
		b.wait(requeueWait)
	}
}

func reportDisputed(v *view, m machine, b *builder) {
	switch {
	case v.stranger(m):
		b.warn(GuardForeignNode, m.object(), m.Why+"; "+v.strangerWhy(m))
	case m.Binding == world.Unaddressed:
		b.hold(GuardNoAddress, m.object(), m.Why)
		b.requeueIn(requeueWait)
	case m.Node == nil: // its id alone says nothing to people
		b.hold(GuardIdentity, m.object(), m.name()+": "+m.Why)
	default:
		b.hold(GuardIdentity, m.object(), m.Why)
	}
}

func reportForeign(v *view, m machine, b *builder) {
	switch {
	case m.Droplet != nil:
		b.warn(GuardForeign, "droplet/"+strconv.Itoa(m.Droplet.ID), m.Droplet.Name+" "+m.Why+": left alone")
	case m.Of != "" && m.Node.Manages():
		b.warn(GuardForeignMgr, m.object(), "is a manager of cluster "+m.Of+": left alone")
	case m.Of != "":
		b.warn(GuardForeignNode, m.object(), "is a machine of cluster "+m.Of+": left alone")
	case v.ghost(m) && v.sees(removeNode): // it is removed
	case !v.dropletsKnown() && !v.in.World.NoDroplets: // it may be a machine whose droplet was not seen
	case m.Node.Manages():
		b.warn(GuardForeignMgr, m.object(), "is a manager and no machine of the cluster: left alone")
	default:
		b.warn(GuardForeignNode, m.object(), v.strangerWhy(m))
	}
}

// reportMaintained says who drained a node, and how that ends.
func reportMaintained(m machine, b *builder) {
	why, ok := m.maintained()
	if !ok || m.class == leaving {
		return
	}
	text := "drained by hand by " + why.By
	if !why.Since.IsZero() {
		text += " since " + why.Since.Format(time.RFC3339)
	}
	b.warn(GuardMaintenance, m.object(), text+": swarmd activate "+m.name()+" ends it")
}
