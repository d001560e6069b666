package execute

import (
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// inLedger reports whether the step begins with a write to the ledger.
func inLedger(a plan.Action) bool {
	switch a.(type) {
	case plan.CreateDroplet, plan.ShutdownDroplet, plan.PowerOffDroplet, plan.DeleteDroplet, plan.RotateToken:
		return true
	}
	return ledgerOnly(a)
}

// ledgerOnly reports whether that write is all there is to the step.
func ledgerOnly(a plan.Action) bool {
	switch a.(type) {
	case plan.RecordDroplet, plan.CloseOp, plan.OpenDelete, plan.RecordRollout:
		return true
	}
	return false
}

// answersIntoLedger reports whether the call's answer is written down.
func answersIntoLedger(a plan.Action) bool {
	switch a.(type) {
	case plan.CreateDroplet, plan.ShutdownDroplet, plan.RotateToken:
		return true
	}
	return false
}

// writeIntents writes the intents of the steps in one compare-and-swap and returns each step's error.
func (e *Executor) writeIntents(r *run, steps []plan.Step) map[string]error {
	var errs map[string]error
	now := e.cfg.Wall()
	_, err := e.update(r, "intents", func(l *ledger.Ledger) error {
		errs = map[string]error{}
		if err := r.permit(); err != nil {
			return err
		}
		if err := l.Fence(r.order.Epoch); err != nil {
			return err
		}
		if l.Revision != r.order.Revision {
			return refusef(apierr.Conflict, "the plan follows revision %d, and revision %d is accepted", r.order.Revision, l.Revision)
		}
		for _, s := range steps {
			errs[s.ID] = amendWithin(l, s.Action, r.order.Epoch, now)
		}
		return nil
	})
	if err != nil {
		errs = map[string]error{}
		for _, s := range steps {
			errs[s.ID] = fmt.Errorf("write intent: %w", err)
		}
	}
	return errs
}

func (e *Executor) update(r *run, what string, change func(*ledger.Ledger) error) (ledger.Ledger, error) {
	leave, err := e.cfg.Gate.Enter(r.calls, "ledger/"+what)
	if err != nil {
		return ledger.Ledger{}, err
	}
	defer leave()
	return e.cfg.Ledger.Update(r.calls, change)
}

// amendWithin keeps the ledger below its size. A step for which there is no room is refused alone: in one write with others it would make
// them all fail, also those that end operations and make room.
func amendWithin(l *ledger.Ledger, a plan.Action, epoch uint64, now time.Time) error {
	before := l.Clone()
	err := amend(l, a, epoch, now)
	if err == nil && l.Size() > max(room(a), before.Size()) {
		err = refusef(apierr.Busy, "no room in the ledger, open operations must end first")
	}
	if err != nil {
		*l = before
	}
	return err
}

// room is the size up to which an action may make the ledger grow. What begins something leaves room for what follows from it, and for
// what is remembered of services there is only half: two hundred of them can fail at once.
func room(a plan.Action) int {
	switch a.(type) {
	case plan.RecordRollout:
		return ledger.MaxBytes / 2
	case plan.CreateDroplet, plan.OpenDelete:
		return ledger.MaxBytes * 3 / 4
	}
	return ledger.MaxBytes
}

// amend writes one step's intent into the ledger. An error leaves the ledger as it was and refuses that step alone.
func amend(l *ledger.Ledger, a plan.Action, epoch uint64, now time.Time) error {
	switch a := a.(type) {
	case plan.CreateDroplet:
		l.HandOut(a.Token)
		return addOp(l, ledger.Op{ID: a.OpID, Kind: ledger.Create, Pool: a.Pool, Name: a.Name, Epoch: epoch, Started: now, Deadline: a.Deadline})
	case plan.OpenDelete:
		return openDelete(l, a, epoch, now)
	case plan.RecordDroplet:
		op := findOp(l, a.OpID)
		if op == nil {
			return refusef(apierr.NotFound, "no operation %s is open", a.OpID)
		}
		op.DropletID = a.DropletID
	case plan.CloseOp:
		closeOp(l, a.OpID)
	case plan.RecordRollout:
		recordRollout(l, a)
	case plan.RotateToken:
		if l.Creates() {
			return refusef(apierr.Conflict, "a machine is being made, which is to join with the worker token as it is")
		}
		l.Rotate = a.Version
	case plan.ShutdownDroplet:
		return touchDelete(l, a.DropletID, epoch, func(op *ledger.Op) { op.Shutdown = now })
	case plan.PowerOffDroplet:
		return touchDelete(l, a.DropletID, epoch, func(*ledger.Op) {})
	case plan.DeleteDroplet:
		return touchDelete(l, a.DropletID, epoch, func(*ledger.Op) {})
	}
	return nil
}

// addOp opens an operation.
func addOp(l *ledger.Ledger, op ledger.Op) error {
	if findOp(l, op.ID) != nil {
		return refusef(apierr.Conflict, "operation %s is open already", op.ID)
	}
	l.Ops = append(l.Ops, op)
	return nil
}

// openDelete spends a permission to delete: one of those that accepted edits gave, or the one that each hour has.
func openDelete(l *ledger.Ledger, a plan.OpenDelete, epoch uint64, now time.Time) error {
	recent := slices.DeleteFunc(slices.Clone(l.Uncharged), func(t time.Time) bool { return now.Sub(t) >= time.Hour })
	if a.Credit && l.Credit < 1 {
		return refusef(apierr.Braked, "no accepted edit permits this delete")
	}
	if !a.Credit && len(recent) > 0 {
		return refusef(apierr.Braked, "one delete an hour without an accepted edit, and that was begun already")
	}
	if a.DropletID <= 0 || deleteOp(l, a.DropletID) != nil {
		return refusef(apierr.Conflict, "droplet %d is being deleted already", a.DropletID)
	}
	err := addOp(l, ledger.Op{ID: a.OpID, Kind: ledger.Delete, Pool: a.Pool, Name: a.Name, DropletID: a.DropletID, NodeID: a.NodeID,
		Epoch: epoch, Started: now, Credit: a.Credit})
	if err != nil {
		return err
	}
	l.Uncharged = recent
	if a.Credit {
		l.Credit--
	} else {
		l.Uncharged = append(l.Uncharged, now)
	}
	return nil
}

// touchDelete requires an open delete of the droplet and writes the holder's epoch into it.
func touchDelete(l *ledger.Ledger, droplet int, epoch uint64, change func(*ledger.Op)) error {
	op := deleteOp(l, droplet)
	if op == nil {
		return refusef(apierr.Braked, "no delete of droplet %d is open", droplet)
	}
	op.Epoch = epoch
	change(op)
	return nil
}

func recordRollout(l *ledger.Ledger, a plan.RecordRollout) {
	if a.Value == "" {
		delete(l.Rollouts, a.Service)
		return
	}
	if l.Rollouts == nil {
		l.Rollouts = map[string]string{}
	}
	l.Rollouts[a.Service] = a.Value
}

func findOp(l *ledger.Ledger, id string) *ledger.Op {
	for i := range l.Ops {
		if l.Ops[i].ID == id {
			return &l.Ops[i]
		}
	}
	return nil
}

func deleteOp(l *ledger.Ledger, droplet int) *ledger.Op {
	for i := range l.Ops {
		if l.Ops[i].Kind == ledger.Delete && droplet > 0 && l.Ops[i].DropletID == droplet {
			return &l.Ops[i]
		}
	}
	return nil
}

func closeOp(l *ledger.Ledger, id string) {
	l.Ops = slices.DeleteFunc(l.Ops, func(op ledger.Op) bool { return op.ID == id })
}

func refusef(kind apierr.Kind, format string, args ...any) error {
	return &apierr.Error{Kind: kind, Op: "write ledger", Err: fmt.Errorf(format, args...)}
}

// note is what the cloud answered to an operation.
type note struct {
	opID    string
	droplet int    // set: the droplet that was created
	close   bool   // the create surely had no effect
	token   string // of the token with which it was opened, the fingerprint
	unasked int    // the droplet of which the shutdown was surely not asked for

	unrotated uint64 // version of the swarm at which the worker token was surely not replaced
}

// writeNotes keeps the answers. If it fails nothing is lost: the droplet is found by its op tag, an operation without effect closes at
// its deadline, a shutdown that was not asked for ends in a power cut, and a rotation that was refused is asked for again.
func (e *Executor) writeNotes(r *run, notes []note) {
	_, _ = e.update(r, "answers", func(l *ledger.Ledger) error {
		if err := l.Fence(r.order.Epoch); err != nil {
			return err
		}
		for _, n := range notes {
			keep(l, n)
		}
		return nil
	})
}

func keep(l *ledger.Ledger, n note) {
	if n.close && findOp(l, n.opID) != nil {
		closeOp(l, n.opID)
		l.TakeBack(n.token)
	}
	if op := findOp(l, n.opID); op != nil && n.droplet > 0 {
		op.DropletID = n.droplet
	}
	if op := deleteOp(l, n.unasked); op != nil {
		op.Shutdown = time.Time{}
	}
	if n.unrotated != 0 && l.Rotate == n.unrotated {
		l.Rotate = 0
	}
}
