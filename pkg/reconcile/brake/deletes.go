package brake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// freeAnHour is how many deletes an hour has outside of the delete budget.
const freeAnHour = 1

// deleteLog is what the deletes are counted by. It trusts the ledger's own delete budget only as far as that grew by an accepted edit, which is a
// new revision, because a planner can open operations and cannot give itself a budget.
type deleteLog struct {
	config   string // id of the ledger's config, "" if it was not read yet
	known    bool
	revision int
	budget   int               // deletes of this revision, spent or not, as far as they were not seen to lapse
	spent    map[int]bool      // droplets whose delete was let through by the budget
	free     map[int]time.Time // deletes let through outside of the budget: droplet id → when
	repairs  map[int]repaired  // the same of repairs

	last    ledger.Ledger // as it was seen last
	version uint64        // of its config; 0: not known, it was written since
}

// deletable says why the droplet must not be deleted, nil if it may be.
func (b *brakes) deletable(ctx context.Context, op string, d cloud.Droplet) error {
	if slices.Contains(b.opts.Destroy, d.ID) {
		return nil
	}
	if len(d.Volumes) > 0 {
		return b.refuse(Deletes, cloudSide, op, "droplet %d has volumes attached", d.ID)
	}
	if err := b.lifeless(ctx, op, d); err != nil {
		return err
	}
	if b.opts.Ledger == nil {
		return b.refuse(Deletes, cloudSide, op, "there is no ledger that could permit it")
	}
	l, err := b.opts.Ledger(ctx)
	if err != nil {
		return b.refuse(View, cloudSide, op, "the ledger could not be read first: %w", opaque(err))
	}
	if why := b.countDelete(l, d.ID, b.opts.Wall(), time.Now()); why != "" {
		return b.refuse(Deletes, cloudSide, op, "droplet %d: %s", d.ID, why)
	}
	return nil
}

// lifeless is an error unless no manager and no node that is not down is on the droplet, by a look of the brake's own.
func (b *brakes) lifeless(ctx context.Context, op string, d cloud.Droplet) error {
	switch manager, living, err := b.nodesOn(ctx, d); {
	case err != nil:
		return b.refuse(View, cloudSide, op, "the nodes could not be looked at first: %w", opaque(err))
	case manager != "":
		return b.refuse(Quorum, cloudSide, op, "droplet %d carries the manager %s", d.ID, manager)
	case living != "":
		return b.refuse(Joined, cloudSide, op, "droplet %d carries the node %s, which is not down", d.ID, living)
	}
	return nil
}

// countDelete says why the ledger does not permit the delete; "" if it does, and then the delete counts as done.
func (b *brakes) countDelete(l ledger.Ledger, id int, wall, now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if why := b.deletes.learn(l); why != "" {
		return why
	}
	op := openDelete(l, id)
	if op == nil {
		return "no operation to delete it is open"
	}
	switch {
	case op.Budgeted:
		b.deletes.spend(id)
		return ""
	case op.Repair:
		return b.spendRepair(l, *op, wall, now)
	}
	return b.deletes.spendFree(l, id, wall, now)
}

func (b *brakes) ledgerName() string { return ledger.Name(b.opts.Cluster) }

func (b *brakes) isLedger(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return id != "" && id == b.deletes.config
}

// learn takes in a ledger that was read or written through the brakes; c is its config as it was read, zero if it was written. It is false for
// one that went back to an earlier revision. A config with another id is another ledger, begun anew by a person, because nobody removes one
// through the brakes; the deletes of the last hour count on.
func (b *brakes) learn(l ledger.Ledger, c swarm.Config) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.deletes.config; c.ID != "" && c.ID != known {
		if known != "" {
			b.deletes = deleteLog{free: b.deletes.free, repairs: b.deletes.repairs}
		}
		b.deletes.config = c.ID
	}
	if b.deletes.learn(l) == "" {
		b.deletes.last, b.deletes.version = l, c.Version
	}
	return !b.deletes.known || l.Revision >= b.deletes.revision
}

// contradicts says what is wrong with a ledger that is to be written over the one of that version; "" if nothing is.
func (b *brakes) contradicts(l ledger.Ledger, version uint64, wall time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := &b.deletes
	if why := g.contradicts(l, g.count(l)); why != "" {
		return why
	}
	if !g.known || version < g.version {
		return "" // it was not read through these brakes, or the engine refuses the write
	}
	return g.forged(l, wall)
}

// learn takes in the ledger, unless it contradicts what is known.
func (g *deleteLog) learn(l ledger.Ledger) string {
	total := g.count(l)
	if why := g.contradicts(l, total); why != "" {
		return why
	}
	if l.Revision > g.revision {
		open := budgeted(l)
		maps.DeleteFunc(g.spent, func(id int, _ bool) bool { return open[id] == 0 })
		total = g.count(l)
	}
	g.known, g.revision, g.budget = true, l.Revision, total
	return ""
}

// count is how large the budget was: not begun, begun and open, spent and closed.
func (g *deleteLog) count(l ledger.Ledger) int {
	total, open := l.DeleteBudget, budgeted(l)
	for _, n := range open {
		total += n
	}
	for id := range g.spent {
		if open[id] == 0 {
			total++
		}
	}
	return total
}

