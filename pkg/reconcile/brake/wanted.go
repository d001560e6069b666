package brake

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Parser reads an accepted file, see file.Parse.
type Parser func(name string, data []byte) (*spec.Spec, error)

func parse(name string, data []byte) (*spec.Spec, error) {
	d, _, err := file.Parse(name, data)
	if err != nil {
		return nil, err
	}
	return &d.Spec, nil
}

var errNothingAccepted = errors.New("no revision is accepted that says how many managers are wanted")

// wanted is how many managers the accepted revision wants, read from the store now: what a planner says that it wants counts for nothing.
func (b *brakes) wanted(ctx context.Context) (int, error) {
	name := b.ledgerName()
	configs, err := b.opts.Engine.Configs(ctx, name)
	if err != nil {
		return 0, err
	}
	i := slices.IndexFunc(configs, func(c swarm.Config) bool { return c.Name == name })
	if i < 0 {
		return 0, errNothingAccepted
	}
	l, _, err := ledger.Decode(configs[i].Labels)
	if err != nil {
		return 0, err
	}
	revision := ledger.RevisionName(b.opts.Cluster, l.Revision)
	i = slices.IndexFunc(configs, func(c swarm.Config) bool { return c.Name == revision })
	if i < 0 {
		return 0, errNothingAccepted
	}
	s, err := b.opts.Parse(revision, configs[i].Data)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", revision, err)
	}
	n := 0
	for _, p := range s.Pools {
		if p.Role == string(swarm.Manager) {
			n += p.Count
		}
	}
	return n, nil
}

// enoughWithout refuses the loss of members that are reachable if fewer would be left than the accepted revision wants.
func (b *brakes) enoughWithout(ctx context.Context, side, op string, nodes []swarm.Node, lost []string) error {
	left, losing := 0, false
	for _, n := range nodes {
		switch {
		case n.Manager == nil || !b.up(n):
		case slices.Contains(lost, n.ID):
			losing = true
		default:
			left++
		}
	}
	if !losing {
		return nil
	}
	wanted, err := b.wanted(ctx)
	if err != nil {
		return b.refuse(View, side, op, "the accepted revision could not be looked at first: %w", opaque(err))
	}
	if left < wanted {
		return b.refuse(Quorum, side, op, "%d managers would be left, and the accepted revision wants %d", left, wanted)
	}
	return nil
}
