package explore

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// clock is what the clock on a machine's wall says. Every swarmd on the machine goes by it where a time leaves its process or comes from another; the
// monotonic clock goes on as ever.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration // at since
	since time.Time
	pace  float64 // seconds that it gains each second
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return now.Round(0).Add(c.ahead + time.Duration(c.pace*float64(now.Sub(c.since))))
}

// set puts the clock so far ahead of the true time, and lets it gain from there.
func (c *clock) set(ahead time.Duration, pace float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead, c.pace, c.since = ahead, pace, time.Now()
}

// clock of a machine.
func (c *actors) clock(machine string) *clock {
	k := c.clocks[machine]
	if k == nil {
		k = &clock{}
		c.clocks[machine] = k
	}
	return k
}

// clockFor is how long a clock stays wrong that a fault has set, until somebody sets it right.
const clockFor = 40 * time.Second

// steps of a clock that are faults.
func clockSteps() map[Kind]time.Duration {
	return map[Kind]time.Duration{ClockAhead: 10 * time.Minute, ClockBack: -10 * time.Minute, ClockDay: 24 * time.Hour}
}

// setClock sets the clock of the machine of the call's process.
func (in *injector) setClock(t *ticket, ahead time.Duration) {
	in.run.actors.clock(t.proc.machine).set(ahead, 0)
	in.wrong[t.proc.machine] = time.Now().Add(clockFor)
}

// rightClocks sets clocks right whose time has come.
func (in *injector) rightClocks() {
	for _, machine := range slices.Sorted(maps.Keys(in.wrong)) {
		if !time.Now().Before(in.wrong[machine]) {
			delete(in.wrong, machine)
			in.last = time.Now()
			in.run.actors.clock(machine).set(0, 0)
			in.run.scheduler.remark("the clock of %s is set right", machine)
		}
	}
}

// misset has a machine's clock be wrong for a while.
func (r *run) misset(machine string, ahead time.Duration, pace float64, d time.Duration) {
	if r.broken {
		return
	}
	r.scheduler.sync()
	r.faults.last = time.Now()
	r.actors.clock(machine).set(ahead, pace)
	r.scheduler.remark("the clock of %s is %s ahead and gains %g", machine, ahead, pace)
	r.wait(d)
	r.scheduler.sync()
	r.faults.last = time.Now()
	r.actors.clock(machine).set(0, 0)
	r.scheduler.remark("the clock of %s is set right", machine)
}
