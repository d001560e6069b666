package reconcile

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// What was not seen keeps its last value in the metrics: the swarm's figures need only the swarm's side.
func TestFiguresSayWhatWasSeen(t *testing.T) {
	planned := []plan.PoolCount{{Pool: "managers"}}
	cases := []struct {
		name         string
		report       Report
		swarm, whole bool
	}{
		{"all", Report{Pools: planned}, true, true},
		{"no file yet", Report{Result: Waiting}, true, true},
		{"the cloud's API is away", Report{Pools: planned, Gaps: []world.Gap{{What: world.GapDroplets}}}, true, false},
		{"the nodes are away", Report{Pools: planned, Gaps: []world.Gap{{What: world.GapNodes}}}, false, false},
		{"both are away", Report{Pools: planned, Gaps: []world.Gap{{What: world.GapDroplets}, {What: world.GapLedger}}}, false, false},
		{"a write failed after the look", Report{Pools: planned, Error: "renew lease"}, true, true},
		{"it failed before there was a plan", Report{Error: "read revision"}, false, false},
	}
	for _, c := range cases {
		p := figures(c.report)
		if p.SeenSwarm != c.swarm || p.Seen != c.whole || p.LedgerKnown != c.swarm {
			t.Errorf("%s: swarm %t, whole %t, ledger %t", c.name, p.SeenSwarm, p.Seen, p.LedgerKnown)
		}
	}
}
