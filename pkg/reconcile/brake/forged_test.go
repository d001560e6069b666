package brake

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// What another swarmd has spent is in the ledger alone. Found by the explorer: two planners that lied had one delete an hour each.
func TestLedgersThatGiveWhatNobodyGave(t *testing.T) {
	now := time.Now()
	for name, one := range map[string]struct {
		passes bool
		change func(*ledger.Ledger)
	}{
		"nothing":               {true, func(*ledger.Ledger) {}},
		"one is closed":         {true, func(l *ledger.Ledger) { l.Ops = l.Ops[1:] }},
		"one is spent":          {true, func(l *ledger.Ledger) { l.DeleteBudget, l.Ops = 0, append(l.Ops, openOp("c", 9, true)) }},
		"a new revision":        {true, func(l *ledger.Ledger) { l.Revision, l.DeleteBudget = 2, 4 }},
		"one is closed for new": {false, func(l *ledger.Ledger) { l.Ops[0] = openOp("c", 9, true) }},
		"another droplet":       {false, func(l *ledger.Ledger) { l.Ops[0].DropletID = 9 }},
		"budgeted afterwards":   {false, func(l *ledger.Ledger) { l.DeleteBudget, l.Ops[1].Budgeted = 0, true }},
		"not counted":           {false, func(l *ledger.Ledger) { l.Ops = append(l.Ops, openOp("c", 9, false)) }},
		"two free ones an hour": {false, func(l *ledger.Ledger) {
			l.Ops, l.FreeDeletes = append(l.Ops, openOp("c", 9, false)), append(l.FreeDeletes, now)
		}},
		"a free one vanishes":  {false, func(l *ledger.Ledger) { l.FreeDeletes = nil }},
		"under a new revision": {false, func(l *ledger.Ledger) { l.Revision, l.Ops = 2, append(l.Ops, openOp("c", 9, false)) }},
	} {
		g := newGround()
		g.node(9, swarm.Worker)
		g.ledger = ledger.Ledger{Revision: 1, DeleteBudget: 1, Ops: []ledger.Op{openOp("a", 7, true), openOp("b", 8, false)}, FreeDeletes: []time.Time{now}}
		_, s, _ := g.brakes(nil)
		if err := rewrite(t, g, s, one.change); (err == nil) != one.passes || err != nil && apierr.KindOf(err) != apierr.Braked {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An hour later the next one may go.
func TestAChargeLastsAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround()
		g.node(9, swarm.Worker)
		g.ledger = ledger.Ledger{Revision: 1, FreeDeletes: []time.Time{time.Now()}}
		_, s, _ := g.brakes(nil)
		next := func(l *ledger.Ledger) {
			l.Ops, l.FreeDeletes = []ledger.Op{openOp("c", 9, false)}, []time.Time{time.Now()}
		}
		if err := rewrite(t, g, s, next); apierr.KindOf(err) != apierr.Braked {
			t.Errorf("at once: %v", err)
		}
		time.Sleep(time.Hour)
		if err := rewrite(t, g, s, next); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

func openOp(id string, droplet int, budgeted bool) ledger.Op {
	return ledger.Op{ID: id, Kind: ledger.Delete, DropletID: droplet, Budgeted: budgeted}
}

// rewrite reads the ledger through the brakes and writes it back changed.
func rewrite(t *testing.T, g *ground, s *Swarm, change func(*ledger.Ledger)) error {
	t.Helper()
	if _, err := s.Configs(t.Context(), "swarmd.web"); err != nil {
		t.Fatal(err)
	}
	l := g.ledger.Clone()
	change(&l)
	labels, err := ledger.Encode(l, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.UpdateConfig(t.Context(), "c1", 1, labels)
}
