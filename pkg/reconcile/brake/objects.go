package brake

import (
	"context"
	"slices"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// stored is a config or secret as a look of the brake's own showed it.
type stored struct {
	id, name string
	labels   map[string]string
}

// DropConfig removes a config of the stack: one that the cluster made, and that no service refers to, now or before its last write. The engine itself
// looks only at what is live, and takes a record of swarmd's for a config like any other.
func (s *Swarm) DropConfig(ctx context.Context, id string) error {
	return s.drop(ctx, "remove config", id, s.engine.RemoveConfig, func() ([]stored, error) {
		var out []stored
		all, err := s.engine.AllConfigs(ctx)
		for _, c := range all {
			out = append(out, stored{c.ID, c.Name, c.Labels})
		}
		return out, err
	})
}

// RemoveSecret removes a secret of the stack, on the same terms.
func (s *Swarm) RemoveSecret(ctx context.Context, id string) error {
	return s.drop(ctx, "remove secret", id, s.engine.RemoveSecret, func() ([]stored, error) {
		var out []stored
		all, err := s.engine.AllSecrets(ctx)
		for _, c := range all {
			out = append(out, stored{c.ID, c.Name, c.Labels})
		}
		return out, err
	})
}

func (s *Swarm) drop(ctx context.Context, op, id string, remove func(context.Context, string) error, list func() ([]stored, error)) error {
	all, err := list()
	if err != nil {
		return s.brakes.refuse(View, swarmSide, op, "it could not be looked at first: %w", opaque(err))
	}
	i := slices.IndexFunc(all, func(o stored) bool { return o.id == id })
	if i < 0 {
		return s.brakes.refuse(Ownership, swarmSide, op, "%s is none that a stack can have", id)
	}
	o := all[i]
	if o.labels[swarm.LabelCluster] != s.brakes.opts.Cluster || o.labels[swarm.LabelVersionOf] == "" {
		return s.brakes.refuse(Ownership, swarmSide, op, "%s is not the cluster's", o.name)
	}
	services, err := s.engine.Services(ctx)
	if err != nil {
		return s.brakes.refuse(View, swarmSide, op, "the services could not be looked at first: %w", opaque(err))
	}
	for _, v := range services {
		if slices.Contains(v.Spec.Configs, o.name) || slices.Contains(v.Spec.Secrets, o.name) || slices.Contains(v.Keeps, o.name) {
			return s.brakes.refuse(Ownership, swarmSide, op, "the service %s refers to %s, or goes back to what does", v.Spec.Name, o.name)
		}
	}
	if err := permitted(ctx); err != nil {
		return err
	}
	return remove(ctx, id)
}
