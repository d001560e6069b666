package execute_test

import (
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
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
