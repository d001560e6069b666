package sim

import (
	"slices"
	"strings"
	"time"
)

const (
	joinRetry    = 20 * time.Second // the engine's own patience with one manager
	joinPatience = 10 * time.Minute // after which the first-boot script gives up
	drain        = "drain"
)

// beginJoin runs the first-boot script's join: every manager in turn until one takes the machine, drained, or patience ends.
func (w *World) beginJoin(m *machine, o joinOrder) {
	start := w.present().Add(w.opts.JoinTime)
	boot := m.boots
	var attempt func(round int)
	attempt = func(round int) {
		if m.boots != boot || m.engine.NodeID() != "" {
			return
		}
		if w.tryJoin(m, o.Managers[round%len(o.Managers)], o.Token) {
			m.joined = true
			return
		}
		if next := w.present().Add(joinRetry); next.Before(start.Add(joinPatience)) {
			w.due.put(next, func() { attempt(round + 1) })
		}
	}
	w.due.put(start, func() { attempt(0) })
}

// tryJoin asks one manager. An attempt that goes on in the background is taken back, so that the next manager can be asked.
func (w *World) tryJoin(m *machine, manager, token string) bool {
	if m.engine.Join(token, drain, []string{manager}) == nil {
		return true
	}
	// Nothing to leave is the usual answer here: the manager refused.
	_ = m.engine.Leave(true)
	return false
}

// living returns the machines by growing id. The lock is held.
func (w *World) living() []*machine {
	var all []*machine
	for _, m := range w.machines {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *machine) int { return a.ID - b.ID })
	return all
}

// find returns the machine with the name, the private or the public address; the first by id if several have it.
func (w *World) find(host string) *machine {
	var first *machine
	for _, m := range w.machines {
		if (first == nil || m.ID < first.ID) && (strings.EqualFold(m.Name, host) || hostOf(m.PrivateIPv4) == host || hostOf(m.PublicIPv4) == host) {
			first = m
		}
	}
	return first
}
