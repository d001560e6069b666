package reconcile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// count returns how many of the calls since the last taken were this one.
func (e *engine) count(call string) (n int) {
	for _, c := range e.taken() {
		if c == call {
			n++
		}
	}
	return n
}

func TestTaskThatDiesIsSeenWithinSecondsAlthoughNoEventTellsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2 db=1"})
		defer d.stop()
		settle(time.Minute)
		settle(time.Until(d.Last().NextLook) + time.Second) // the next pass is 29 s away
		before := d.Last().Pass
		e.crash("web_app")
		died := time.Now()
		settle(5 * time.Second)
		r := d.Last()
		if r.Pass == before || r.At.Sub(died) > 5*time.Second || r.Converged {
			t.Fatalf("pass %d after %d, %s after the death, converged %v", r.Pass, before, r.At.Sub(died), r.Converged)
		}
		e.crash("")
		settle(5 * time.Second)
		if r := d.Last(); !r.Converged {
			t.Fatalf("the task is back, but: %+v", r)
		}
	})
}

func TestTasksThatStayAsTheyAreBringNoPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2 db=1 queue=3"})
		defer d.stop()
		settle(time.Minute)
		before := d.Last().Pass
		e.taken()
		settle(10 * time.Minute)
		if n := d.Last().Pass - before; n != 20 {
			t.Errorf("%d passes in ten minutes, the resync alone is 20", n)
		}
		if n := e.count("tasks"); n < 215 || n > 222 {
			t.Errorf("%d looks at the tasks in ten minutes: each three seconds are 200, and 20 passes", n)
		}
	})
}

func TestOnlyWhoActsLooksAtTheTasksOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		first := start(t, e, options{initial: "app=2"})
		settle(time.Minute)
		second := start(t, e, options{node: "node2", instance: "z"})
		defer second.stop()
		settle(time.Minute)
		e.taken()
		settle(10 * time.Minute)
		if n := e.count("tasks"); n < 225 || n > 235 { // 200, and 20 passes of the one that acts, 10 of the other
			t.Errorf("%d looks at the tasks in ten minutes by two of whom one acts", n)
		}
		first.stop()
		settle(time.Minute)
		e.taken()
		settle(10 * time.Minute)
		if n := e.count("tasks"); n < 215 || n > 225 {
			t.Errorf("%d looks at the tasks in ten minutes by who took over", n)
		}
	})
}

func TestTasksThatCannotBeReadAreNoChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		settle(time.Until(d.Last().NextLook) + time.Second) // the next pass is 29 s away
		before := d.Last().Pass
		e.fail("tasks", apierr.Unavailable)
		settle(10 * time.Second)
		e.fail("tasks", "")
		settle(10 * time.Second)
		if n := d.Last().Pass - before; n != 0 {
			t.Fatalf("%d passes", n)
		}
	})
}
