package reconcile

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestAKeptListServesNothingButRestingMachines: what else is seen on one has the look repeated.
func TestAKeptListServesNothingButRestingMachines(t *testing.T) {
	node := func(version uint64, state swarm.NodeState) world.World {
		return world.World{Machines: []world.Machine{{Node: &swarm.Node{ID: "n", Version: version, State: state}}}}
	}
	rest := node(1, swarm.NodeReady)
	open, gap := rest, rest
	open.Ledger.Ops = []ledger.Op{{ID: "a"}}
	gap.Gaps = []world.Gap{{What: world.GapNodes}}
	steps := func(as ...plan.Action) (p plan.Plan) {
		for _, a := range as {
			p.Steps = append(p.Steps, plan.Step{Action: a})
		}
		return p
	}
	for name, c := range map[string]struct {
		world world.World
		plan  plan.Plan
		may   bool
	}{
		"nothing to do":            {rest, steps(), true},
		"a service":                {rest, steps(plan.CreateNetwork{}, plan.UpdateService{}, plan.RemoveNetwork{}), true},
		"a create":                 {rest, steps(plan.UpdateService{}, plan.CreateDroplet{}), false},
		"a delete":                 {rest, steps(plan.OpenDelete{}), false},
		"a drain":                  {rest, steps(plan.UpdateNode{}), false},
		"a node that leaves":       {rest, steps(plan.RemoveNode{}), false},
		"an open operation":        {open, steps(), false},
		"a node that changed":      {node(2, swarm.NodeReady), steps(), false},
		"a node that went down":    {node(1, swarm.NodeDown), steps(), false},
		"a node that is gone":      {world.World{}, steps(), false},
		"nodes that were not seen": {gap, steps(), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := &counted{}
			f := &fleet{cachedCloud: newCachedCloud(asked, false)}
			look := func(w world.World, p plan.Plan) bool {
				f.begin(time.Minute)
				began := time.Now()
				_, _ = f.Droplets(t.Context(), "swarmd:web")
				return f.rested(w, p, began)
			}
			if !look(rest, steps()) {
				t.Fatalf("%s: a list of the moment is not enough", name)
			}
			time.Sleep(5 * time.Second)
			if may := look(c.world, c.plan); may != c.may || asked.lists != 1 {
				t.Errorf("%s: may be acted on: %v; %d lists", name, may, asked.lists)
			}
			if look(c.world, c.plan); asked.lists == 1 != c.may {
				t.Errorf("%s: %d lists with the look after it", name, asked.lists)
			}
		})
	}
}

func TestAKeptListIsNoOlderThanHalfAMinuteOrTheResync(t *testing.T) {
	for resync, want := range map[time.Duration]int{time.Minute: 2, 10 * time.Second: 6} {
		synctest.Test(t, func(t *testing.T) {
			asked := &counted{}
			f := &fleet{cachedCloud: newCachedCloud(asked, false)}
			for range 60 {
				f.begin(resync)
				began := time.Now()
				_, _ = f.Droplets(t.Context(), "swarmd:web")
				if !f.rested(world.World{}, plan.Plan{}, began) {
					t.Fatal("nothing is to be done, and yet another look")
				}
				time.Sleep(time.Second)
			}
			if asked.lists != want {
				t.Errorf("resync %s: %d lists in a minute, want %d", resync, asked.lists, want)
			}
		})
	}
}
