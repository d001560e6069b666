package execute_test

import (
	"errors"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

func rotation() plan.Step {
	return step("rotate", plan.RotateToken{Version: 41, Spec: []byte(`{"Name":"default"}`)})
}

// TestARotationIsWrittenDownFirst: and what surely did not happen is taken back, what may have happened is not.
func TestARotationIsWrittenDownFirst(t *testing.T) {
	const call = `rotate at 41 with {"Name":"default"}`
	for kind, want := range map[apierr.Kind]struct {
		outcome string
		left    uint64
	}{"": {"rotate done", 41}, apierr.Unknown: {"rotate unknown", 41}, apierr.Conflict: {"rotate refused", 0}} {
		b := newBench(t)
		if kind != "" {
			b.broken[call] = fault(kind)
		}
		rs := b.run(t.Context(), rotation())
		diff(t, []string{want.outcome}, outcomes(rs))
		diff(t, []string{"ledger", call}, b.calls[:2])
		if l := b.ledger(t); l.Rotate != want.left {
			t.Errorf("%q: the ledger has %d, want %d", kind, l.Rotate, want.left)
		}
	}
}

func TestNoRotationWhileAMachineIsMade(t *testing.T) {
	b := newBench(t)
	b.put(t, func(l *ledger.Ledger) { l.Ops = []ledger.Op{{ID: "opz", Kind: ledger.Create}} })
	diff(t, []string{"rotate refused"}, outcomes(b.run(t.Context(), rotation())))
	if l := b.ledger(t); l.Rotate != 0 {
		t.Errorf("the ledger has %d", l.Rotate)
	}
	for _, c := range b.calls {
		if c != "ledger" {
			t.Errorf("sent %q", c)
		}
	}
}

// TestTheTokenIsWrittenDownWithTheCreate: also of a create of which nobody knows whether it happened. One that surely made no droplet handed out
// nothing; what others have of that token stays, and so does what is known of the next one.
func TestTheTokenIsWrittenDownWithTheCreate(t *testing.T) {
	one, two := ledger.Fingerprint("one"), ledger.Fingerprint("two")
	for name, tc := range map[string]struct {
		fails   error
		before  func(*ledger.Ledger)
		with    string
		token   string
		handed  int
		pending int
	}{
		"in doubt":                        {errors.New("cut"), nil, one, one, 1, 1},
		"refused":                         {fault(apierr.Invalid), nil, one, one, 0, 0},
		"refused after one that was made": {fault(apierr.Invalid), func(l *ledger.Ledger) { l.HandOut(one) }, one, one, 1, 0},
		"made with the next one":          {nil, func(l *ledger.Ledger) { l.HandOut(one); l.HandOut(one) }, two, two, 1, 1},
	} {
		b := newBench(t)
		if tc.before != nil {
			b.put(t, tc.before)
		}
		c := create("a")
		a := c.Action.(plan.CreateDroplet)
		a.Token = tc.with
		c = step(c.ID, a)
		if tc.fails != nil {
			b.broken["create "+a.Name] = tc.fails
		}
		b.run(t.Context(), c)
		if l := b.ledger(t); l.Token != tc.token || l.Handed != tc.handed || len(l.Ops) != tc.pending {
			t.Errorf("%s: %+v", name, l)
		}
	}
	l := ledger.Ledger{}
	l.HandOut(one)
	l.HandOut(two)
	if l.TakeBack(one); l.Token != two || l.Handed != 1 {
		t.Errorf("what was refused with the one token is taken from the other: %+v", l)
	}
}

func TestAnotherTokenThanThePlannedOneIsNotHandedOut(t *testing.T) {
	if err := ledger.SameToken(ledger.Fingerprint("one"), "one"); err != nil {
		t.Error(err)
	}
	if err := ledger.SameToken(ledger.Fingerprint("one"), "two"); apierr.KindOf(err) != apierr.Conflict {
		t.Error(err)
	}
}
