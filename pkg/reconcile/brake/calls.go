package brake

import (
	"errors"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// The API budget: what swarmd may use of DigitalOcean's 250 calls a minute and 5,000 an hour.
const (
	callsPerMinute = 200
	callsPerHour   = 4000
)

// window counts what happened within the last while, exactly.
type window struct {
	size  time.Duration
	most  int
	times []time.Time // oldest first
}

// wait is how long until one more fits; 0: now.
func (w *window) wait(now time.Time) time.Duration {
	for len(w.times) > 0 && now.Sub(w.times[0]) >= w.size {
		w.times = w.times[1:]
	}
	if len(w.times) < w.most {
		return 0
	}
	return w.size - now.Sub(w.times[0])
}

func (w *window) add(now time.Time) { w.times = append(w.times, now) }

// spend takes one call from the budget, or refuses it.
func (b *brakes) spend(op string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if d := max(b.minute.wait(now), b.hour.wait(now)); d > 0 {
		b.opts.Refused(Calls)
		err := errors.New("the budget of 200 calls a minute and 4000 an hour is spent")
		return &apierr.Error{Kind: apierr.Braked, Side: cloudSide, Op: op, RetryAfter: d, Err: err}
	}
	b.minute.add(now)
	b.hour.add(now)
	return nil
}
