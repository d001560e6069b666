package install

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/spec/source"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// Service runs swarmd as a global service: Swarm itself keeps one on every manager, also on those to come.
type Service struct {
	Options

	read func(path string) ([]byte, error) // nil: of this machine
}

// First makes the service, or gives it what differs now: the image of the file, the token. Its old token's secret stays until Rest.
func (in *Service) First(ctx context.Context) error {
	engine, closer, err := in.Access.Engine(nil)
	if err != nil {
		return err
	}
	defer closer()
	token, err := digitalocean.TokenFromEnv(in.Access.Getenv, os.ReadFile)
	if err != nil {
		return err
	}
	name := docker.TokenSecretOf(in.Spec.Cluster, token)
	secret, err := in.secret(ctx, engine, name, token)
	if err != nil {
		return err
	}
	read, err := in.readSecret(ctx, engine)
	if err != nil {
		return err
	}
	identity, err := engine.Secrets(ctx, docker.IdentitySecret(in.Spec.Cluster))
	if err != nil {
		return err
	}
	live, err := in.live(ctx, engine)
	if err != nil {
		return err
	}
	in.denies = in.Deny(live != nil && docker.DeniesHostAccess(live.Spec))
	want, err := docker.SelfService(docker.Self{Cluster: in.Spec.Cluster, Image: in.Spec.Swarmd.Image,
		APIURL: in.Access.Getenv("DIGITALOCEAN_API_URL"), SecretID: secret, SecretName: name, ReadID: read, IdentityID: identity[docker.IdentitySecret(in.Spec.Cluster)], Memory: in.Spec.Swarmd.Memory,
		DenyHostAccess: in.denies})
	if err != nil {
		return err
	}
	want.Login = in.login(want.Image)
	return again(ctx, func() error {
		live, err := in.live(ctx, engine)
		if err != nil {
			return err
		}
		return in.place(ctx, engine, live, want)
	})
}

// again looks and writes until nobody was quicker, ten times at most: the engine writes a service, too, while it rolls out what an earlier run asked for.
func again(ctx context.Context, write func() error) error {
	for tries := 10; ; tries-- {
		err := write()
		if apierr.KindOf(err) != apierr.Conflict || tries == 1 {
			return err
		}
		if err := clock.Sleep(ctx, 300*time.Millisecond); err != nil {
			return err
		}
	}
}

// login is how the registry of swarmd's image is logged in to, as the file has it, nothing if it names none. The engine needs it to tell the digest, and
// each node that runs swarmd to pull the image. The file is read on this machine, too; where it is not, the image may be there all the same.
func (in *Service) login(image string) swarm.Login {
	host := docker.RegistryOf(image)
	r, named := in.Spec.Registries[host]
	if !named {
		return swarm.Login{}
	}
	if source.Own(in.Access.Own()).Has(r.Password.File) {
		in.Warn("warning: %s is swarmd's own, and no registry gets it: %s is looked up and pulled without a login\n", r.Password, image)
		return swarm.Login{}
	}
	if why := file.NotForRegistry(host, r.Password); why != "" {
		in.Warn("warning: %s is not shown to %s: %s; %s is looked up and pulled without a login\n", r.Password, host, why, image)
		return swarm.Login{}
	}
	data, err := in.reader()(r.Password.File)
	password := strings.TrimRight(string(data), "\r\n")
	if r.Password.File == "" || err != nil || password == "" {
		in.Warn("warning: the login to %s is not on this machine (%s): %s is looked up and pulled without one; put that file here, too, or run swarmd bootstrap where it is\n", host, r.Password, image)
		return swarm.Login{}
	}
	in.Say("%s is shown the password in %s, as %s\n", host, r.Password, r.Username)
	in.Access.Secrets.Add(password)
	return swarm.NewLogin(host, r.Username, password)
}

// reader reads what is beside swarmd.
func (in *Service) reader() func(path string) ([]byte, error) {
	if in.read != nil {
		return in.read
	}
	return os.ReadFile
}

// readSecret returns the id of the secret with the token for reading /status. One that is there stays: another machine has made it, and has its
// value.
func (in *Service) readSecret(ctx context.Context, engine *docker.Client) (string, error) {
	name := docker.ReadSecret(in.Spec.Cluster)
	all, err := engine.Secrets(ctx, name)
	if err != nil || all[name] != "" {
		return all[name], err
	}
	token, path, err := in.Access.ClusterReadToken(in.Spec.Cluster)
	if err != nil {
		return "", err
	}
	in.Say("the token that shows /status in full to other machines is in %s\n", path)
	return in.secret(ctx, engine, name, token)
}

