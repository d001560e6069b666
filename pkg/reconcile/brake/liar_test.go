package brake

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// liar is a planner that asks for anything, in any order, and writes what it likes into the ledger's operations.
type liar struct {
	g     *ground
	c     *Cloud
	s     *Swarm
	edits int         // deletes that accepted edits permit, all in all
	gone  []time.Time // when a delete went through
}

// lie is one thing that it asks for.
type lie struct {
	What    int // see step
	Droplet int
	Node    int // place in the list
	Minutes int
}

// TestLiarGetsNothing: whatever it asks for, no foreign droplet is touched, no more machines go than edits permit and one in an hour,
// and the managers that are up stay a majority.
func TestLiarGetsNothing(t *testing.T) {
	one := rapid.Custom(func(rt *rapid.T) lie {
		return lie{
			What:    rapid.IntRange(0, 13).Draw(rt, "what"),
			Droplet: rapid.SampledFrom([]int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21, 22, 23}).Draw(rt, "droplet"),
			Node:    rapid.IntRange(0, 11).Draw(rt, "node"),
			Minutes: rapid.IntRange(1, 100).Draw(rt, "minutes"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		lies := rapid.SliceOfN(one, 20, 120).Draw(rt, "lies")
		var caught error
		synctest.Test(t, func(t *testing.T) { caught = tell(t, lies) })
		if caught != nil {
			rt.Fatal(caught)
		}
	})
}

func tell(t *testing.T, lies []lie) error {
	l := &liar{g: newGround()}
	for id := 1; id <= 5; id++ {
		l.g.node(id, swarm.Manager)
	}
	for id := 6; id <= 12; id++ {
		l.g.node(id, swarm.Worker)
	}
	for id, d := range map[int]cloud.Droplet{
		20: {Name: "somebody's"}, 21: {Name: "web-workers-abcde", Tags: []string{"swarmd:web"}}, 22: {Name: "web-workers-abcde", Tags: []string{"swarmd-op:" + opID, "swarmd:db"}},
	} {
		d.ID = id
		l.g.droplets[id] = d
	}
	l.g.droplet(23) // another swarm's of the same name
	l.c, l.s, _ = l.g.brakes(nil)
	if _, err := l.s.Configs(t.Context(), "swarmd.web"); err != nil {
		return err
	}
	for i, one := range lies {
		l.step(t, one)
		if err := l.check(); err != nil {
			return fmt.Errorf("after lie %d: %w", i, err)
		}
	}
	return nil
}

func (l *liar) step(t *testing.T, one lie) {
	id, node := one.Droplet, l.g.nodes[one.Node%len(l.g.nodes)].ID
	switch one.What {
	case 0:
		l.delete(t, id)
	case 1: // claims a budget that nobody gave
		l.write(t, func(v *ledger.Ledger) { v.Ops = append(v.Ops, deleteOp(id, true)) })
		l.delete(t, id)
	case 2: // counts nothing against the hour
		l.write(t, func(v *ledger.Ledger) { v.Ops = append(v.Ops, deleteOp(id, false)) })
		l.delete(t, id)
	case 13: // says that it is a repair
		l.write(t, func(v *ledger.Ledger) { v.Ops = append(v.Ops, repairOf(id)) })
		l.delete(t, id)
	case 10:
		l.write(t, func(v *ledger.Ledger) { v.Ops = nil })
	case 12: // puts another machine in the place of one that the budget was spent on
		l.write(t, func(v *ledger.Ledger) { v.Ops = []ledger.Op{deleteOp(id, true)} })
		l.delete(t, id)
	case 11:
		l.write(t, func(v *ledger.Ledger) { v.DeleteBudget++ })
	case 3:
		_, _ = l.c.Shutdown(t.Context(), id)
	case 4:
		_, _ = l.c.PowerOff(t.Context(), id)
	case 5, 6:
		who, version, spec := as(l.g, node, swarm.Worker)
		_ = l.s.UpdateNode(t.Context(), who, version, spec)
	case 7:
		_ = l.s.RemoveNode(t.Context(), node)
	case 8:
		l.g.settle()
		l.g.notice()
		time.Sleep(time.Duration(one.Minutes) * time.Minute)
	case 9: // the truth for once: an edit, and a delete under it
		l.honest(t, id)
	}
}

func (l *liar) honest(t *testing.T, id int) {
	if l.g.ledger.DeleteBudget == 0 {
		l.write(t, func(v *ledger.Ledger) { v.Revision, v.DeleteBudget = v.Revision+1, 1 })
		l.edits++
	}
	if _, there := l.g.droplets[id]; there && openDelete(l.g.ledger, id) == nil {
		l.write(t, func(v *ledger.Ledger) { v.DeleteBudget, v.Ops = v.DeleteBudget-1, append(v.Ops, deleteOp(id, true)) })
		l.delete(t, id)
	}
}

func deleteOp(id int, budgeted bool) ledger.Op {
	return ledger.Op{ID: fmt.Sprintf("op%d%v", id, budgeted), Kind: ledger.Delete, DropletID: id, Budgeted: budgeted}
}

// write changes the ledger through the brakes, as the store would.
func (l *liar) write(t *testing.T, change func(*ledger.Ledger)) {
	v := l.g.ledger
	v.Ops = slices.Clone(v.Ops)
	change(&v)
	labels, err := ledger.Encode(v, nil)
	if err != nil {
		t.Error(err)
	}
	_ = l.s.UpdateConfig(t.Context(), "c1", 1, labels)
}

func (l *liar) delete(t *testing.T, id int) {
	_, before := l.g.droplets[id]
	_ = l.c.DeleteDroplet(t.Context(), id)
	if _, after := l.g.droplets[id]; !before || after {
		return
	}
	l.gone = append(l.gone, time.Now())
}

// needed is how many of the deletes needed the budget, at the least: all but as many as can be an hour apart.
func (l *liar) needed() int {
	n := 0
	var free time.Time
	for _, t := range l.gone {
		if t.Sub(free) < time.Hour {
			n++
			continue
		}
		free = t
	}
	return n
}

func (l *liar) check() error {
	for _, id := range []int{20, 21, 22, 23} {
		_, there := l.g.droplets[id]
		if !there || l.off(id) {
			return fmt.Errorf("the foreign droplet %d was touched", id)
		}
	}
	if n := l.needed(); n > l.edits {
		return fmt.Errorf("%d deletes, %d of them beyond one in an hour, %d permitted", len(l.gone), n, l.edits)
	}
	return errors.Join(l.majority(true), l.majority(false))
}

// majority checks the managers as they are while those that were demoted still vote, and as they will be without them.
func (l *liar) majority(demotedVote bool) error {
	members, up := 0, 0
	for _, n := range l.g.nodes {
		if n.Manager == nil || !demotedVote && n.Spec.Role == swarm.Worker {
			continue
		}
		members++
		id, _ := strconv.Atoi(n.Spec.Labels[swarm.LabelDroplet])
		if _, there := l.g.droplets[id]; there && !l.off(id) {
			up++
		}
	}
	if up < members/2+1 {
		return fmt.Errorf("%d of %d managers are up", up, members)
	}
	return nil
}

// off reports whether the machine was told to go off.
func (l *liar) off(id int) bool {
	return slices.Contains(l.g.sent, fmt.Sprintf("off %d", id)) || slices.Contains(l.g.sent, fmt.Sprintf("shutdown %d", id))
}
