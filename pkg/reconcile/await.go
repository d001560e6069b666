package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// Why Await ends without convergence. The revision stays accepted.
var (
	ErrSuperseded = errors.New("another revision was accepted")
	ErrDemoted    = errors.New("the engine is no manager of the swarm any more")
	ErrHeld       = errors.New("nothing is left but what is held until a person acts")
)

// heldFor is how long nothing but the same holds must be seen before nobody waits for them: what is read of both sides may lag, and settles.
const heldFor = 10 * time.Second

// bakeLook is how often is looked whether tasks have run for long enough.
const bakeLook = 2 * time.Second

// actingAnswers is how long the answer of the swarmd that acts is waited for: nothing of the look is told before.
const actingAnswers = 5 * time.Second

// demotedLooks is how many looks in a row must find that the engine is no manager.
const demotedLooks = 2

// LostError is the error of Await when the revision does not become true by itself any more.
type LostError struct{ Hold plan.Hold }

func (e *LostError) Error() string { return e.Hold.Object + ": " + e.Hold.Text }

// Await follows until everything is as the revision wants it and every roll-out has succeeded, whichever swarmd acts. told gets each report on the way; it may be nil. When waiting
// does not help, Await ends with one of the errors above. When two reports in a row say that only a person can go on, it ends with a LostError. Run
// must be running.
func (l *Loop) Await(ctx context.Context, revision int, told func(report.Report)) (report.Report, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reports, p, last := l.Follow(ctx), prospect{revision: revision}, l.Last()
	for {
		select {
		case r := <-reports:
			r = l.heeding(ctx, r)
			last = r
			if told != nil {
				told(r)
			}
			if end, err := p.end(r); end {
				return r, err
			}
			if !r.Lease.Held { // who does not act looks each followPace while somebody waits
				continue
			}
			if r.Converged && baking(r) {
				time.AfterFunc(bakeLook, l.Kick)
			}
			if p.held != nil || p.lost != nil { // a pass that finds nothing to do is not followed by another one soon
				time.AfterFunc(heldFor, l.Kick)
			}
		case <-ctx.Done():
			return last, fmt.Errorf("wait for revision %d: %w", revision, ctx.Err())
		}
	}
}

// heeding is the report with what the swarmd that acts holds of what it does not do. That one is asked only when this look would do something, or does not
// see why nothing is done.
func (l *Loop) heeding(ctx context.Context, r report.Report) report.Report {
	waits := slices.ContainsFunc(r.Steps, func(s report.Step) bool { return s.Outcome == "" })
	puzzled := !r.Converged && len(r.Steps) == 0 && !slices.ContainsFunc(r.Holds, func(h plan.Hold) bool { return h.Blocking })
	if l.cfg.Acting == nil || r.Lease.Held || !waits && !puzzled {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, actingAnswers)
	defer cancel()
	return r.Heeds(l.cfg.Acting(ctx))
}

// prospect judges, report after report, whether there is anything to wait for.
type prospect struct {
	revision int
	demoted  int         // looks in a row that found the engine to be no manager
	held     []plan.Hold // nil unless there is nothing but these
	since    time.Time   // it is so
	lost     *plan.Hold  // what the last report said that only a person can put right
	again    bool        // the one before said the same
}

// end reports whether to follow no longer, and why if the revision is not true.
func (p *prospect) end(r report.Report) (bool, error) {
	p.observe(r)
	switch {
	case r.Revision > p.revision:
		return true, fmt.Errorf("revision %d: %w", r.Revision, ErrSuperseded)
	case r.Converged && r.Revision == p.revision && !baking(r):
		return true, nil
	case p.demoted >= demotedLooks:
		return true, fmt.Errorf("revision %d: %w", p.revision, ErrDemoted)
	case p.again:
		return true, &LostError{*p.lost}
	case p.held != nil && r.At.Sub(p.since) >= heldFor:
		return true, fmt.Errorf("revision %d: %w", p.revision, ErrHeld)
	}
	return false, nil
}

func (p *prospect) observe(r report.Report) {
	p.demoted++
	if !slices.ContainsFunc(r.Gaps, func(g world.Gap) bool { return g.Kind == apierr.NotManager }) {
		p.demoted = 0
	}
	before, lost := p.lost, r.Lost()
	if r.Revision != p.revision {
		lost = nil
	}
	p.lost, p.again = lost, lost != nil && before != nil && before.Guard == lost.Guard && before.Object == lost.Object
	switch {
	case !r.HeldOnly || r.Revision != p.revision:
		p.held = nil
	case !slices.Equal(p.held, r.Holds):
		p.held, p.since = r.Holds, r.At
	}
}
