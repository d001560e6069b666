package report_test

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// What was not seen keeps its last value in the metrics: the swarm's figures need only the swarm's side.
func TestAReportSaysWhatWasSeen(t *testing.T) {
	planned := []plan.PoolCount{{Pool: "managers"}}
	cases := []struct {
		name         string
		report       report.Report
		swarm, whole bool
	}{
		{"all", report.Report{Pools: planned}, true, true},
		{"no file yet", report.Report{Result: report.Waiting}, true, true},
		{"the cloud's API is away", report.Report{Pools: planned, Gaps: []world.Gap{{What: world.GapDroplets}}}, true, false},
		{"the nodes are away", report.Report{Pools: planned, Gaps: []world.Gap{{What: world.GapNodes}}}, false, false},
		{"both are away", report.Report{Pools: planned, Gaps: []world.Gap{{What: world.GapDroplets}, {What: world.GapLedger}}}, false, false},
		{"a write failed after the look", report.Report{Pools: planned, Error: "renew lease"}, true, true},
		{"it failed before there was a plan", report.Report{Error: "read revision"}, false, false},
	}
	for _, c := range cases {
		if seen, whole := c.report.SawSwarm(), c.report.SawAll(); seen != c.swarm || whole != c.whole {
			t.Errorf("%s: swarm %t, whole %t", c.name, seen, whole)
		}
	}
}
