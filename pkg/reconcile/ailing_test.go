package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestWhatAilsIsRemembered: for how long in each look, and what was tried, also when the machine was well for a moment.
func TestWhatAilsIsRemembered(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	machines := map[string]world.World{}
	for name, m := range map[string]world.Machine{
		"well": {Droplet: &cloud.Droplet{ID: 7, Status: cloud.StatusActive}, Node: &swarm.Node{State: swarm.NodeReady}, Binding: world.Bound},
		"off":  {Droplet: &cloud.Droplet{ID: 7, Status: cloud.StatusOff}, Node: &swarm.Node{State: swarm.NodeReady}, Binding: world.Bound},
		"down": {Droplet: &cloud.Droplet{ID: 7, Status: cloud.StatusActive}, Node: &swarm.Node{State: swarm.NodeDown}, Binding: world.Bound},
		"gone": {Missing: true, Node: &swarm.Node{State: swarm.NodeDown, Spec: swarm.NodeSpec{Labels: map[string]string{swarm.LabelDroplet: "7"}}}, Binding: world.Bound},
	} {
		machines[name] = world.World{Machines: []world.Machine{m, {Node: &swarm.Node{State: swarm.NodeDown}}}}
	}
	machines["many down"] = world.World{Machines: []world.Machine{machines["down"].Machines[0], machines["down"].Machines[0]}}
	var a ailing
	sees := func(after time.Duration, how string, counts bool, want ...plan.Ailing) {
		t.Helper()
		a = a.see(machines[how], counts, at(after))
		all := map[int]plan.Ailing{}
		for _, w := range want {
			all[7] = w
		}
		if diff := cmp.Diff(all, a.seen(0)); diff != "" {
			t.Errorf("after %s: %s", after, diff)
		}
	}
	did := func(after time.Duration, what plan.Action, outcome execute.Outcome) {
		a = a.learn(execute.Results{{Step: plan.NewStep("it", what, plan.Reason{}), Outcome: outcome}}, at(after))
	}
	const minute, second = time.Minute, time.Second
	on, cycle := plan.PowerOnDroplet{DropletID: 7}, plan.PowerCycleDroplet{DropletID: 7}

	sees(0, "well", true)
	sees(30*second, "off", true, plan.Ailing{How: plan.IsOff, Since: at(30 * second)})
	sees(minute, "off", true, plan.Ailing{How: plan.IsOff, Since: at(30 * second)})
	sees(70*second, "off", false) // somebody else acts, or not all was seen
	sees(80*second, "off", true, plan.Ailing{How: plan.IsOff, Since: at(80 * second)})
	sees(5*minute, "off", true, plan.Ailing{How: plan.IsOff, Since: at(5 * minute)}) // no look for too long
	before := a
	did(5*minute, on, execute.Dropped)
	did(5*minute, on, execute.Unknown)
	if diff := cmp.Diff(map[int]plan.Ailing{7: {How: plan.IsOff, Since: at(5 * minute)}}, before.seen(0)); diff != "" {
		t.Errorf("what was remembered before has changed: %s", diff)
	}
	sees(6*minute, "off", true, plan.Ailing{How: plan.IsOff, Since: at(5 * minute), Tries: 1, Tried: at(5 * minute)})
	did(6*minute, on, execute.Refused)
	sees(7*minute, "down", true, plan.Ailing{How: plan.Hangs, Since: at(7 * minute), Few: at(7 * minute), Tries: 2, Tried: at(6 * minute)})
	sees(8*minute, "well", true, plan.Ailing{Tries: 2, Tried: at(6 * minute)})
	sees(9*minute, "off", true, plan.Ailing{How: plan.IsOff, Since: at(9 * minute), Tries: 2, Tried: at(6 * minute)})
	sees(10*minute, "well", true, plan.Ailing{Tries: 2, Tried: at(6 * minute)})
	sees(16*minute, "well", true) // it ran for long enough

	sees(17*minute, "down", true, plan.Ailing{How: plan.Hangs, Since: at(17 * minute), Few: at(17 * minute)})
	did(17*minute, cycle, execute.Refused)
	sees(17*minute, "down", true, plan.Ailing{How: plan.Hangs, Since: at(17 * minute), Few: at(17 * minute)})
	sees(17*minute+30*second, "many down", true, plan.Ailing{How: plan.Hangs, Since: at(17 * minute)})
	sees(17*minute+50*second, "down", true, plan.Ailing{How: plan.Hangs, Since: at(17 * minute), Few: at(17*minute + 50*second)})
	did(17*minute, cycle, execute.Unknown)
	sees(17*minute+51*second, "down", true, plan.Ailing{How: plan.Hangs, Since: at(17 * minute), Few: at(17*minute + 50*second), Cycled: at(17 * minute), Unsure: true})
	did(17*minute, cycle, execute.Done)
	sees(18*minute, "well", true, plan.Ailing{Cycled: at(17 * minute)})
	sees(76*minute, "well", true, plan.Ailing{Cycled: at(17 * minute)})
	sees(77*minute, "well", true)

	sees(80*minute, "off", true, plan.Ailing{How: plan.IsOff, Since: at(80 * minute)})
	sees(81*minute, "gone", true, plan.Ailing{How: plan.Gone, Since: at(81 * minute)})
	sees(82*minute, "gone", true, plan.Ailing{How: plan.Gone, Since: at(81 * minute)})
	sees(83*minute, "off", true, plan.Ailing{How: plan.IsOff, Since: at(83 * minute)})
	if got := a.seen(3 * minute)[7].Since; !got.Equal(at(86 * minute)) {
		t.Errorf("by a clock that is three minutes ahead it is off since %s", got)
	}
}
