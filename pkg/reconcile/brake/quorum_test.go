package brake

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// managers makes n managers and one worker, which is the last.
func managers(n int) *ground {
	g := newGround()
	for id := 1; id <= n; id++ {
		g.node(id, swarm.Manager)
	}
	g.node(n+1, swarm.Worker)
	return g
}

func as(g *ground, id string, role swarm.Role) (string, uint64, swarm.NodeSpec) {
	n := g.at(id)
	s := n.Spec
	s.Role = role
	return id, n.Version, s
}

func TestDemotions(t *testing.T) {
	for name, tc := range map[string]struct {
		managers int
		set      func(*ground)
		target   string
		held     bool
	}{
		"one of three":                        {managers: 3, target: "n1"},
		"one of two":                          {managers: 2, target: "n1"},
		"the last":                            {managers: 1, target: "n1", held: true},
		"one of three, another unreachable":   {managers: 3, target: "n1", held: true, set: func(g *ground) { g.at("n2").Manager.Reachability = "unreachable" }},
		"the unreachable one of three":        {managers: 3, target: "n2", set: func(g *ground) { g.at("n2").Manager.Reachability = "unreachable" }},
		"one of two, the other unreachable":   {managers: 2, target: "n1", held: true, set: func(g *ground) { g.at("n2").State = swarm.NodeDown }},
		"one of five, two unreachable":        {managers: 5, target: "n1", held: true, set: func(g *ground) { g.at("n2").State, g.at("n3").State = swarm.NodeDown, swarm.NodeDown }},
		"while another is being demoted":      {managers: 3, target: "n1", held: true, set: func(g *ground) { g.at("n2").Spec.Role = swarm.Worker }},
		"while another is being promoted":     {managers: 3, target: "n1", held: true, set: func(g *ground) { g.at("n4").Spec.Role = swarm.Manager }},
		"a promotion that did not come about": {managers: 3, target: "n4", set: func(g *ground) { g.at("n4").Spec.Role = swarm.Manager }},
		"one of three, three wanted":          {managers: 3, target: "n1", held: true, set: func(g *ground) { g.wanted = 3 }},
		"one of four, three wanted":           {managers: 4, target: "n1", set: func(g *ground) { g.wanted = 3 }},
		"the lost one of three, three wanted": {managers: 3, target: "n2", set: func(g *ground) { g.wanted, g.at("n2").Manager.Reachability = 3, "unreachable" }},
		"nothing accepted can be read":        {managers: 3, target: "n1", held: true, set: func(g *ground) { g.fail["configs"] = errors.New("no") }},
		"a file with faults is accepted":      {managers: 3, target: "n1", held: true, set: func(g *ground) { g.wanted = -1 }},
		"the nodes can't be read":             {managers: 3, target: "n1", held: true, set: func(g *ground) { g.fail["nodes"] = errors.New("no") }},
	} {
		t.Run(name, func(t *testing.T) {
			g := managers(tc.managers)
			if tc.set != nil {
				tc.set(g)
			}
			_, s, held := g.brakes(nil)
			id, version, spec := as(g, tc.target, swarm.Worker)
			err := s.UpdateNode(t.Context(), id, version, spec)
			if tc.held != (apierr.KindOf(err) == apierr.Braked) || tc.held != (len(g.sent) == 0) || tc.held != (len(*held) == 1) {
				t.Errorf("%v, sent %v, held by %v", err, g.sent, *held)
			}
		})
	}
}

// Two of three at once, or one after the other before the first is done: never. After it is done: yes.
func TestTwoOfThree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := managers(3)
		_, s, _ := g.brakes(nil)
		errs := make(chan error)
		for _, who := range []string{"n1", "n2"} {
			id, version, spec := as(g, who, swarm.Worker)
			go func() { errs <- s.UpdateNode(t.Context(), id, version, spec) }()
		}
		first, second := <-errs, <-errs
		if (first == nil) == (second == nil) || len(g.sent) != 1 {
			t.Fatalf("%v and %v, sent %v", first, second, g.sent)
		}
		g.settle()
		for _, who := range []string{"n1", "n2"} {
			if g.at(who).Manager != nil {
				id, version, spec := as(g, who, swarm.Worker)
				if err := s.UpdateNode(t.Context(), id, version, spec); err != nil {
					t.Error("after the first is done:", err)
				}
			}
		}
	})
}

