package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// letGoOn takes haltSwarmd back when destroy has ended early, and says how to go on. After that, swarmd is not stopped for good by a destroy
// that deleted nothing, or not all. ctx may have ended.
func (a *app) letGoOn(ctx context.Context, cluster, file string, ended error) {
	if ended == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	switch err := a.resume(ctx, cluster); {
	case err == nil:
		printf(a.out, "destroy ended early: swarmd goes on; to finish: swarmd destroy -f %s\n", file)
	case apierr.KindOf(err) == apierr.NotFound: // there is no ledger, so there is no fence
	default:
		printf(a.out, "destroy ended early, and swarmd could not be told to go on (%s); to finish: swarmd destroy -f %s; to let it go on: swarmd destroy -f %s --resume\n",
			a.redact(err.Error()), file, file)
	}
}

// resumeSwarmd is destroy --resume.
func (a *app) resumeSwarmd(ctx context.Context, cluster string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := a.resume(ctx, cluster); err != nil {
		return err
	}
	printf(a.out, "swarmd of cluster %s may go on; swarmd status shows whether one acts\n", cluster)
	return nil
}

func (a *app) resume(ctx context.Context, cluster string) error {
	asm, err := a.assemble(cluster, zap.NewNop(), false)
	if err != nil {
		return err
	}
	defer asm.close()
	return asm.store.Resume(ctx)
}
