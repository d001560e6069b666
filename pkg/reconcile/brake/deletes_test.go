package brake

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestPermittedDeletesPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround()
		g.permit(2)
		for id := 1; id <= 3; id++ {
			g.droplet(id)
		}
		c, _, held := g.brakes(nil)
		g.begin(1)
		g.begin(2)
		g.beginDelete(3, false)
		for id := 1; id <= 3; id++ {
			if err := c.DeleteDroplet(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
		if err := c.DeleteDroplet(t.Context(), 3); err != nil { // gone by now
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"delete 1", "delete 2", "delete 3"}, g.sent); diff != "" || len(*held) > 0 {
			t.Error(diff, *held)
		}
	})
}

// heldDelete is a delete of droplet 7 that a planner gone wrong might ask for: set is what is wrong about it.
type heldDelete struct {
	brake string
	set   func(*ground)
}

func TestForeignDeletesHeld(t *testing.T) {
	testHeld(t, map[string]heldDelete{
		"foreign, no tag":               {Ownership, func(g *ground) { g.droplets[7] = cloud.Droplet{ID: 7, Name: "web-workers-abcde"} }},
		"foreign, with the cluster tag": {Ownership, func(g *ground) { g.droplets[7] = cloud.Droplet{ID: 7, Name: "mine", Tags: []string{"swarmd:web"}} }},
		"no such name": {Ownership, func(g *ground) {
			g.droplets[7] = cloud.Droplet{ID: 7, Name: "web-workers-zzzzz", Tags: []string{"swarmd:web", "swarmd-op:" + opID}}
		}},
		"no pool in the name": {Ownership, func(g *ground) {
			g.droplets[7] = cloud.Droplet{ID: 7, Name: "web-abcde", Tags: []string{"swarmd:web", "swarmd-op:" + opID}}
		}},
		"a short operation": {Ownership, func(g *ground) {
			g.droplets[7] = cloud.Droplet{ID: 7, Name: "web-workers-", Tags: []string{"swarmd:web", "swarmd-op:"}}
		}},
		"another cluster's": {Ownership, func(g *ground) {
			g.droplets[7] = cloud.Droplet{ID: 7, Name: "web-prod-workers-abcde", Tags: []string{"swarmd:web-prod", "swarmd-op:" + opID}}
		}},
		"two clusters'": {Ownership, func(g *ground) {
			g.droplets[7] = cloud.Droplet{ID: 7, Name: "web-workers-abcde", Tags: []string{"swarmd:web", "swarmd:db", "swarmd-op:" + opID}}
		}},
	})
}

func TestDeletesHeld(t *testing.T) {
	testHeld(t, map[string]heldDelete{
		"no operation": {Deletes, func(g *ground) { g.ledger.Ops = nil }},
		"volumes attached": {Deletes, func(g *ground) {
			d := g.droplets[7]
			d.Volumes = []string{"vol-a"}
			g.droplets[7] = d
		}},
		"another droplet's":  {Deletes, func(g *ground) { g.ledger.Ops[0].DropletID = 8 }},
		"a create operation": {Deletes, func(g *ground) { g.ledger.Ops[0].Kind = ledger.Create }},
		"two operations":     {Deletes, func(g *ground) { g.beginDelete(7, true) }},
		"a budget from thin": {Deletes, func(g *ground) { g.ledger.DeleteBudget = 5 }},
		"an old ledger":      {Deletes, func(g *ground) { g.ledger.Revision = 0 }},
		"the hour is used up": {Deletes, func(g *ground) {
			g.ledger.Ops[0].Budgeted = false
			g.ledger.FreeDeletes = []time.Time{time.Now(), time.Now()}
		}},
		"a manager on it": {Quorum, func(g *ground) { delete(g.droplets, 7); g.node(7, swarm.Manager) }},
		"a manager by address": {Quorum, func(g *ground) {
			g.node(7, swarm.Manager)
			g.nodes[0].Spec.Labels = nil
		}},
		"a manager by its raft address": {Quorum, func(g *ground) {
			g.node(7, swarm.Manager)
			g.nodes[0].Spec.Labels, g.nodes[0].Addr = nil, "0.0.0.0"
		}},
		"a worker that joined just now": {Joined, func(g *ground) { g.node(7, swarm.Worker); g.nodes[0].Spec.Labels = nil }},
		"a worker of unknown state":     {Joined, func(g *ground) { g.node(7, swarm.Worker); g.nodes[0].State = swarm.NodeUnknown }},
		"one that shall be a manager":   {Quorum, func(g *ground) { g.node(7, swarm.Manager); g.nodes[0].Manager = nil }},
		"the nodes can't be read":       {View, func(g *ground) { g.fail["nodes"] = errors.New("no") }},
		"the list of nodes is empty":    {View, func(g *ground) { g.leaderless = true }},
		"nobody leads in the list":      {View, func(g *ground) { g.node(8, swarm.Manager); g.leaderless = true }},
		"the droplet can't be read":     {View, func(g *ground) { g.fail["droplet"] = &apierr.Error{Kind: apierr.Unavailable, Err: errors.New("no")} }},
		"the ledger can't be read":      {View, func(g *ground) { g.fail["ledger"] = errors.New("no") }},
	})
}