// A demotion whose answer was lost may still come: for a minute the manager counts as lost.
func TestLostDemotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := managers(3)
		g.fail["update n1 worker"] = &apierr.Error{Kind: apierr.Unknown, Err: errors.New("timeout")}
		_, s, _ := g.brakes(nil)
		id, version, spec := as(g, "n1", swarm.Worker)
		if err := s.UpdateNode(t.Context(), id, version, spec); apierr.KindOf(err) != apierr.Unknown {
			t.Fatal(err)
		}
		g.at("n1").Spec.Role = swarm.Manager // not seen yet
		id, version, spec = as(g, "n2", swarm.Worker)
		if err := s.UpdateNode(t.Context(), id, version, spec); apierr.KindOf(err) != apierr.Braked {
			t.Error(err)
		}
		time.Sleep(unsettled)
		if err := s.UpdateNode(t.Context(), id, version, spec); err != nil {
			t.Error(err)
		}
	})
}

// Labels of a worker cost no extra look; at a version that is not the one seen they do, for it might be a manager by now.
func TestWorkersAreNotHeld(t *testing.T) {
	g := managers(3)
	_, s, held := g.brakes(nil)
	if _, err := s.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, version, spec := as(g, "n4", swarm.Worker)
	if err := s.UpdateNode(t.Context(), id, version, spec); err != nil || g.reads != 1 {
		t.Errorf("%v after %d looks", err, g.reads)
	}
	id, version, spec = as(g, "n4", swarm.Manager)
	if err := s.UpdateNode(t.Context(), id, version, spec); err != nil || g.reads != 1 {
		t.Errorf("%v after %d looks", err, g.reads)
	}
	g.settle()
	g.at("n1").State = swarm.NodeDown
	g.at("n2").State = swarm.NodeDown
	id, version, spec = as(g, "n4", swarm.Worker)
	if err := s.UpdateNode(t.Context(), id, version, spec); apierr.KindOf(err) != apierr.Braked || len(*held) != 1 {
		t.Errorf("a manager by now: %v", err)
	}
}

func TestStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := managers(3)
		c, _, _ := g.brakes(nil)
		var got []apierr.Kind
		for _, id := range []int{4, 1, 2, 3} { // a worker, a manager, and then no more
			_, err := c.Shutdown(t.Context(), id)
			got = append(got, apierr.KindOf(err))
		}
		_, err := c.PowerOff(t.Context(), 1) // the same again takes nothing away
		got = append(got, apierr.KindOf(err))
		if diff := cmp.Diff([]apierr.Kind{"", "", apierr.Braked, apierr.Braked, ""}, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"shutdown 4", "shutdown 1", "off 1"}, g.sent); diff != "" {
			t.Error(diff)
		}
	})
	g := managers(1)
	c, _, held := g.brakes(nil)
	_, err := c.PowerOff(t.Context(), 1)
	wantBraked(t, g, held, Quorum, err)
	g = managers(3)
	g.wanted = 3
	c, _, held = g.brakes(nil)
	_, err = c.PowerOff(t.Context(), 1)
	wantBraked(t, g, held, Quorum, err)
}

func TestStopsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := managers(3)
		c, _, held := g.brakes(nil)
		if _, err := c.Droplets(t.Context(), "swarmd:web"); err != nil {
			t.Fatal(err)
		}
		foreign := g.droplets[4]
		foreign.ID, foreign.Tags = 9, nil
		g.droplets[9] = foreign
		for _, call := range []act{c.Shutdown, c.PowerOff, c.PowerOn} {
			_, err := call(t.Context(), 9)
			wantBraked(t, g, held, Ownership, err)
		}
		taken := g.droplets[4] // seen as ours once, and given away since
		taken.Tags = nil
		g.droplets[4] = taken
		time.Sleep(maxViewAge + time.Second)
		_, err := c.Shutdown(t.Context(), 4)
		wantBraked(t, g, held, Ownership, err)
		g.fail["nodes"] = errors.New("no")
		_, err = c.Shutdown(t.Context(), 1)
		wantBraked(t, g, held, View, err)
	})
}

func TestRemoveNode(t *testing.T) {
	g := managers(3)
	_, s, held := g.brakes(nil)
	wantBraked(t, g, held, Quorum, s.RemoveNode(t.Context(), "n1"))
	g.at("n4").Spec.Role = swarm.Manager
	wantBraked(t, g, held, Quorum, s.RemoveNode(t.Context(), "n4"))
	g.at("n4").Spec.Role = swarm.Worker
	if err := s.RemoveNode(t.Context(), "n4"); err != nil {
		t.Error(err)
	}
	if err := s.RemoveNode(t.Context(), "n99"); err != nil {
		t.Error(err)
	}
	g.sent, g.fail["nodes"] = nil, errors.New("no")
	wantBraked(t, g, held, View, s.RemoveNode(t.Context(), "n2"))
}
