package dockerd

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"math/rand/v2"
	"sync"
	"time"
)

// Swarm is a world of engines and of the clusters they form: none at first, one after the first init, more if an engine that left
// is initialised anew. All methods may be called from any goroutine.
type Swarm struct {
	mu         sync.Mutex
	opt        Options
	dialect    *dialect
	now        time.Time // the instant of the event that is being worked off
	rng        *rand.Rand
	ids        uint64
	queue      queue
	engines    []*Engine  // in the order they were added
	clusters   []*cluster // in the order they were initialised
	images     map[string]Image
	registries map[string]Registry // by host
	watchers   map[*watcher]struct{}
	history    []event // the last eventBacklog events
	held       bool    // the control loops wait, see Together
	dirty      bool    // something may have changed since the control loops last ran
	changes    uint64  // how often it may have
	glanced    *Truth  // as it was after so many changes
	glancedAt  uint64
}

// New returns a world without engines.
func New(o Options) *Swarm {
	o = o.withDefaults()
	return &Swarm{
		opt: o, dialect: o.Release.dialect(), now: o.Now(), rng: rand.New(rand.NewPCG(o.Seed, 0x5eed)),
		images: map[string]Image{}, registries: map[string]Registry{}, watchers: map[*watcher]struct{}{},
	}
}

// AddEngine adds a machine whose engine is up and in no swarm.
func (s *Swarm) AddEngine(c EngineConfig) *Engine {
	s.lockForChange()
	defer s.unlock()
	if c.NCPU == 0 {
		c.NCPU = 2
	}
	if c.MemoryBytes == 0 {
		c.MemoryBytes = 2 << 30
	}
	e := &Engine{world: s, config: c, labels: cloneMap(c.Labels), up: true, started: s.now, served: map[string]served{}}
	e.networks = e.localNetworks()
	s.engines = append(s.engines, e)
	return e
}

// SetJoinTime changes how long a join takes from now on, and returns how long it took until now.
func (s *Swarm) SetJoinTime(d time.Duration) (was time.Duration) {
	s.lockForChange()
	defer s.unlock()
	was, s.opt.JoinTime = s.opt.JoinTime, d
	return was
}

// Advance works off every event that is due.
func (s *Swarm) Advance() {
	s.lock()
	s.unlock()
}

// NextEvent returns when the next event is due, and whether there is one at all.
func (s *Swarm) NextEvent() (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.next()
}

// lock locks the world and brings it up to the clock.
func (s *Swarm) lock() {
	s.mu.Lock()
	now := s.opt.Now()
	for at, ok := s.queue.next(); ok && !at.After(now); at, ok = s.queue.next() {
		if at.After(s.now) {
			s.now = at
		}
		for t := s.queue.pop(at); t != nil; t = s.queue.pop(at) { // all of one instant, then the control loops
			t.run()
		}
		s.dirty = true
		s.settle()
	}
	if now.After(s.now) {
		s.now = now
	}
}

// lockForChange is lock for a call that may change the world. The control loops run at unlock.
func (s *Swarm) lockForChange() {
	s.lock()
	s.dirty = true
}

// unlock lets every control loop react to what was done since lock, and unlocks.
func (s *Swarm) unlock() {
	s.settle()
	s.mu.Unlock()
}

// Together has the control loops wait until all of it is done. They look at everything that there is, so that to let them run after each of many
// writes takes the cube of their number.
func (s *Swarm) Together(do func() error) error {
	s.hold(true)
	defer s.hold(false)
	return do()
}

func (s *Swarm) hold(on bool) {
	s.lockForChange()
	defer s.unlock()
	s.held = on
}

func (s *Swarm) settle() {
	if !s.dirty || s.held {
		return
	}
	s.dirty = false
	s.changes++
	for _, c := range s.clusters {
		c.settle()
	}
}

func (s *Swarm) after(d time.Duration, key string, run func()) { s.queue.set(key, s.now.Add(d), run) }

// jitter returns a part of d, at least half of it.
func (s *Swarm) jitter(d time.Duration) time.Duration {
	if d <= 1 {
		return d
	}
	return d/2 + time.Duration(s.rng.Int64N(int64(d/2)+1))
}

func (s *Swarm) digest(what string) [32]byte {
	s.ids++
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], s.opt.Seed)
	binary.BigEndian.PutUint64(b[8:], s.ids)
	return sha256.Sum256(append(b[:], what...))
}

// newID returns an id as swarmkit makes them: 25 characters of [0-9a-z].
func (s *Swarm) newID() string {
	sum := s.digest("id")
	text := fmt.Sprintf("%050s", new(big.Int).SetBytes(sum[:]).Text(36))
	return text[len(text)-25:]
}

// newHexID returns an id as the engine gives to local objects: 64 hexadecimal characters.
func (s *Swarm) newHexID() string {
	sum := s.digest("hex")
	return hex.EncodeToString(sum[:])
}

// newToken returns a join token: the prefix, 50 characters for the cluster's root certificate, 25 for the secret.
func (s *Swarm) newToken(ca string) string {
	return "SWMTKN-1-" + ca + "-" + s.newID()
}

func cloneMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}
