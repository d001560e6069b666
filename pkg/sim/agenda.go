package sim

import (
	"slices"
	"time"
)

// agenda is what will happen to the machines, in the order of its time; at one instant, in the order it was put down.
type agenda []entry

type entry struct {
	at time.Time
	do func()
}

func (a *agenda) put(at time.Time, do func()) {
	i := len(*a)
	for i > 0 && at.Before((*a)[i-1].at) {
		i--
	}
	*a = slices.Insert(*a, i, entry{at, do})
}

func (a agenda) next() (time.Time, bool) {
	if len(a) == 0 {
		return time.Time{}, false
	}
	return a[0].at, true
}

// catchUp makes up for everything that fell due, each thing at its own time, so that the engines see a droplet boot when it
// booted and not when somebody next asked. The lock is held.
func (w *World) catchUp() {
	now := w.opts.Now()
	for len(w.due) > 0 && !w.due[0].at.After(now) {
		e := w.due[0]
		w.due = w.due[1:]
		w.replay.Store(&e.at)
		w.Swarm.Advance()
		e.do()
	}
	w.replay.Store(nil)
}

// present is the instant an event is being done at.
func (w *World) present() time.Time { return w.dockerNow() }
