package brake

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// CreateService creates a service, unless engines would die of it later.
func (s *Swarm) CreateService(ctx context.Context, spec swarm.ServiceSpec) (string, error) {
	if spec.HasStandIn() {
		return "", s.sealed("create service", spec)
	}
	if why := lethal(spec); why != "" {
		return "", s.brakes.refuse(Lethal, swarmSide, "create service", "service %s: %s", spec.Name, why)
	}
	return s.engine.CreateService(ctx, spec)
}

// UpdateService replaces a service's specification, unless engines would die of it. What runs with that task template already lets them live: a write of
// labels, replicas or a login leaves it as it is. Whether it does so runs, the brake looks itself.
func (s *Swarm) UpdateService(ctx context.Context, id string, version uint64, spec swarm.ServiceSpec) error {
	const op = "update service"
	if spec.HasStandIn() {
		return s.sealed(op, spec)
	}
	if why := lethal(spec); why != "" {
		services, err := s.engine.Services(ctx)
		if err != nil {
			return s.brakes.refuse(View, swarmSide, op, "the services could not be looked at first: %w", opaque(err))
		}
		runs := func(live swarm.Service) bool {
			return live.ID == id && live.Version == version && sameTemplate(live.Spec, spec)
		}
		if !slices.ContainsFunc(services, runs) {
			return s.brakes.refuse(Lethal, swarmSide, op, "service %s: %s", spec.Name, why)
		}
		if err := permitted(ctx); err != nil {
			return err
		}
	}
	return s.engine.UpdateService(ctx, id, version, spec)
}

// sealed refuses what stands for an encrypted value: tasks would run with it in place of a password.
func (s *Swarm) sealed(op string, spec swarm.ServiceSpec) error {
	return s.brakes.refuse(Sealed, swarmSide, op, "service %s: its environment has an encrypted variable that nobody has opened", spec.Name)
}

// sameTemplate reports whether what is sent has the task template that runs, byte for byte.
func sameTemplate(live, sent swarm.ServiceSpec) bool {
	a, err := template(live)
	b, other := template(sent)
	bent := sent.Override.Pin != nil || len(sent.Override.Sealed)+len(sent.Override.Configs) > 0
	return err == nil && other == nil && !bent && bytes.Equal(a, b)
}

func template(spec swarm.ServiceSpec) (json.RawMessage, error) {
	var sent struct{ TaskTemplate json.RawMessage }
	err := json.Unmarshal(spec.Base.Raw(), &sent)
	return sent.TaskTemplate, err
}

// RotateWorkerToken replaces the worker token, if what goes with it is the whole specification of the swarm as it was seen at that version.
// Seen on 26.1.5 and 28.5.2: what such a write leaves out is reset, an empty one wipes all.
func (s *Swarm) RotateWorkerToken(ctx context.Context, version uint64, spec json.RawMessage) error {
	const op = "rotate worker token"
	if s.brakes.ledgerSeen().ServicesOnly {
		return s.brakes.refuse(Ownership, swarmSide, op, "cluster %s owns no nodes, and the token is of the cluster that does", s.brakes.opts.Cluster)
	}
	s.brakes.mu.Lock()
	seen := s.brakes.swarm
	s.brakes.mu.Unlock()
	if len(spec) == 0 || seen.Version != version || !bytes.Equal(seen.Spec, spec) {
		return s.brakes.refuse(Lethal, swarmSide, op, "what would go with it is not the specification of the swarm as it was seen at version %d, and would reset what differs", version)
	}
	if err := permitted(ctx); err != nil {
		return err
	}
	return s.engine.RotateWorkerToken(ctx, version, spec)
}

// lethal says why engines could die of a specification, "" if they do not. Seen on 26.1.5 and 28.5.2: an update whose only change of the task template
// is that Placement is missing ends the leader's engine with a panic; the specification is in the store, so every next leader dies, too. A service
// that is created without one is harmless until then, but what is rolled back to must have it as well.
func lethal(spec swarm.ServiceSpec) string {
	var sent struct {
		TaskTemplate struct{ Placement json.RawMessage }
	}
	if err := json.Unmarshal(spec.Base.Raw(), &sent); err != nil {
		return "its specification is no JSON: " + err.Error()
	}
	if p := bytes.TrimSpace(sent.TaskTemplate.Placement); len(p) == 0 || bytes.Equal(p, []byte("null")) {
		return "its task template has no Placement, of which the engines of all managers could die, one after the other"
	}
	return ""
}
