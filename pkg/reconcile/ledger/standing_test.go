package ledger_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
)

// restarted returns a candidate whose lease has been taken three times.
func restarted(configs ledger.Configs) *candidate {
	for _, instance := range []string{"a", "b"} {
		c := elect(configs, "n1", instance)
		after(time.Second)
		c.stop()
	}
	c := elect(configs, "n1", "c")
	after(time.Second)
	return c
}

// acts writes into the ledger as a holder does.
func (c *candidate) acts(ctx context.Context) error {
	epoch, ok := c.Held()
	if !ok {
		return errors.New("it holds nothing")
	}
	_, err := c.store.Update(ctx, func(l *ledger.Ledger) error {
		if err := l.Fence(epoch); err != nil {
			return err
		}
		l.DeleteBudget++
		return nil
	})
	return err
}

// docker config rm swarmd.web.lease, when the lease was taken more than once.
func TestDeletedLeaseIsTakenAboveTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := restarted(configs)
		defer a.stop()
		b := elect(configs, "n2", "b")
		defer b.stop()
		after(time.Second)
		configs.Drop("swarmd.web.lease")
		after(ledger.RenewPeriod + ledger.RetryPeriod)
		if a.holds() == b.holds() {
			t.Fatalf("a holds %v, b holds %v", a.holds(), b.holds())
		}
		if errA, errB := a.acts(t.Context()), b.acts(t.Context()); errA != nil && errB != nil {
			t.Fatalf("nobody can act: %v; %v", errA, errB)
		}
	})
}

// Everything is gone: a new ledger's epochs must not meet those of a holder from before.
func TestNewLedgerBeginsAboveWhatWasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := restarted(configs)
		defer a.stop()
		before, _ := a.Held()
		configs.Drop("swarmd.web.lease")
		configs.Drop("swarmd.web")
		after(2 * ledger.RenewPeriod)
		if epoch, ok := a.Held(); !ok || epoch <= before {
			t.Fatalf("epoch %d, held %v, after %d", epoch, ok, before)
		}
		if err := a.acts(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// docker config rm swarmd.web, when no revision speaks of it.
func TestHolderMakesAMissingLedgerAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := restarted(configs)
		defer a.stop()
		configs.Drop("swarmd.web")
		after(2 * ledger.RenewPeriod)
		if err := a.acts(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// unfenced refuses every write of the ledger, of one candidate.
type unfenced struct {
	*ledgertest.Objects
	refuses atomic.Bool
	tries   atomic.Int64
}

func (u *unfenced) UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error {
	if obj, _ := u.Get("swarmd.web"); obj.ID == id && u.refuses.Load() {
		u.tries.Add(1)
		return &apierr.Error{Kind: apierr.Braked, Op: "update config", Err: errors.New("not this one")}
	}
	return u.Objects.UpdateConfig(ctx, id, version, labels)
}

// Who cannot fence the ledger must not keep others from it.
func TestLeaseWhoseFenceFailedIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := &unfenced{Objects: ledgertest.New()}
		first := elect(configs, "n3", "z")
		after(0)
		first.stop()
		configs.refuses.Store(true)
		a := elect(configs, "n1", "a")
		defer a.stop()
		after(time.Second)
		b := elect(configs.Objects, "n2", "b")
		defer b.stop()
		after(2 * ledger.RenewPeriod)
		if configs.tries.Load() == 0 {
			t.Fatal("a never tried")
		}
		if a.holds() || !b.holds() {
			t.Fatalf("a holds %v, b holds %v", a.holds(), b.holds())
		}
		tries := configs.tries.Load()
		after(10 * time.Minute)
		if configs.tries.Load() != tries || !b.holds() {
			t.Fatal("a took it from the one that acts")
		}
	})
}

func TestFenceThatKeepsFailingIsTriedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := &unfenced{Objects: ledgertest.New()}
		first := elect(configs, "n3", "z")
		after(0)
		first.stop()
		configs.refuses.Store(true)
		a := elect(configs, "n1", "a")
		defer a.stop()
		after(10 * time.Minute)
		if n := configs.tries.Load(); n < 30 || n > 70 {
			t.Fatalf("%d tries in ten minutes", n)
		}
		if l, _ := configs.Get("swarmd.web.lease"); l.Labels["swarmd.lease.holder"] != "" {
			t.Fatalf("it keeps the lease: %v", l.Labels)
		}
		configs.refuses.Store(false)
		after(2 * ledger.RenewPeriod)
		if !a.holds() {
			t.Fatal("it never tries again")
		}
	})
}

func last(errs []error) string {
	if len(errs) == 0 {
		return ""
	}
	return errs[len(errs)-1].Error()
}

