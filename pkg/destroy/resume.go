package destroy

import (
	"context"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// letGoOn takes haltSwarmd back when destroy has ended early, and says how to go on. After that, swarmd is not stopped for good by a destroy
// that deleted nothing, or not all. ctx may have ended.
func (r *Run) letGoOn(ctx context.Context, file string, ended error) {
	if ended == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	switch err := r.resume(ctx); {
	case err == nil:
		r.Say("destroy ended early: swarmd goes on; to finish: swarmd destroy -f %s\n", file)
	case apierr.KindOf(err) == apierr.NotFound: // there is no ledger, so there is no fence
	default:
		r.Say("destroy ended early, and swarmd could not be told to go on (%s); to finish: swarmd destroy -f %s; to let it go on: swarmd destroy -f %s --resume\n",
			r.Redact(err.Error()), file, file)
	}
}

// Resume lets swarmd go on after a destroy that was cut short, and deletes nothing.
func (r *Run) Resume(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := r.resume(ctx); err != nil {
		return err
	}
	r.Say("swarmd of cluster %s may go on; swarmd status shows whether one acts\n", r.Spec.Cluster)
	return nil
}

func (r *Run) resume(ctx context.Context) error {
	asm, err := r.Connect()
	if err != nil {
		return err
	}
	defer asm.Close()
	return asm.Store.Resume(ctx)
}
