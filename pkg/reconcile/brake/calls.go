package brake

import (
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
)

// window counts what happened within the last while, exactly. The client spreads its calls so that none is refused here; the brake counts them by
// itself and does not believe it.
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
		err := fmt.Errorf("the budget of %d calls a minute and %d an hour is spent", cloud.CallsPerMinute, cloud.CallsPerHour)
		return &apierr.Error{Kind: apierr.Braked, Side: cloudSide, Op: op, RetryAfter: d, Err: err}
	}
	b.minute.add(now)
	b.hour.add(now)
	return nil
}
