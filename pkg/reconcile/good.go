package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// good reads what older revisions say of the services that are to go back to it, and of which the engine has lost that. A revision that is gone or that
// has faults says nothing; one that cannot be read at the moment is an error, because without it a roll-out would be written straight over.
func (l *Loop) good(ctx context.Context, stack swarm.Stack, w world.World) (map[string]swarm.ServiceSpec, error) {
	if !known(w, world.GapRevision) {
		stack = swarm.Stack{} // nothing of it is begun
	}
	out, lost := map[string]swarm.ServiceSpec{}, plan.LostGood(stack, w.Services, l.memory.rolls.seen())
	byRevision := slices.SortedFunc(maps.Keys(lost), func(a, b string) int { return cmp.Or(cmp.Compare(lost[a], lost[b]), cmp.Compare(a, b)) })
	for _, name := range byRevision { // so that each revision is read once
		older, err := l.older(ctx, lost[name])
		if err != nil {
			return nil, fmt.Errorf("service %s: what ran before: %w", name, err)
		}
		for _, s := range older.stack.Services {
			if s.Name == name && s.Labels[swarm.LabelCluster] == l.cfg.Cluster {
				out[name] = s
			}
		}
	}
	return out, nil
}

// older is an earlier revision, read once as long as it is the one that is asked for; empty if it is gone or has faults.
func (l *Loop) older(ctx context.Context, n int) (desired, error) {
	if l.earlier.revision == n && !unopened(l.earlier.stack) && l.isContent(ctx, n, l.earlier.sha256) {
		return l.earlier, nil
	}
	d, err := l.revision(ctx, n)
	var call *apierr.Error
	switch {
	case err == nil:
		l.earlier = d
	case isFaulty(err):
		l.earlier = desired{revision: n, sha256: d.sha256} // it is not parsed again at each look
		return l.earlier, nil
	case errors.As(err, &call) && (call.Kind == apierr.NotFound || call.Kind == apierr.Invalid):
		return desired{}, nil
	}
	return d, err
}
