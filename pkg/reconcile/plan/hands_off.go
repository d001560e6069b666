package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// first is asked of every wish before the guards of its kind: what a person has paused or protected is left alone, whatever else is to be said of it.
func first(k kind) []guard {
	guards := []guard{paused}
	if k == recordRollback { // it writes nothing but the ledger, and what it is to remember is gone with the next write of a person
		guards = nil
	}
	if !slices.Contains(harmless(), k) {
		guards = append(guards, protected)
	}
	if slices.Contains(takesMachine(), k) {
		guards = append(guards, volumesStay)
	}
	if slices.Contains(verdicts(), k) {
		guards = append(guards, judged)
	}
	if slices.Contains(voluntary(), k) {
		guards = append(guards, allKnown, inWindow, fewUnavailable)
	}
	return guards
}

// verdicts are the kinds that follow from how a machine is seen to be, whatever the file says.
func verdicts() []kind {
	return []kind{removeGhost, replaceDead, replaceDown, powerOn, powerCycle, retryLaunch, replaceIll, quarantine}
}

// judged has nobody judged while what is seen may pass by itself.
func judged(v *view, _ spent, w wish) *refusal {
	left := v.in.Memory.Grace.Until.Sub(v.in.Now)
	switch {
	case left <= 0:
		return nil
	case w.kind == removeGhost || w.kind == quarantine:
		return &refusal{requeue: left}
	}
	r := downUntil(w, fmt.Sprintf(": nobody is judged before %s, because %s", clock(v.in.Memory.Grace.Until), v.in.Memory.Grace.Why), left)
	if w.kind == retryLaunch {
		r.hold.Guard = GuardLaunch
	}
	return r
}

// harmless are the kinds that take from a machine neither itself, nor its work, nor its power. Whatever else names a machine leaves a protected one alone.
func harmless() []kind { return []kind{bind, promote, stepDown, settleRole, tag, forgetKept} }

// HandsOff is something that swarmd leaves alone because a person said so.
type HandsOff struct {
	Object string    `json:"object"` // as a hold names it
	Guard  string    `json:"guard"`  // GuardPaused or GuardProtected
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"` // zero: until a person ends it
	By     string    `json:"by,omitempty"`
	Why    string    `json:"why,omitempty"`
}

// HandsOffIn is all that counts at that time, sorted by object.
func HandsOffIn(w world.World, now time.Time) []HandsOff {
	var out []HandsOff
	add := func(guard, object string, off swarm.HandsOff, ok bool) {
		if ok && off.Active(now) {
			out = append(out, HandsOff{object, guard, off.Since, off.Until, off.By, off.Why})
		}
	}
	for _, object := range slices.Sorted(maps.Keys(w.Ledger.Pauses)) {
		add(GuardPaused, object, w.Ledger.Pauses[object], true)
	}
	for _, m := range w.Machines {
		if m.Node == nil || w.Ledger.ServicesOnly {
			continue
		}
		off, ok := m.Node.Spec.Paused()
		add(GuardPaused, machine{Machine: m}.object(), off, ok)
		off, ok = m.Node.Spec.Protected()
		add(GuardProtected, machine{Machine: m}.object(), off, ok)
	}
	slices.SortStableFunc(out, func(a, b HandsOff) int { return strings.Compare(a.Object, b.Object) })
	return out
}

// thing is the object as people call it in a sentence.
func (h HandsOff) thing() string {
	if h.Object == ledger.PausedCluster {
		return "the cluster"
	}
	return strings.Replace(h.Object, "/", " ", 1)
}

// String says who keeps swarmd off what, for how long and why, and what ends it.
func (h HandsOff) String() string {
	text := h.thing() + " is " + h.Guard
	if h.Since.IsZero() && h.Until.IsZero() && h.By != "" {
		return text + fmt.Sprintf(" by hand: the value %q is not what swarmd writes there, so it has no end; %s, %s writes it anew", h.By, h.end(), h.again())
	}
	if !h.Since.IsZero() {
		text += " since " + h.Since.UTC().Format(time.RFC3339)
	}
	if !h.Until.IsZero() {
		text += " until " + h.Until.UTC().Format(time.RFC3339)
	}
	if h.By != "" {
		text += " by " + h.By
	}
	if h.Why != "" {
		text += ": " + h.Why
	}
	return text + "; " + h.end()
}

// again is how a person says it so that it is read.
func (h HandsOff) again() string {
	if name := strings.TrimPrefix(h.Object, "node/"); h.Guard == GuardProtected {
		return "swarmd protect " + name
	}
	return "swarmd pause " + h.Object + " --for 4h"
}

