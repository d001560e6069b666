package brake

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// repairOf is an open repair of a droplet.
func repairOf(id int) ledger.Op {
	return ledger.Op{ID: fmt.Sprint("repair", id), Kind: ledger.Delete, DropletID: id, NodeID: fmt.Sprint("n", id), Repair: true}
}

// repairs writes a ledger that opens repairs of the droplets, and charges so many of them to the hour.
func repairs(t *testing.T, g *ground, s *Swarm, charged int, ids ...int) error {
	return rewrite(t, g, s, func(l *ledger.Ledger) {
		for _, id := range ids {
			l.Ops = append(l.Ops, repairOf(id))
		}
		for range charged {
			l.Repairs = append(l.Repairs, time.Now())
		}
	})
}

// retries are so many machines that open creates have made and that never joined.
func retries(g *ground, n int) {
	for id := 50; id < 50+n; id++ {
		g.droplet(id)
		g.ledger.Ops = append(g.ledger.Ops, ledger.Op{ID: fmt.Sprint("create", id), Kind: ledger.Create, DropletID: id})
	}
}

// retried has all of them deleted, and charges so many to the hour.
func retried(l *ledger.Ledger, charged int) {
	for i, op := range l.Ops {
		l.Ops[i] = ledger.Op{ID: fmt.Sprint("retry", op.DropletID), Kind: ledger.Delete, DropletID: op.DropletID, Repair: true}
	}
	for range charged {
		l.Retries = append(l.Retries, time.Now())
	}
}

// TestWhatIsKeptWasToBeDeleted: a record of a machine that is kept makes its droplet this swarm's, so none comes from nowhere.
func TestWhatIsKeptWasToBeDeleted(t *testing.T) {
	for name, one := range map[string]struct {
		keep ledger.Kept
		held bool
	}{"its delete was open": {ledger.Kept{DropletID: 50}, false}, "nothing was": {ledger.Kept{DropletID: 51}, true}} {
		g := newGround()
		g.node(1, swarm.Manager)
		g.droplet(51)
		retries(g, 1)
		retried(&g.ledger, 1)
		_, s, held := g.brakes(nil)
		keep := func(l *ledger.Ledger) { l.Ops, l.Kept = nil, []ledger.Kept{one.keep} }
		err := rewrite(t, g, s, keep)
		if one.held {
			wantBraked(t, g, held, Deletes, err)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		err = rewrite(t, g, s, func(l *ledger.Ledger) { // a day later
			l.Kept = nil
			l.Ops = []ledger.Op{{ID: "late", Kind: ledger.Delete, DropletID: 50, Repair: true}}
			l.Retries = append(l.Retries, time.Now())
		})
		if err != nil {
			t.Errorf("%s: it stays for ever: %v", name, err)
		}
	}
}

// TestWhatMayBeRepaired: what is gone, down, or was made by an open create and has no node; a fifth of the nodes an hour, each counted.
func TestWhatMayBeRepaired(t *testing.T) {
	down := func(ids ...int) func(*ground) {
		return func(g *ground) {
			for _, id := range ids {
				g.at(fmt.Sprint("n", id)).State = swarm.NodeDown
			}
		}
	}
	for name, one := range map[string]struct {
		change  func(*ground)
		charged int
		ids     []int
		held    string
	}{
		"down":                      {down(2), 1, []int{2}, ""},
		"up":                        {func(*ground) {}, 1, []int{2}, Joined},
		"its state is not known":    {func(g *ground) { g.at("n2").State = swarm.NodeUnknown }, 1, []int{2}, Joined},
		"gone, and its node is not": {func(g *ground) { delete(g.droplets, 2); g.at("n2").State = swarm.NodeUnknown }, 1, []int{2}, ""},
		"its droplet is not seen":   {func(g *ground) { down(2)(g); g.fail["droplet"] = errors.New("no") }, 1, []int{2}, View},
		"no node is seen":           {func(g *ground) { down(2)(g); g.leaderless = true }, 1, []int{2}, View},
		"never joined":              {func(g *ground) { g.droplet(50); g.ledger.Ops = []ledger.Op{{ID: opID, Kind: ledger.Create}} }, 1, []int{50}, ""},
		"twelve that never joined":  {func(g *ground) { retries(g, 12) }, 12, nil, ""},
		"thirteen of them":          {func(g *ground) { retries(g, 13) }, 13, nil, Deletes},
		"one is not counted":        {func(g *ground) { retries(g, 2) }, 1, nil, Deletes},
		"it has joined": {func(g *ground) {
			retries(g, 1)
			g.node(50, swarm.Worker)
			g.at("n50").State = swarm.NodeDown
		}, 1, nil, Joined},
		"no node, and no create":  {func(g *ground) { g.droplet(50) }, 1, []int{50}, Ownership},
		"two of ten":              {down(2, 3), 2, []int{2, 3}, ""},
		"three of ten":            {down(2, 3, 4), 3, []int{2, 3, 4}, Deletes},
		"two, one is not counted": {down(2, 3), 1, []int{2, 3}, Deletes},
		"the third of the hour": {func(g *ground) {
			down(2)(g)
			g.ledger.Repairs = []time.Time{time.Now().Add(-59 * time.Minute), time.Now()}
		}, 1, []int{2}, Deletes},
		"two, long ago": {func(g *ground) {
			down(2)(g)
			g.ledger.Repairs = []time.Time{time.Now().Add(-time.Hour), time.Now().Add(-time.Hour)}
		}, 1, []int{2}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround()
			g.node(1, swarm.Manager)
			for id := 2; id <= 10; id++ {
				g.node(id, swarm.Worker)
			}
			one.change(g)
			_, s, held := g.brakes(nil)
			opens := func() error { return repairs(t, g, s, one.charged, one.ids...) }
			if one.ids == nil {
				opens = func() error {
					return rewrite(t, g, s, func(l *ledger.Ledger) { retried(l, one.charged) })
				}
			}
			err := opens()
			switch {
			case one.held == "" && err != nil:
				t.Errorf("held by %v: %v", *held, err)
			case one.held != "":
				wantBraked(t, g, held, one.held, err)
			}
		})
	}
}

