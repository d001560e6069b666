package ledger

import (
	"github.com/swarmd/swarmd/pkg/apierr"
)

// keyConfirmed is the label that has the number of the revision whose removals a person has confirmed.
const keyConfirmed = "swarmd.ledger.confirmed"

// Confirm says that the many removals of the accepted revision are meant. Another revision was accepted meanwhile: that is a Conflict.
type Confirm struct{ Revision int }

func (c Confirm) apply(l *Ledger, _ Moment) error {
	if c.Revision != l.Revision {
		return refusef(apierr.Conflict, "revision %d is the accepted one, not %d", l.Revision, c.Revision)
	}
	l.Confirmed = c.Revision
	return nil
}
