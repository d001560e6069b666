package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// TestChangesAreMadeTogetherOrNotAtAll: half of what a step writes down would be acted on.
func TestChangesAreMadeTogetherOrNotAtAll(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	l := ledger.Ledger{DeleteBudget: 1, Ops: []ledger.Op{{ID: "b", Kind: ledger.Create}}}
	before := l.Clone()
	err := l.Apply(ledger.Moment{Now: now, Epoch: 3}, ledger.OpenDelete{OpID: "a", DropletID: 7, Budgeted: true}, ledger.BeginRotation{Version: 9})
	if apierr.KindOf(err) != apierr.Conflict {
		t.Errorf("a rotation while a create is open: %v", err)
	}
	if d := cmp.Diff(before, l); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
	if err := l.Apply(ledger.Moment{Now: now, Epoch: 3, Droplet: 5}, ledger.OpenDelete{OpID: "a", DropletID: 7, Budgeted: true}, ledger.Created{OpID: "b"}); err != nil {
		t.Fatal(err)
	}
	want := []ledger.Op{{ID: "b", Kind: ledger.Create, DropletID: 5}, {ID: "a", Kind: ledger.Delete, DropletID: 7, Budgeted: true, Epoch: 3, Started: now}}
	if d := cmp.Diff(want, l.Ops); d != "" || l.DeleteBudget != 0 {
		t.Errorf("delete budget %d, operations (-want +got):\n%s", l.DeleteBudget, d)
	}
}
