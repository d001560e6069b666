package plan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// vanishGrace is how long a created droplet may answer "not found" before its create counts as failed: a GET can be behind the
// create, and a region without room takes a droplet back some seconds after it was accepted.
const vanishGrace = time.Minute

// operations follows each open create to its end: found, joined, gone, or without effect.
func (d *draft) operations() {
	ops := d.creates
	if len(ops) > 0 && d.in.World.NoDroplets {
		d.hold(GuardNoCloud, "cluster", fmt.Sprintf("%d creates are open and no cloud is looked at", len(ops)))
	}
	for _, op := range ops {
		d.underway = true
		if !d.dropletsKnown() {
			continue
		}
		if m := d.created(op); m != nil {
			d.found(op, m)
		} else {
			d.wait(lookWait)
			d.unseen(op)
		}
	}
}

// created returns the machine that a create made, the first if the cloud made two. The id in the operation came with an answer, which can be
// wrong: what has neither the operation's tag nor its name is another's, and then the tag alone tells.
func (v *view) created(op ledger.Op) *member {
	anothers := false
	for i := range v.members {
		m := &v.members[i]
		if m.Droplet == nil || m.Droplet.ID != op.DropletID {
			continue
		}
		if m.Droplet.OpID() == op.ID || m.Droplet.Name == op.Name {
			return m
		}
		anothers = true
	}
	for i := range v.members {
		m := &v.members[i]
		if m.Droplet != nil && (op.DropletID == 0 || anothers) && m.Owned && m.Droplet.OpID() == op.ID {
			return m
		}
	}
	return nil
}

func (d *draft) found(op ledger.Op, m *member) {
	switch {
	case m.Binding == world.Bound:
		d.step("close", op.ID, CloseOp{OpID: op.ID, Outcome: "joined"}, WhyJoined, m.String()+" joined")
	case op.DropletID != m.Droplet.ID:
		d.step("record", op.ID, RecordDroplet{OpID: op.ID, DropletID: m.Droplet.ID}, WhyDropletFound, m.String()+" showed up")
	}
}

// unseen closes a create whose droplet does not exist. Absence from the list alone proves nothing before the deadline.
func (d *draft) unseen(op ledger.Op) {
	switch {
	case op.DropletID != 0 && d.vanished(op):
		d.step("close", op.ID, CloseOp{OpID: op.ID, Outcome: "gone"}, WhyDropletGone,
			"droplet "+strconv.Itoa(op.DropletID)+" ("+op.Name+") does not exist any more")
	case (op.DropletID == 0 || d.listed(op.DropletID)) && d.sees(closeCreate) && d.in.Now.After(op.Deadline): // what is listed, and was not made by it, is another's
		d.step("close", op.ID, CloseOp{OpID: op.ID, Outcome: "no_effect"}, WhyNoEffect,
			"the create of "+op.Name+" left no droplet until "+op.Deadline.UTC().Format(time.RFC3339))
	}
}

// vanished reports whether the created droplet is gone for good: not found, and either deleted by us or old enough to be believed.
func (v *view) vanished(op ledger.Op) bool {
	if !v.sees(closeCreate) || !v.gone(op.DropletID) {
		return false
	}
	deleted := slices.ContainsFunc(v.deletes, func(o ledger.Op) bool { return o.DropletID == op.DropletID })
	return deleted || v.in.Now.Sub(op.Started) > min(vanishGrace, op.Deadline.Sub(op.Started))
}

func (v *view) listed(dropletID int) bool {
	return slices.ContainsFunc(v.members, func(m member) bool { return m.Droplet != nil && m.Droplet.ID == dropletID })
}

func (v *view) gone(dropletID int) bool { return slices.Contains(v.in.World.Gone, dropletID) }

// unseenOf returns how many open creates of the pool have no droplet to be seen yet.
func (v *view) unseenOf(pool string) int {
	n := 0
	for _, op := range v.creates {
		if op.Pool == pool && v.created(op) == nil {
			n++
		}
	}
	return n
}
