package destroy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Belongings is what a cluster without nodes has in a swarm that is another's.
type Belongings struct {
	Services, Networks []string // names, sorted
	Configs, Secrets   []string // likewise
	Protected          []string // those of the services that are protected: they go as well
	Holder             string   // of the lease, unless a command held it: its swarmd runs; "" if none does
}

// Belongings looks what goes with a cluster that was begun without nodes. A cluster that has nodes, or that the swarm does not know, is an error.
func (r *Run) Belongings(ctx context.Context) (Belongings, error) {
	var b Belongings
	m, err := r.Connect()
	if err != nil {
		return b, err
	}
	defer m.Close()
	st, err := m.Store.Look(ctx)
	if err != nil {
		return b, err
	}
	if err := r.isServicesOnly(ctx, m, st); err != nil {
		return b, err
	}
	if l := st.Lease; !strings.HasPrefix(l.Holder, ledger.OneShotPrefix) {
		b.Holder = l.Holder
	}
	services, networks, err := r.mine(ctx, m)
	for _, s := range services {
		b.Services = append(b.Services, s.Spec.Name)
		if s.Spec.Labels[swarm.LabelProtected] != "" {
			b.Protected = append(b.Protected, s.Spec.Name)
		}
	}
	for _, n := range networks {
		b.Networks = append(b.Networks, n.Spec.Name)
	}
	slices.Sort(b.Services)
	slices.Sort(b.Networks)
	if err != nil {
		return b, err
	}
	configs, secrets, err := r.objects(ctx, m)
	for _, c := range configs {
		b.Configs = append(b.Configs, c.Name)
	}
	for _, s := range secrets {
		b.Secrets = append(b.Secrets, s.Name)
	}
	return b, err
}

// objects lists the configs and secrets that the cluster's stack has made, sorted by name.
func (r *Run) objects(ctx context.Context, m Manager) ([]swarm.Config, []swarm.Secret, error) {
	configs, err := m.Swarm.AllConfigs(ctx)
	if err != nil {
		return nil, nil, err
	}
	secrets, err := m.Swarm.AllSecrets(ctx)
	if err != nil {
		return nil, nil, err
	}
	others := func(labels map[string]string) bool {
		return labels[swarm.LabelCluster] != r.Spec.Cluster || labels[swarm.LabelVersionOf] == ""
	}
	configs = slices.DeleteFunc(slices.Clone(configs), func(c swarm.Config) bool { return others(c.Labels) })
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s swarm.Secret) bool { return others(s.Labels) })
	return configs, secrets, nil
}

// removeObjects removes them, when no service is left that refers to them.
func (r *Run) removeObjects(ctx context.Context, m Manager) (left int, err error) {
	configs, secrets, err := r.objects(ctx, m)
	failed := []error{err}
	for _, c := range configs {
		failed = append(failed, r.gone("config", c.Name, m.Swarm.DropConfig(ctx, c.ID)))
	}
	for _, s := range secrets {
		failed = append(failed, r.gone("secret", s.Name, m.Swarm.RemoveSecret(ctx, s.ID)))
	}
	return len(configs) + len(secrets), errors.Join(failed...)
}

