package brake

import (
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// The swarm was restored below a running swarmd.
func TestALedgerThatWentBackIsNotShown(t *testing.T) {
	g := newGround()
	g.config, g.ledger = "c1", ledger.Ledger{Revision: 3}
	_, s, held := g.brakes(nil)
	read := func() error { _, err := s.Configs(t.Context(), "swarmd.web"); return err }
	if err := read(); err != nil {
		t.Fatal(err)
	}
	g.ledger.Revision = 2
	err := read()
	wantBraked(t, g, held, Deletes, err)
	if !strings.Contains(err.Error(), "config swarmd.web went back to revision 2") || !strings.Contains(err.Error(), "docker service update --force swarmd-web") {
		t.Fatal(err)
	}
	_, again, _ := g.brakes(nil) // what is advised: a restart
	if _, err := again.Configs(t.Context(), "swarmd.web"); err != nil {
		t.Fatal(err)
	}
	g.ledger.Revision = 3
	if err := read(); err != nil {
		t.Fatalf("a stale answer, and then a good one: %v", err)
	}
}

// A person removed the ledger and swarmd made it again.
func TestALedgerThatWasBegunAnewIsAnotherOne(t *testing.T) {
	g := newGround()
	g.config, g.ledger = "c1", ledger.Ledger{Revision: 3, DeleteBudget: 1}
	_, s, _ := g.brakes(nil)
	if err := rewrite(t, g, s, func(*ledger.Ledger) {}); err != nil {
		t.Fatal(err)
	}
	g.config, g.ledger = "c2", ledger.Ledger{}
	if err := rewrite(t, g, s, func(l *ledger.Ledger) { l.Epoch = 7 }); err != nil {
		t.Fatal(err)
	}
	if err := rewrite(t, g, s, func(l *ledger.Ledger) { l.DeleteBudget = 1 }); apierr.KindOf(err) != apierr.Braked {
		t.Fatalf("a budget that nobody gave: %v", err)
	}
}

// The deletes of the last hour count on in a ledger that was begun anew.
func TestANewLedgerGivesNoFurtherDelete(t *testing.T) {
	g := newGround()
	for id := 1; id <= 5; id++ {
		g.droplet(id)
	}
	g.node(1, "manager")
	g.notice()
	g.config = "c1"
	c, s, held := g.brakes(nil)
	read := func() {
		if _, err := s.Configs(t.Context(), "swarmd.web"); err != nil {
			t.Fatal(err)
		}
	}
	read()
	g.beginDelete(4, false)
	if err := c.DeleteDroplet(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	g.config, g.ledger, g.sent = "c2", ledger.Ledger{}, nil
	read()
	g.beginDelete(5, false)
	wantBraked(t, g, held, Deletes, c.DeleteDroplet(t.Context(), 5))
}

func TestTheLedgerIsNotRemovedAndBeginsWithoutABudget(t *testing.T) {
	g := newGround()
	g.config = "c1"
	_, s, held := g.brakes(nil)
	if _, err := s.Configs(t.Context(), "swarmd.web"); err != nil {
		t.Fatal(err)
	}
	wantBraked(t, g, held, Deletes, s.RemoveConfig(t.Context(), "c1"))
	labels, err := ledger.Encode(ledger.Ledger{DeleteBudget: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateConfig(t.Context(), "swarmd.web", labels, nil)
	wantBraked(t, g, held, Deletes, err)
}
