package ledger_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// candidate is an elector that runs.
type candidate struct {
	*ledger.Elector
	store *ledger.Store
	stop  func() // and wait
	errs  []error
}

func elect(configs ledger.Configs, node, instance string) *candidate {
	c := &candidate{store: ledger.NewStore(configs, "web")}
	c.Elector = ledger.NewElector(ledger.ElectorConfig{Store: c.store, Instance: instance, OneShot: node == "",
		Identity: func(context.Context) (swarm.Info, error) {
			return swarm.Info{NodeID: node + "id", ClusterID: "swarm1", ControlAvail: true}, nil
		}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		c.Run(ctx, func(err error) {
			if err != nil {
				c.errs = append(c.errs, err)
			}
		})
		close(ended)
	}()
	c.stop = func() { cancel(); <-ended }
	return c
}

func (c *candidate) holds() bool { _, ok := c.Held(); return ok }

func after(d time.Duration) { time.Sleep(d); synctest.Wait() }

func TestFirstOneHoldsAndKeepsHolding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := elect(configs, "n1", "a")
		defer a.stop()
		after(0)
		b := elect(configs, "n2", "b")
		defer b.stop()
		for range 120 {
			after(5 * time.Second)
			if !a.holds() || b.holds() {
				t.Fatalf("a %v, b %v", a.holds(), b.holds())
			}
		}
		renewals := 0
		for _, w := range configs.Writes() {
			if w == "update swarmd.web.lease" {
				renewals++
			}
		}
		if renewals < 59 || renewals > 61 {
			t.Fatalf("%d renewals in ten minutes", renewals)
		}
		if err := errors.Join(append(a.errs, b.errs...)...); err != nil {
			t.Fatal(err)
		}
	})
}

// sides cuts one candidate off from the store while others go on.
type sides struct {
	*ledgertest.Objects
	cut atomic.Bool
}

func (s *sides) Configs(ctx context.Context, prefix string) ([]swarm.Config, error) {
	if s.cut.Load() {
		return nil, &apierr.Error{Kind: apierr.Unavailable, Op: "list configs", Err: errors.New("cut off")}
	}
	return s.Objects.Configs(ctx, prefix)
}

func (s *sides) UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error {
	if s.cut.Load() {
		return &apierr.Error{Kind: apierr.Unknown, Op: "update config", Err: errors.New("cut off")}
	}
	return s.Objects.UpdateConfig(ctx, id, version, labels)
}

func TestNeverTwoHoldAndTheNextOneHoldsWithin45Seconds(t *testing.T) {
	for offset := range 10 { // of the cut, within the rhythm of renewals
		synctest.Test(t, func(t *testing.T) {
			configs := ledgertest.New()
			side := &sides{Objects: configs}
			a := elect(side, "n1", "a")
			defer a.stop()
			after(0)
			b := elect(configs, "n2", "b")
			defer b.stop()
			after(time.Minute + time.Duration(offset)*time.Second)
			side.cut.Store(true)
			began := time.Now()
			for !b.holds() {
				if a.holds() && time.Since(began) > ledger.RenewDeadline {
					t.Fatalf("a still acts %s after it was cut off", time.Since(began))
				}
				if time.Since(began) > 45*time.Second {
					t.Fatal("nobody holds after 45 s")
				}
				after(100 * time.Millisecond)
			}
			if a.holds() {
				t.Fatal("both hold")
			}
			side.cut.Store(false)
			after(time.Minute)
			if a.holds() || !b.holds() {
				t.Fatal("the one that came back took the lease from the one that acts")
			}
		})
	}
}

func TestOlderHolderIsFencedByTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := elect(configs, "n1", "a")
		after(0)
		epoch, _ := a.Held()
		write := func() error {
			_, err := a.store.Update(t.Context(), func(l *ledger.Ledger) error {
				if err := l.Fence(epoch); err != nil {
					return err
				}
				l.DeleteBudget++
				return nil
			})
			return err
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if _, err := a.store.Load(t.Context()); err != nil { // a has a fresh view, and is paused here
			t.Fatal(err)
		}
		a.stop()
		b := elect(configs, "n2", "b")
		defer b.stop()
		after(time.Second)
		if e, ok := b.Held(); !ok || e <= epoch {
			t.Fatalf("epoch %d after %d", e, epoch)
		}
		wantKind(t, write(), apierr.Conflict)
		if l := load(t, b.store); l.DeleteBudget != 1 {
			t.Fatalf("delete budget %d", l.DeleteBudget)
		}
	})
}

func TestRestartOnTheSameNodeActsAtOnceAndAnotherNodeWaits(t *testing.T) {
	for node, want := range map[string]bool{"n1": true, "n2": false, "": false} {
		t.Run("node "+node, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				configs := ledgertest.New()
				side := &sides{Objects: configs}
				a := elect(side, "n1", "a")
				after(0)
				side.cut.Store(true) // killed: it releases nothing
				a.stop()
				b := elect(configs, node, "b")
				defer b.stop()
				after(time.Second)
				if b.holds() != want {
					t.Fatalf("holds %v", b.holds())
				}
				after(40 * time.Second)
				if !b.holds() {
					t.Fatal("never took over")
				}
			})
		})
	}
}

func TestReleaseOnStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := elect(configs, "n1", "a")
		b := elect(configs, "n2", "b")
		defer b.stop()
		after(time.Second)
		first, second := a, b
		if b.holds() {
			first, second = b, a
		}
		if !first.holds() || second.holds() {
			t.Fatal("exactly one must hold")
		}
		first.stop()
		if first.holds() {
			t.Fatal("it still holds")
		}
		after(ledger.RetryPeriod)
		if !second.holds() {
			t.Fatal("the other one waited although the lease was released")
		}
		second.stop()
	})
}

func TestYieldLeavesTheLeaseToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := elect(configs, "n1", "a")
		defer a.stop()
		after(time.Second)
		a.StepDown(t.Context(), 2*time.Minute)
		after(110 * time.Second)
		if a.holds() {
			t.Fatal("it took the lease again")
		}
		if l, _ := configs.Get("swarmd.web.lease"); l.Labels["swarmd.lease.holder"] != "" {
			t.Fatalf("labels %v", l.Labels)
		}
		after(20 * time.Second)
		if !a.holds() {
			t.Fatal("nobody else wanted it, and it stays free for ever")
		}
	})
}

func TestLostAnswersOfTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		lost := 0
		configs.After(func(call string) error {
			if strings.HasSuffix(call, ".lease") && !strings.HasPrefix(call, "list") {
				lost++
				return ledgertest.ErrLost()
			}
			return nil
		})
		a := elect(configs, "n1", "a")
		defer a.stop()
		for range 60 {
			after(time.Second)
			if !a.holds() {
				t.Fatal("the write was there, only its answer was lost")
			}
		}
		if lost < 5 {
			t.Fatalf("%d answers lost", lost)
		}
	})
}

// TestStoppedWhileItTakesTheLease: whatever write is on its way when a process is told to stop, the next one need not wait for LeaseDuration.
func TestStoppedWhileItTakesTheLease(t *testing.T) {
	for at := range 3 {
		synctest.Test(t, func(t *testing.T) {
			configs := ledgertest.New()
			side := &stopped{Objects: configs, at: at}
			a := elect(side, "n1", "a")
			after(3 * ledger.RenewPeriod / 2) // then the call is on its way
			if side.n != at+1 {
				t.Fatalf("%d writes, not %d", side.n, at+1)
			}
			a.stop()
			b := elect(configs, "n2", "b")
			defer b.stop()
			after(2 * ledger.RetryPeriod)
			if !b.holds() {
				t.Errorf("stopped at write %d of %v: the lease is held by nobody who lives", at, configs.Writes())
			}
		})
	}
}

// stopped is a store whose write number at is done, and answered only when whoever waits for it has gone.
type stopped struct {
	*ledgertest.Objects
	at, n int
}

func (s *stopped) late(ctx context.Context, err error) error {
	if s.n++; s.n-1 != s.at {
		return err
	}
	<-ctx.Done()
	return &apierr.Error{Kind: apierr.Unknown, Op: "write config", Err: ctx.Err()}
}

func (s *stopped) CreateConfig(ctx context.Context, name string, labels map[string]string, data []byte) (string, error) {
	id, err := s.Objects.CreateConfig(ctx, name, labels, data)
	return id, s.late(ctx, err)
}

func (s *stopped) UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error {
	return s.late(ctx, s.Objects.UpdateConfig(ctx, id, version, labels))
}

// TestStoppedBeforeItsWriteArrives: a write that nobody waits for any more takes effect all the same, and later.
func TestStoppedBeforeItsWriteArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		side := &underway{configs}
		a := elect(side, "n1", "a")
		after(100 * time.Millisecond)
		a.stop()
		after(time.Second)
		b := elect(configs, "n2", "b")
		defer b.stop()
		after(2 * ledger.RetryPeriod)
		if !b.holds() {
			t.Errorf("the lease is held by nobody who lives: %v", configs.Writes())
		}
	})
}

// underway is a store whose writes take effect after 300 ms, whether anybody waits for them or not.
type underway struct{ *ledgertest.Objects }

func (s *underway) later(ctx context.Context, write func(context.Context) error) error {
	done := make(chan error, 1)
	go func() {
		time.Sleep(300 * time.Millisecond)
		done <- write(context.WithoutCancel(ctx))
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return &apierr.Error{Kind: apierr.Unknown, Op: "write config", Err: ctx.Err()}
	}
}

func (s *underway) CreateConfig(ctx context.Context, name string, labels map[string]string, data []byte) (id string, err error) {
	err = s.later(ctx, func(ctx context.Context) (err error) {
		id, err = s.Objects.CreateConfig(ctx, name, labels, data)
		return err
	})
	return id, err
}

func (s *underway) UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error {
	return s.later(ctx, func(ctx context.Context) error { return s.Objects.UpdateConfig(ctx, id, version, labels) })
}

func TestOneThatIsNoManagerHoldsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		e := ledger.NewElector(ledger.ElectorConfig{Store: ledger.NewStore(configs, "web"), Instance: "a",
			Identity: func(context.Context) (swarm.Info, error) { return swarm.Info{NodeID: "n1"}, nil }})
		wantKind(t, e.Tick(t.Context(), 0), apierr.NotManager)
		wantKind(t, e.Check(), apierr.Conflict)
		if w := configs.Writes(); len(w) != 0 {
			t.Fatalf("wrote %v", w)
		}
	})
}

func TestDemotedHolderStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := elect(configs, "n1", "a")
		after(time.Second)
		configs.Before(func(string) error {
			return &apierr.Error{Kind: apierr.NotManager, Op: "call", Err: errors.New("this node is not a swarm manager")}
		})
		after(ledger.RenewPeriod)
		if a.holds() {
			t.Fatal("it still acts")
		}
		a.stop()
	})
}

func TestLeaseNode(t *testing.T) {
	for holder, want := range map[string]string{"n1/abcde": "n1", "visitor-abcde": "", "": ""} {
		if got := (ledger.Lease{Holder: holder}).Node(); got != want {
			t.Errorf("%q is of node %q, want %q", holder, got, want)
		}
	}
}
