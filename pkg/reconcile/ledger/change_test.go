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

// TestAFifthOfTheNodesIsRepairedAnHour: the hour's repairs are counted by themselves, beside the free delete and the budget.
func TestAFifthOfTheNodesIsRepairedAnHour(t *testing.T) {
	for nodes, want := range map[int]int{0: 1, 5: 1, 6: 2, 10: 2, 11: 3, 1000: 200} {
		if got := ledger.RepairsAnHour(nodes); got != want {
			t.Errorf("%d nodes: %d repairs an hour, want %d", nodes, got, want)
		}
	}
	now := time.Unix(1_800_000_000, 0)
	l := ledger.Ledger{FreeDeletes: []time.Time{now}, DeleteBudget: 1, Repairs: []time.Time{now.Add(-time.Hour), now.Add(-time.Minute)}}
	at := ledger.Moment{Now: now, Epoch: 3}
	repair := func(id string, droplet int) error {
		return l.Apply(at, ledger.OpenDelete{OpID: id, NodeID: "n", DropletID: droplet, Repair: true, Most: 2})
	}
	if err := repair("a", 7); err != nil {
		t.Fatal(err)
	}
	wantKind(t, repair("b", 8), apierr.Braked)
	wantKind(t, l.Apply(at, ledger.OpenDelete{OpID: "b", DropletID: 8, Repair: true, Budgeted: true, Most: 9}), apierr.Invalid)
	want := []ledger.Op{{ID: "a", Kind: ledger.Delete, DropletID: 7, NodeID: "n", Repair: true, Epoch: 3, Started: now}}
	if d := cmp.Diff(want, l.Ops); d != "" || l.DeleteBudget != 1 || len(l.FreeDeletes) != 1 || len(l.Repairs) != 2 {
		t.Errorf("%+v, operations (-want +got):\n%s", l, d)
	}
}
