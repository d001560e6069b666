package install

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/sealed"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// Identity gives swarmd's own service the cluster's age identity, as a Docker secret. It is safe to repeat: one that is there stays.
type Identity struct {
	Engine  *docker.Client
	Cluster string
	Given   []byte           // as age-keygen writes it; nil: it is made
	Secrets *apierr.Redactor // learns it: no output may hold it
}

// Placed is what came of it.
type Placed struct {
	Recipient string // the public key, to which files are encrypted
	Made      bool   // it is new
	Service   string // that reads it
	restarts  string // the id of that service, if it restarts for it
}

// Place makes the secret if there is none, and has swarmd's service read it.
func (k Identity) Place(ctx context.Context) (placed Placed, err error) {
	made := false
	err = again(ctx, func() error {
		placed, err = k.place(ctx)
		made = made || placed.Made
		return err
	})
	placed.Made = made
	return placed, err
}

func (k Identity) place(ctx context.Context) (Placed, error) {
	services, err := k.Engine.Services(ctx)
	if err != nil {
		return Placed{}, err
	}
	i := slices.IndexFunc(services, func(s swarm.Service) bool {
		return s.Spec.Labels[swarm.LabelComponent] == "swarmd" && s.Spec.Labels[swarm.LabelCluster] == k.Cluster
	})
	if i < 0 {
		return Placed{}, fmt.Errorf("swarmd of %s runs as no service here: age-keygen -o /etc/swarmd/age-key on one manager (it prints the recipient), "+
			"put the same file on each (root, 0600), and restart the unit", k.Cluster)
	}
	placed, id, err := k.secret(ctx)
	if err != nil {
		return Placed{}, err
	}
	live := services[i]
	if placed.Service = live.Spec.Name; docker.ReadsIdentity(live.Spec, k.Cluster) {
		return placed, nil
	}
	want, err := docker.WithIdentity(live.Spec, k.Cluster, id)
	if err != nil {
		return Placed{}, err
	}
	placed.restarts = live.ID
	return placed, k.Engine.UpdateService(ctx, live.ID, live.Version, want)
}

// restartLook is how often is looked whether swarmd has restarted.
const restartLook = time.Second

// Restarted waits until every swarmd reads the identity. Until then another one would act: one that cannot read what is encrypted, or a person's apply.
func (k Identity) Restarted(ctx context.Context, p Placed) error {
	for p.restarts != "" {
		services, err := k.Engine.Services(ctx)
		if err != nil {
			return err
		}
		for _, s := range services {
			switch {
			case s.ID != p.restarts:
			case s.Update == swarm.Completed:
				return nil
			case s.Update == swarm.Paused, s.Update == swarm.RollbackCompleted, s.Update == swarm.RollbackPaused:
				return fmt.Errorf("%s does not restart: %s", p.Service, s.UpdateMessage)
			}
		}
		if err := clock.Sleep(ctx, restartLook); err != nil {
			return fmt.Errorf("%s restarts still, see swarmd status: %w", p.Service, err)
		}
	}
	return nil
}

// secret finds the secret, or makes it.
func (k Identity) secret(ctx context.Context) (Placed, string, error) {
	if live, err := k.find(ctx); err != nil || live.ID != "" {
		return k.known(live, err)
	}
	text, recipient, err := k.identity()
	if err != nil {
		return Placed{}, "", err
	}
	labels := map[string]string{swarm.LabelCluster: k.Cluster, swarm.LabelRecipient: recipient}
	id, err := k.Engine.CreateSecret(ctx, docker.IdentitySecret(k.Cluster), labels, text)
	if err == nil {
		return Placed{Recipient: recipient, Made: true}, id, nil
	}
	if live, ferr := k.find(ctx); ferr == nil && live.ID != "" { // the answer was lost, or another run was quicker
		placed, id, err := k.known(live, nil)
		placed.Made = placed.Recipient == recipient
		return placed, id, err
	}
	return Placed{}, "", err
}

// known is a secret that is there. One that a person made without saying its recipient tells nobody what it is.
func (k Identity) known(live swarm.Secret, err error) (Placed, string, error) {
	recipient := live.Labels[swarm.LabelRecipient]
	if err == nil && recipient == "" {
		err = fmt.Errorf("the secret %s is there and has no label %s with its recipient, and no engine gives a secret back: docker secret rm it, or encrypt to the recipient that you know", live.Name, swarm.LabelRecipient)
	}
	return Placed{Recipient: recipient}, live.ID, err
}

func (k Identity) find(ctx context.Context) (swarm.Secret, error) {
	all, err := k.Engine.AllSecrets(ctx)
	if err != nil {
		return swarm.Secret{}, err
	}
	i := slices.IndexFunc(all, func(s swarm.Secret) bool { return s.Name == docker.IdentitySecret(k.Cluster) })
	if i < 0 {
		return swarm.Secret{}, nil
	}
	return all[i], nil
}

// identity is the one that was given, or a new one.
func (k Identity) identity() (text []byte, recipient string, err error) {
	if k.Given == nil {
		private, recipient, err := sealed.Identity()
		k.Secrets.Add(private)
		return []byte(private + "\n"), recipient, err
	}
	with, err := sealed.ReadIdentities(k.Given)
	if err != nil {
		return nil, "", err
	}
	return k.Given, with.Recipients()[0], nil
}
