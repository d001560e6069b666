package explore

import (
	"slices"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// TestChoiceOfKin: of faults at calls that come at once one after the other, those are played once that leave a process dead at the same point, or a
// look in which it decides nothing.
func TestChoiceOfKin(t *testing.T) {
	nodes, info, cluster, services := Sign{Call: "GET /nodes"}, Sign{Call: "GET /info"}, Sign{Call: "GET /swarm"}, Sign{Call: "GET /services"}
	lease, write := Sign{Call: "POST /configs/ID/update", Write: true, Renews: true}, Sign{Call: "POST /nodes/ID/update", Write: true}
	droplets, moved := Sign{Call: listDroplets, Side: sim.SideCloud}, write
	moved.State = 1
	told, refused := Sign{Call: "POST /configs/create", Write: true}, write
	refused.Status = 403
	networks, tasks, configs := Sign{Call: "GET /networks"}, Sign{Call: "GET /tasks"}, Sign{Call: "GET /configs"}
	seen, info1, cluster1, networks1 := nodes, info, cluster, networks
	seen.State, info1.State, cluster1.State, networks1.State = 1, 1, 1, 1
	another := write
	another.From = "another"
	const at1 = time.Millisecond
	for name, c := range map[string]struct {
		signs []Sign
		kinds []Kind
		want  []int
	}{
		"a crash before what follows from a look":    {signs(at1, nodes, write), []Kind{CrashBefore}, []int{1}},
		"but long after it":                          {signs(time.Second, nodes, write), []Kind{CrashBefore}, []int{1, 2}},
		"or in another world":                        {signs(at1, nodes, moved), []Kind{CrashBefore}, []int{1, 2}},
		"or another one's":                           {signs(at1, nodes, another), []Kind{CrashBefore}, []int{1, 2}},
		"a crash after a write, before the next":     {signs(at1, write, write, nodes), []Kind{CrashBefore, CrashAfter}, []int{1, 1, 2}},
		"but long before it":                         {signs(time.Second, write, nodes), []Kind{CrashBefore, CrashAfter}, []int{1, 1, 2}},
		"or when it was refused":                     {signs(at1, refused, nodes), []Kind{CrashBefore, CrashAfter}, []int{1, 1, 2}},
		"or when somebody is told of it":             {signs(at1, told, nodes), []Kind{CrashBefore, CrashAfter}, []int{1, 1, 2}},
		"but not of a renewal":                       {signs(at1, lease, nodes), []Kind{CrashBefore, CrashAfter}, []int{1}},
		"or when another one writes in between":      {signs(at1, write, another, nodes), []Kind{CrashAfter, CrashBefore}, []int{1, 1, 2, 2, 3}},
		"a renewal, which does not change who leads": {signs(time.Second, lease, nodes, lease), []Kind{Hang}, []int{1, 2}},
		"a look without the nodes or whose it is":    {signs(at1, nodes, info, cluster, services, tasks, networks, droplets), []Kind{Hang}, []int{1, 4, 5, 6, 7}},
		"with two such reads: whose is which?":       {signs(at1, nodes, info, info, cluster, services, tasks, networks), []Kind{Hang}, []int{1, 2, 5, 6, 7}},
		"or no look":                                 {signs(at1, nodes, info), []Kind{Hang}, []int{1, 2}},
		"the word for no leader, about the nodes":    {signs(at1, services, nodes, info, cluster, tasks, networks), []Kind{NoLeader}, []int{2}},
		"an engine, before the nodes are read":       {signs(at1, services, cluster, nodes, info, tasks, networks), []Kind{EngineDown}, []int{1, 5, 6}},
		"but of that in another world":               {signs(at1, services, tasks, seen, info1, cluster1, networks1), []Kind{EngineDown}, []int{1, 2, 3, 6}},
		"a leader, where nodes are read once more":   {signs(at1, services, nodes, cluster, info, tasks, networks, nodes), []Kind{LeaderChange}, []int{1, 2, 3, 4, 5, 6}},
		"a leader, before the nodes are read":        {signs(at1, services, nodes, cluster, info, tasks, networks), []Kind{LeaderChange}, []int{1, 3, 4, 5, 6}},
		"a pause, before what stays as it is":        {signs(at1, cluster, networks, nodes, services), []Kind{Pause}, []int{1, 4}},
		"or is written":                              {signs(at1, networks, write, cluster), []Kind{Jump}, []int{1, 2, 3}},
		"or is read long after it":                   {signs(time.Second, cluster, nodes), []Kind{Pause}, []int{1, 2}},
		"what is slow of what stays":                 {signs(at1, cluster, networks, nodes), []Kind{Slow}, []int{1, 3}},
		"but not what is read twice":                 {signs(at1, cluster, networks, configs, networks), []Kind{Slow}, []int{1, 2, 3}},
		"the same edit, before what shows it":        {signs(at1, nodes, services, tasks, configs, networks, droplets), []Kind{Human}, []int{1, 2, 3, 4, 6}},
	} {
		if got := at(c.signs, c.kinds...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestOthersDoNotWait: where there are several swarmds one may change what stays while another one waits.
func TestOthersDoNotWait(t *testing.T) {
	all := signs(time.Millisecond, Sign{Call: "GET /swarm"}, Sign{Call: "GET /nodes"})
	for several, want := range map[bool]int{false: 1, true: 2} {
		played := slices.DeleteFunc(newChoice(Workflow{Name: "w", Several: several}, all).faults(1), func(p Plan) bool { return p.Faults[0].Kind != Pause })
		if len(played) != want {
			t.Errorf("several %v: %v, want %d", several, played, want)
		}
	}
}

// TestKinAreKept for Twins: what is left out with what is played for it, at the same time and in the same world.
func TestKinAreKept(t *testing.T) {
	c := newChoice(Workflow{Name: "w"}, signs(time.Millisecond, Sign{Call: "GET /nodes"}, Sign{Call: "GET /info"}, Sign{Call: "GET /swarm"}, Sign{Call: "GET /tasks"},
		Sign{Call: "GET /services"}, Sign{Call: "GET /networks"}))
	plans := c.faults(7)
	if len(c.kin) == 0 {
		t.Error("nothing is akin")
	}
	for _, w := range c.kin {
		played := slices.ContainsFunc(plans, func(p Plan) bool { return p.Faults[0].At == w.played.Faults[0].At })
		left := slices.ContainsFunc(plans, func(p Plan) bool { return p.String() == w.left.String() })
		if !played || left || w.left.Seed != 7 || w.left.String() == w.played.String() {
			t.Errorf("%s for %s: played %v and %v", w.played, w.left, played, left)
		}
	}
	c = newChoice(Workflow{Name: "w"}, signs(time.Millisecond, Sign{Call: "GET /nodes"}, Sign{Call: "POST /nodes/ID/update", Write: true}))
	c.literal = true
	if c.faults(1); len(c.kin) > 0 {
		t.Errorf("%d are akin where all count", len(c.kin))
	}
}
