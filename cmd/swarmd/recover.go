package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/quorum"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// recoverPace is how long there is between two looks at a swarm that comes back.
const recoverPace = time.Second

type recoverFlags struct {
	file, cluster string
	spec          *spec.Spec // of the file, if there is one
	yes, anyway   bool
	timeout       time.Duration
}

func recoverCommand(a *cli) *cobra.Command {
	var f recoverFlags
	cmd := &cobra.Command{
		Use:   "recover -f FILE | --cluster NAME",
		Short: "Bring a swarm back whose managers lost their majority for good: one of them goes on alone, and swarmd makes the others anew",
		Long: `Brings a swarm back whose managers lost their majority for good. The manager at DOCKER_HOST goes on alone, as docker swarm init
--force-new-cluster has it: with its services, tokens and nodes. Then swarmd makes the other managers anew.

Any manager that runs will do: each has all that the majority agreed on while it was in touch. What was agreed on after that is lost. It
shows what is known of each manager, and refuses while the swarm has a leader. While enough machines exist for a majority to come back, as when they
are only off, it refuses too, unless --anyway.

Exit codes: 0 the swarm has a leader again; 1 refused, or not in time.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.recover(cmd.Context(), f) },
	}
	fileFlag(cmd, &f.file)
	cmd.Flags().StringVar(&f.cluster, "cluster", "", "name of the cluster, without a file")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&f.anyway, "anyway", false, "also while enough machines exist for a majority to come back: what only they know is lost")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 5*time.Minute, "how long it may take")
	return cmd
}

func (a *cli) recover(ctx context.Context, f recoverFlags) error {
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if f.file != "" {
		s, _, err := readFile(f.file, a.Own(), a.err)
		if err != nil {
			return err
		}
		f.cluster, f.spec = s.Cluster, &s.Spec
	}
	if f.cluster == "" {
		return errors.New("which cluster? give -f FILE or --cluster NAME")
	}
	api, err := a.Cloud(nil)
	if err != nil {
		return err
	}
	engine, closer, err := a.Engine(nil)
	if err != nil {
		return err
	}
	defer closer()
	r := &quorum.Recovery{Cluster: f.cluster, Engine: engine, Cloud: api, Ask: a.leads, Pace: recoverPace, Say: func(format string, args ...any) { printf(a.out, format, args...) }}
	managers, err := r.Survey(limited)
	switch {
	case errors.Is(err, quorum.ErrRefused):
		return &exitError{code: 1, msg: err.Error()}
	case apierr.KindOf(err) == apierr.Unavailable:
		a.sayMachines(limited, api, f)
		return err
	case err != nil:
		return err
	}
	return a.goOnAlone(limited, r, managers, f)
}

// goOnAlone asks, and then does it.
func (a *cli) goOnAlone(ctx context.Context, r *quorum.Recovery, managers []quorum.Manager, f recoverFlags) error {
	r.Tell(managers)
	if why := quorum.MayReturn(managers); why != "" && !f.anyway {
		return &exitError{code: 1, msg: why + ". If they are lost all the same: --anyway; nothing was changed"}
	}
	own := slices.IndexFunc(managers, func(m quorum.Manager) bool { return m.Self })
	if own < 0 {
		return &exitError{code: 1, msg: "the machine that is asked does not know itself as a manager; nothing was changed"}
	}
	printf(a.out, "%s goes on alone. What the others agreed on without it is lost, and they are no managers any more. Its own tasks are started anew, those on workers go on\n", managers[own].Name())
	given := ""
	if f.yes {
		given = f.cluster
	}
	if err := a.typed(ctx, "the cluster's name", f.cluster, given, "nothing was changed"); err != nil {
		return err
	}
	if err := r.Force(ctx); err != nil {
		return err
	}
	if err := r.Forget(ctx, managers); err != nil {
		return err
	}
	printf(a.out, "the swarm has a leader again. The other managers are swarmd's to make: swarmd status, or swarmd apply -f FILE where no swarmd runs\n")
	return nil
}

// leads asks the engine of a machine whether its swarm has a leader. Only through ssh is another machine's reached.
func (a *cli) leads(ctx context.Context, address string) (bool, error) {
	if !strings.HasPrefix(a.Getenv("DOCKER_HOST"), "ssh://") || address == "" {
		return false, errors.New("it is asked through ssh only, with DOCKER_HOST=ssh://…")
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	there, closer, err := a.With("DOCKER_HOST", access.SSHHost(address)).Engine(nil)
	if err != nil {
		return false, err
	}
	defer closer()
	return hasLeader(ctx, there)
}

func hasLeader(ctx context.Context, engine *docker.Client) (bool, error) {
	_, err := engine.Nodes(ctx)
	if apierr.KindOf(err) == apierr.NoLeader {
		return false, nil
	}
	return err == nil, err
}

// sayMachines says which machines could be asked instead of one that does not answer: the managers, where a file says which these are.
func (a *cli) sayMachines(ctx context.Context, api interface {
	Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error)
}, f recoverFlags) {
	droplets, err := api.Droplets(ctx, cloud.ClusterTag(f.cluster))
	if err != nil {
		return
	}
	what, choose := "machines", "choose a manager that is active"
	if f.spec != nil {
		what, choose = "managers", "choose one that is active"
		droplets = slices.DeleteFunc(droplets, func(d cloud.Droplet) bool { return !ofManagers(f.spec, d) })
	}
	if len(droplets) == 0 {
		printf(a.err, "no engine answers at DOCKER_HOST, and the account has no %s of cluster %s\n", what, f.cluster)
		return
	}
	printf(a.err, "no engine answers at DOCKER_HOST; the %s of cluster %s:\n", what, f.cluster)
	for _, d := range droplets {
		printf(a.err, "  %s is %s: export DOCKER_HOST=%s\n", d.Name, string(d.Status), access.SSHHost(d.PublicIPv4))
	}
	fmt.Fprintln(a.err, choose)
}

// ofManagers reports whether a droplet is a machine of one of the file's pools of managers.
func ofManagers(s *spec.Spec, d cloud.Droplet) bool {
	pool := cloud.ParseDropletName(s.Cluster, d.Name, d.OpID())
	return slices.ContainsFunc(s.Pools, func(p spec.Pool) bool {
		return p.Role == "manager" && (p.Name == pool || slices.Contains(p.Adopt, d.ID))
	})
}