// secret returns the id of the secret with this token, and makes it if there is none. Its value is never in user-data, arguments or
// environment.
func (in *Service) secret(ctx context.Context, engine *docker.Client, name, token string) (string, error) {
	find := func() (string, error) {
		all, err := engine.Secrets(ctx, name)
		return all[name], err
	}
	if id, err := find(); err != nil || id != "" {
		return id, err
	}
	id, err := engine.CreateSecret(ctx, name, map[string]string{swarm.LabelCluster: in.Spec.Cluster}, []byte(token))
	if err == nil {
		return id, nil
	}
	if id, ferr := find(); ferr == nil && id != "" {
		return id, nil // the answer was lost, or another run was quicker
	}
	return "", err
}

// place creates swarmd's service, or updates it if it is another than the one that is wanted now.
func (in *Service) place(ctx context.Context, engine *docker.Client, live *swarm.Service, want swarm.ServiceSpec) error {
	switch {
	case live == nil:
		_, err := engine.CreateService(ctx, in.pinned(ctx, engine, want))
		if apierr.KindOf(err) == apierr.Conflict {
			return nil // made by a call whose answer was lost
		}
		return err
	case live.Spec.Labels[swarm.LabelComponent] == "":
		return fmt.Errorf("there is a service %s that is not swarmd's: it is left alone", want.Name)
	case len(swarm.Diff(want.Form(), live.Spec.Form())) == 0 && want.Login.Header() == "":
		return nil
	case want.Pin().Digest == "" && live.Spec.Image == want.Image && live.Spec.Pin().Digest != "":
		want = want.Pinned(live.Spec.Pin()) // the tag may mean another image by now, and nobody has asked for that
	default:
		want = in.pinned(ctx, engine, want)
	}
	return engine.UpdateService(ctx, live.ID, live.Version, want)
}

// pinned is the specification with what the registry says of its image, or as the file has it where nobody can tell.
func (in *Service) pinned(ctx context.Context, engine *docker.Client, want swarm.ServiceSpec) swarm.ServiceSpec {
	pin, err := engine.ResolveImage(ctx, want.Reference(), want.Login)
	if err != nil && want.Pin().Digest == "" {
		in.Warn("warning: no digest for %s, its tag alone will do: %v\n", want.Image, err)
	}
	return want.Pinned(pin)
}

// live is swarmd's service as it is, nil if there is none.
func (in *Service) live(ctx context.Context, engine *docker.Client) (*swarm.Service, error) {
	services, err := engine.Services(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(services, func(s swarm.Service) bool { return s.Spec.Name == docker.SelfName(in.Spec.Cluster) })
	if i < 0 {
		return nil, nil
	}
	return &services[i], nil
}

// Rest removes the secrets of tokens that were replaced, once no swarmd starts with them any more. The engine keeps one that a service
// names.
func (in *Service) Rest(ctx context.Context) error {
	engine, closer, err := in.Access.Engine(nil)
	if err != nil {
		return err
	}
	defer closer()
	all, err := engine.Secrets(ctx, docker.TokenSecret(in.Spec.Cluster))
	if err != nil {
		return err
	}
	maps.DeleteFunc(all, func(name, _ string) bool { return !docker.IsTokenSecret(in.Spec.Cluster, name) })
	if len(all) < 2 {
		return nil
	}
	if err := in.rolledOut(ctx, engine); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		switch err := engine.RemoveSecret(ctx, all[name]); apierr.KindOf(err) {
		case "":
			in.Say("the secret %s was removed: swarmd has another token now\n", name)
		case apierr.Precondition, apierr.NotFound: // it is the one in use, or gone already
		default:
			return err
		}
	}
	return nil
}

// rolledOut waits until every swarmd is of the service as it is now.
func (in *Service) rolledOut(ctx context.Context, engine *docker.Client) error {
	for {
		live, err := in.live(ctx, engine)
		if err != nil {
			return err
		}
		if live == nil || live.Update == swarm.Completed || live.Update == "" {
			return nil
		}
		if live.Update != swarm.Updating {
			return fmt.Errorf("the roll-out of swarmd is %s: %s", live.Update, live.UpdateMessage)
		}
		if err := clock.Sleep(ctx, time.Second); err != nil {
			return fmt.Errorf("the roll-out of swarmd goes on: %w", err)
		}
	}
}
