package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/install"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

type bootstrapFlags struct {
	file, binary      string
	systemd, takeOver bool
	timeout           time.Duration
	deny              denial
}

func bootstrapCommand(a *cli) *cobra.Command {
	var f bootstrapFlags
	cmd := &cobra.Command{
		Use:   "bootstrap -f FILE",
		Short: "From nothing: first manager, swarm, swarmd on the managers, the file as revision 1; exit 0 converged",
		Long: `Makes the first manager over the cloud's API, initialises a swarm on its private address, keeps the API token as a Docker
secret, starts swarmd as a global service on the managers from the image that the file names (swarmd.image), hands the
file over as the first revision, and follows until it is true. Run again, it continues where an earlier run stopped, and
gives swarmd the image that the file names and the API token of now: so a token is replaced. Where a cluster of the name
lives with another file than this one, but for its section swarmd, nothing is done: swarmd apply is for edits.

With --systemd the binary and a hardened unit go onto the managers' hosts instead, the token as a systemd credential, and
swarmd watches /etc/swarmd/cluster.yaml there. A manager that joins later has no swarmd of its own until the same command
is run again; the cluster does not need it, the others go on.

ssh uses the agent or a key file (--ssh-key). The first manager gets an ssh host key with its user-data and must show it from the
first connection on. A manager that was made elsewhere is connected to when its key is known, or with --ssh-accept-new.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.bootstrap(cmd.Context(), f) },
	}
	fileFlag(cmd, &f.file)
	cmd.Flags().BoolVar(&f.systemd, "systemd", false, "put swarmd onto the managers' hosts as a systemd unit")
	cmd.Flags().StringVar(&f.binary, "binary", "", "with --systemd: the Linux binary to install (default: this program)")
	takeOverFlag(cmd, &f.takeOver)
	f.deny.flag(cmd, "start swarmd so that it holds services that would be root on the machines (default: as it was started before)")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 15*time.Minute, "how long to follow")
	return cmd
}

func (a *cli) bootstrap(ctx context.Context, f bootstrapFlags) error {
	s, data, err := readFile(f.file, a.Own(), a.err)
	if err != nil {
		return err
	}
	if len(s.Pools) == 0 {
		return fmt.Errorf("%s has no nodes, and bootstrap makes them: swarmd apply -f %s --new-cluster begins a cluster of services in the swarm at DOCKER_HOST", f.file, f.file)
	}
	if s.Swarmd.Image == "" && !f.systemd {
		return errors.New("the file names no image for swarmd: set swarmd.image, or use --systemd")
	}
	droplets, err := a.Cloud(nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if err := a.offered(ctx, droplets, nil, f.file, s, data); err != nil {
		return err
	}
	view := a.newProgress()
	first, err := a.firstManager(ctx, s, droplets, view, f.takeOver)
	view.close()
	if err != nil {
		return err
	}
	return a.moveIn(ctx, s, data, first, f)
}

// firstManager finds or makes the first manager, with a swarm on it.
func (a *cli) firstManager(ctx context.Context, s *file.Document, api *digitalocean.Client, view *progress, takeOver bool) (bootstrap.First, error) {
	o, err := bootstrap.Prepare(ctx, s, api, nil)
	if err != nil {
		return bootstrap.First{}, err
	}
	o.OverSSH(a.Access)
	o.Beside, o.Progress = takeOver, view.say
	return bootstrap.FirstManager(ctx, o)
}

// moveIn puts swarmd onto the first manager, hands the file over, follows, and puts swarmd onto the managers that joined.
func (a *cli) moveIn(ctx context.Context, s *file.Document, data []byte, first bootstrap.First, f bootstrapFlags) error {
	host := access.SSHHost(first.Droplet.PublicIPv4)
	there := a.at(a.Settled(s.Cluster, first.Droplet.PublicIPv4))
	asm, err := there.connect(s.Cluster, zap.NewNop(), true)
	if err != nil {
		return err
	}
	defer asm.Close()
	asm.role.TakeOver = f.takeOver
	if err := begin(ctx, asm.oneShot()); err != nil {
		return err
	}
	if err := continues(ctx, asm, s, f.file, host); err != nil {
		return err
	}
	if err := asm.understands(ctx, s); err != nil {
		return err
	}
	in := there.installer(asm, s, data, first, f)
	if err := in.First(ctx); err != nil {
		return err
	}
	asm.role.DenyHostAccess = in.DeniesHostAccess()
	if err := bootstrap.AwaitHolder(ctx, asm.Store); err != nil {
		return err
	}
	if err := there.follow(ctx, asm, data, nil, "bootstrap "+whoami()); err != nil {
		return err
	}
	if err := in.Rest(ctx); err != nil {
		return err
	}
	if !first.Created {
		printf(a.out, "cluster %s was already there\n", s.Cluster)
	}
	printf(a.out, "to talk to it: export DOCKER_HOST=%s\n", host)
	return nil
}

// installer puts swarmd onto the managers in the way that the flags ask for.
func (a *cli) installer(asm *connection, s *file.Document, data []byte, first bootstrap.First, f bootstrapFlags) install.Installer {
	o := install.Options{Access: a.Access, Spec: &s.Spec, Deny: f.deny.or,
		Say:  func(format string, args ...any) { printf(a.out, format, args...) },
		Warn: func(format string, args ...any) { printf(a.err, format, args...) }}
	if f.systemd {
		return &install.Unit{Options: o, File: data, Binary: f.binary, FirstHost: first.Droplet.PublicIPv4, Swarm: asm.Swarm, Cloud: asm.Cloud}
	}
	return &install.Service{Options: o}
}

// continues refuses a file that is not the one that the cluster lives with.
func continues(ctx context.Context, asm *connection, s *file.Document, path, host string) error {
	var other *bootstrap.OtherFileError
	err := bootstrap.Continues(ctx, asm.Store, s, path, host)
	if errors.As(err, &other) {
		return &exitError{code: 1, msg: other.Text}
	}
	return err
}

// at is the same command line with another access.
func (a *cli) at(there access.Access) *cli {
	b := *a
	b.Access = there
	return &b
}