func (h HandsOff) end() string {
	switch {
	case h.Guard == GuardProtected:
		return "swarmd protect " + strings.TrimPrefix(h.Object, "node/") + " --off ends it"
	case h.Object == ledger.PausedCluster:
		return "swarmd resume ends it"
	}
	return "swarmd resume " + h.Object + " ends it"
}

// scope is what a wish or an operation touches.
type scope struct {
	node, pool, service string // objects, as a hold names them; "": none
}

func (w wish) scope() scope {
	s := scope{}
	switch kind, _, _ := strings.Cut(w.object, "/"); {
	case kind == "pool":
		s.pool = w.object
	case kind == "service":
		s.service = w.object
	}
	if w.pool != nil {
		s.pool = ledger.PausedPool + w.pool.Name
	}
	if w.machine.Node != nil || w.machine.Droplet != nil {
		s.node, s.pool = w.machine.object(), ledger.PausedPool+w.machine.Pool
	}
	return s
}

// keptOff returns what a person said of the first that the scope has of node, pool, service and cluster, by the guard's name.
func (v *view) keptOff(guard string, s scope) (HandsOff, bool) {
	for _, object := range []string{s.node, s.pool, s.service, ledger.PausedCluster} {
		i := slices.IndexFunc(v.handsOff, func(h HandsOff) bool { return h.Guard == guard && h.Object == object })
		if object != "" && i >= 0 {
			return v.handsOff[i], true
		}
	}
	return HandsOff{}, false
}

// paused leaves alone what a person paused.
func paused(v *view, _ spent, w wish) *refusal {
	off, ok := v.keptOff(GuardPaused, w.scope())
	if !ok {
		return nil
	}
	return blocked(GuardPaused, w.object, "swarmd does not "+string(w.kind)+": "+off.String())
}

// protected keeps a machine that a person protected from being taken away. Its node's labels are put right, and it gets its availability back.
func protected(v *view, _ spent, w wish) *refusal {
	s := w.scope()
	s.service = "" // one of those is protected from its removal alone, see unprotected
	off, ok := v.keptOff(GuardProtected, s)
	switch {
	case !ok:
		return nil
	case w.kind == putRight && w.write.spec.Availability != swarm.Drain:
		return nil
	case w.kind == demote && w.machine.class != leaving:
		return nil
	}
	return blocked(GuardProtected, w.object, "swarmd does not "+string(w.kind)+": "+off.String())
}

// keptByHand reports whether a person keeps the machine itself, so that another one is picked to leave.
func (v *view) keptByHand(m machine) bool {
	object := m.object()
	return slices.ContainsFunc(v.handsOff, func(h HandsOff) bool { return h.Object == object })
}

// keptOffBy reports whether a person said so, by that guard's name, of the machine itself.
func (v *view) keptOffBy(guard string, m machine) bool {
	object := m.object()
	return slices.ContainsFunc(v.handsOff, func(h HandsOff) bool { return h.Object == object && h.Guard == guard })
}

// keepsOp says why an open operation does not go on.
func (v *view) keepsOp(op ledger.Op) *refusal {
	m, ok := v.of(op)
	w := wish{object: "droplet/" + op.Name, machine: m}
	s := scope{pool: ledger.PausedPool + op.Pool}
	if ok {
		w.object, s.node = m.object(), m.object()
	}
	off, kept := v.keptOff(GuardPaused, s)
	if !kept && (op.Kind == ledger.Delete || op.Kind == ledger.Resize) {
		off, kept = v.keptOff(GuardProtected, s)
	}
	if !kept && op.Kind == ledger.Delete && ok && m.hasVolumes() {
		return blocked(GuardVolumes, m.object(), fmt.Sprintf("its delete, begun at %s, waits: %s", op.Started.UTC().Format(time.RFC3339), m.volumes()))
	}
	if !kept {
		return nil
	}
	text := fmt.Sprintf("its %s, begun at %s, waits: %s", op.Kind, op.Started.UTC().Format(time.RFC3339), off)
	if op.Kind == ledger.Delete && ok && m.off() {
		text += "; its machine is off already and stays so, and leaves when that ends; power its droplet on if it is to run until then"
	}
	return blocked(off.Guard, w.object, text)
}

// reportHandsOff says what a person keeps swarmd off, unless a wish has met it and said so of the same object.
func reportHandsOff(v *view, b *builder) {
	for _, off := range v.handsOff {
		if off.Guard == GuardProtected && strings.HasPrefix(off.Object, ledger.PausedService) {
			continue // its count says so, as it does of one that the file protects
		}
		said := slices.ContainsFunc(b.holds, func(h Hold) bool { return h.Guard == off.Guard && h.Object == off.Object })
		if !said {
			b.warn(off.Guard, off.Object, off.String())
		}
	}
}
