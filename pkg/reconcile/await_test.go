package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim"
)

// The pool adopts a droplet that does not exist, which is held, and it grows by one, which is not: the new machine is waited for, the hold is not.
func TestAwaitWaitsForMachinesAndNotForPersons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, webFile(1, 1, 1, 1))
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		c.edits <- bytes.ReplaceAll(webFile(1, 2, 1, 1), []byte("count: 2, size: s-1vcpu-1gb"), []byte("count: 3, adopt: [999], size: s-1vcpu-1gb"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		began := time.Now()
		r, err := c.loop.Await(ctx, 2, nil)
		if !errors.Is(err, reconcile.ErrHeld) || !r.HeldOnly {
			t.Fatalf("%v; held only %v, holds %+v", err, r.HeldOnly, r.Holds)
		}
		for _, p := range r.Pools {
			if want := map[string]int{"managers": 1, "workers": 2}[p.Pool]; p.Ready != want {
				t.Errorf("it ended with %d of %d of pool %s", p.Ready, p.Desired, p.Pool)
			}
		}
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// The engine that apply asks is demoted: it refuses all that only managers answer. One such look may be a change of leader.
func TestAwaitEndsWhereTheEngineIsNoManagerAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2", instance: "d"})
		settle(time.Minute)
		d.stop()
		v := start(t, e, options{oneShot: true, instance: "v"})
		defer v.stop()
		e.fail("create service web_db", apierr.Capacity)
		n, err := v.Submit(t.Context(), []byte("app=2 db=1"), "apply test")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		looks := 0
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		_, err = v.Await(ctx, n, func(r report.Report) {
			if looks++; looks == 2 {
				for _, call := range []string{"cluster", "nodes", "services", "tasks", "networks"} {
					e.fail(call, apierr.NotManager)
				}
			}
		})
		if took := time.Since(began); !errors.Is(err, reconcile.ErrDemoted) || took > 2*time.Minute || looks < 4 {
			t.Errorf("%v after %s and %d looks", err, took, looks)
		}
	})
}

// What the acting swarmd was refused it tries again later, and only it knows. Who follows asks it, and ends when a person has to do something.
func TestAwaitHeedsWhatTheActingOneHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2", instance: "d"})
		defer d.stop()
		settle(time.Minute)
		e.fail("create service web_db", apierr.Invalid)
		asked := 0
		v := start(t, e, options{oneShot: true, instance: "v", acting: func(context.Context) report.Report { asked++; return d.Last() }})
		defer v.stop()
		n, err := v.Submit(t.Context(), []byte("app=2 db=1"), "apply test")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		began := time.Now()
		r, err := v.Await(ctx, n, nil)
		var lost *reconcile.LostError
		if took := time.Since(began); !errors.As(err, &lost) || lost.Hold.Object != "service/web_db" || !strings.Contains(lost.Hold.Text, "it is broken") || took > 2*time.Minute {
			t.Errorf("%v after %s, holds %+v, steps %+v", err, took, r.Holds, r.Steps)
		}
		before := asked
		e.fail("create service web_db", "")
		if _, err = v.Submit(t.Context(), []byte("app=3"), "apply test"); err != nil {
			t.Fatal(err)
		}
		if _, err := v.Await(ctx, n+1, nil); err != nil {
			t.Errorf("a good edit: %v", err)
		}
		t.Logf("asked %d times, then %d", before, asked-before)
	})
}