func testHeld(t *testing.T, cases map[string]heldDelete) {
	t.Helper()
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGround()
				g.droplet(7)
				g.permit(1)
				c, s, held := g.brakes(nil)
				if _, err := s.Configs(t.Context(), "swarmd.web"); err != nil {
					t.Fatal(err)
				}
				g.begin(7)
				tc.set(g)
				wantBraked(t, g, held, tc.brake, c.DeleteDroplet(t.Context(), 7))
			})
		})
	}
}

// Beside what edits permit, one in an hour; the same one may be tried again.
func TestOneFreeDeleteAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround()
		for id := 1; id <= 3; id++ {
			g.droplet(id)
			g.ledger.Ops = append(g.ledger.Ops, ledger.Op{Kind: ledger.Delete, DropletID: id}) // and a ledger that does not count
		}
		c, _, _ := g.brakes(nil)
		g.fail["delete 1"] = &apierr.Error{Kind: apierr.Busy, Err: errors.New("pending event")}
		if err := c.DeleteDroplet(t.Context(), 1); apierr.KindOf(err) != apierr.Busy {
			t.Error(err)
		}
		g.droplet(1)
		delete(g.fail, "delete 1")
		if err := c.DeleteDroplet(t.Context(), 1); err != nil {
			t.Error(err)
		}
		time.Sleep(59 * time.Minute)
		if err := c.DeleteDroplet(t.Context(), 2); apierr.KindOf(err) != apierr.Braked {
			t.Error("a second one within the hour:", err)
		}
		time.Sleep(time.Minute)
		if err := c.DeleteDroplet(t.Context(), 2); err != nil {
			t.Error(err)
		}
	})
}

// The hour of what this process let through is by a clock that nobody sets: one that steps ahead permits no delete more.
func TestOneFreeDeleteAnHourWhateverTheClockSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround()
		for id := 1; id <= 2; id++ {
			g.droplet(id)
			g.beginDelete(id, false)
		}
		g.ledger.FreeDeletes = g.ledger.FreeDeletes[:1]
		c, _, _ := g.brakes(nil)
		if err := c.DeleteDroplet(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		c.opts.Wall = func() time.Time { return time.Now().Round(0).Add(24 * time.Hour) }
		if err := c.DeleteDroplet(t.Context(), 2); apierr.KindOf(err) != apierr.Braked {
			t.Error("a second one within the hour, the clock is a day ahead:", err)
		}
	})
}

func TestTheBudgetIsCheckedAgainstRevisions(t *testing.T) {
	var g deleteLog
	op := ledger.Op{Kind: ledger.Delete, DropletID: 1, Budgeted: true}
	for i, step := range []struct {
		l  ledger.Ledger
		ok bool
	}{
		{ledger.Ledger{Revision: 1, DeleteBudget: 2}, true},
		{ledger.Ledger{Revision: 1, DeleteBudget: 1, Ops: []ledger.Op{op}}, true},
		{ledger.Ledger{Revision: 1, DeleteBudget: 1}, true},
		{ledger.Ledger{Revision: 1, DeleteBudget: 1, Ops: []ledger.Op{op}}, false},
		{ledger.Ledger{Revision: 1, DeleteBudget: 2}, false},
		{ledger.Ledger{Revision: 2, DeleteBudget: 9}, true},
		{ledger.Ledger{Revision: 2, DeleteBudget: 10}, false},
		{ledger.Ledger{Revision: 1, DeleteBudget: 1}, false},
	} {
		if why := g.learn(step.l); (why == "") != step.ok {
			t.Errorf("step %d: %q", i, why)
		}
	}
}

