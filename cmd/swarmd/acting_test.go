package main

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestALookTakesWhatHadSucceeded: one look calls a task that started anew a roll-out that runs; the swarmd that remembers knows better, of the same revision
// and while the engine rolls nothing out.
func TestALookTakesWhatHadSucceeded(t *testing.T) {
	for _, c := range []struct {
		name      string
		now, then plan.RollOutState
		update    swarm.UpdateState
		revision  int
		want      plan.RollOutState
	}{
		{"a task started anew", plan.RollOutRunning, plan.RollOutSucceeded, swarm.Completed, 3, plan.RollOutSucceeded},
		{"it never succeeded", plan.RollOutRunning, plan.RollOutWaiting, swarm.Completed, 3, plan.RollOutRunning},
		{"another revision since", plan.RollOutRunning, plan.RollOutSucceeded, swarm.Completed, 2, plan.RollOutRunning},
		{"the engine rolls something out", plan.RollOutRunning, plan.RollOutSucceeded, swarm.Updating, 3, plan.RollOutRunning},
		{"it crashes now", plan.RollOutCrashing, plan.RollOutSucceeded, swarm.Completed, 3, plan.RollOutCrashing},
	} {
		told := func(revision int, update swarm.UpdateState, state plan.RollOutState) report.Report {
			return report.Report{Revision: revision, Services: []plan.ServiceCount{{Service: "web_app", Update: update, RollOut: plan.RollOut{State: state}}}}
		}
		look := told(3, c.update, c.now)
		rememberRollOuts(&look, told(c.revision, swarm.Completed, c.then))
		if got := look.Services[0].RollOut.State; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
