package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// TestLaunchesThatFailInARow: what was made together fails together; a machine that joins, another template or three hours end the row.
func TestLaunchesThatFailInARow(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	l := ledger.Ledger{}
	open := func(at time.Duration, ids ...string) {
		for _, id := range ids {
			err := l.Apply(ledger.Moment{Now: start.Add(at)}, ledger.OpenCreate{OpID: id, Pool: "workers", Name: "web-workers-" + id})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	after := func(at time.Duration, want int, changes ...ledger.Change) {
		t.Helper()
		if err := l.Apply(ledger.Moment{Now: start.Add(at)}, changes...); err != nil {
			t.Fatal(err)
		}
		if got := l.Launches["workers"].Failures; got != want {
			t.Errorf("after %s: %d failures in a row, want %d", at, got, want)
		}
	}
	fails := func(id string) []ledger.Change {
		return []ledger.Change{ledger.FailLaunch{OpID: id, Template: "t1"}, ledger.CloseOp{OpID: id}}
	}
	open(0, "a", "b", "c")
	after(10*time.Minute, 1, fails("a")...)
	after(11*time.Minute, 1, fails("b")...)
	if got := l.Launches["workers"]; got.Name != "web-workers-b" || !got.Last.Equal(start.Add(11*time.Minute)) {
		t.Errorf("%+v", got)
	}
	after(12*time.Minute, 1, ledger.Launched{OpID: "c"}, ledger.CloseOp{OpID: "c"}) // it was made before the others failed
	open(16*time.Minute, "d")
	after(27*time.Minute, 2, fails("d")...)
	open(40*time.Minute, "e", "f", "g")
	after(50*time.Minute, 1, ledger.FailLaunch{OpID: "e", Template: "t2"}, ledger.CloseOp{OpID: "e"})
	after(55*time.Minute, 1, fails("f")...)
	after(4*time.Hour, 1, fails("g")...)
	open(5*time.Hour, "h")
	after(5*time.Hour+time.Minute, 0, ledger.Launched{OpID: "h"})
	wantKind(t, l.Apply(ledger.Moment{Now: start}, ledger.FailLaunch{OpID: "nobody"}), apierr.NotFound)
}

// TestRetriesAreCountedByThemselves: a machine that never had a node costs no repair, and is kept only if its delete says so.
func TestRetriesAreCountedByThemselves(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	at := ledger.Moment{Now: now}
	l := ledger.Ledger{Repairs: []time.Time{now}}
	retry := func(id string, droplet int, keep bool) error {
		return l.Apply(at, ledger.OpenDelete{OpID: id, Pool: "workers", Name: "web-" + id, DropletID: droplet, Repair: true, Keep: keep, Most: 2})
	}
	for i, id := range []string{"a", "b"} {
		if err := retry(id, 7+i, id == "b"); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, retry("c", 9, true), apierr.Braked)
	wantKind(t, l.Apply(at, ledger.KeepDroplet{OpID: "a"}), apierr.NotFound)
	if err := l.Apply(at, ledger.KeepDroplet{OpID: "b"}); err != nil {
		t.Fatal(err)
	}
	want := []ledger.Kept{{DropletID: 8, Pool: "workers", Name: "web-b", Since: now}}
	if d := cmp.Diff(want, l.Kept); d != "" || len(l.Repairs) != 1 || len(l.Retries) != 2 || len(l.Ops) != 1 || l.KeptDroplet(8) == nil {
		t.Errorf("%+v, kept (-want +got):\n%s", l, d)
	}
	at.Now = now.Add(2 * time.Hour)
	if err := retry("d", 8, false); err != nil || len(l.Kept) != 0 || len(l.Retries) != 1 {
		t.Errorf("its delete is open, and it is kept: %+v %v", l, err)
	}
}

// TestWhatIsRememberedOfLaunchesIsBounded: the oldest pool is forgotten for a new one, and too many kept machines are refused.
func TestWhatIsRememberedOfLaunchesIsBounded(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	l := ledger.Ledger{}
	for i := range 60 {
		id := fmt.Sprintf("op%d", i)
		at := ledger.Moment{Now: start.Add(time.Duration(i) * time.Minute)}
		if err := l.Apply(at, ledger.OpenCreate{OpID: id, Pool: fmt.Sprint("pool", i)}, ledger.FailLaunch{OpID: id}, ledger.CloseOp{OpID: id}); err != nil {
			t.Fatal(err)
		}
	}
	_, first := l.Launches["pool0"]
	if _, last := l.Launches["pool59"]; first || !last || len(l.Launches) != 50 {
		t.Errorf("%d pools, the first %v, the last %v", len(l.Launches), first, last)
	}
	var err error
	for i := 1; i < 40 && err == nil; i++ {
		id := fmt.Sprint("keep", i)
		err = l.Apply(ledger.Moment{Now: start}, ledger.OpenDelete{OpID: id, DropletID: i, Repair: true, Keep: true, Most: 100}, ledger.KeepDroplet{OpID: id})
	}
	if wantKind(t, err, apierr.Busy); len(l.Kept) != 30 || len(l.Ops) != 0 {
		t.Errorf("%d kept, %d open", len(l.Kept), len(l.Ops))
	}
}
