package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// What people and accidents do to the world. These calls pass no fault hook and are in no trace. A machine is named as in
// Transport: by droplet name or address.

// KillMachine cuts a machine's power, as a failing host does. Its droplet shows "off".
func (w *World) KillMachine(name string) error { return w.toMachine(name, w.switchOff) }

// ReviveMachine powers it on again.
func (w *World) ReviveMachine(name string) error {
	return w.toMachine(name, func(m *machine) {
		if !m.on {
			w.switchOn(m)
		}
	})
}

// CrashEngine stops the Docker engine of a machine that runs on: calls to it are refused.
func (w *World) CrashEngine(name string) error {
	return w.toEngine(name, (*dockerd.Engine).Stop)
}

// StartEngine starts it again.
func (w *World) StartEngine(name string) error {
	return w.toEngine(name, (*dockerd.Engine).Start)
}

// CutOff takes a machine off the network, or puts it back: it reaches only itself, and nobody else reaches it.
func (w *World) CutOff(name string, on bool) error {
	return w.toEngine(name, func(e *dockerd.Engine) { e.Partition(on) })
}

// Forge gives a machine's engine other labels, as any root on it can.
func (w *World) Forge(name string, labels map[string]string) error {
	return w.toEngine(name, func(e *dockerd.Engine) { e.SetLabels(labels) })
}

// Intrude has a machine that is no droplet join the swarm with the token, as whoever has read that can. labels are what its engine claims.
func (w *World) Intrude(token, name, addr string, labels map[string]string) error {
	defer w.poke()
	manager := w.Manager()
	if manager == nil {
		return errNoManager
	}
	e := w.Swarm.AddEngine(dockerd.EngineConfig{Name: name, Addr: addr, Labels: labels})
	return e.Join(token, "active", []string{manager.Addr()})
}

// IgnoreShutdown makes a machine's guest deaf to shutdown requests, or not.
func (w *World) IgnoreShutdown(name string, on bool) error {
	return w.toMachine(name, func(m *machine) { m.deaf = on })
}

// FailPlacements lets the next n creates be accepted and then vanish, as droplets do that find no host.
func (w *World) FailPlacements(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.misplace = n
}

// KillTask kills the container of a running task of the service, as a crash of the program does. Slot 0 takes any one.
func (w *World) KillTask(service string, slot int) error {
	w.Advance()
	defer w.poke()
	if !w.Swarm.KillTask(service, slot) {
		return fmt.Errorf("kill task: %s has none running in slot %d", service, slot)
	}
	return nil
}

// Scale sets a service's replicas, as `docker service scale` does.
func (w *World) Scale(service string, replicas uint64) error {
	var s api.Service
	if err := w.Ask(http.MethodGet, "/services/"+service, nil, &s); err != nil {
		return err
	}
	if s.Spec.Mode.Replicated == nil {
		return fmt.Errorf("scale %s: it is not replicated", service)
	}
	s.Spec.Mode.Replicated.Replicas = &replicas
	return w.Ask(http.MethodPost, fmt.Sprintf("/services/%s/update?version=%d", s.ID, s.Version.Index), s.Spec, nil)
}

func (w *World) toMachine(name string, do func(*machine)) error {
	w.mu.Lock()
	w.catchUp()
	m := w.find(name)
	if m != nil {
		do(m)
	}
	w.mu.Unlock()
	w.poke()
	if m == nil {
		return fmt.Errorf("%s: %w", name, errNoMachine)
	}
	return nil
}

func (w *World) toEngine(name string, do func(*dockerd.Engine)) error {
	up := false
	err := w.toMachine(name, func(m *machine) {
		if up = m.engine != nil && m.on; up {
			do(m.engine)
		}
	})
	if err == nil && !up {
		err = fmt.Errorf("%s: its engine has not started", name)
	}
	return err
}

var errNoManager = errors.New("no manager is up")

// Ask calls the Docker API of a manager, past all faults. in and out are JSON values or nil.
func (w *World) Ask(method, path string, in, out any) error {
	defer w.poke()
	e := w.Manager()
	if e == nil {
		return errNoManager
	}
	return ask(e.Handler(), method, path, in, out)
}

func ask(h http.Handler, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(method, "http://engine"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	s := newPage()
	h.ServeHTTP(s, r)
	if s.status >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %d %s", method, path, s.status, bytes.TrimSpace(s.body))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(s.body, out)
}

// Manager returns the engine of a manager that is up and whose swarm has a leader, the oldest machine's first; without one any
// engine that is up, without that nil.
func (w *World) Manager() *dockerd.Engine {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	var any *dockerd.Engine
	for _, m := range w.living() {
		if m.engine == nil || !m.engine.Up() {
			continue
		}
		if ask(m.api, http.MethodGet, "/nodes", nil, nil) == nil {
			return m.engine
		}
		if any == nil {
			any = m.engine
		}
	}
	return any
}

// Engine returns the engine of a machine, nil while it has none.
func (w *World) Engine(name string) *dockerd.Engine {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	if m := w.find(name); m != nil {
		return m.engine
	}
	return nil
}
