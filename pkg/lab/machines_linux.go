package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// machines is the docean.Machines of real machines. Orders return at once.
type machines struct {
	dir     string
	image   string
	net     network
	log     *zap.Logger
	changed func() // called after each change of what list tells

	mu     sync.Mutex
	byID   map[int]*machine
	leave  []*machine // destroyed, their goroutines perhaps still at it
	closed bool
}

var _ docean.Machines = (*machines)(nil)

// Create makes a machine and begins to boot it.
func (ms *machines) Create(spec docean.Machine) error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if ms.closed {
		return errors.New("the lab is closing")
	}
	if ms.byID[spec.ID] != nil {
		return fmt.Errorf("droplet %d exists already", spec.ID)
	}
	m := &machine{
		spec: spec, dir: filepath.Join(ms.dir, strconv.Itoa(spec.ID)), name: ms.net.machine(spec.ID), image: ms.image, net: ms.net,
		changed: ms.changed,
		log:     ms.log.With(zap.Int("droplet", spec.ID), zap.String("name", spec.Name)),
		orders:  make(chan func(context.Context) error, 32), done: make(chan struct{}), state: docean.Booting,
	}
	ms.byID[spec.ID] = m
	go m.serve()
	return m.give(m.create)
}

// Shutdown asks the guest to power down.
func (ms *machines) Shutdown(id int) error { return ms.order(id, (*machine).shutdown) }

// PowerOff cuts the power.
func (ms *machines) PowerOff(id int) error { return ms.order(id, (*machine).powerOff) }

// PowerOn boots the machine again.
func (ms *machines) PowerOn(id int) error { return ms.order(id, (*machine).powerOn) }

// Resize changes what the machine has from its next boot on.
func (ms *machines) Resize(id, vcpus, memoryMB int) error {
	return ms.order(id, func(m *machine, _ context.Context) error { return m.resize(vcpus, memoryMB) })
}

// Destroy takes the machine and its disk away. An unknown one is away already.
func (ms *machines) Destroy(id int) error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.byID[id]
	if m == nil {
		return nil
	}
	if err := m.give(m.destroy); err != nil {
		return err
	}
	delete(ms.byID, id)
	ms.leave = append(slices.DeleteFunc(ms.leave, func(m *machine) bool { return closed(m.done) }), m)
	return nil
}

// State of a machine; an unknown one is off.
func (ms *machines) State(id int) docean.State {
	m, err := ms.get(id)
	if err != nil {
		return docean.Off
	}
	return m.look().State
}

func (ms *machines) order(id int, what func(*machine, context.Context) error) error {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	m := ms.byID[id]
	if m == nil {
		return unknownDroplet(id)
	}
	return m.give(func(ctx context.Context) error { return what(m, ctx) })
}

func (ms *machines) get(id int) (*machine, error) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	if m := ms.byID[id]; m != nil {
		return m, nil
	}
	return nil, unknownDroplet(id)
}

func unknownDroplet(id int) error { return fmt.Errorf("there is no droplet %d in the lab", id) }

func (ms *machines) list() []Droplet {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	all := make([]Droplet, 0, len(ms.byID))
	for _, m := range ms.byID {
		all = append(all, m.look())
	}
	slices.SortFunc(all, func(a, b Droplet) int { return a.ID - b.ID })
	return all
}

// at finds the machine that a packet from that address comes from.
func (ms *machines) at(addr string) (id int, ok bool) {
	ms.mu.Lock()
	defer ms.mu.Unlock()
	for id, m := range ms.byID {
		if a := host(m.spec.PublicIPv4); a == addr {
			return id, true
		}
	}
	return 0, false
}

// closeAll destroys every machine and waits until they are gone.
func (ms *machines) closeAll(ctx context.Context) error {
	ms.mu.Lock()
	ms.closed = true
	for id, m := range ms.byID {
		if m.give(m.destroy) == nil {
			ms.leave = append(ms.leave, m)
			delete(ms.byID, id)
		}
	}
	leaving := slices.Clone(ms.leave)
	ms.mu.Unlock()
	for _, m := range leaving {
		select {
		case <-m.done:
		case <-ctx.Done():
			return fmt.Errorf("wait for droplet %d to go: %w", m.spec.ID, context.Cause(ctx))
		}
	}
	return nil
}
