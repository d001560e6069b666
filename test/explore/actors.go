package explore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// Paces of the people and programs around swarmd. The tick is not a round time: on one instant with a timer of swarmd, the order of the two
// would be anybody's.
const (
	tick         = time.Second + 7919*time.Nanosecond // the supervisor looks, and the driver
	restartAfter = 2 * time.Second                    // a supervisor starts a dead process again
	awayFor      = 50 * time.Second                   // the same when the machine's supervisor is late: long enough to lose the lease
	stopAfter    = 3 * time.Second                    // a process on a node that is no manager any more is stopped
)

// actors are every swarmd of a run, with the supervisor that keeps one on each manager.
type actors struct {
	run     *run
	all     []*process
	hands   []*hand              // people's commands
	files   map[string][]byte    // machine → what is on its disk
	demoted map[string]time.Time // machine → since when it was seen to be no manager
	away    map[string]time.Time // machine → not started again before
	before  int                  // processes that were there before all of these
	clocks  map[string]*clock    // by machine
}

func newActors(r *run) *actors {
	return &actors{run: r, files: map[string][]byte{}, demoted: map[string]time.Time{}, away: map[string]time.Time{}, clocks: map[string]*clock{}}
}

// living returns the process on the machine, nil if there is none.
func (c *actors) living(machine string) *process {
	for _, p := range c.all {
		if p.machine == machine && !p.gone() {
			return p
		}
	}
	return nil
}

// supervise starts and stops processes as the swarm service on the managers does.
func (c *actors) supervise() {
	truth, ok := c.run.world.Swarm.Glance()
	if !ok {
		return
	}
	now := time.Now()
	for _, e := range c.run.world.Swarm.Engines() {
		if strings.HasPrefix(e.Addr(), strangersAt) {
			continue // whatever it is called
		}
		m, p := e.Name(), c.living(e.Name())
		manager := e.Up() && slices.Contains(truth.Members, e.NodeID())
		switch {
		case p != nil && (!e.Up() || c.run.world.Engine(m) != e):
			if !c.run.restarting(m) {
				p.kill()
			}
		case p != nil && !manager && c.demoted[m].IsZero():
			c.demoted[m] = now
		case p != nil && !manager && now.Sub(c.demoted[m]) >= stopAfter:
			p.cancel() // it releases what it holds, if it still can
		case manager:
			delete(c.demoted, m)
			if p == nil && c.mayStart(m, now) {
				c.start(m)
			}
		}
	}
}

func (c *actors) mayStart(machine string, now time.Time) bool {
	if c.run.only != "" && machine != c.run.only {
		return false
	}
	for _, p := range c.all {
		if p.machine == machine && p.isDead() && now.Sub(p.died) < restartAfter {
			return false
		}
	}
	return !now.Before(c.away[machine])
}

func (c *actors) start(machine string) {
	r := c.run
	name := fmt.Sprintf("%s#%d", strings.TrimPrefix(machine, r.cluster+"-"), c.before+len(c.all)+1)
	p, err := start(origin{cluster: r.cluster, name: name, machine: machine, token: r.world.Token(), seed: r.plan.Seed, file: c.files[machine], explorer: r.explorer, scheduler: r.scheduler,
		mutant: r.mutant, takeOver: r.workflow.Beside, clock: c.clock(machine), secret: r.secret, convert: r.adopting(r.explorer.convert), refused: func(b string) { r.braked(name, b) },
		wire: func(p *process) http.RoundTripper {
			return wire{r.scheduler, p, r.world.TransportFrom(machine), r.recorded}
		}})
	if err != nil {
		r.violate("harness", "%v", err)
		return
	}
	r.scheduler.remark("%s starts", name)
	c.all = append(c.all, p)
}

// missing returns a manager on which a swarmd should run and none does, "" if there is none.
func (c *actors) missing() string {
	truth, _ := c.run.world.Swarm.Glance()
	for _, e := range c.run.world.Swarm.Engines() {
		wanted := c.run.only == "" || c.run.only == e.Name()
		if wanted && slices.Contains(truth.Members, e.NodeID()) && c.living(e.Name()) == nil {
			return e.Name()
		}
	}
	return ""
}

// holder returns the living process that holds the lease, or nil.
func (c *actors) holder() *process {
	for _, p := range c.all {
		if !p.gone() && p.loop.Last().Lease.Held {
			return p
		}
	}
	return nil
}

// submit is an operator who applies the file and tries again until a swarmd has taken it, for as long as the limit after the last fault.
func (c *actors) submit(file []byte, limit time.Duration) error {
	began := time.Now()
	var err error
	for attempt := 1; time.Since(began) < limit || time.Since(c.run.faults.last) < limit; attempt++ {
		c.run.scheduler.sync()
		p := c.pickLiving(attempt)
		if p == nil {
			c.elapse(tick)
			continue
		}
		var n int
		if n, err = c.offer(p, file); err == nil {
			c.run.scheduler.remark("the operator's file is revision %d", n)
			return nil
		}
		c.run.scheduler.remark("the operator's file was not taken by %s", p.name)
		c.elapse(tick)
	}
	return fmt.Errorf("nobody took the operator's file within %s: %w", limit, errors.Join(err, context.DeadlineExceeded))
}

func (c *actors) pickLiving(attempt int) *process {
	var all []*process
	for _, p := range c.all {
		if !p.gone() {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[attempt%len(all)]
}

// offeredFor is how long a file is offered to one swarmd. It is no multiple of what passes are apart, else the Go runtime would choose now and then whether
// the last pass still has the file.
const offeredFor = 30*time.Second + 500*time.Millisecond

func (c *actors) offer(p *process, file []byte) (int, error) {
	p.begun()
	ctx, cancel := context.WithTimeout(p.ctx, offeredFor)
	defer cancel()
	type answer struct {
		n   int
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		n, err := p.loop.Submit(ctx, file, "apply operator")
		answers <- answer{n, err}
	}()
	for {
		select {
		case a := <-answers:
			return a.n, a.err
		case <-time.After(tick):
			c.run.step()
		}
	}
}

// elapse lets time go on.
func (c *actors) elapse(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(min(tick, time.Until(end)))
		if c.run.step(); c.run.caught {
			return // the caller's loops go by the clock, or by what is broken
		}
	}
}

// report is what the process that acts said last.
func (c *actors) report() (report.Report, bool) {
	p := c.holder()
	if p == nil {
		return report.Report{}, false
	}
	return p.loop.Last(), true
}

// killAll ends everything.
func (c *actors) killAll() {
	all := slices.Clone(c.all)
	for _, h := range c.hands {
		all = append(all, h.process)
	}
	for _, p := range all {
		p.kill()
	}
	c.run.scheduler.end()
	for _, p := range all {
		<-p.ended
	}
}
