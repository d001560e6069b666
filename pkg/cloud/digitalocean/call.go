package digitalocean

import (
	"context"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
)

// The repetitions of a read.
const (
	maxAttempts  = 4
	firstBackoff = 250 * time.Millisecond // doubles each time
)

// write makes a call that changes something: once, with a deadline. Every failure is an *apierr.Error, and Unknown unless the
// answer says that there was surely no effect.
func write[T any](ctx context.Context, c *Client, op string, do func(context.Context) (T, error)) (T, error) {
	return attempt(ctx, c, op, true, do)
}

// read makes a call that changes nothing, and repeats it while it fails for a passing reason and the context allows.
func read[T any](ctx context.Context, c *Client, op string, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for n := 1; ; n++ {
		v, err := attempt(ctx, c, op, false, do)
		if err == nil || n == maxAttempts || apierr.KindOf(err) != apierr.Unavailable {
			return v, err
		}
		if clock.Sleep(ctx, c.backoff(n)) != nil {
			return v, err
		}
	}
}

// backoff is how long to wait after the n-th failure: half of the interval is fixed, half is spread.
func (c *Client) backoff(n int) time.Duration {
	interval := firstBackoff << (n - 1)
	return time.Duration(float64(interval) * (1 + c.jitter()) / 2)
}

// attempt makes one request. A call that was refused before it was sent is not observed.
func attempt[T any](ctx context.Context, c *Client, op string, isWrite bool, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	start := time.Now()
	v, err := do(ctx)
	if err == nil {
		c.observe(op, "", time.Since(start))
		return v, nil
	}
	var zero T
	e := c.classify(op, isWrite, err, time.Now())
	if e.Code != 0 || !e.Kind.Refused() {
		c.observe(op, e.Kind, time.Since(start))
	}
	return zero, e
}
