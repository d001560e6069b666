package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/spec"
)

// proposeResizes proposes to resize in place the machines of the pools that are resized so: those of workers and followers first, then the leader's,
// the lease holder's last. A machine that is not well is not resized.
func proposeResizes(v *view) []wish {
	if v.outdated() {
		return nil
	}
	var wishes []wish
	for i := range v.in.Spec.Pools {
		p := &v.in.Spec.Pools[i]
		for _, m := range v.missized(p) {
			wishes = append(wishes, wish{kind: resizeHere, object: "pool/" + p.Name, pool: p, machine: m})
		}
	}
	return wishes
}

// missized are the pool's machines that are ready and have another size than it, in the order in which they are resized; none of a pool whose machines are
// replaced, and none that is replaced because of something else.
func (v *view) missized(p *spec.Pool) []machine {
	var out []machine
	for _, m := range v.machines {
		if p.ResizeHere && m.pool == p && m.class == ready && m.Droplet != nil && !m.Adopted && m.Op == nil && m.Droplet.Size != p.Size && len(v.drifts(m)) == 0 {
			out = append(out, m)
		}
	}
	last := func(m machine) int {
		switch {
		case m.Node.ID == v.in.Holder:
			return 2
		case m.Node.Leads():
			return 1
		}
		return 0
	}
	slices.SortFunc(out, func(a, b machine) int {
		return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(a.Droplet.ID, b.Droplet.ID))
	})
	return out
}

// offered wants the size to be there for the machine: on offer, in its region, with a disk that is no smaller than its own. Nothing is moved before.
func offered(v *view, _ spent, w wish) *refusal {
	d, p := w.machine.Droplet, w.pool
	if len(v.in.Sizes) == 0 {
		return &refusal{progressing: true, requeue: requeueGap, rest: true}
	}
	size, known := v.in.Sizes[p.Size]
	switch {
	case !known:
		return sizeHold(w, fmt.Sprintf("there is no size %s: write one that the cloud has", p.Size))
	case !size.Available, !slices.Contains(size.Regions, d.Region):
		return sizeHold(w, fmt.Sprintf("size %s is not to be had in %s: write one that is, or wait until it is there again", p.Size, d.Region))
	case d.DiskGB == 0 || size.DiskGB >= d.DiskGB:
		return nil
	}
	return blocked(GuardResize, w.machine.object(), fmt.Sprintf("its disk has %d GB and %s has %d: a disk never shrinks; write a size with as much, or resize: replace", d.DiskGB, p.Size, size.DiskGB))
}

// sizeHold says of the whole pool why it is not resized.
func sizeHold(w wish, text string) *refusal {
	r := blocked(GuardResize, w.object, text)
	r.rest = true
	return r
}

// unmaintained leaves alone what a person keeps drained.
func unmaintained(_ *view, _ spent, w wish) *refusal {
	if _, ok := w.machine.maintained(); !ok {
		return nil
	}
	return blocked(GuardResize, w.machine.object(), fmt.Sprintf("it has %s and pool %s is to have %s, and its node is drained by hand: swarmd activate %s", w.machine.Droplet.Size, w.pool.Name, w.pool.Size, w.machine.name()))
}

// triedPauses are how long a pool is left alone after each try that came to nothing; the last one counts for all that follow.
func triedPauses() []time.Duration {
	return []time.Duration{5 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute}
}

// triedBefore leaves a pool alone for a while in which a machine could not get the size.
func triedBefore(v *view, _ spent, w wish) *refusal {
	for _, m := range v.machines {
		if m.pool != w.pool || m.Node == nil {
			continue
		}
		u, ok := m.Node.Spec.Unresized()
		if !ok || u.Size != w.pool.Size {
			continue
		}
		pauses := triedPauses()
		pause := pauses[min(max(u.Tries, 1), len(pauses))-1]
		next := u.Tried.Add(pause)
		if left := next.Sub(v.in.Now); left > 0 && left <= pause+time.Minute { // else a clock was ahead when it was written
			r := sizeHold(w, fmt.Sprintf("%s did not get %s: %s. It is tried again at %s; at once after docker node update --label-rm swarmd.unresized %s; resize: replace makes other machines instead",
				m.name(), u.Size, u.Why, clock(next), m.Node.ID))
			r.requeue = left
			return r
		}
	}
	return nil
}

// mayBeOff keeps a manager on that the others need.
func mayBeOff(v *view, _ spent, w wish) *refusal {
	why := v.mayStop(w.machine)
	if why == "" {
		return nil
	}
	return blocked(GuardQuorum, w.machine.object(), fmt.Sprintf("it has %s and pool %s is to have %s, and it is not resized in place: %s", w.machine.Droplet.Size, w.pool.Name, w.pool.Size, why))
}

// mayStop says why a manager must not be off for minutes, "" if it may: it is not the only one, all others are reachable, and they are a majority.
func (v *view) mayStop(m machine) string {
	if !m.isManager() {
		return ""
	}
	n, others := v.raft.have, v.raft.reachable
	if m.reachable() {
		others--
	}
	changing, changes := v.changing()
	switch {
	case n == 1:
		return "it is the only manager, and nobody could start it again; write count: 3, or resize: replace"
	case others < n-1:
		return fmt.Sprintf("%d of the %d other managers are reachable", others, n-1)
	case others < n/2+1:
		return fmt.Sprintf("%d managers decide nothing while one of them is off; write count: 3, or resize: replace", n)
	case changes:
		return "the change of role of " + changing.name() + " is under way"
	}
	return ""
}

// resizeTurn has one machine of a pool resized after the other, and one manager of the cluster, while all others of the pool are well.
func resizeTurn(v *view, s spent, w wish) *refusal {
	wait := &refusal{progressing: true, requeue: requeueWait, rest: true}
	for _, g := range s.opens {
		if g.kind == resizeHere && (g.pool == w.pool || g.pool.Role == w.pool.Role && g.pool.Role == "manager") || g.kind == shrink && g.pool == w.pool {
			return wait
		}
	}
	if slices.ContainsFunc(v.replaces, func(op replaceOp) bool { return op.Pool == w.pool.Name }) {
		return wait
	}
	for _, m := range v.machines {
		manager := m.isManager() && w.machine.isManager()
		switch {
		case m.class == resizing && (m.Pool == w.pool.Name || manager), m.class == leaving && (m.Pool == w.pool.Name || manager):
			return wait
		case m.pool != w.pool:
		case m.class == down, m.class == dead:
			if _, maintained := m.maintained(); !maintained {
				return sizeHold(w, fmt.Sprintf("its machines are not resized while %s is down", m.name()))
			}
		case m.class == unknown:
			return wait
		}
	}
	return nil
}

// notHolder has another manager's swarmd resize the machine of the one that acts.
func notHolder(v *view, _ spent, w wish) *refusal {
	if w.machine.Node.ID != v.in.Holder {
		return nil
	}
	r := blocked(GuardSelf, w.machine.object(), "it is to be resized, and holds the lease: another manager must do it")
	r.requeue = requeueWait
	return r
}

// notResized has a machine leave that is being resized when that is over.
func notResized(_ *view, _ spent, w wish) *refusal {
	if w.machine.class != resizing {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueWait, rest: true}
}
