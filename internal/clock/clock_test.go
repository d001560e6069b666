package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestSleepEndsWithItsContext: after d, or earlier with the context's error.
func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			d, limit, took time.Duration
			err            error
		}{
			{time.Hour, 2 * time.Hour, time.Hour, nil},
			{time.Hour, time.Minute, time.Minute, context.DeadlineExceeded},
			{0, time.Minute, 0, nil},
			{-time.Hour, time.Minute, 0, nil},
			{0, 0, 0, context.DeadlineExceeded},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), c.limit)
			began := time.Now()
			if err := Sleep(ctx, c.d); !errors.Is(err, c.err) || time.Since(began) != c.took {
				t.Errorf("%+v: %v after %s", c, err, time.Since(began))
			}
			cancel()
		}
	})
}
