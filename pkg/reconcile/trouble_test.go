package reconcile_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

func TestRefusedStepIsLeftAloneForAWhileAndOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		e.fail("create service web_bad", apierr.Invalid)
		d := start(t, e, options{initial: "bad=1 good=1"})
		defer d.stop()
		settle(time.Minute)
		wantRunning(t, e, "web_good=1")
		tries := 0
		for _, c := range e.taken() {
			if c == "create service web_bad" {
				tries++
			}
		}
		if tries < 2 || tries > 8 {
			t.Fatalf("%d tries in a minute", tries)
		}
		if r := d.Last(); !slices.ContainsFunc(r.Holds, func(h hold) bool { return h.Guard == "backoff" && h.Object == "service/web_bad" }) {
			t.Fatalf("holds %+v", r.Holds)
		}
		if n := d.logged("step refused"); n != 1 {
			t.Fatalf("%d lines for one unchanged refusal", n)
		}
		e.fail("create service web_bad", "")
		settle(10 * time.Minute)
		wantRunning(t, e, "web_bad=1", "web_good=1")
	})
}

func TestFailedReadsAreTriedAgainEverMoreSlowlyAndSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		e.fail("tasks", apierr.Unavailable)
		e.taken()
		settle(10 * time.Minute)
		passes := 0
		for _, c := range e.taken() {
			if c == "nodes" {
				passes++
			}
		}
		if passes < 15 || passes > 60 {
			t.Fatalf("%d passes in ten minutes", passes)
		}
		if n := d.logged("part of the world could not be read"); n != 1 {
			t.Fatalf("said %d times", n)
		}
		if err := d.Ready(); err == nil || !strings.HasSuffix(err.Error(), "tasks could not be read") {
			t.Fatalf("ready without a view, or without a word why: %v", err)
		}
		e.fail("tasks", "")
		settle(time.Minute)
		if err := d.Ready(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestAnErrorWithAPortOfTheMomentIsSaidOnce: each connection has another one.
func TestAnErrorWithAPortOfTheMomentIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		reset := func(what string, port int, of string) {
			text := fmt.Sprintf("read tcp 127.0.0.1:%d->127.0.0.1:2375: read: %s", port, of)
			e.failWith(what, &apierr.Error{Kind: apierr.Unavailable, Side: "swarm", Op: what, Err: errors.New(text)})
		}
		for port := range 40 {
			reset("tasks", 40_000+port, "connection reset by peer")
			settle(30 * time.Second)
		}
		if n := d.logged("part of the world could not be read"); n != 1 {
			t.Errorf("said %d times", n)
		}
		reset("tasks", 50_000, "broken pipe")
		settle(30 * time.Second)
		if n := d.logged("part of the world could not be read"); n != 2 {
			t.Errorf("said %d times, though it is another error now", n)
		}
	})
}

func TestPanicIsRecoveredAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		var boom atomic.Bool
		boom.Store(true)
		d := start(t, e, options{initial: "app=2", prices: func() map[string]float64 {
			if boom.Load() {
				panic("boom")
			}
			return nil
		}})
		defer d.stop()
		settle(time.Minute)
		if r := d.Last(); r.Result != report.Failed || !strings.Contains(r.Error, "boom") {
			t.Fatalf("report %+v", r)
		}
		if d.logged("pass panicked") == 0 {
			t.Fatal("nothing in the log")
		}
		boom.Store(false)
		settle(time.Minute)
		wantRunning(t, e, "web_app=2")
	})
}

// TestStepsThatWereNotReachedInTimeArePlannedAgainAtOnce: a large edit takes longer than a plan may be followed. What was not reached was not
// refused.
func TestStepsThatWereNotReachedInTimeArePlannedAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		file := strings.Builder{}
		for i := range 400 {
			fmt.Fprintf(&file, "app%03d=1 ", i)
		}
		e.slow(2*time.Second, nil)
		d := start(t, e, options{initial: file.String()})
		defer d.stop()
		began := time.Now()
		for len(e.running()) < 400 && time.Since(began) < time.Hour {
			settle(time.Second)
			if held := slices.ContainsFunc(d.Last().Holds, func(h plan.Hold) bool { return h.Guard == plan.GuardBackoff }); held {
				t.Fatalf("after %s: %+v", time.Since(began), d.Last().Holds)
			}
		}
		took := time.Since(began)
		t.Logf("400 steps that take 4 s each, eight side by side: %s", took)
		if took > 5*time.Minute { // 200 s, and four looks
			t.Error("want 5 minutes at most")
		}
		if n := d.logged("step refused"); n > 0 {
			t.Errorf("%d steps are said to be refused", n)
		}
		if n := d.logged("steps were not reached in time, they are planned again"); n < 2 || n > 4 {
			t.Errorf("said %d times that there was not the time for all steps", n)
		}
	})
}
