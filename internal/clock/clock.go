// Package clock is time that ends with a context.
package clock

import (
	"context"
	"time"
)

// Sleep waits for d, or until ctx ends; then it returns the context's error. For a d of 0 or less it does not wait.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Linger returns a context that ends d after ctx does, and what ends it at once. A write that is cut off may still come: who must know what became of it
// waits for the answer.
func Linger(ctx context.Context, d time.Duration) (context.Context, func()) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(d):
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}
