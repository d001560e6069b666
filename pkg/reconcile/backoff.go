package reconcile

import (
	"errors"
	"maps"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// The pauses after refusals of steps on one object: they double.
const (
	firstPause = 5 * time.Second
	mostPause  = 5 * time.Minute
)

// refusals are what was refused, by what it was done to. Others go on meanwhile. It is a value: learn makes the next one.
type refusals map[plan.Ref]refusal

type refusal struct {
	plan.Backoff // Until is by this process's own clock, zero: it is not left alone
	tries        int
	lost         string // the last refusal that looked like a lost race
}

// learn returns what is remembered after a run.
func (w refusals) learn(rs execute.Results, now time.Time, jitter func() float64) refusals {
	next := refusals{}
	maps.Copy(next, w)
	for _, r := range rs {
		object := r.Step.Action.About().Object
		switch {
		case r.Outcome == execute.Done:
			delete(next, object)
		case asksSize(r): // the ledger has it
		case r.Outcome == execute.Refused:
			next[object] = next[object].again(r, now, jitter)
		}
	}
	return next
}

// asksSize reports whether the step asks for another size. Its machine is off then, and is powered on whatever was refused.
func asksSize(r execute.Result) bool {
	_, ok := r.Step.Action.(plan.ResizeDroplet)
	return ok
}

// again takes in one more refusal. What looks like a lost race and was refused in just the same way the last time is none: each pass would be
// refused anew, for as long as a network is missing that the file calls external, or one of the name is there that is somebody's.
func (h refusal) again(r execute.Result, now time.Time, jitter func() float64) refusal {
	if r.Kind.Overtaken() {
		said := r.Step.ID + " " + r.Err.Error()
		same := h.lost == said
		h.lost = said
		if !same {
			return h
		}
	}
	if now.Before(h.Until) {
		return h // another step on it was refused in the same run
	}
	var unresolved *execute.UnresolvedError
	lookup := errors.As(r.Err, &unresolved)
	pause := time.Duration(float64(min(firstPause<<min(h.tries, 10), mostPause)) * (0.5 + jitter()))
	h.tries++
	h.Backoff = plan.Backoff{Until: now.Add(max(pause, retryAfter(r.Err))), Why: r.Err.Error() + wayOut(r.Kind), Limit: r.Kind == apierr.Limit, Final: r.Kind == apierr.Invalid || r.Kind.Overtaken()}
	if lookup {
		h.Guard, h.Why, h.Final = plan.GuardRegistry, unresolved.Error(), unresolved.Kind.Denied() || unresolved.Kind == apierr.NotFound || unresolved.Kind == apierr.Invalid
	}
	return h
}

// retryAfter is how long the other side asks to wait, 0 if it does not say.
func retryAfter(err error) time.Duration {
	if e := (*apierr.Error)(nil); errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// backoffs are what is left alone, by a clock that is so far ahead of this process's own.
func (w refusals) backoffs(ahead time.Duration) map[plan.Ref]plan.Backoff {
	out := map[plan.Ref]plan.Backoff{}
	for object, h := range w {
		b := h.Backoff
		if !b.Until.IsZero() {
			b.Until = b.Until.Add(ahead)
			out[object] = b
		}
	}
	return out
}

// wayOut is what a person can do about a refusal that stays, as the end of a sentence.
func wayOut(k apierr.Kind) string {
	switch k {
	case apierr.NotFound:
		return "; what it names has to be there: make it, or correct the file"
	case apierr.Limit:
		return "; ask DigitalOcean for a higher limit, or delete droplets"
	case apierr.Conflict:
		return "; remove or rename what is there, or rename what the file has"
	}
	return ""
}

// jittered is a backoff that doubles; each pause is between half and one and a half of its interval, so that many do not come at once.
type jittered struct {
	*backoff.ExponentialBackOff
	jitter func() float64
}

func newBackoff(first, most time.Duration, jitter func() float64) *jittered {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier, b.RandomizationFactor = first, most, 2, 0
	b.Reset()
	return &jittered{b, jitter}
}

// NextBackOff returns the next pause.
func (s *jittered) NextBackOff() time.Duration {
	return time.Duration(float64(s.ExponentialBackOff.NextBackOff()) * (0.5 + s.jitter()))
}
