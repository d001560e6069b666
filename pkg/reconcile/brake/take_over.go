package brake

import (
	"context"
	"slices"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// RelabelService passes for a service that is the cluster's or nobody's, by a look of the brake's own: another cluster's stays that cluster's.
func (s *Swarm) RelabelService(ctx context.Context, id string, version uint64, labels map[string]string) error {
	const op = "relabel service"
	services, err := s.engine.Services(ctx)
	if err != nil {
		return s.brakes.refuse(View, swarmSide, op, "the services could not be looked at first: %w", opaque(err))
	}
	if i := slices.IndexFunc(services, func(v swarm.Service) bool { return v.ID == id }); i >= 0 && !s.mayTake(services[i].Spec.Labels) {
		return s.brakes.refuse(Ownership, swarmSide, op, "service %s is another cluster's, or swarmd's own", services[i].Spec.Name)
	}
	if err := permitted(ctx); err != nil {
		return err
	}
	return s.engine.RelabelService(ctx, id, version, labels)
}

// RelabelSecret is the same for a secret.
func (s *Swarm) RelabelSecret(ctx context.Context, id string, version uint64, name string, labels map[string]string) error {
	const op = "relabel secret"
	secrets, err := s.engine.AllSecrets(ctx)
	if err != nil {
		return s.brakes.refuse(View, swarmSide, op, "the secrets could not be looked at first: %w", opaque(err))
	}
	if i := slices.IndexFunc(secrets, func(v swarm.Secret) bool { return v.ID == id }); i >= 0 && !s.mayTake(secrets[i].Labels) {
		return s.brakes.refuse(Ownership, swarmSide, op, "secret %s is another cluster's", secrets[i].Name)
	}
	if err := permitted(ctx); err != nil {
		return err
	}
	return s.engine.RelabelSecret(ctx, id, version, name, labels)
}

// mayTake reports whether what has these labels may become the cluster's.
func (s *Swarm) mayTake(labels map[string]string) bool {
	of := labels[swarm.LabelCluster]
	return (of == "" || of == s.brakes.opts.Cluster) && labels[swarm.LabelComponent] == ""
}
