package brake

import (
	"context"
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Swarm is the swarm's side behind the brakes. What it does not hold passes through. It is safe for concurrent use.
type Swarm struct {
	engine
	brakes *brakes
}

// engine has no name outside, so that nobody reaches past the brakes.
type engine Engine

var _ Engine = (*Swarm)(nil)

// Nodes lists the nodes.
func (s *Swarm) Nodes(ctx context.Context) ([]swarm.Node, error) {
	nodes, err := s.engine.Nodes(ctx)
	if err == nil {
		s.brakes.observeNodes(nodes)
	}
	return nodes, err
}

// Cluster returns the swarm as a whole; its id is taken note of.
func (s *Swarm) Cluster(ctx context.Context) (swarm.Cluster, error) {
	c, err := s.engine.Cluster(ctx)
	if err == nil {
		s.brakes.observeSwarm(c)
	}
	return c, err
}

// UpdateNode replaces a node's spec. A demotion passes only if the other managers keep their majority and are as many as wanted.
func (s *Swarm) UpdateNode(ctx context.Context, id string, version uint64, spec swarm.NodeSpec) error {
	const op = "update node"
	if err := s.brakes.nodeIsOurs(op, id, spec); err != nil {
		return err
	}
	if !s.mayDemote(id, version, spec) {
		return s.engine.UpdateNode(ctx, id, version, spec)
	}
	done, err := s.brakes.takeTurn(ctx, swarmSide, op, id)
	if err != nil {
		return err
	}
	defer done()
	nodes, err := s.brakes.look(ctx)
	if err != nil {
		return s.brakes.refuse(View, swarmSide, op, "the nodes could not be looked at first: %w", opaque(err))
	}
	if why := s.brakes.demotable(nodes, id); why != "" {
		return s.brakes.refuse(Quorum, swarmSide, op, "%s stays a manager: %s", id, why)
	}
	if err := s.brakes.enoughWithout(ctx, swarmSide, op, nodes, []string{id}); err != nil {
		return err
	}
	if err := permitted(ctx); err != nil {
		return err
	}
	err = s.engine.UpdateNode(ctx, id, version, spec)
	if member(nodes, id) && mayHaveHappened(err) {
		s.brakes.disrupt(id)
	}
	return err
}

func member(nodes []swarm.Node, id string) bool {
	return slices.ContainsFunc(nodes, func(n swarm.Node) bool { return n.ID == id && n.Manager != nil })
}

// mayDemote reports whether the update could take a manager's role away. It surely does not if it makes a manager, or if the node was
// a worker at the very version that the update names: at any other version the engine refuses it.
func (s *Swarm) mayDemote(id string, version uint64, spec swarm.NodeSpec) bool {
	if spec.Role == swarm.Manager {
		return false
	}
	s.brakes.mu.Lock()
	defer s.brakes.mu.Unlock()
	n, ok := s.brakes.nodes[id]
	return !ok || n.Version != version || n.Spec.Role != swarm.Worker
}

// Configs lists configs; the ledger among them is taken note of. One that went back to an earlier revision is not shown: whoever acted by it
// would be refused each write, and say that all is well.
func (s *Swarm) Configs(ctx context.Context, prefix string) ([]swarm.Config, error) {
	found, err := s.engine.Configs(ctx, prefix)
	if err != nil {
		return found, err
	}
	for _, c := range found {
		if l, _, err := ledger.Decode(c.Labels); err == nil && c.Name == s.brakes.ledgerName() && !s.brakes.learn(l, c) {
			return nil, s.brakes.refuse(Deletes, swarmSide, "list configs", "config %s went back to revision %d: was the swarm restored from a backup? "+
				"if it is to go on from there, restart swarmd: docker service update --force swarmd-%s, or systemctl restart swarmd on each manager",
				c.Name, l.Revision, s.brakes.opts.Cluster)
		}
	}
	return found, nil
}

// CreateConfig makes a config. A ledger begins without a delete budget.
func (s *Swarm) CreateConfig(ctx context.Context, name string, labels map[string]string, data []byte) (string, error) {
	if l, _, err := ledger.Decode(labels); err == nil && budget(l) > 0 {
		return "", s.brakes.refuse(Deletes, swarmSide, "create config", "a new ledger permits %d deletes that nobody gave", budget(l))
	}
	return s.engine.CreateConfig(ctx, name, labels, data)
}

// RemoveConfig removes a config that is not the ledger. That of a cluster without nodes goes when a destroy has fenced it: no machine's is in it.
func (s *Swarm) RemoveConfig(ctx context.Context, id string) error {
	last := s.brakes.ledgerSeen()
	if s.brakes.isLedger(id) && !(last.ServicesOnly && ledger.Halted(last.Epoch)) {
		return s.brakes.refuse(Deletes, swarmSide, "remove config", "%s is the ledger", id)
	}
	return s.engine.RemoveConfig(ctx, id)
}

// UpdateConfig changes a config's labels. A ledger whose delete budget grows without a new revision does not pass, nor one that
// opens the delete of a droplet that may be another swarm's.
func (s *Swarm) UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error {
	l, _, notLedger := ledger.Decode(labels)
	if notLedger == nil {
		if s.brakes.ledgerSeen().ServicesOnly && !l.ServicesOnly {
			return s.brakes.refuse(Ownership, swarmSide, "update config", "the ledger: cluster %s was begun without nodes, and stays so", s.brakes.opts.Cluster)
		}
		if why := s.brakes.contradicts(l, version, s.brakes.opts.Wall()); why != "" {
			return s.brakes.refuse(Deletes, swarmSide, "update config", "the ledger: %s", why)
		}
		if err := s.brakes.newDeletes(ctx, l); err != nil {
			return err
		}
	}
	err := s.engine.UpdateConfig(ctx, id, version, labels)
	if err == nil && notLedger == nil {
		s.brakes.learn(l, swarm.Config{})
	}
	return err
}

// RemoveNode removes a node that is no manager.
func (s *Swarm) RemoveNode(ctx context.Context, id string) error {
	const op = "remove node"
	done, err := s.brakes.takeTurn(ctx, swarmSide, op, id)
	if err != nil {
		return err
	}
	defer done()
	nodes, err := s.brakes.look(ctx)
	if err != nil {
		return s.brakes.refuse(View, swarmSide, op, "the nodes could not be looked at first: %w", opaque(err))
	}
	if err := s.brakes.nodeIsOurs(op, id, swarm.NodeSpec{}); err != nil {
		return err
	}
	i := slices.IndexFunc(nodes, func(n swarm.Node) bool { return n.ID == id })
	if i >= 0 && nodes[i].Manages() {
		return s.brakes.refuse(Quorum, swarmSide, op, "%s is a manager: demote it first", id)
	}
	if i >= 0 && s.brakes.kept(nodes[i]) != "" && len(s.brakes.opts.Destroy) == 0 {
		return s.brakes.refuse(HandsOff, swarmSide, op, "%s", s.brakes.kept(nodes[i]))
	}
	if err := permitted(ctx); err != nil {
		return err
	}
	return s.engine.RemoveNode(ctx, id)
}