// TestARepairIsOfOneThatIsBrokenToTheEnd: nothing is stopped for it whose node is up again, and what was opened as another delete is none.
func TestARepairIsOfOneThatIsBrokenToTheEnd(t *testing.T) {
	g := newGround()
	g.node(1, swarm.Manager)
	g.node(2, swarm.Worker)
	g.ledger.Ops = []ledger.Op{repairOf(2)}
	c, s, held := g.brakes(nil)
	_, err := c.Shutdown(t.Context(), 2)
	wantBraked(t, g, held, Joined, err)
	wantBraked(t, g, held, Joined, c.DeleteDroplet(t.Context(), 2))
	wantBraked(t, g, held, Deletes, rewrite(t, g, s, func(l *ledger.Ledger) { l.Ops[0].Repair = false }))
	wantBraked(t, g, held, Deletes, rewrite(t, g, s, func(l *ledger.Ledger) {
		l.Ops[0].Repair, l.Ops[0].Budgeted = false, true
	}))
	g.at("n2").State = swarm.NodeDown
	if _, err := c.PowerOff(t.Context(), 2); err != nil {
		t.Error(err)
	}
	if err := c.DeleteDroplet(t.Context(), 2); err != nil {
		t.Error(err)
	}
}

// TestRepairsAreCountedWhateverTheLedgerSays: a planner that counts nothing has as many let through as the nodes permit, and no clock helps it. A repair
// whose node has left the swarm is done all the same.
func TestRepairsAreCountedWhateverTheLedgerSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGround()
		g.node(1, swarm.Manager)
		for id := 2; id <= 6; id++ {
			g.node(id, swarm.Worker)
			g.at(fmt.Sprint("n", id)).State = swarm.NodeDown
			g.ledger.Ops = append(g.ledger.Ops, repairOf(id))
		}
		c, _, held := g.brakes(nil)
		g.ledger.Repairs = []time.Time{time.Now(), time.Now()}
		g.nodes = g.nodes[:4] // two have left the swarm
		for id := 2; id <= 3; id++ {
			if err := c.DeleteDroplet(t.Context(), id); err != nil {
				t.Errorf("droplet %d: %v", id, err)
			}
		}
		g.sent, g.ledger.Repairs = nil, nil
		c.opts.Wall = func() time.Time { return time.Now().Add(24 * time.Hour) }
		wantBraked(t, g, held, Deletes, c.DeleteDroplet(t.Context(), 4))
		time.Sleep(time.Hour)
		if err := c.DeleteDroplet(t.Context(), 4); apierr.KindOf(err) != apierr.Unknown && err != nil {
			t.Error("an hour later:", err)
		}
	})
}
