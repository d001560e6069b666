package brake

import (
	"context"
	"slices"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// leftAlone refuses to take a machine away, or its power, that a person has paused or protected, by its node's labels as they were looked at last and by
// the ledger as it was seen last. To power it on is never refused.
func (b *brakes) leftAlone(op string, d cloud.Droplet) error {
	if slices.Contains(b.opts.Destroy, d.ID) {
		return nil
	}
	b.mu.Lock()
	nodes, l := b.nodes, b.deletes.last
	b.mu.Unlock()
	for _, n := range nodes {
		if why := b.kept(n); why != "" && on(n, d) {
			return b.refuse(HandsOff, cloudSide, op, "droplet %d (%s): %s", d.ID, d.Name, why)
		}
	}
	pool := cloud.ParseDropletName(b.opts.Cluster, d.Name, d.OpID())
	if object, off, paused := l.Paused(b.opts.Wall(), ledger.PausedCluster, ledger.PausedPool+pool); paused {
		return b.refuse(HandsOff, cloudSide, op, "droplet %d (%s): %s is paused by %s", d.ID, d.Name, object, off.By)
	}
	return nil
}

// Services lists the services; which are protected is taken note of.
func (s *Swarm) Services(ctx context.Context) ([]swarm.Service, error) {
	services, err := s.engine.Services(ctx)
	if err != nil {
		return services, err
	}
	protected := map[string]string{}
	for _, v := range services {
		if v.Spec.Labels[swarm.LabelProtected] != "" {
			protected[v.ID] = v.Spec.Name
		}
	}
	s.brakes.mu.Lock()
	defer s.brakes.mu.Unlock()
	s.brakes.protected = protected
	return services, nil
}

// RemoveService removes a service that is not protected. All go when a destroy has fenced the cluster: a person was shown them.
func (s *Swarm) RemoveService(ctx context.Context, id string) error {
	s.brakes.mu.Lock()
	name, protected := s.brakes.protected[id]
	s.brakes.mu.Unlock()
	if protected && !ledger.Halted(s.brakes.ledgerSeen().Epoch) {
		return s.brakes.refuse(HandsOff, swarmSide, "remove service", "service %s is protected", name)
	}
	return s.engine.RemoveService(ctx, id)
}

// kept says that a person keeps the node, "" if nobody does.
func (b *brakes) kept(n swarm.Node) string {
	if off, ok := n.Spec.Protected(); ok && off.Active(b.opts.Wall()) {
		return "node " + n.ID + " is protected by " + off.By
	}
	if off, ok := n.Spec.Paused(); ok && off.Active(b.opts.Wall()) {
		return "node " + n.ID + " is paused by " + off.By
	}
	return ""
}
