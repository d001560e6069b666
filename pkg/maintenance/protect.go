package maintenance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// ProtectService has swarmd never remove a service because the file has it no more, until UnprotectService. It is found by its name, with or without the
// cluster's in front.
func (c Cluster) ProtectService(ctx context.Context, name, why string) (said string, err error) {
	off, err := c.handsOff(why)
	if err != nil {
		return "", err
	}
	return c.relabel(ctx, name, func(_ *upkeep, s swarm.Service) (value, said string, err error) {
		return off.String(), fmt.Sprintf("service %s is protected: swarmd does not remove it when the file has it no more; swarmd protect service/%s --off ends it", s.Spec.Name, s.Spec.Name), nil
	})
}

// UnprotectService ends it, whoever said so. What the accepted file says of a service that it has is an error: it would be written again.
func (c Cluster) UnprotectService(ctx context.Context, name string) (said string, err error) {
	return c.relabel(ctx, name, func(u *upkeep, s swarm.Service) (value, said string, err error) {
		label, byFile := s.Spec.Labels[swarm.LabelProtected], u.accepted != nil && u.accepted.Protected[s.Spec.Name]
		switch {
		case label == "" && !byFile:
			return label, "service " + s.Spec.Name + " is not protected", nil
		case byFile && (label == "" || label == swarm.ProtectedByFile):
			return "", "", fmt.Errorf("the file says protect of service %s: take that out there, in an edit of its own", s.Spec.Name)
		case byFile:
			return "", "service " + s.Spec.Name + " is protected by the file alone now", nil
		case !u.wants(s):
			return "", "service " + s.Spec.Name + " is protected no longer; the file does not have it, and it is removed at swarmd's next look, unless something else holds that", nil
		}
		return "", "service " + s.Spec.Name + " is protected no longer", nil
	})
}

// relabel writes a service's label LabelProtected.
func (c Cluster) relabel(ctx context.Context, name string, say func(*upkeep, swarm.Service) (value, said string, err error)) (string, error) {
	return again(func() (string, error) {
		u, err := c.look(ctx)
		if err != nil {
			return "", err
		}
		s, err := u.liveService(name)
		if err != nil {
			return "", err
		}
		value, said, err := say(u, s)
		if err != nil || value == s.Spec.Labels[swarm.LabelProtected] {
			return said, err
		}
		if err := u.relabelable(s); err != nil {
			return "", err
		}
		return said, c.Swarm.RelabelService(ctx, s.ID, s.Version, withLabel(s.Spec.Labels, swarm.LabelProtected, value))
	})
}

// liveService is a service of the cluster's that runs.
func (u *upkeep) liveService(name string) (swarm.Service, error) {
	t, err := u.target(ledger.PausedService + name)
	if err != nil {
		return swarm.Service{}, err
	}
	name = strings.TrimPrefix(t.object, ledger.PausedService)
	i := slices.IndexFunc(u.services, func(s swarm.Service) bool {
		return s.Spec.Name == name && s.Spec.Labels[swarm.LabelCluster] == u.cluster
	})
	if i < 0 {
		return swarm.Service{}, fmt.Errorf("service %s is not there yet: say x-swarmd: { protect: true } of it in the file", name)
	}
	return u.services[i], nil
}

// wants reports whether the accepted file has the service. One that cannot be read may have it.
func (u *upkeep) wants(s swarm.Service) bool {
	if u.accepted == nil {
		return true
	}
	name, file := s.Spec.Short(), u.accepted.Stack
	if stack := s.Spec.Stack(); stack != u.cluster {
		file = u.accepted.Composed[stack]
	}
	if file == nil {
		return false
	}
	for _, of := range file.Services {
		if of.Name == name {
			return true
		}
	}
	return false
}

// relabelable refuses a write to a service that costs more than it is worth: it runs a job again, and it ends what the engine remembers of a roll-out that
// is not over, or that was taken back.
func (u *upkeep) relabelable(s swarm.Service) error {
	switch over := s.Update == "" || s.Update == swarm.Completed; {
	case s.Spec.Mode.Job():
		return fmt.Errorf("%s is a job, and whatever is written to it runs it again: say x-swarmd: { protect: true } in the file, which its next edit writes; docker service rm %s removes it", s.Spec.Name, s.Spec.Name)
	case u.wants(s) && !over:
		return fmt.Errorf("the roll-out of %s is %s, and a write would end what the engine remembers of it: try again when swarmd status says that it has succeeded, or say it in the file (x-swarmd.protect)", s.Spec.Name, s.Update)
	}
	return nil
}
