package explore

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// How long a call takes each way. The nanoseconds come from the seed: no two timers that follow from calls fall on one instant, at
// which their order would be anybody's.
const (
	minWay = 200 * time.Microsecond
	maxWay = 3 * time.Millisecond
)

// maxLines is how long a trace becomes that nobody watches.
const maxLines = 4_000

// maxCalls ends a run that would never end.
const maxCalls = 25_000

// scheduler holds every call until nothing else moves and lets one go.
type scheduler struct {
	rng   *rand.Rand
	fixed bool // of several calls that wait the first in their order goes: seed 0
	began time.Time
	bell  chan struct{}
	judge func(*ticket)         // decides the fault of a call, before it goes
	look  func(*ticket) *state  // looks at the world before it goes
	saw   func(*state, *ticket) // and after it went

	mu      sync.Mutex
	parked  []*ticket
	going   *ticket // the one whose hook comes next
	calls   int
	lines   []func() string // of the trace
	sum     sum             // of all lines, those too that are not kept
	calm    sum             // the same without what faults made of calls
	keepAll bool            // of a plan that is watched
	paused  map[string]time.Time
	ended   bool
}

func newScheduler(seed uint64) *scheduler {
	return &scheduler{rng: rand.New(rand.NewPCG(seed, 0xc0d)), fixed: seed == 0, began: time.Now(), bell: make(chan struct{}, 1), paused: map[string]time.Time{}, sum: sumBasis, calm: sumBasis}
}

// park puts a call to the others that wait.
func (c *scheduler) park(p *process, r *http.Request, body []byte) *ticket {
	t := &ticket{proc: p, ctx: r.Context(), method: r.Method, path: r.URL.Path, query: r.URL.RawQuery, body: body, turn: make(chan struct{}), side: sim.SideCloud}
	if !strings.HasPrefix(t.path, "/v2/") {
		t.side, t.path = sim.SideDocker, sim.Unversioned(t.path)
	}
	t.sign = t.signed()
	return c.queue(t)
}

// queue puts a ticket to the others that wait.
func (c *scheduler) queue(t *ticket) *ticket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		close(t.turn)
		return t
	}
	c.parked = append(c.parked, t)
	c.ring()
	return t
}

func (c *scheduler) ring() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// schedule lets one call go after the other, until stop is closed.
func (c *scheduler) schedule(stop <-chan struct{}) {
	for {
		synctest.Wait()
		t, wake := c.pick()
		if t == nil {
			if !c.rest(stop, wake) {
				return
			}
			continue
		}
		c.let(t)
	}
}

// rest waits for a call, or until a pause is over.
func (c *scheduler) rest(stop <-chan struct{}, wake time.Time) bool {
	var over <-chan time.Time
	if !wake.IsZero() {
		over = time.After(time.Until(wake))
	}
	select {
	case <-c.bell:
	case <-over:
	case <-stop:
		return false
	}
	return true
}

// pick takes one of the waiting calls: those of dead processes at once, of the others any, save for those of a process that stands still.
func (c *scheduler) pick() (t *ticket, wake time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order()
	now := time.Now()
	var room [8]int
	free := room[:0]
	for i, t := range c.parked {
		if t.proc.isDead() || t.ctx.Err() != nil {
			c.parked = slices.Delete(c.parked, i, i+1)
			return t, wake
		}
		if until := c.paused[t.proc.name]; until.After(now) {
			if wake.IsZero() || until.Before(wake) {
				wake = until
			}
			continue
		}
		free = append(free, i)
	}
	if len(free) == 0 {
		return nil, wake
	}
	i := free[0]
	if len(free) > 1 && !c.fixed {
		i = free[c.rng.IntN(len(free))]
	}
	t = c.parked[i]
	c.parked = slices.Delete(c.parked, i, i+1)
	return t, wake
}

// order sorts the calls that wait. One that waits alone, as most do, needs no name for that.
func (c *scheduler) order() {
	if len(c.parked) < 2 {
		return
	}
	for _, t := range c.parked {
		if t.key == "" {
			t.key = t.name()
		}
	}
	slices.SortFunc(c.parked, func(a, b *ticket) int { return strings.Compare(a.key, b.key) })
}

// let lets the call go and waits until nothing moves any more.
func (c *scheduler) let(t *ticket) {
	if t.step != "" || t.proc.isDead() || t.ctx.Err() != nil {
		close(t.turn)
		return
	}
	time.Sleep(c.way())
	t.back = c.way()
	c.mu.Lock()
	c.calls++
	t.n, t.at = c.calls, time.Now()
	c.mu.Unlock()
	c.judge(t)
	if c.again(t) {
		return
	}
	was := c.look(t)
	c.mu.Lock()
	c.going = t
	c.mu.Unlock()
	close(t.turn)
	synctest.Wait()
	c.mu.Lock()
	c.going = nil
	seen := *t // a call that hangs gets its answer later
	c.tellCall(&seen)
	c.mu.Unlock()
	c.saw(was, &seen)
}

// answered notes what the caller of a ticket gets.
func (c *scheduler) answered(t *ticket, resp *http.Response, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.err = err
	if resp != nil {
		t.status = resp.StatusCode
	}
}

func (c *scheduler) way() time.Duration {
	return minWay + time.Duration(c.rng.Int64N(int64(maxWay-minWay)))
}

// hook is the world's fault hook: the call that comes is the one that was let go.
func (c *scheduler) hook(sim.Call) sim.Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.going
	if t == nil {
		return sim.Pass()
	}
	c.going = nil
	return t.verdict
}

// tellCall puts a call into the trace, which must not change any more.
func (c *scheduler) tellCall(t *ticket) {
	c.sum.call(t, c.began)
	c.calm.calm(t, c.began)
	c.tell(func() string { return t.line(c.began) })
}

// tell puts a line into the trace. Of a run that nobody watches only the end is kept: one of a week has a million lines.
func (c *scheduler) tell(line func() string) {
	if !c.keepAll && len(c.lines) == maxLines {
		c.lines = slices.Delete(c.lines, 0, maxLines/2)
	}
	c.lines = append(c.lines, line)
}

// remark puts a line into the trace that is no call.
func (c *scheduler) remark(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	after, text := time.Since(c.began), fmt.Sprintf(format, args...)
	c.sum.remark(after, text)
	c.calm.remark(after, text)
	c.tell(func() string { return fmt.Sprintf("      %10.4fs — %s", after.Seconds(), text) })
}

// pause makes a process stand still for a while before its call goes, as SIGSTOP does.
func (c *scheduler) pause(t *ticket, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused[t.proc.name] = time.Now().Add(d)
	stood := *t
	c.tellCall(&stood)
	c.parked = append(c.parked, t)
}

// again reports whether the call was put back.
func (c *scheduler) again(t *ticket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	back := slices.Contains(c.parked, t)
	if back {
		t.n, t.fault = 0, ""
	}
	return back
}

// end lets everything go that still waits, without effect.
func (c *scheduler) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, t := range c.parked {
		close(t.turn)
	}
	c.parked = nil
}

// sync is between what the scheduler does and what the run does besides. The two take turns by the clock, which the race detector does not know.
func (c *scheduler) sync() {
	c.mu.Lock()
	defer c.mu.Unlock()
}

func (c *scheduler) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func (c *scheduler) trace() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	lines := make([]string, len(c.lines))
	for i, line := range c.lines {
		lines[i] = line()
	}
	return lines
}

// digests of all that was told, and of that without what faults made of calls.
func (c *scheduler) digests() (all, calm uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return uint64(c.sum), uint64(c.calm)
}
