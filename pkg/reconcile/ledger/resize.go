package ledger

import (
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// Phase is how far a resize in place is, written before the phase is begun: what was tried cannot be seen.
type Phase string

// The phases of a resize, in their order.
const (
	Draining  Phase = "drain"  // its node is drained; the machine runs
	Stopping  Phase = "off"    // it was asked to shut down, or its power was cut
	Resizing  Phase = "resize" // the cloud was asked for the size, once
	Returning Phase = "on"     // it is powered on, whatever came of that
)

// Phases are all of them.
func Phases() []Phase { return []Phase{Draining, Stopping, Resizing, Returning} }

type (
	// OpenResize begins to resize a machine in place. It is refused while another operation is open on the machine, or another resize in its pool.
	OpenResize struct {
		OpID, Pool, Name, NodeID, From, To string
		DropletID                          int
	}
	// CutPower has the moment in which the power of the machine of an open delete or resize is cut. Without one it is refused.
	CutPower struct {
		DropletID int
	}
	// BeginResize begins the one request for the new size. It is refused unless the machine was stopped for it just before.
	BeginResize struct {
		OpID string
	}
	// NotResized: the request surely had no effect. One that came too early is made again, any other is not.
	NotResized struct {
		OpID string
	}
	// BeginReturn begins to power the machine on, once more if it was begun already.
	BeginReturn struct {
		OpID string
	}
)

func (c OpenResize) apply(l *Ledger, m Moment) error {
	if c.DropletID <= 0 || l.stops(c.DropletID) != nil || l.ByDroplet(Replace, c.DropletID) != nil {
		return refusef(apierr.Conflict, "another operation is open on droplet %d", c.DropletID)
	}
	if slices.ContainsFunc(l.Ops, func(op Op) bool { return op.Kind == Resize && op.Pool == c.Pool }) {
		return refusef(apierr.Conflict, "another machine of pool %s is being resized", c.Pool)
	}
	return l.open(Op{ID: c.OpID, Kind: Resize, Pool: c.Pool, Name: c.Name, DropletID: c.DropletID, NodeID: c.NodeID, Epoch: m.Epoch, Started: m.Now,
		From: c.From, To: c.To, Phase: Draining, Phased: m.Now})
}

func (c CutPower) apply(l *Ledger, m Moment) error {
	op := l.stops(c.DropletID)
	if op == nil {
		return refusef(apierr.Braked, "no operation that stops droplet %d is open", c.DropletID)
	}
	op.Epoch = m.Epoch
	op.stopping(m)
	return nil
}

func (c BeginResize) apply(l *Ledger, m Moment) error {
	op := l.ByID(c.OpID)
	if op == nil || op.Kind != Resize || op.Phase != Stopping {
		return refusef(apierr.Conflict, "operation %s has not stopped its machine to resize it", c.OpID)
	}
	op.enter(Resizing, m)
	return nil
}

func (c NotResized) apply(l *Ledger, m Moment) error {
	op := l.ByID(c.OpID)
	if op == nil || op.Kind != Resize || op.Phase != Resizing {
		return nil
	}
	switch m.Refused {
	case apierr.Busy, apierr.Braked, apierr.RateLimited, apierr.Conflict: // it was not sent, or came too early
		op.enter(Stopping, m)
		return nil
	}
	op.Failed, op.Returned = string(m.Refused), m.Now
	op.enter(Returning, m)
	op.Phased = time.Time{} // it was not powered on yet
	return nil
}

func (c BeginReturn) apply(l *Ledger, m Moment) error {
	op := l.ByID(c.OpID)
	if op == nil || op.Kind != Resize {
		return refusef(apierr.Conflict, "no resize %s is open", c.OpID)
	}
	if op.Returned.IsZero() {
		op.Returned = m.Now
	}
	op.enter(Returning, m)
	return nil
}

// enter begins a phase.
func (op *Op) enter(p Phase, m Moment) { op.Phase, op.Phased, op.Epoch = p, m.Now, m.Epoch }

// stopping begins the phase in which the machine of a resize goes off.
func (op *Op) stopping(m Moment) {
	if op.Kind == Resize {
		op.enter(Stopping, m)
	}
}

// stops returns the open operation that has the droplet stopped: its delete or its resize. Two are never open.
func (l *Ledger) stops(droplet int) *Op {
	if op := l.ByDroplet(Delete, droplet); op != nil {
		return op
	}
	return l.ByDroplet(Resize, droplet)
}
