package sim

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// Options of a World. The zero value is a world at DigitalOcean's pace; a negative duration is none at all.
type Options struct {
	// Now is the clock; nil is time.Now. Timers (delays of faults, event streams) always run on the standard clock.
	Now  func() time.Time
	Seed uint64

	// Cloud is everything about DigitalOcean's side; Machines, Now and Seed in it are overwritten. An empty Token becomes DefaultToken.
	Cloud docean.Options
	// Docker is the engines' side; Now and Seed in it are overwritten.
	Docker dockerd.Options

	BootTime     time.Duration // power on → engine up
	JoinTime     time.Duration // engine up → first attempt to join, for a droplet whose user-data says so
	ShutdownTime time.Duration // shutdown → off
	DialTimeout  time.Duration // how long a call to a machine that is off or cut off takes to fail

	// Fault is asked about every call before it has an effect, on the caller's goroutine; it may block, to hold calls back. Nil
	// lets all pass. SetFault changes it later.
	Fault func(Call) Verdict
	// TraceLimit is how many calls Trace keeps, the newest; default 100,000.
	TraceLimit int
}

// DefaultToken opens a world whose options name none.
const DefaultToken = "dop_v1_simulated"

// World is one DigitalOcean account with its machines and the swarms on them.
type World struct {
	Cloud *docean.Cloud
	Swarm *dockerd.Swarm

	opts   Options
	replay atomic.Pointer[time.Time] // the instant that dockerd sees while a due event is made up for
	calls  recorder

	mu       sync.Mutex // taken after the Cloud's lock and before the Swarm's
	due      agenda
	machines map[int]*machine
	misplace int                         // so many creates still fail to find a place
	stalls   int                         // so many creates still do not boot
	stallFor time.Duration               // for so long; 0: for ever
	slower   time.Duration               // and then boot so much more slowly
	broken   map[string]bool             // images whose machines never join
	pumps    map[chan struct{}]time.Time // → what each waits for
}

// New makes a world without droplets.
func New(o Options) *World {
	o = o.withDefaults()
	w := &World{opts: o, machines: map[int]*machine{}, broken: map[string]bool{}, pumps: map[chan struct{}]time.Time{}}
	w.calls = recorder{limit: o.TraceLimit, fault: o.Fault}
	o.Cloud.Machines, o.Cloud.Now, o.Cloud.Seed = w, o.Now, o.Seed
	o.Docker.Now, o.Docker.Seed = w.dockerNow, o.Seed
	w.Swarm = dockerd.New(o.Docker)
	w.Cloud = docean.New(o.Cloud)
	return w
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Cloud.Token == "" {
		o.Cloud.Token = DefaultToken
	}
	if o.TraceLimit <= 0 {
		o.TraceLimit = 100_000
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.BootTime, 20 * time.Second},
		{&o.JoinTime, 3 * time.Second},
		{&o.ShutdownTime, 2 * time.Second},
		{&o.DialTimeout, 3 * time.Second},
		{&o.Cloud.ActionTime, 8 * time.Second},
		{&o.Cloud.ListLag, 2 * time.Second},
		{&o.Cloud.TagDelay, 3 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
		*d.field = max(0, *d.field)
	}
	return o
}

// dockerNow is the engines' clock: the world's, except while an event of the past is being made up for.
func (w *World) dockerNow() time.Time {
	if t := w.replay.Load(); t != nil {
		return *t
	}
	return w.opts.Now()
}

// Token is the account's bearer token.
func (w *World) Token() string { return w.opts.Cloud.Token }

// Advance does what is due by now on all sides. Every request does it first; only tests that look at the truth directly need it.
func (w *World) Advance() {
	w.advanceMachines()
	w.Cloud.Advance()
}

func (w *World) advanceMachines() {
	w.mu.Lock()
	w.catchUp()
	w.mu.Unlock()
	w.Swarm.Advance()
}

// NextEvent returns when something is due next, and whether anything is.
func (w *World) NextEvent() (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next()
}

func (w *World) next() (time.Time, bool) {
	mine, ok := w.due.next()
	theirs, also := w.Swarm.NextEvent()
	switch {
	case !ok:
		return theirs, also
	case also && theirs.Before(mine):
		return theirs, true
	}
	return mine, true
}
