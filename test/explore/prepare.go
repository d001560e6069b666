package explore

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// opening is the cluster that a workflow starts with: what a swarmd wrote to make it as wanted, before it was stopped in peace. It is played once for an
// engine, a workflow and a seed. A plan only makes the same writes at the same instants, which leads the world to the same state, and a new swarmd takes
// over from there. A mutant does all that by itself: it may go wrong already here.
type opening struct {
	once    sync.Once
	writes  []written
	until   time.Duration // all was as wanted, and nobody was left
	names   int           // of processes, so far
	state   uint64        // digest of the world then
	acted   uint64
	pushes  map[string]int
	reached map[uint64]bool
	wrong   []Violation
}

// written is one call that changed something.
type written struct {
	after   time.Duration // the run's begin
	machine string        // where it came from
	request *http.Request
	body    []byte
}

// opening of the plan, nil if it has to make its own way there.
func (e *Explorer) opening(t *testing.T, p Plan) *opening {
	w, ok := workflowNamed(p.Workflow)
	if !ok || w.Fresh || p.Mutant != "" {
		return nil
	}
	e.mu.Lock()
	start := Plan{Engine: p.Engine, Workflow: w.Name, Seed: p.Seed}
	key := start.String()
	s := e.openings[key]
	if s == nil {
		s = &opening{}
		e.openings[key] = s
	}
	e.mu.Unlock()
	s.once.Do(func() {
		synctest.Test(t, func(*testing.T) {
			r := e.newRun(start, w, Mutant{}, &Outcome{Injected: map[Kind]int{}, Brakes: map[string]int{}})
			r.recorded = s
			r.play(r.record)
			s.wrong = r.out.Violations
		})
	})
	return s
}

// record plays what comes before a workflow is armed, and stops every swarmd in peace: the one that acts last, so that nobody follows it.
func (r *run) record() {
	if !r.begin() {
		return
	}
	r.actors.supervise()
	r.converge("prepare", prepareWithin)
	s, holder := r.recorded, r.actors.holder()
	for _, p := range r.actors.all {
		if p != holder {
			p.retire()
		}
	}
	if holder != nil {
		holder.retire()
	}
	s.until, s.names = time.Since(r.scheduler.began), len(r.actors.all)
	s.state = r.check.digest(r.observe())
	s.acted, s.pushes, s.reached = r.check.acted, r.check.pushes, r.check.reached
}

// retire stops a process as SIGTERM does, and waits for it.
func (p *process) retire() {
	p.cancel()
	<-p.ended
}

// keep takes down a call that is about to change something, without its context: that leads to the process which made the call, and so to its whole
// world, which would stay in memory for as long as the opening.
func (s *opening) keep(began time.Time, machine string, r *http.Request, body []byte) {
	own := r.Clone(context.Background())
	own.Body, own.GetBody = nil, nil
	s.writes = append(s.writes, written{time.Since(began), machine, own, body})
}

// restore makes the writes of the recorded start.
func (r *run) restore(s *opening) {
	for _, w := range s.writes {
		time.Sleep(w.after - time.Since(r.scheduler.began))
		in := w.request.Clone(context.Background())
		in.Body = io.NopCloser(bytes.NewReader(w.body))
		resp, err := r.world.TransportFrom(w.machine).RoundTrip(in)
		if err != nil {
			r.stop("harness", "%s %s: %v", in.Method, in.URL.Path, err)
			return
		}
		resp.Body.Close()
	}
	time.Sleep(s.until - time.Since(r.scheduler.began))
	r.actors.before = s.names
	r.check.acted, r.check.pushes, r.check.reached = s.acted, maps.Clone(s.pushes), maps.Clone(s.reached)
	now := r.observe()
	r.check.always(now)
	if r.check.digest(now) != s.state {
		r.stop("harness", "the same writes have led to another state")
	}
	for _, v := range s.wrong {
		r.stop(v.Invariant, "before: %s", v.Text)
	}
}
