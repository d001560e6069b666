package explore

import (
	"context"
	"maps"
	"strconv"
	"sync/atomic"

	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// leaseMutants believe in who does not act.
func leaseMutants() []Mutant {
	return []Mutant{
		engines("lease-lives-for-ever", "P9: a lease that nobody renews is taken for a living one, and all for well", func(real brake.Engine) oddEngine {
			var looks atomic.Uint64
			return oddEngine{configs: func(ctx context.Context, prefix string) ([]swarm.Config, error) {
				all, err := real.Configs(ctx, prefix)
				for i := range all {
					if _, lease := all[i].Labels["swarmd.lease.holder"]; lease {
						all[i].Labels = maps.Clone(all[i].Labels)
						all[i].Labels["swarmd.lease.renewed"] = strconv.FormatUint(1000+looks.Add(1), 10)
					}
				}
				return all, err
			}}
		}),
	}
}
