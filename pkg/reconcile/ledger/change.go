package ledger

import (
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// Change is one change of the ledger as data: what is written down before a call, or because of its answer. The set is sealed.
type Change interface {
	apply(l *Ledger, m Moment) error
}

// Moment is what a change is made under.
type Moment struct {
	Now     time.Time // by the managers' clock
	Epoch   uint64    // of the lease under which it is written
	Droplet int       // that the cloud's answer names; 0: none does

	Refused apierr.Kind // how the call was refused whose answer is written down; "": it was not
}

// Apply makes the changes: all of them, or none and an error, which leaves the ledger as it was.
func (l *Ledger) Apply(m Moment, changes ...Change) error {
	before := l.Clone()
	l.endPauses(m.Now)
	for _, c := range changes {
		err := c.apply(l, m)
		if err == nil && l.Size() > max(room(c), before.Size()) {
			err = refusef(apierr.Busy, "no room in the ledger, open operations must end first")
		}
		if err != nil {
			*l = before
			return err
		}
	}
	return nil
}

func refusef(kind apierr.Kind, format string, args ...any) error {
	return &apierr.Error{Kind: kind, Op: "write ledger", Err: fmt.Errorf(format, args...)}
}

// room is the size up to which a change may make the ledger grow. What begins something leaves room for what follows from it, and for
// what is remembered of services there is only half: hundreds of them can fail at once.
func room(c Change) int {
	switch c.(type) {
	case SetRollout:
		return MaxBytes / 2
	case OpenCreate, OpenDelete, OpenReplace, OpenResize, Pause:
		return MaxBytes * 3 / 4
	}
	return MaxBytes
}

type (
	// OpenCreate begins to make a droplet.
	OpenCreate struct {
		OpID, Pool, Name string
		Deadline         time.Time
		Token            string // Fingerprint of the worker token that its user-data has; "": it has none
	}
	// Created has the droplet of the cloud's answer in the create. Without an answer that names one nothing changes.
	Created struct {
		OpID string
	}
	// CancelCreate ends a create that surely made no droplet. One that is not open is no error.
	CancelCreate struct {
		OpID, Token string
	}
	// RecordDroplet has the droplet of a create, which was found by its tag.
	RecordDroplet struct {
		OpID      string
		DropletID int
	}
	// CloseOp ends an operation. One that is not open is no error.
	CloseOp struct {
		OpID string
	}
	// OpenReplace begins to have another machine take the place of one, which stays until that is there.
	OpenReplace struct {
		OpID, Pool, Name, NodeID, Reason string
		DropletID                        int
	}
	// OpenDelete begins to remove a machine. It spends the delete budget that accepted edits gave, one of the hour's repairs (of its retries if no
	// node was ever on it), or the one free delete of the hour. What was kept is not kept any more. It ends the machine's replacement, if one is open.
	OpenDelete struct {
		OpID, Pool, Name, NodeID string
		DropletID                int
		Budgeted, Repair, Keep   bool
		Most                     int // of a repair: how many of them an hour has, see RepairsAnHour and RetriesAnHour
	}
	// GoOnDelete records the epoch of the holder that goes on with an open delete. Without an open delete it is refused.
	GoOnDelete struct {
		DropletID int
	}
	// AskShutdown has the moment in which the machine of an open delete or resize is asked to shut down. Without one it is refused.
	AskShutdown struct {
		DropletID int
	}
	// NotAsked takes back a shutdown that was surely not asked for.
	NotAsked struct {
		DropletID int
	}
	// SetRollout sets Ledger.Rollouts[Service]; the zero value removes the entry.
	SetRollout struct {
		Service string
		RollOut RollOut
	}
	// BeginRotation begins to replace the worker token at a version of the swarm. It is refused while a create is open.
	BeginRotation struct {
		Version uint64
	}
	// NotRotated: at that version the token was surely not replaced.
	NotRotated struct {
		Version uint64
	}
)

func (c OpenCreate) apply(l *Ledger, m Moment) error {
	if err := l.mayBegin(c.Pool, m.Now); err != nil {
		return err
	}
	l.HandOut(c.Token)
	return l.open(Op{ID: c.OpID, Kind: Create, Pool: c.Pool, Name: c.Name, Epoch: m.Epoch, Started: m.Now, Deadline: c.Deadline})
}

func (c Created) apply(l *Ledger, m Moment) error {
	if op := l.ByID(c.OpID); op != nil && m.Droplet > 0 {
		op.DropletID = m.Droplet
	}
	return nil
}

func (c CancelCreate) apply(l *Ledger, _ Moment) error {
	if l.ByID(c.OpID) != nil {
		l.close(c.OpID)
		l.TakeBack(c.Token)
	}
	return nil
}

func (c RecordDroplet) apply(l *Ledger, _ Moment) error {
	op := l.ByID(c.OpID)
	if op == nil {
		return refusef(apierr.NotFound, "no operation %s is open", c.OpID)
	}
	op.DropletID = c.DropletID
	return nil
}

func (c CloseOp) apply(l *Ledger, _ Moment) error {
	l.close(c.OpID)
	return nil
}

func (c OpenDelete) apply(l *Ledger, m Moment) error {
	if err := l.mayBegin(c.Pool, m.Now); err != nil {
		return err
	}
	free, repairs, retries := withinTheHour(l.FreeDeletes, m.Now), withinTheHour(l.Repairs, m.Now), withinTheHour(l.Retries, m.Now)
	begun := &repairs
	if c.NodeID == "" {
		begun = &retries
	}
	switch {
	case c.Budgeted && c.Repair:
		return refusef(apierr.Invalid, "a delete is of the budget or a repair, not both")
	case c.Budgeted && l.DeleteBudget < 1:
		return refusef(apierr.Braked, "no accepted edit permits this delete")
	case c.Repair && len(*begun) >= max(c.Most, 1):
		return refusef(apierr.Braked, "%d repairs an hour, and as many were begun already", max(c.Most, 1))
	case !c.Budgeted && !c.Repair && len(free) > 0:
		return refusef(apierr.Braked, "one delete an hour without an accepted edit, and that was begun already")
	}
	if c.DropletID <= 0 || l.stops(c.DropletID) != nil {
		return refusef(apierr.Conflict, "droplet %d is being deleted or resized already", c.DropletID)
	}
	err := l.open(Op{ID: c.OpID, Kind: Delete, Pool: c.Pool, Name: c.Name, DropletID: c.DropletID, NodeID: c.NodeID, Epoch: m.Epoch, Started: m.Now,
		Budgeted: c.Budgeted, Repair: c.Repair, Keep: c.Keep})
	if err != nil {
		return err
	}
	if r := l.ByDroplet(Replace, c.DropletID); r != nil {
		l.close(r.ID)
	}
	switch {
	case c.Budgeted:
		l.DeleteBudget--
	case c.Repair:
		*begun = append(*begun, m.Now)
	default:
		free = append(free, m.Now)
	}
	l.FreeDeletes, l.Repairs, l.Retries = free, repairs, retries
	l.forgetKept(c.DropletID)
	return nil
}

func (c OpenReplace) apply(l *Ledger, m Moment) error {
	if c.DropletID <= 0 || l.stops(c.DropletID) != nil || l.ByDroplet(Replace, c.DropletID) != nil {
		return refusef(apierr.Conflict, "droplet %d leaves, is being resized or is being replaced already", c.DropletID)
	}
	return l.open(Op{ID: c.OpID, Kind: Replace, Pool: c.Pool, Name: c.Name, DropletID: c.DropletID, NodeID: c.NodeID, Epoch: m.Epoch, Started: m.Now, Reason: c.Reason})
}

// withinTheHour returns those of the times that the last hour has.
func withinTheHour(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return now.Sub(t) >= time.Hour })
}

