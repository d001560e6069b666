package sim

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// DropletLabel is the engine label that swarmd's user-data sets to the droplet's id.
const DropletLabel = "swarmd.droplet"

// templateSaid is how user-data has the engine carry the version of what made the machine.
var templateSaid = regexp.MustCompile(regexp.QuoteMeta(swarm.LabelTemplate) + `=([0-9]+)`)

// machine is what a droplet is made of here: a power switch and an engine.
type machine struct {
	docean.Machine
	engine *dockerd.Engine // nil until the first boot is over
	api    http.Handler    // the engine's
	on     bool
	boots  int       // counts power changes; what was put down for an earlier boot is void
	deaf   bool      // the guest ignores a shutdown
	since  time.Time // it was powered on last
	power  PowerFault
	stuck  bool // it never boots
	slower time.Duration
	mute   bool // its first-boot script fails
	joined bool // the user-data's join has run to its end, as cloud-init runs it only at the first boot
}

var (
	errNoMachine = errors.New("no such machine")
	errNoPlace   = errors.New("no host has room for the droplet")
)

// Create powers a new machine on. It is docean.Machines, as are the five below; the Cloud calls them, people use the API.
func (w *World) Create(m docean.Machine) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	if w.misplace > 0 {
		w.misplace--
		return errNoPlace
	}
	mc := &machine{Machine: m, mute: w.broken[m.Image]}
	w.machines[m.ID] = mc
	if w.stalls > 0 {
		w.stalls--
		w.stall(mc)
		return nil
	}
	w.switchOn(mc)
	return nil
}

// Shutdown asks the guest, which takes ShutdownTime or ignores it.
func (w *World) Shutdown(id int) error {
	return w.with(id, func(m *machine) {
		if m.deaf || !m.on || m.power != PowerWorks {
			return
		}
		boot := m.boots
		w.due.put(w.present().Add(w.opts.ShutdownTime), func() {
			if m.boots == boot {
				w.switchOff(m)
			}
		})
	})
}

// PowerOff cuts the power.
func (w *World) PowerOff(id int) error { return w.power(id, w.switchOff) }

// PowerOn boots the machine again.
func (w *World) PowerOn(id int) error {
	return w.power(id, func(m *machine) {
		if !m.on {
			w.switchOn(m)
		}
	})
}

// Resize changes what the machine has. Its engine says so when it is up again.
func (w *World) Resize(id, vcpus, memoryMB int) error {
	return w.with(id, func(m *machine) {
		m.VCPUs, m.MemoryMB = vcpus, memoryMB
		if m.engine != nil {
			m.engine.Resize(vcpus, int64(memoryMB)<<20)
		}
	})
}

// power does something to a machine's power, unless that fails.
func (w *World) power(id int, do func(*machine)) error {
	var failed error
	err := w.with(id, func(m *machine) {
		done, err := m.switched()
		if failed = err; done {
			do(m)
		}
	})
	return errors.Join(err, failed)
}

// Destroy takes the machine away. Its node stays in the swarm until somebody removes it.
func (w *World) Destroy(id int) error {
	if w.machine(id) == nil {
		return nil
	}
	return w.with(id, func(m *machine) {
		w.switchOff(m)
		if m.engine != nil {
			m.engine.Remove()
		}
		delete(w.machines, id)
	})
}

// State is the power switch: a droplet is active while its system still boots.
func (w *World) State(id int) docean.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	switch m := w.machines[id]; {
	case m != nil && m.stuck:
		return docean.Booting
	case m != nil && m.on:
		return docean.Running
	}
	return docean.Off
}

// with does something to a machine now.
func (w *World) with(id int, do func(*machine)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	m := w.machines[id]
	if m == nil {
		return fmt.Errorf("machine %d: %w", id, errNoMachine)
	}
	do(m)
	return nil
}

func (w *World) machine(id int) *machine {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.machines[id]
}

func (w *World) switchOff(m *machine) {
	m.on = false
	m.boots++
	if m.engine != nil {
		m.engine.Stop()
	}
}

func (w *World) switchOn(m *machine) {
	m.on, m.since = true, w.present()
	m.boots++
	boot := m.boots
	w.due.put(w.present().Add(w.opts.BootTime+m.slower), func() {
		if m.boots == boot {
			w.booted(m)
		}
	})
}

// booted starts the engine, and at the first boot what the user-data says.
func (w *World) booted(m *machine) {
	first := m.engine == nil
	if first {
		m.engine = w.Swarm.AddEngine(dockerd.EngineConfig{
			Name: m.Name, Addr: hostOf(m.PrivateIPv4), NCPU: m.VCPUs, MemoryBytes: int64(m.MemoryMB) << 20,
			Labels: engineLabels(m.Machine),
		})
		m.api = m.engine.Handler()
	} else {
		m.engine.Start()
	}
	if join, ok := joinOf(m.UserData); ok && !m.joined && !m.mute {
		w.beginJoin(m, join)
	}
}

// engineLabels has the droplet's id where the user-data writes it, and nothing on a stranger's machine.
func engineLabels(m docean.Machine) map[string]string {
	if !mentions(m.UserData, DropletLabel) {
		return nil
	}
	labels := map[string]string{DropletLabel: strconv.Itoa(m.ID)}
	if said := templateSaid.FindStringSubmatch(m.UserData); said != nil {
		labels[swarm.LabelTemplate] = said[1]
	}
	return labels
}