// A write that would give a delete budget does not reach the store, unless it is a new revision; other configs pass.
func TestLedgerWrites(t *testing.T) {
	g := newGround()
	g.permit(1)
	g.node(1, swarm.Worker)
	_, s, held := g.brakes(nil)
	if _, err := s.Configs(t.Context(), "swarmd.web"); err != nil {
		t.Fatal(err)
	}
	write := func(l ledger.Ledger) error {
		labels, err := ledger.Encode(l, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s.UpdateConfig(t.Context(), "c1", 1, labels)
	}
	l := g.ledger
	l.Ops = []ledger.Op{{ID: "a", Kind: ledger.Delete, DropletID: 1, Budgeted: true}}
	wantBraked(t, g, held, Deletes, write(l))
	l.DeleteBudget--
	if err := write(l); err != nil {
		t.Error("begun as it should be:", err)
	}
	l.Revision, l.DeleteBudget = l.Revision+1, 3
	if err := write(l); err != nil {
		t.Error("an edit:", err)
	}
	if err := s.UpdateConfig(t.Context(), "lease", 1, map[string]string{"holder": "x"}); err != nil {
		t.Error(err)
	}
	g.fail["configs"] = errors.New("no")
	if _, err := s.Configs(t.Context(), "swarmd.web"); err == nil {
		t.Error("a failure is lost")
	}
}

// Destroy lifts counts and quorum for its ids and no others, and ownership for none.
func TestDestroy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround()
		for id := 1; id <= 4; id++ {
			g.node(id, swarm.Manager)
		}
		g.droplets[5] = cloud.Droplet{ID: 5, Name: "foreign", Tags: []string{"swarmd:web"}}
		g.droplets[6] = cloud.Droplet{ID: 6, Name: "adopted"}
		c, _, held := g.brakes(func(o *Options) {
			o.Destroy, o.Adopted, o.Engine, o.Ledger = []int{1, 2, 3, 5, 6}, []int{6}, nil, nil
		})
		for id, want := range map[int]apierr.Kind{1: "", 2: "", 3: "", 4: apierr.Braked, 5: apierr.Braked, 6: ""} {
			if _, err := c.PowerOff(t.Context(), id); apierr.KindOf(err) != want {
				t.Errorf("power off %d: %v", id, err)
			}
			if err := c.DeleteDroplet(t.Context(), id); apierr.KindOf(err) != want {
				t.Errorf("delete %d: %v", id, err)
			}
		}
		if len(g.sent) != 8 || len(*held) != 4 {
			t.Errorf("sent %v, held %v", g.sent, *held)
		}
	})
}