// Each damage is named with its config and a way out, nobody holds meanwhile, and the way out leads out.
func TestDamageIsNamedAndItsRemedyHelps(t *testing.T) {
	lease, begin := "docker config rm swarmd.web.lease", "docker config rm swarmd.web $(docker config ls -q --filter name=swarmd.web.spec.)"
	cases := map[string]struct {
		config, label, value string
		text                 string
		remove               []string
	}{
		"epoch of the lease":   {"swarmd.web.lease", "swarmd.lease.epoch", "x", lease, []string{"swarmd.web.lease"}},
		"no epoch":             {"swarmd.web.lease", "swarmd.lease.epoch", "", lease, []string{"swarmd.web.lease"}},
		"endless epoch":        {"swarmd.web.lease", "swarmd.lease.epoch", "18446744073709551615", lease, []string{"swarmd.web.lease"}},
		"renewals":             {"swarmd.web.lease", "swarmd.lease.renewed", "-1", lease, []string{"swarmd.web.lease"}},
		"epoch of the ledger":  {"swarmd.web", "swarmd.ledger.epoch", "x", begin, []string{"swarmd.web", "swarmd.web.spec.1"}},
		"format of the ledger": {"swarmd.web", "swarmd.ledger.format", "", begin, []string{"swarmd.web", "swarmd.web.spec.1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				configs := ledgertest.New()
				a := restarted(configs)
				defer a.stop()
				accept(t, a.store, edit("one"))
				obj, _ := configs.Get(c.config)
				obj.Labels[c.label] = c.value
				configs.Put(c.config, obj.Labels, nil)
				after(ledger.RenewDeadline + ledger.RenewPeriod)
				if a.holds() {
					t.Fatal("it still acts")
				}
				if text := last(a.errs); !strings.Contains(text, "config "+c.config+" is damaged") || !strings.Contains(text, c.text) {
					t.Fatalf("it says %q", text)
				}
				for _, config := range c.remove {
					configs.Drop(config)
				}
				after(ledger.RenewPeriod)
				if err := a.acts(t.Context()); err != nil {
					t.Fatal(err)
				}
				accept(t, a.store, edit("two"))
			})
		})
	}
}

// The ledger alone is gone.
func TestLostLedgerIsNamedAndItsRemedyHelps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := restarted(configs)
		defer a.stop()
		accept(t, a.store, edit("one"))
		configs.Drop("swarmd.web")
		after(2 * ledger.RenewPeriod)
		if a.holds() {
			t.Fatal("it still holds")
		}
		if text := last(a.errs); !strings.Contains(text, "config swarmd.web is gone") || !strings.Contains(text, "docker config rm $(docker config ls -q --filter name=swarmd.web.spec.)") {
			t.Fatalf("it says %q", text)
		}
		if l, _ := configs.Get("swarmd.web.lease"); l.Labels["swarmd.lease.holder"] != "" {
			t.Fatalf("it keeps the lease: %v", l.Labels)
		}
		writes := len(configs.Writes())
		after(10 * time.Minute)
		if n := len(configs.Writes()) - writes; n != 0 {
			t.Fatalf("%d writes while nobody can act", n)
		}
		configs.Drop("swarmd.web.spec.1")
		after(ledger.RetryPeriod)
		if err := a.acts(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// A destroy that stopped swarmd and then ended early.
func TestHaltAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := restarted(configs)
		other := ledger.NewStore(configs, "web")
		if _, err := other.Halt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := a.acts(t.Context()); err == nil {
			t.Fatal("it still writes")
		}
		after(2 * ledger.RenewPeriod)
		a.stop()
		b := elect(configs, "n1", "again")
		defer b.stop()
		after(time.Minute)
		if b.holds() || !strings.Contains(last(b.errs), "swarmd destroy -f FILE --resume") {
			t.Fatalf("holds %v, says %q", b.holds(), last(b.errs))
		}
		_, _, err := other.Accept(t.Context(), ledger.Proposal{Data: []byte("two"), Origin: ledger.Edit})
		wantKind(t, err, apierr.Braked)
		for range 2 {
			if err := other.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		after(ledger.RenewPeriod)
		if err := b.acts(t.Context()); err != nil {
			t.Fatal(err)
		}
		accept(t, other, edit("two"))
	})
}

// The fence of earlier versions was the highest number there is.
func TestResumeAfterTheHighestEpoch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		configs := ledgertest.New()
		a := restarted(configs)
		defer a.stop()
		obj, _ := configs.Get("swarmd.web")
		obj.Labels["swarmd.ledger.epoch"] = "9223372036854775807"
		configs.Put("swarmd.web", obj.Labels, nil)
		after(2 * ledger.RenewPeriod)
		if a.holds() {
			t.Fatal("it still holds")
		}
		if err := ledger.NewStore(configs, "web").Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		after(ledger.RenewPeriod)
		if err := a.acts(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
