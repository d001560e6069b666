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
