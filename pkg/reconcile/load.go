package reconcile

import (
	"context"
	"errors"
	"fmt"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// faultyError is of an accepted revision that has faults: another version of swarmd, with other bounds, accepted it. It stays so: a revision's
// content never changes.
type faultyError struct{ error }

func (e faultyError) Unwrap() error { return e.error }

func isFaulty(err error) bool {
	var faulty faultyError
	return errors.As(err, &faulty)
}

// load reads the accepted revision into l.want, if it is another one than before. If it has faults, l.want is the latest one before it that has
// none, and empty if there is none.
func (l *Loop) load(ctx context.Context, revision int) error {
	if revision == 0 { // a ledger that was begun anew
		l.want, l.faulty = desired{}, faulty{}
		return nil
	}
	if l.faulty.revision == revision && l.want.spec != nil && l.isContent(ctx, revision, l.faulty.sha256) {
		return l.faulty.err // it was tried, and l.want is the one before
	}
	l.faulty = faulty{}
	accepted, err := l.revision(ctx, revision)
	if err == nil {
		l.want = accepted
		l.recorder.warnings(revision, l.reader.odd)
	}
	if !isFaulty(err) {
		return err
	}
	older, failed := l.before(ctx, revision)
	if failed != nil {
		return failed // the next look tries again
	}
	l.want, l.faulty = older, faulty{accepted, err}
	return err
}

// before returns the latest earlier revision that is there and has no faults; it is empty if there is none. A failed read says neither.
func (l *Loop) before(ctx context.Context, revision int) (desired, error) {
	for n := revision - 1; n > 0 && n > revision-ledger.Keep; n-- {
		older, err := l.revision(ctx, n)
		var call *apierr.Error
		switch {
		case err == nil:
			return older, nil
		case isFaulty(err), errors.As(err, &call) && (call.Kind == apierr.NotFound || call.Kind == apierr.Invalid):
		default:
			return desired{}, fmt.Errorf("revision %d: %w", n, err)
		}
	}
	return desired{}, nil
}

// faulty is the accepted revision while it has faults; its number is 0 else.
type faulty struct {
	desired
	err error
}

// accepted is the revision that a look found accepted, whether it has faults or not.
func (l *Loop) accepted(w world.World) desired {
	if known(w, world.GapRevision) {
		return l.want
	}
	return l.faulty.desired
}

// revision reads one revision. One that has faults is returned without a spec.
func (l *Loop) revision(ctx context.Context, revision int) (desired, error) {
	rev, err := l.cfg.Store.Revision(ctx, revision)
	if err != nil {
		return desired{}, err
	}
	want := desired{revision: revision, sha256: rev.SHA256, source: rev.Source, accepted: rev.Accepted}
	if want.spec, want.stack, err = l.read(revisionName(revision), rev.Data); err != nil {
		want.spec = nil
		return want, faultyError{err}
	}
	return want, nil
}

// isWanted reports whether l.want is that revision.
func (l *Loop) isWanted(ctx context.Context, revision int) bool {
	if revision != l.want.revision || revision == 0 {
		return revision == l.want.revision
	}
	return l.isContent(ctx, revision, l.want.sha256)
}

// isContent reports whether the revision has that content. The number alone does not say: in a store that was begun anew, numbers come again. A
// content that is gone changes nothing.
func (l *Loop) isContent(ctx context.Context, revision int, sha256 string) bool {
	rev, err := l.cfg.Store.Revision(ctx, revision)
	return err != nil || rev.SHA256 == sha256
}
