package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Erase removes the whole record of a cluster that was halted, the ledger last, so that an Erase that ends early can be run again. Whether a removal
// whose answer was lost had its effect is found out by a look.
func (s *Store) Erase(ctx context.Context) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	if err := s.read(ctx); err != nil {
		return err
	}
	if st, err := s.state(); err != nil {
		return err
	} else if !Halted(st.Ledger.Epoch) {
		return failed("erase store", apierr.Conflict, fmt.Errorf("config %s is not halted", s.ledgerName()))
	}
	var all []swarm.Config
	for _, c := range s.seen {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b swarm.Config) int { // the ledger's name is the beginning of all others
		return -cmp.Compare(a.Name, b.Name)
	})
	for _, c := range all {
		err := s.configs.RemoveConfig(ctx, c.ID)
		if err == nil || apierr.KindOf(err) == apierr.NotFound {
			continue
		}
		if s.read(ctx) != nil || s.seen[c.Name].ID == c.ID {
			return fmt.Errorf("remove config %s: %w", c.Name, err)
		}
	}
	s.seen = nil
	return nil
}
