package bootstrap

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

// OtherFileError is that a cluster lives with another file than the one that is to be handed over.
type OtherFileError struct{ Text string }

func (e *OtherFileError) Error() string { return e.Text }

// Continues refuses, with an OtherFileError, to hand a file over to a cluster that lives with another one: a file of the same name for another purpose would become its
// next revision and take machines away, and bootstrap shows no plan. host is the DOCKER_HOST to look at it with. What swarmd itself is made of may differ: an image or a token is replaced so.
func Continues(ctx context.Context, store *ledger.Store, d *file.Document, path, host string) error {
	st, err := store.Look(ctx)
	if apierr.KindOf(err) == apierr.NotFound {
		return nil // there is no ledger yet; what else that can mean, the loop tells
	}
	if err != nil || st.Ledger.Revision == 0 {
		return err
	}
	number := st.Ledger.Revision
	accepted, err := store.Revision(ctx, number)
	if err != nil {
		return err
	}
	lives, _, err := file.Parse(fmt.Sprintf("revision %d", number), accepted.Data)
	if err == nil && sameButSwarmd(lives, d) {
		return nil
	}
	return &OtherFileError{fmt.Sprintf("cluster %s lives already, with revision %d (%s), and %s says something else; nothing was changed: "+
		"export DOCKER_HOST=%s, then swarmd plan -f %s shows the difference, and swarmd apply -f %s makes it the next revision",
		d.Cluster, number, accepted.Source, path, host, path, path)}
}

// sameButSwarmd reports whether two files want the same of everything but swarmd itself. Comments and spelling do not count.
func sameButSwarmd(a, b *file.Document) bool {
	x, y := *a, *b
	x.Swarmd, y.Swarmd = spec.Swarmd{}, spec.Swarmd{}
	return reflect.DeepEqual(x, y)
}

// AwaitHolder gives the swarmd on the first manager a minute to take the lease, so that it acts and this process only follows. If it does not come,
// that is no error: this process does the work, and who follows sees what is wrong.
func AwaitHolder(ctx context.Context, store *ledger.Store) error {
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		st, err := store.Look(ctx)
		if err == nil && st.Lease.Holder != "" {
			return nil
		}
		if err := clock.Sleep(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
