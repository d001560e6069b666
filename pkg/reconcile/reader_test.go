package reconcile_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestEditIsParsedOnceHoweverManyWentBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, parsed := newEngine(), &atomic.Int32{}
		d := start(t, e, options{initial: "app=1", parsed: parsed})
		defer d.stop()
		settle(time.Minute)
		for i := 2; i < 40; i++ {
			parsed.Store(0)
			d.edits <- fmt.Appendf(nil, "app=%d", i)
			settle(time.Minute)
			wantRunning(t, e, fmt.Sprintf("web_app=%d", i))
			if n := parsed.Load(); n != 1 {
				t.Fatalf("edit %d: %d files parsed", i, n)
			}
		}
	})
}
