package reconcile

import (
	"fmt"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
)

// A swarm has one cluster that owns its nodes. Any other that is begun there, on purpose, has services, configs and networks of its own and no
// nodes: two that count managers would each bring their number to what their own file wants, and there is one quorum.

// UnfitError is why a file without faults cannot be a revision of this cluster.
type UnfitError struct{ Text string }

func (e *UnfitError) Error() string { return e.Text }

// fits returns an *UnfitError for a file with pools where the cluster owns no nodes, and for one without where it owns them.
func fits(l ledger.Ledger, s *spec.Spec) error {
	switch {
	case l.ServicesOnly && len(s.Pools) > 0:
		return &UnfitError{fmt.Sprintf("nodes: cluster %s was begun with --new-cluster and has services only, since a swarm's nodes are one cluster's: "+
			"take nodes out of the file", s.Cluster)}
	case !l.ServicesOnly && len(s.Pools) == 0:
		return &UnfitError{fmt.Sprintf("nodes: is missing, and cluster %s has nodes: put it back into the file; only a cluster that was begun with --new-cluster has none", s.Cluster)}
	}
	return nil
}

// maySideBySide is asked before the ledger is made, with the ledgers of other clusters. A *NotBegunError says why it must not be.
func (l *Loop) maySideBySide(others []ledger.Other, swarmID string) error {
	pools, known := 0, l.cfg.Beginning != nil
	if known {
		pools = len(l.cfg.Beginning.Pools)
	}
	switch owner := ownerOf(others, swarmID); {
	case l.cfg.NewCluster && pools > 0:
		return &NotBegunError{fmt.Sprintf("nodes: --new-cluster begins a cluster that has services only, since a swarm's nodes are one cluster's%s: take nodes out of the file",
			ownedBy(owner))}
	case l.cfg.NewCluster:
		return nil
	case owner != nil && owner.Damaged:
		return &NotBegunError{fmt.Sprintf("this swarm is the cluster %s, whose ledger cannot be read: swarmd status --cluster %s says more", owner.Cluster, owner.Cluster)}
	case owner != nil:
		return &NotBegunError{fmt.Sprintf("this swarm is the cluster %s (revision %d): a cluster's name cannot change, keep that name in the file; "+
			"if nothing of it is there any more, remove the config swarmd.%s first; "+
			"for one more cluster in this swarm, with services of its own and no nodes: a file without nodes, and --new-cluster", owner.Cluster, owner.Ledger.Revision, owner.Cluster)}
	case known && pools == 0:
		return &NotBegunError{fmt.Sprintf("nodes: is missing: name the machines in the file, or say --new-cluster for a cluster %s that has services only", l.cfg.Cluster)}
	}
	return nil
}

// ownerOf returns the other cluster that owns the swarm's nodes, nil if none does.
func ownerOf(others []ledger.Other, swarmID string) *ledger.Other {
	for i := range others {
		if others[i].Owns(swarmID) {
			return &others[i]
		}
	}
	return nil
}

func ownedBy(owner *ledger.Other) string {
	if owner == nil {
		return ""
	}
	return ", and here they are " + owner.Cluster + "'s"
}
