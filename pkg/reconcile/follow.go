package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// Last returns the report of the last pass. That nobody acts is said at once, not with the next pass.
func (l *Loop) Last() report.Report {
	l.mu.Lock()
	r := l.last
	l.mu.Unlock()
	return l.attend(r)
}

// Follow returns the reports from the next one on, until ctx ends. Who takes them slowly misses some, never the newest. While somebody
// follows, a swarmd that does not act looks as often as one that does.
func (l *Loop) Follow(ctx context.Context) <-chan report.Report {
	ch := make(chan report.Report, 1)
	l.mu.Lock()
	l.followers[ch] = true
	l.mu.Unlock()
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.followers, ch)
	})
	l.Kick()
	return ch
}

// Changed returns a channel that is closed when the next report is there. Unlike Follow it makes nobody look more often.
func (l *Loop) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Events returns the events after a number, see report.Timeline.
func (l *Loop) Events(after uint64) ([]report.Event, <-chan struct{}) {
	return l.recorder.timeline.After(after)
}

func (l *Loop) followed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.followers) > 0
}

// Submit makes the file the next revision, as an edit on purpose, and returns the number of the revision that it is. It waits while that is
// not possible for a passing reason; a file with faults is an error at once. Run must be running.
func (l *Loop) Submit(ctx context.Context, data []byte, source string) (revision int, err error) {
	o := offer{data: data, origin: ledger.Edit, source: source, answer: make(chan answer, 1), ctx: ctx}
	select {
	case l.offers <- o:
	case <-ctx.Done():
		return 0, fmt.Errorf("submit: %w", ctx.Err())
	}
	select {
	case a := <-o.answer:
		return a.revision, a.err
	case <-ctx.Done():
		return 0, fmt.Errorf("submit: %w: %s", ctx.Err(), l.Last().Error)
	}
}

// unattendedFor is how long nobody may act before a swarmd says that it is not ready. A hand-over from a machine that died takes less.
const unattendedFor = time.Minute

// Ready returns an error unless the file is good, a revision is accepted, a pass has seen the world lately, and somebody acts.
func (l *Loop) Ready() error {
	r := l.Last()
	idle, _ := l.elector.Idle()
	switch {
	case r.Result == report.Starting:
		return errors.New("no pass has ended yet")
	case r.FileUnread:
		return errors.New("the " + fileUnread + "; the log and the status say more")
	case r.FileFault != "":
		return errors.New("the " + fileFaulty + "; the log and the status say more")
	case r.Revision == 0 && r.Result == report.Failed:
		return errors.New("no revision is accepted yet: " + r.WhyFailed())
	case r.Revision == 0:
		return errors.New("no revision is accepted yet")
	case r.Result == report.Failed:
		return errors.New("the last pass failed: " + r.WhyFailed())
	}
	if idle >= unattendedFor {
		return errors.New("nobody acts; the log and the status say more")
	}
	if age := time.Since(r.At); age > 2*watchPace {
		return fmt.Errorf("the last pass ended %s ago", age.Round(time.Second))
	}
	return nil
}
