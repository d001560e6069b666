package ledger

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The labels of the lease's config.
const (
	keyHolder  = "swarmd.lease.holder"
	keyTerm    = "swarmd.lease.epoch"
	keyRenewed = "swarmd.lease.renewed"
)

// Node returns the id of the node whose swarmd holds the lease, "" if nobody does or the holder is no node's.
func (l Lease) Node() string {
	node, _, ok := strings.Cut(l.Holder, "/")
	if !ok {
		return ""
	}
	return node
}

func decodeLease(c swarm.Config) (Lease, error) {
	invalid := func(what string, err error) (Lease, error) {
		return Lease{}, failed("read lease", apierr.Invalid, fmt.Errorf("config %s is damaged: %s%s; remove it, and swarmd makes it again: docker config rm %s",
			c.Name, what, brief(err.Error()), c.Name)) // what is gone is taken above the ledger's epoch
	}
	if err := bounded(c.Labels); err != nil {
		return invalid("", err)
	}
	epoch, err := strconv.ParseUint(c.Labels[keyTerm], 10, 64)
	if err == nil && epoch >= maxEpoch {
		err = fmt.Errorf("no lease was taken %d times", epoch)
	}
	if err != nil {
		return invalid("label "+keyTerm+": ", err)
	}
	renewed, err := strconv.ParseUint(c.Labels[keyRenewed], 10, 64)
	if err != nil {
		return invalid("label "+keyRenewed+": ", err)
	}
	if n := len(c.Labels[keyHolder]); n > maxShown {
		return invalid("label "+keyHolder+": ", fmt.Errorf("%d bytes, at most %d", n, maxShown))
	}
	return Lease{Holder: c.Labels[keyHolder], Epoch: epoch, Renewed: renewed, Version: c.Version}, nil
}

// maxEpoch is more than any lease gets to.
const maxEpoch = halt / 2

func encodeLease(l Lease, onto map[string]string) map[string]string {
	out := maps.Clone(onto)
	out[keyHolder] = l.Holder
	out[keyTerm] = strconv.FormatUint(l.Epoch, 10)
	out[keyRenewed] = strconv.FormatUint(l.Renewed, 10)
	return out
}

// setLease is one compare-and-swap of the lease, or its creation if from is zero.
func (s *Store) setLease(ctx context.Context, from, to Lease) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.unlock()
	if from == (Lease{}) {
		return s.create(ctx, s.leaseName(), encodeLease(to, clusterLabels(s.cluster)), nil)
	}
	cur, err := s.object(ctx, s.leaseName())
	if err != nil {
		return err
	}
	if cur.Version != from.Version {
		return failed("write lease", apierr.Conflict, fmt.Errorf("version %d, want %d", cur.Version, from.Version))
	}
	return s.write(ctx, cur, encodeLease(to, cur.Labels))
}

// Fence refuses the write of a holder whose lease another one has taken since. It belongs into every change that a holder makes.
func (l *Ledger) Fence(epoch uint64) error {
	if l.Epoch == epoch {
		return nil
	}
	if Halted(l.Epoch) {
		return failed("write ledger", apierr.Conflict, fmt.Errorf("swarmd was told to stop by a destroy"))
	}
	return failed("write ledger", apierr.Conflict, fmt.Errorf("the lease is at epoch %d, ours is %d", l.Epoch, epoch))
}

// takeFence makes every older holder's write fail from now on, and makes the ledger if there is none yet.
func (s *Store) takeFence(ctx context.Context, clusterID string, epoch uint64) error {
	if err := s.Create(ctx, clusterID, epoch); err != nil {
		return err
	}
	_, err := s.Update(ctx, func(l *Ledger) error {
		if l.Epoch > epoch {
			return l.Fence(epoch)
		}
		l.Epoch = epoch
		return nil
	})
	return err
}