func (r *Run) isServicesOnly(ctx context.Context, m Manager, st ledger.State) error {
	switch {
	case st.Exists && st.Ledger.ServicesOnly:
		return nil
	case st.Exists:
		return fmt.Errorf("cluster %s has nodes, and %s names none: destroy goes by the file that names them; nothing was deleted", r.Spec.Cluster, r.File)
	}
	others, err := m.Store.Others(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, o := range others {
		names = append(names, o.Cluster)
	}
	knows := "none"
	if len(names) > 0 {
		knows = strings.Join(names, ", ")
	}
	return fmt.Errorf("this swarm knows no cluster %s; it knows: %s; is the name in the file right? nothing was deleted", r.Spec.Cluster, knows)
}

// mine lists what carries the cluster's label.
func (r *Run) mine(ctx context.Context, m Manager) ([]swarm.Service, []swarm.Network, error) {
	services, err := m.Swarm.Services(ctx)
	if err != nil {
		return nil, nil, err
	}
	networks, err := m.Swarm.Networks(ctx)
	if err != nil {
		return nil, nil, err
	}
	services = slices.DeleteFunc(slices.Clone(services), func(s swarm.Service) bool { return s.Spec.Labels[swarm.LabelCluster] != r.Spec.Cluster })
	networks = slices.DeleteFunc(slices.Clone(networks), func(n swarm.Network) bool { return n.Spec.Labels[swarm.LabelCluster] != r.Spec.Cluster })
	return services, networks, nil
}

// Clear removes what a cluster without nodes has, its record last. The swarm, its nodes and every other cluster stay.
func (r *Run) Clear(ctx context.Context) (err error) {
	m, err := r.Connect()
	if err != nil {
		return err
	}
	defer m.Close()
	defer func() { r.letGoOn(ctx, r.File, err) }()
	if _, err := m.Store.Halt(ctx); err != nil {
		return err
	}
	r.Say("swarmd is fenced: it creates and deletes nothing of cluster %s any more\n", r.Spec.Cluster)
	if err := r.clear(ctx, m); err != nil {
		return err
	}
	if err := m.Store.Erase(ctx); err != nil {
		return err
	}
	r.Say("nothing of cluster %s is left; volumes stay on the nodes that they are on\n", r.Spec.Cluster)
	return nil
}

// clearPause is the time between two looks at what is to go: a network goes when the last task on it has ended.
const clearPause = time.Second

// clear asks until two looks in a row show nothing. A task that still ends keeps its network for a while.
func (r *Run) clear(ctx context.Context, m Manager) error {
	for empty := 0; empty < 2; {
		services, networks, err := r.mine(ctx, m)
		left := len(services) + len(networks)
		if err == nil && left == 0 {
			left, err = r.removeObjects(ctx, m)
		}
		if err == nil && left == 0 {
			empty++
		} else {
			empty, err = 0, errors.Join(err, r.removeAll(ctx, m, services, networks))
		}
		if k := apierr.KindOf(err); k.Denied() || k == apierr.NotManager {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(clearPause):
		}
	}
	return nil
}

func (r *Run) removeAll(ctx context.Context, m Manager, services []swarm.Service, networks []swarm.Network) error {
	var failed []error
	for _, s := range services {
		failed = append(failed, r.gone("service", s.Spec.Name, m.Swarm.RemoveService(ctx, s.ID)))
	}
	for _, n := range networks {
		if len(services) == 0 {
			failed = append(failed, r.gone("network", n.Spec.Name, m.Swarm.RemoveNetwork(ctx, n.ID)))
		}
	}
	return errors.Join(failed...)
}

// gone tells what was removed. What is not there any more was removed before.
func (r *Run) gone(what, name string, err error) error {
	switch {
	case err == nil:
		r.Say("removed %s %s\n", what, name)
	case apierr.KindOf(err) != apierr.NotFound:
		return fmt.Errorf("%s %s: %w", what, name, err)
	}
	return nil
}

// beside is an error if other clusters have services in the swarm that is to go: they would end with its machines, and nobody was asked.
func (r *Run) beside(ctx context.Context, d Doomed) error {
	if r.Connect == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	m, err := r.Connect()
	if err != nil {
		return nil // haltSwarmd says why
	}
	defer m.Close()
	if d.inSwarm(ctx, m.Swarm) != nil {
		return nil // another swarm, or none that answers
	}
	others, err := m.Store.Others(ctx)
	if err != nil {
		return nil
	}
	for _, o := range others {
		if o.Ledger.ServicesOnly {
			return fmt.Errorf("the cluster %s has services in this swarm, which would end with its machines: swarmd destroy -f FILE with the file of %s first; nothing was deleted", o.Cluster, o.Cluster)
		}
	}
	return nil
}
