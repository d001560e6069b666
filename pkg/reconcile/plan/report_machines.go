package plan

import (
	"slices"
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
	case booting:
		b.wait(v.bootPace(m))
	case unknown:
		b.wait(requeueWait)
	}
}

// bootPace is how soon to look at a machine that boots: the longer it takes, the less often, so that none is seen much later than it is there, and one that
// never comes costs few calls. When it joins the engine says so.
func (v *view) bootPace(m machine) time.Duration {
	const part, slowest = 15, 15 * time.Second
	began := v.launchBegan(*m.Droplet, m.Op, v.in.Memory.Launching[m.Droplet.ID])
	return min(max(v.in.Now.Sub(began).Abs()/part, requeueWait), slowest)
}

func reportDisputed(v *view, m machine, b *builder) {
	switch {
	case v.stranger(m):
		b.warn(GuardForeignNode, m.object(), m.Why+"; "+v.strangerWhy(m))
	case m.Binding == world.Unaddressed:
		b.hold(GuardNoAddress, m.object(), m.Why)
		b.requeueIn(requeueWait)
	case m.class == removed:
		b.hold(GuardRemoved, m.object(), m.name()+": "+m.Why)
	case v.joinedAnew(m):
		b.hold(GuardRemoved, m.object(), m.Why)
	case m.Node == nil: // its id alone says nothing to people
		b.hold(GuardIdentity, m.object(), m.name()+": "+m.Why)
	default:
		b.hold(GuardIdentity, m.object(), m.Why)
	}
}

// joinedAnew reports whether the node is one that a machine of the cluster became when it left the swarm and joined again.
func (v *view) joinedAnew(m machine) bool {
	return m.Node != nil && slices.ContainsFunc(v.machines, func(o machine) bool { return o.Again == m.Node.ID })
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
