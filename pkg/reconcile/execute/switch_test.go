package execute_test

import (
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

func TestWhatAilsIsSwitched(t *testing.T) {
	b := newBench(t)
	rs := b.run(t.Context(), step("power-on/7", plan.PowerOnDroplet{DropletID: 7}), step("power-cycle/8", plan.PowerCycleDroplet{DropletID: 8}))
	if rs.Count(execute.Done) != 2 {
		t.Fatal(outcomes(rs))
	}
	sent := slices.DeleteFunc(slices.Clone(b.calls), func(c string) bool { return c == "ledger" })
	slices.Sort(sent)
	diff(t, []string{"power cycle 8", "power on 7"}, sent)
}

// TestARefusedResizeIsWrittenDown: the phase before the call, and how it was refused after it.
func TestARefusedResizeIsWrittenDown(t *testing.T) {
	for refused, want := range map[apierr.Kind]ledger.Phase{apierr.Capacity: ledger.Returning, apierr.Busy: ledger.Stopping, apierr.Unknown: ledger.Resizing, "": ledger.Resizing} {
		b := newBench(t)
		b.put(t, func(l *ledger.Ledger) {
			l.Ops = []ledger.Op{{ID: "r", Kind: ledger.Resize, DropletID: 7, NodeID: "n7", From: "small", To: "large", Phase: ledger.Stopping}}
		})
		if refused != "" {
			b.broken["resize 7 to large"] = fault(refused)
		}
		b.run(t.Context(), step("size/7", plan.ResizeDroplet{OpID: "r", DropletID: 7, Size: "large"}))
		l, err := b.store.Load(t.Context())
		if err != nil || len(l.Ops) != 1 {
			t.Fatalf("%+v, %v", l.Ops, err)
		}
		if got := l.Ops[0].Phase; got != want || !slices.Contains(b.calls, "resize 7 to large") {
			t.Errorf("%q: phase %s, want %s; calls %v", refused, got, want, b.calls)
		}
	}
}