func (c GoOnDelete) apply(l *Ledger, m Moment) error {
	op := l.ByDroplet(Delete, c.DropletID)
	if op == nil {
		return refusef(apierr.Braked, "no delete of droplet %d is open", c.DropletID)
	}
	op.Epoch = m.Epoch
	return nil
}

func (c AskShutdown) apply(l *Ledger, m Moment) error {
	if err := CutPower(c).apply(l, m); err != nil {
		return err
	}
	l.stops(c.DropletID).Shutdown = m.Now
	return nil
}

func (c NotAsked) apply(l *Ledger, _ Moment) error {
	if op := l.stops(c.DropletID); op != nil {
		op.Shutdown = time.Time{}
	}
	return nil
}

func (c SetRollout) apply(l *Ledger, _ Moment) error {
	if c.RollOut == (RollOut{}) {
		delete(l.Rollouts, c.Service)
		return nil
	}
	if _, known := l.Rollouts[c.Service]; !known && len(l.Rollouts) >= MaxRollouts {
		return refusef(apierr.Busy, "the roll-outs of %d services are remembered already", MaxRollouts)
	}
	put(&l.Rollouts, c.Service, c.RollOut)
	return nil
}

func (c BeginRotation) apply(l *Ledger, _ Moment) error {
	if l.Creates() {
		return refusef(apierr.Conflict, "a machine is being made, which is to join with the worker token as it is")
	}
	l.Rotate = c.Version
	return nil
}

func (c NotRotated) apply(l *Ledger, _ Moment) error {
	if c.Version != 0 && l.Rotate == c.Version {
		l.Rotate = 0
	}
	return nil
}

func (l *Ledger) open(op Op) error {
	if l.ByID(op.ID) != nil {
		return refusef(apierr.Conflict, "operation %s is open already", op.ID)
	}
	if len(l.Ops) >= MaxOps {
		return refusef(apierr.Busy, "%d operations are open already", MaxOps)
	}
	l.Ops = append(l.Ops, op)
	return nil
}

func (l *Ledger) close(id string) {
	l.Ops = slices.DeleteFunc(l.Ops, func(op Op) bool { return op.ID == id })
}

// ByID returns the open operation of that id, or nil.
func (l *Ledger) ByID(id string) *Op {
	for i := range l.Ops {
		if l.Ops[i].ID == id {
			return &l.Ops[i]
		}
	}
	return nil
}

// ByDroplet returns the first open operation of the kind on the droplet, or nil. No operation is on droplet 0.
func (l *Ledger) ByDroplet(kind OpKind, droplet int) *Op {
	for i := range l.Ops {
		if l.Ops[i].Kind == kind && droplet > 0 && l.Ops[i].DropletID == droplet {
			return &l.Ops[i]
		}
	}
	return nil
}
