package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// errUnreadable is in the chain of the error of an accepted revision that has faults: another version of swarmd, with other bounds, accepted it.
// It stays so: a revision's content never changes.
var errUnreadable = errors.New("cannot be read")

// load reads the accepted revision into l.want, if it is another one than before. If it is unreadable, l.want is the latest one before it that
// is not, and empty if there is none.
func (l *Loop) load(ctx context.Context, revision int) error {
	if revision == 0 { // a ledger that was begun anew
		l.want, l.unreadable = desired{}, unreadable{}
		return nil
	}
	if l.unreadable.revision == revision && l.want.spec != nil {
		return l.unreadable.err // it was tried, and l.want is the one before
	}
	err := l.loadOne(ctx, revision)
	if !errors.Is(err, errUnreadable) {
		return err
	}
	l.unreadable = unreadable{revision, err}
	for n := revision - 1; n > 0 && n > revision-ledger.Keep; n-- {
		if l.loadOne(ctx, n) == nil {
			return err
		}
	}
	l.want = desired{}
	return err
}

// unreadable is the accepted revision that was found unreadable last.
type unreadable struct {
	revision int // 0: none
	err      error
}

func (l *Loop) loadOne(ctx context.Context, revision int) error {
	rev, err := l.cfg.Store.Revision(ctx, revision)
	if err != nil {
		return err
	}
	want := desired{revision: revision, sha256: rev.SHA256, source: rev.Source}
	if want.spec, want.stack, err = l.read(revisionName(revision), rev.Data); err != nil {
		return fmt.Errorf("it %w: %w", errUnreadable, err)
	}
	l.want = want
	return nil
}

// isWanted reports whether l.want is that revision. The number alone does not say: in a store that was begun anew, numbers come again. A content
// that is gone changes nothing.
func (l *Loop) isWanted(ctx context.Context, revision int) bool {
	if revision != l.want.revision || revision == 0 {
		return revision == l.want.revision
	}
	rev, err := l.cfg.Store.Revision(ctx, revision)
	return err != nil || rev.SHA256 == l.want.sha256
}
