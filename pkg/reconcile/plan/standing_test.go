package plan_test

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestWhatIsARepair: what a machine that leaves had, and that a shrink and a roll are none.
func TestWhatIsARepair(t *testing.T) {
	on := func(status cloud.Status, state swarm.NodeState) world.Machine {
		return world.Machine{Droplet: &cloud.Droplet{ID: 7, Status: status}, Node: &swarm.Node{State: state}, Binding: world.Bound}
	}
	well, hung, off := on(cloud.StatusActive, swarm.NodeReady), on(cloud.StatusActive, swarm.NodeDown), on(cloud.StatusOff, swarm.NodeDown)
	gone := world.Machine{Missing: true, Node: &swarm.Node{State: swarm.NodeDown, Spec: swarm.NodeSpec{Labels: map[string]string{swarm.LabelDroplet: "7"}}}, Binding: world.Bound}
	leaves, replace := plan.OpenDelete{DropletID: 7}, func(reason string) plan.Action { return plan.OpenReplace{DropletID: 7, Reason: reason} }
	for name, c := range map[string]struct {
		action plan.Action
		code   string
		m      world.Machine
		want   string
	}{
		"powered on":           {plan.PowerOnDroplet{DropletID: 7}, plan.WhyPowerOn, off, plan.RepairOff},
		"cycled":               {plan.PowerCycleDroplet{DropletID: 7}, plan.WhyPowerCycle, hung, plan.RepairHung},
		"gone":                 {leaves, plan.WhyReplaced, gone, plan.RepairGone},
		"cycled in vain":       {replace("ill"), plan.WhyReplace, hung, plan.RepairHung},
		"powered on in vain":   {replace("ill"), plan.WhyReplace, off, plan.RepairOff},
		"asked":                {replace("asked"), plan.WhyReplace, well, plan.RepairAsked},
		"never joined":         {leaves, plan.WhyLaunchFailed, world.Machine{Droplet: &cloud.Droplet{ID: 7}}, plan.RepairLaunch},
		"rolled":               {replace("image"), plan.WhyReplace, well, ""},
		"rolled, at last":      {leaves, plan.WhyRolled, well, ""},
		"one too many":         {leaves, plan.WhyPoolSurplus, well, ""},
		"one too many, hung":   {leaves, plan.WhyPoolSurplus, hung, ""},
		"drained as it leaves": {plan.UpdateNode{}, plan.WhyDrain, well, ""},
	} {
		if got := plan.Repairs(plan.NewStep("it", c.action, plan.Reason{Code: c.code}), c.m); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