func TestCreates(t *testing.T) {
	good := cloud.CreateDroplet{Name: "web-workers-abcde", Tags: []string{"swarmd:web", "swarmd-op:" + opID, "swarmd-swarm:s1"}}
	for name, r := range map[string]cloud.CreateDroplet{
		"no tags": {Name: good.Name}, "another cluster": {Name: good.Name, Tags: []string{"swarmd:db", "swarmd-op:" + opID, "swarmd-swarm:s1"}},
		"no operation": {Name: good.Name, Tags: []string{"swarmd:web", "swarmd-swarm:s1"}}, "another name": {Name: "web-workers-zzzzz", Tags: good.Tags},
		"two operations": {Name: good.Name, Tags: append([]string{"swarmd-op:zzzzzz"}, good.Tags...)},
		"no swarm":       {Name: good.Name, Tags: good.Tags[:2]},
		"another swarm":  {Name: good.Name, Tags: []string{"swarmd:web", "swarmd-op:" + opID, "swarmd-swarm:s2"}},
		"two swarms":     {Name: good.Name, Tags: append([]string{"swarmd-swarm:s2"}, good.Tags...)},
		"two clusters":   {Name: good.Name, Tags: append([]string{"swarmd:db"}, good.Tags...)},
	} {
		g := newGround()
		c, _, held := g.brakes(nil)
		_, err := c.CreateDroplet(t.Context(), r)
		t.Log(name)
		wantBraked(t, g, held, Ownership, err)
	}
	g := newGround()
	c, _, _ := g.brakes(nil)
	d, err := c.CreateDroplet(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.PowerOn(t.Context(), d.ID); apierr.KindOf(err) != apierr.Braked {
		t.Errorf("nothing shows that it is this swarm's: %v", err)
	}
	g.ledger.Ops = []ledger.Op{{ID: opID, Kind: ledger.Create, DropletID: d.ID}}
	if _, err := c.PowerOn(t.Context(), d.ID); err != nil { // known as ours although its tags are late
		t.Error(err)
	}
	g = newGround()
	c, _, held := g.brakes(nil)
	g.fail["cluster"] = errors.New("no")
	_, err = c.CreateDroplet(t.Context(), good)
	wantBraked(t, g, held, View, err)
	c, _, _ = g.brakes(func(o *Options) { o.Engine = nil })
	if _, err := c.CreateDroplet(t.Context(), cloud.CreateDroplet{Name: good.Name, Tags: good.Tags[:2]}); err != nil {
		t.Errorf("the first one, before there is a swarm: %v", err)
	}
}

func TestCallBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround()
		c, _, held := g.brakes(nil)
		passed := 0
		for start := time.Now(); time.Since(start) < time.Hour; time.Sleep(250 * time.Millisecond) {
			_, err := c.Sizes(t.Context())
			if err == nil {
				passed++
				continue
			}
			var e *apierr.Error
			if !errors.As(err, &e) || e.Kind != apierr.Braked || e.RetryAfter <= 0 {
				t.Fatal(err)
			}
		}
		if passed != 4000 || g.reads != passed || len(*held) == 0 {
			t.Errorf("%d calls in an hour, %d sent", passed, g.reads)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		g := newGround()
		c, _, _ := g.brakes(nil)
		for range 1000 {
			_, _ = c.Account(t.Context())
			_, _ = c.VPCs(t.Context())
			_, _ = c.Action(t.Context(), 1, 1)
			_, _ = c.Droplet(t.Context(), 1)
		}
		if g.reads != 200 {
			t.Errorf("%d calls in a minute", g.reads)
		}
	})
}

// TestOnlyAWorkersMachineThatIsDownIsCycled: whatever was planned, by the brake's own look.
func TestOnlyAWorkersMachineThatIsDownIsCycled(t *testing.T) {
	for name, tc := range map[string]struct {
		set   func(*ground)
		brake string // "": it is sent
	}{
		"a worker that is down":      {func(g *ground) { g.node(7, swarm.Worker); g.at("n7").State = swarm.NodeDown }, ""},
		"a worker that is ready":     {func(g *ground) { g.node(7, swarm.Worker) }, Joined},
		"a worker of unknown state":  {func(g *ground) { g.node(7, swarm.Worker); g.at("n7").State = swarm.NodeUnknown }, Joined},
		"a manager that is down":     {func(g *ground) { g.node(7, swarm.Manager); g.at("n7").State = swarm.NodeDown }, Quorum},
		"no node and no operation":   {func(*ground) {}, Ownership},
		"somebody else's droplet":    {func(g *ground) { delete(g.droplets, 7) }, ""},
		"the nodes can't be read":    {func(g *ground) { g.node(7, swarm.Worker); g.fail["nodes"] = errors.New("no") }, View},
		"the list of nodes is empty": {func(g *ground) { g.leaderless = true }, View},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGround()
				g.node(1, swarm.Manager)
				g.droplet(7)
				c, _, held := g.brakes(nil)
				tc.set(g)
				_, err := c.PowerCycle(t.Context(), 7)
				if name == "somebody else's droplet" {
					if err == nil || slices.Contains(g.sent, "cycle 7") {
						t.Errorf("%v, %v", err, g.sent)
					}
					return
				}
				if tc.brake != "" {
					wantBraked(t, g, held, tc.brake, err)
				} else if err != nil || !slices.Contains(g.sent, "cycle 7") {
					t.Errorf("%v, %v", err, g.sent)
				}
			})
		})
	}
}
