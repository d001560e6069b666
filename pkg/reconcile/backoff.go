package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// withheld are the objects whose last step was refused in a way that trying at once will not change: by object ("pool/NAME",
// "service/NAME"), until when to leave them. Others go on meanwhile.
type withheld map[string]*withholding

type withholding struct {
	until time.Time // zero: not at all yet
	grow  *spread
	why   string
	final bool   // the request is wrong and stays so
	lost  string // the last refusal that looked like a lost race
}

// spread is a backoff that doubles; each pause is between half and one and a half of its interval, so that many do not come at once.
type spread struct {
	*backoff.ExponentialBackOff
	jitter func() float64
}

func newBackoff(first, most time.Duration, jitter func() float64) *spread {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier, b.RandomizationFactor = first, most, 2, 0
	b.Reset()
	return &spread{b, jitter}
}

// NextBackOff returns the next pause.
func (s *spread) NextBackOff() time.Duration {
	return time.Duration(float64(s.ExponentialBackOff.NextBackOff()) * (0.5 + s.jitter()))
}

// learn takes in the results of a run.
func (w withheld) learn(rs execute.Results, now time.Time, jitter func() float64) {
	for _, r := range rs {
		object := r.Step.Action.About().Object.String()
		switch {
		case r.Outcome == execute.Done:
			delete(w, object)
		case r.Outcome == execute.Refused && (!soon(r.Kind) || w.again(object, r, jitter)):
			w.add(object, r, now, jitter)
		}
	}
}

// again reports whether what looks like a lost race was refused in just the same way the last time: then it is none. Each pass would be refused anew,
// for as long as a network is missing that the file calls external, or one of the name is there that is somebody's.
func (w withheld) again(object string, r execute.Result, jitter func() float64) bool {
	h, refusal := w.of(object, jitter), r.Step.ID+" "+r.Err.Error()
	same := h.lost == refusal
	h.lost = refusal
	return same
}

func (w withheld) of(object string, jitter func() float64) *withholding {
	h := w[object]
	if h == nil {
		h = &withholding{grow: newBackoff(5*time.Second, 5*time.Minute, jitter)}
		w[object] = h
	}
	return h
}

func (w withheld) add(object string, r execute.Result, now time.Time, jitter func() float64) {
	h := w.of(object, jitter)
	if now.Before(h.until) {
		return // another step on it was refused in the same run
	}
	h.until, h.why = now.Add(h.grow.NextBackOff()), r.Err.Error()+wayOut(r.Kind)
	h.final = r.Kind == apierr.Invalid || soon(r.Kind)
}

// wayOut is what a person can do about a refusal that stays, as the end of a sentence.
func wayOut(k apierr.Kind) string {
	switch k {
	case apierr.NotFound:
		return "; what it names has to be there: make it, or correct the file"
	case apierr.Conflict:
		return "; remove or rename what is there, or rename what the file has"
	}
	return ""
}

// soon reports whether a refusal may be nothing about the object: a lost race, something that is gone. The next look decides anew.
func soon(k apierr.Kind) bool {
	switch k {
	case apierr.Conflict, apierr.NotFound, apierr.NotManager:
		return true
	}
	return false
}

// pools returns until when the pools are left alone, by a clock that is so far ahead of this process's own.
func (w withheld) pools(ahead time.Duration) map[string]time.Time {
	out := map[string]time.Time{}
	for object, h := range w {
		if pool, ok := strings.CutPrefix(object, "pool/"); ok {
			out[pool] = h.until.Add(ahead)
		}
	}
	return out
}

// withhold takes the steps on withheld objects out of the plan and puts holds in their place. The executor drops what comes after them. If no step
// is left, nothing is looked at sooner because of them than the first is tried again.
func (w withheld) withhold(p plan.Plan, now time.Time) plan.Plan {
	steps, soonest := p.Steps, time.Duration(0)
	p.Steps, p.Holds = nil, slices.Clone(p.Holds)
	for i, hold := range p.Holds { // the planner knows until when, and not why
		if h := w[hold.Object]; h != nil && hold.Guard == plan.GuardBackoff {
			p.Holds[i].Text, p.Holds[i].Final = p.Holds[i].Text+": "+h.why, h.final
		}
	}
	for _, s := range steps {
		object := s.Action.About().Object.String()
		h := w[object]
		if h == nil || !now.Before(h.until) {
			p.Steps = append(p.Steps, s)
			continue
		}
		p.Holds = append(p.Holds, plan.Hold{Guard: plan.GuardBackoff, Object: object, Blocking: true, Final: h.final,
			Text: fmt.Sprintf("tried again at %s: %s", h.until.UTC().Format(time.TimeOnly), h.why)})
		if d := h.until.Sub(now); soonest == 0 || d < soonest {
			soonest = d
		}
	}
	if soonest > 0 && len(p.Steps) == 0 {
		if p.LookAgain = soonest; p.LookIdly > 0 {
			p.LookAgain = min(soonest, p.LookIdly)
		}
	}
	return p
}

// reset forgets everything: a new revision may have changed what was wrong.
func (w withheld) reset() { clear(w) }
