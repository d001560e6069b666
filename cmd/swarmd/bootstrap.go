package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/spec"
)

type bootstrapFlags struct {
	file, binary      string
	systemd, takeOver bool
	timeout           time.Duration
	deny              denial
}

func bootstrapCommand(a *app) *cobra.Command {
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

// installer puts swarmd onto the managers in one of two ways.
type installer interface {
	first(ctx context.Context) error // onto the first manager, before the file is handed over
	rest(ctx context.Context) error  // onto those that joined since
}

func (a *app) bootstrap(ctx context.Context, f bootstrapFlags) error {
	s, data, err := readFile(f.file, a.err)
	if err != nil {
		return err
	}
	if len(s.Pools) == 0 {
		return fmt.Errorf("%s has no nodes, and bootstrap makes them: swarmd apply -f %s --new-cluster begins a cluster of services in the swarm at DOCKER_HOST", f.file, f.file)
	}
	if s.Swarmd.Image == "" && !f.systemd {
		return errors.New("the file names no image for swarmd: set swarmd.image, or use --systemd")
	}
	droplets, err := a.cloudClient(nil)
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
	return a.settleIn(ctx, s, data, first, f)
}

// firstManager finds or makes the first manager, with a swarm on it.
func (a *app) firstManager(ctx context.Context, s *spec.Spec, api *digitalocean.Client, view *progress, takeOver bool) (bootstrap.First, error) {
	braked, _ := brake.New(brake.Options{Cluster: s.Cluster, Cloud: api})
	network, err := vpcOf(ctx, braked, s.Cloud.VPC, managerPool(s).Region)
	if err != nil {
		return bootstrap.First{}, err
	}
	private, err := rangeOf(network)
	if err != nil {
		return bootstrap.First{}, err
	}
	return bootstrap.FirstManager(ctx, bootstrap.Options{
		Spec:    s,
		Cloud:   newHosts{braked, a.clusterHosts(s.Cluster)},
		VPC:     vpcUUID(s, network),
		Beside:  takeOver,
		Private: private,
		UserData: func(context.Context) (string, string, error) {
			return withHostKey(userdata.Params{Cluster: s.Cluster, Pool: managerPool(s).Name, PrivateCIDR: network.IPRange})
		},
		Intent: bootstrap.Intent{Dir: a.stateDir()},
		Dial: func(ctx context.Context, host string, hostKeys []string) (bootstrap.Engine, error) {
			return a.dialEngine(ctx, s.Cluster, host, hostKeys)
		},
		Progress: view.say,
	})
}

func vpcUUID(s *spec.Spec, network cloud.VPC) string {
	if s.Cloud.VPC == "" {
		return ""
	}
	return network.UUID
}

func managerPool(s *spec.Spec) spec.Pool {
	for _, p := range s.Pools {
		if p.Role == "manager" && p.Count > 0 {
			return p
		}
	}
	return spec.Pool{}
}

// settleIn puts swarmd onto the first manager, hands the file over, follows, and puts swarmd onto the managers that joined.
func (a *app) settleIn(ctx context.Context, s *spec.Spec, data []byte, first bootstrap.First, f bootstrapFlags) error {
	host := sshHost(first.Droplet.PublicIPv4)
	there := a.settled(s.Cluster, first.Droplet.PublicIPv4)
	asm, err := there.assemble(s.Cluster, zap.NewNop(), true)
	if err != nil {
		return err
	}
	defer asm.close()
	asm.takeOver = f.takeOver
	if err := begin(ctx, reconcile.New(asm.config(instanceName(), true))); err != nil {
		return err
	}
	if err := there.continues(ctx, asm.store, s, f.file, host); err != nil {
		return err
	}
	if err := asm.understands(ctx, s); err != nil {
		return err
	}
	var in installer = serviceInstaller{app: there, asm: asm, spec: s, deny: f.deny}
	if f.systemd {
		in = &unitInstaller{app: there, asm: asm, spec: s, data: data, binary: f.binary, deny: f.deny, firstHost: first.Droplet.PublicIPv4}
	}
	if err := in.first(ctx); err != nil {
		return err
	}
	if err := waitForHolder(ctx, asm); err != nil {
		return err
	}
	if err := there.follow(ctx, asm, data, "bootstrap "+whoami()); err != nil {
		return err
	}
	if err := in.rest(ctx); err != nil {
		return err
	}
	if !first.Created {
		printf(a.out, "cluster %s was already there\n", s.Cluster)
	}
	printf(a.out, "to talk to it: export DOCKER_HOST=%s\n", host)
	return nil
}

// settled is the same app with the first manager's engine, which must have the host key that it was checked for.
func (a *app) settled(cluster, address string) *app {
	there := a.with("DOCKER_HOST", sshHost(address))
	there.hosts = a.clusterHosts(cluster)
	return there
}

func sshHost(address string) string { return "ssh://root@" + address }

// with is the same app with one variable of its environment set.
func (a *app) with(name, value string) *app {
	b, getenv := *a, a.getenv
	b.getenv = func(n string) string {
		if n == name {
			return value
		}
		return getenv(n)
	}
	return &b
}

// waitForHolder gives the swarmd on the first manager the time to take the lease, so that it acts and this process only follows. If it
// does not come, this process does the work and the follower shows what is wrong.
func waitForHolder(ctx context.Context, asm *assembly) error {
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		st, err := asm.store.Look(ctx)
		if err == nil && st.Lease.Holder != "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return nil
}
