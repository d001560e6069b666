package maintenance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// Confirm says that the accepted revision's removals are meant, however many they are, and returns what to say of it. Another revision than the accepted
// one is an error: what it removes was not looked at.
func (c Cluster) Confirm(ctx context.Context, revision int) (said string, err error) {
	_, err = c.Store.Update(ctx, func(l *ledger.Ledger) error {
		return l.Apply(ledger.Moment{Now: time.Now()}, ledger.Confirm{Revision: revision})
	})
	if refused := (*apierr.Error)(nil); errors.As(err, &refused) && refused.Kind == apierr.Conflict {
		return "", fmt.Errorf("%w: swarmd status says what is held of that one; nothing was changed", refused.Err)
	}
	return fmt.Sprintf("the removals of revision %d are confirmed: what it does not have is removed at swarmd's next look", revision), err
}