// budgeted counts the open deletes of the budget, by droplet.
func budgeted(l ledger.Ledger) map[int]int {
	open := map[int]int{}
	for _, op := range l.Ops {
		if op.Kind == ledger.Delete && op.Budgeted {
			open[op.DropletID]++
		}
	}
	return open
}

// contradicts says what is wrong with a budget that grew without a new revision, which nobody gave, or with a revision that went back.
func (g *deleteLog) contradicts(l ledger.Ledger, total int) string {
	switch {
	case g.known && l.Revision < g.revision:
		return fmt.Sprintf("it went back from revision %d to %d", g.revision, l.Revision)
	case g.known && l.Revision == g.revision && total > g.budget:
		return fmt.Sprintf("%d deletes are permitted where %d were, without a new revision", total, g.budget)
	}
	return ""
}

// forged says what a write adds to the ledger that nobody gave. Every swarmd reads what the others have spent only here: so a budgeted
// delete whose operation is closed is spent, a free one is counted when it is opened, and it counts until its hour is over.
func (g *deleteLog) forged(l ledger.Ledger, wall time.Time) string {
	was, is := deletesOf(g.last), deletesOf(l)
	closed, opened, repairs, retries := 0, 0, 0, 0
	for id, op := range was {
		if _, still := is[id]; op.Budgeted && !still {
			closed++
		}
	}
	for id, op := range is {
		before, known := was[id]
		switch {
		case !known && op.Repair && op.NodeID == "":
			retries++
		case !known && op.Repair:
			repairs++
		case !known && !op.Budgeted:
			opened++
		case known && (before.Budgeted != op.Budgeted || before.Repair != op.Repair || op.Repair && before.NodeID != op.NodeID || before.DropletID != op.DropletID):
			return fmt.Sprintf("operation %s became another one", id)
		}
	}
	if have, left := budget(l), budget(g.last)-closed; l.Revision == g.revision && have > left {
		return fmt.Sprintf("%d deletes are permitted where %d are left, without a new revision", have, left)
	}
	if counted, due := recent(l.FreeDeletes, wall), recent(g.last.FreeDeletes, wall)+opened; counted < due || opened > 0 && counted > freeAnHour {
		return fmt.Sprintf("%d deletes without an accepted edit are charged to the hour; %d are due, and %d is the most", counted, due, freeAnHour)
	}
	if counted, due := recent(l.Repairs, wall), recent(g.last.Repairs, wall)+repairs; counted < due {
		return fmt.Sprintf("%d repairs are charged to the hour, %d are due", counted, due)
	}
	if counted, due := recent(l.Retries, wall), recent(g.last.Retries, wall)+retries; counted < due {
		return fmt.Sprintf("%d machines that never joined are charged to the hour, %d are due", counted, due)
	}
	for _, k := range l.Kept {
		if g.last.ByDroplet(ledger.Delete, k.DropletID) == nil && g.last.KeptDroplet(k.DropletID) == nil {
			return fmt.Sprintf("droplet %d is kept, and no delete of it was open", k.DropletID)
		}
	}
	return ""
}

// deletesOf returns the open deletes by their operation's id.
func deletesOf(l ledger.Ledger) map[string]ledger.Op {
	ops := map[string]ledger.Op{}
	for _, op := range l.Ops {
		if op.Kind == ledger.Delete {
			ops[op.ID] = op
		}
	}
	return ops
}

// budget counts the deletes of the budget that were not begun, and those that are open.
func budget(l ledger.Ledger) int {
	n := l.DeleteBudget
	for _, open := range budgeted(l) {
		n += open
	}
	return n
}

// recent counts the times of the last hour.
func recent(times []time.Time, now time.Time) (n int) {
	for _, t := range times {
		if now.Sub(t) < time.Hour {
			n++
		}
	}
	return n
}

// spend counts a delete of the budget.
func (g *deleteLog) spend(id int) {
	if g.spent == nil {
		g.spent = map[int]bool{}
	}
	g.spent[id] = true
}

// spendFree counts a free delete of the hour twice: as the ledger has it, by the clock on the wall, and as it was let through here, by a clock that
// nobody sets. The same droplet again is the same delete.
func (g *deleteLog) spendFree(l ledger.Ledger, id int, wall, now time.Time) string {
	begun, others := recent(l.FreeDeletes, wall), 0
	for other, t := range g.free {
		switch {
		case now.Sub(t) >= time.Hour:
			delete(g.free, other)
		case other != id:
			others++
		}
	}
	if begun > freeAnHour || others >= freeAnHour {
		return fmt.Sprintf("%d in an hour without an accepted edit is the most", freeAnHour)
	}
	if g.free == nil {
		g.free = map[int]time.Time{}
	}
	if _, again := g.free[id]; !again {
		g.free[id] = now
	}
	return ""
}

// openDelete returns the open operation to delete the droplet, if there is exactly one.
func openDelete(l ledger.Ledger, id int) *ledger.Op {
	var found *ledger.Op
	for i := range l.Ops {
		if op := &l.Ops[i]; op.Kind == ledger.Delete && op.DropletID == id {
			if found != nil {
				return nil
			}
			found = op
		}
	}
	return found
}
