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

// TestTheTokenIsWrittenDownWithTheCreate: also of a create that then fails, for its user-data was sent.
func TestTheTokenIsWrittenDownWithTheCreate(t *testing.T) {
	b := newBench(t)
	c := create("a")
	a := c.Action.(plan.CreateDroplet)
	a.Token = ledger.Fingerprint("one")
	c.Action = a
	b.broken["create "+a.Name] = errors.New("cut")
	b.run(t.Context(), c)
	if l := b.ledger(t); l.Token != ledger.Fingerprint("one") || len(l.Ops) != 1 {
		t.Errorf("%+v", l)
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
