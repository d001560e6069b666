package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

func TestAnotherOneTakesOverAndOnlyTheHolderActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		a := start(t, e, options{initial: "app=2"})
		settle(time.Minute)
		b := start(t, e, options{node: "node2", instance: "b"}) // without the file
		settle(time.Minute)
		if r := b.Last(); r.Lease.Held || r.Result != report.Converged {
			t.Fatalf("the second one: %+v", r)
		}
		cut(e, "swarmd.web.lease") // nobody can renew, and a's writes do not come through
		settle(26 * time.Second)
		a.stop()
		e.Before(nil)
		began := time.Now()
		for !b.Last().Lease.Held && time.Since(began) < 45*time.Second {
			settle(time.Second)
		}
		if !b.Last().Lease.Held {
			t.Fatal("nobody took the lease within 45 s")
		}
		wantRunning(t, e, "web_app=2")
		b.edits <- []byte("app=4")
		settle(5 * time.Second)
		wantRunning(t, e, "web_app=4")
		b.stop()
	})
}

// cut makes every update of the config fail before it has an effect.
func cut(e *engine, name string) {
	e.Before(func(call string) error {
		if call == "update "+name {
			return &apierr.Error{Kind: apierr.Unknown, Side: "swarm", Op: call, Err: errors.New("cut")}
		}
		return nil
	})
}

func TestHolderThatCannotRenewStopsToAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		cut(e, "swarmd.web.lease")
		settle(40 * time.Second)
		d.edits <- []byte("app=9")
		settle(time.Minute)
		wantRunning(t, e, "web_app=2") // accepted, and left to whoever holds the lease
		if r := d.Last(); r.Revision != 2 || r.Lease.Held {
			t.Fatalf("report %+v", r)
		}
		e.Before(nil)
		settle(time.Minute)
		wantRunning(t, e, "web_app=9")
	})
}

func TestCleanStopReleasesTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		a := start(t, e, options{initial: "app=2"})
		settle(time.Minute)
		began := time.Now()
		a.stop()
		if took := time.Since(began); took > 10*time.Second {
			t.Fatalf("stopped after %s", took)
		}
		b := start(t, e, options{node: "node2"})
		defer b.stop()
		settle(time.Second)
		if r := b.Last(); !r.Lease.Held || r.Lease.Epoch != 2 {
			t.Fatalf("lease %+v", r.Lease)
		}
	})
}

func TestApplyFollowsTheHolderOrHoldsTheLeaseItself(t *testing.T) {
	for _, daemon := range []bool{true, false} {
		t.Run(fmt.Sprintf("daemon=%v", daemon), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := newEngine()
				if daemon {
					d := start(t, e, options{initial: "app=2"})
					defer d.stop()
					settle(time.Minute)
				}
				v := start(t, e, options{oneShot: true, instance: "v"})
				defer v.stop()
				ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
				defer cancel()
				n, err := v.Submit(ctx, []byte("app=7"), "apply test")
				if err != nil {
					t.Fatal(err)
				}
				r, err := v.Await(ctx, n, nil)
				if err != nil {
					t.Fatal(err)
				}
				if r.Lease.Held == daemon {
					t.Fatalf("lease %+v", r.Lease)
				}
				wantRunning(t, e, "web_app=7")
			})
		})
	}
}
