package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// What machines ail from that no call and no hand shows: the cloud's side of a launch or a switch that fails, and a network that falls into two.

// PowerFault is what becomes of a droplet's power actions.
type PowerFault int

// The faults of power actions.
const (
	PowerWorks   PowerFault = iota
	PowerErrors             // the action ends "errored", and nothing was done
	PowerIgnored            // the action is in progress until the cloud gives it up, and nothing was done
)

var errNoPower = errors.New("the host does not answer")

// StallBoots has the next n creates stay "new" for so long before their machines boot, which takes so much longer than usual; 0: for ever.
func (w *World) StallBoots(n int, d, slower time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stalls, w.stallFor, w.slower = n, d, slower
}

// stall keeps a machine from booting.
func (w *World) stall(m *machine) {
	m.stuck, m.slower = true, w.slower
	if w.stallFor <= 0 {
		return
	}
	w.due.put(w.present().Add(w.stallFor), func() {
		if m.stuck && w.machines[m.ID] == m {
			m.stuck = false
			w.switchOn(m)
		}
	})
}

// Booted is when a machine was powered on last, and whether it is on.
func (w *World) Booted(id int) (since time.Time, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	if m := w.machines[id]; m != nil && m.on {
		return m.since, true
	}
	return time.Time{}, false
}

// BreakImage has the machines that are made of an image from now on never join, or ends that: their first-boot script fails before the engine is asked.
// They are active all the same.
func (w *World) BreakImage(slug string, broken bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken[slug] = broken
}

// FailPower has a machine's power actions fail from now on, or ends that.
func (w *World) FailPower(name string, how PowerFault) error {
	return w.toMachine(name, func(m *machine) { m.power = how })
}

// Split parts the network in two: the named machines reach each other and the cloud, and none of the others. No name ends it.
func (w *World) Split(names ...string) error {
	w.mu.Lock()
	w.catchUp()
	away := map[*machine]bool{}
	for _, name := range names {
		m := w.find(name)
		if m == nil || m.engine == nil {
			w.mu.Unlock()
			return fmt.Errorf("%s: %w", name, errNoMachine)
		}
		away[m] = true
	}
	for _, m := range w.living() {
		if m.engine != nil {
			m.engine.Away(away[m])
		}
	}
	w.mu.Unlock()
	w.poke()
	return nil
}

// Rejoin has a worker's engine leave its swarm and join it again, as a person does with docker swarm leave --force and the worker's token. It is another
// node then, and the one that it was stays behind.
func (w *World) Rejoin(name, token string) error {
	manager := w.Manager()
	if manager == nil {
		return errNoManager
	}
	var failed error
	err := w.toEngine(name, func(e *dockerd.Engine) {
		if failed = e.Leave(true); failed == nil {
			failed = e.Join(token, "active", []string{manager.Addr()})
		}
	})
	return errors.Join(err, failed)
}

// switched says what becomes of a power action: whether it is done, and what the cloud is told.
func (m *machine) switched() (done bool, err error) {
	switch m.power {
	case PowerErrors:
		return false, errNoPower
	case PowerIgnored:
		return false, nil
	}
	return true, nil
}
