package brake

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// allowance is how many deletes an hour has that no accepted edit permits.
const allowance = 1

// deleteLog is what the deletes are counted by. It trusts the ledger's own count of permissions only as far as that grew by an
// accepted edit, which is a new revision: a planner can open operations, it cannot make permissions.
type deleteLog struct {
	known     bool
	revision  int
	permitted int               // permissions that are left: not begun, or begun and open
	uncharged map[int]time.Time // deletes let through without a permission: droplet id → when
}

// deletable says why the droplet must not be deleted, nil if it may be.
func (b *brakes) deletable(ctx context.Context, op string, d cloud.Droplet) error {
	if slices.Contains(b.opts.Destroy, d.ID) {
		return nil
	}
	if why, err := b.managersOn(ctx, d); err != nil {
		return b.refuse(View, cloudSide, op, "the nodes could not be looked at first: %w", unkind(err))
	} else if len(why) > 0 {
		return b.refuse(Quorum, cloudSide, op, "droplet %d carries the manager %s", d.ID, why[0])
	}
	if b.opts.Ledger == nil {
		return b.refuse(Deletes, cloudSide, op, "there is no ledger that could permit it")
	}
	l, err := b.opts.Ledger(ctx)
	if err != nil {
		return b.refuse(View, cloudSide, op, "the ledger could not be read first: %w", unkind(err))
	}
	if why := b.countDelete(l, d.ID, time.Now()); why != "" {
		return b.refuse(Deletes, cloudSide, op, "droplet %d: %s", d.ID, why)
	}
	return nil
}

// countDelete says why the ledger does not permit the delete; "" if it does, and then the delete counts as done.
func (b *brakes) countDelete(l ledger.Ledger, id int, now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if why := b.deletes.learn(l); why != "" {
		return why
	}
	op := openDelete(l, id)
	if op == nil {
		return "no operation to delete it is open"
	}
	if op.Credit {
		return ""
	}
	return b.deletes.uncharge(l, id, now)
}

// baseline reads the ledger once, early, so that permissions that appear later are told from those that were there. A failure is
// none of the caller's: the delete that needs it will say so.
func (b *brakes) baseline(ctx context.Context) {
	b.mu.Lock()
	known := b.deletes.known
	b.mu.Unlock()
	if known || b.opts.Ledger == nil {
		return
	}
	if l, err := b.opts.Ledger(ctx); err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.deletes.learn(l)
	}
}

// learn takes in the ledger. Permissions that appear without a new revision were not given by anybody.
func (g *deleteLog) learn(l ledger.Ledger) string {
	permitted := l.Credit
	for _, op := range l.Ops {
		if op.Kind == ledger.Delete && op.Credit {
			permitted++
		}
	}
	switch {
	case g.known && l.Revision < g.revision:
		return fmt.Sprintf("the ledger went back from revision %d to %d", g.revision, l.Revision)
	case g.known && l.Revision == g.revision && permitted > g.permitted:
		return fmt.Sprintf("%d deletes are permitted where %d were left, without a new revision", permitted, g.permitted)
	}
	g.known, g.revision, g.permitted = true, l.Revision, permitted
	return ""
}

// uncharge counts a delete against the hour's allowance: as the ledger has it, and as it was let through here. The same droplet
// again is the same delete.
func (g *deleteLog) uncharge(l ledger.Ledger, id int, now time.Time) string {
	begun := 0
	for _, t := range l.Uncharged {
		if now.Sub(t) < time.Hour {
			begun++
		}
	}
	others := 0
	for other, t := range g.uncharged {
		switch {
		case now.Sub(t) >= time.Hour:
			delete(g.uncharged, other)
		case other != id:
			others++
		}
	}
	if begun > allowance || others >= allowance {
		return fmt.Sprintf("%d in an hour without an accepted edit is the most", allowance)
	}
	if g.uncharged == nil {
		g.uncharged = map[int]time.Time{}
	}
	if _, again := g.uncharged[id]; !again {
		g.uncharged[id] = now
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
