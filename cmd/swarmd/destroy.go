package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/destroy"
	"github.com/swarmd/swarmd/pkg/spec"
)

type destroyFlags struct {
	file, confirm, swarm   string
	includeAdopted, resume bool
	timeout                time.Duration
}

func destroyCommand(a *cli) *cobra.Command {
	var f destroyFlags
	cmd := &cobra.Command{
		Use:   "destroy -f FILE",
		Short: "Preview, typed confirmation, then every droplet that the cluster owns and nothing else",
		Long: `Deletes, by id, the droplets that the cluster of the file owns; the swarm and its store go with them. First it shows what
would go and what stays, then it wants the cluster's name typed, then it saves the list of ids to a file.

The swarm need not live: whose a droplet is its tags say. If several swarms have the cluster's name, --swarm says which one
goes. Droplets without a swarm's tag, made before there was one, are listed apart; when they are all that is left, they go.

With DOCKER_HOST set to a manager of that swarm, droplets without a tag that its nodes are on go with it, and swarmd on the managers is told to stop first, so that it does not replace
what goes. A file without nodes is of a cluster that was begun with --new-cluster: its services and networks go from the swarm at
DOCKER_HOST, and nothing else. A swarm in which other clusters have services stays until those are destroyed. If destroy ends early, swarmd is told to go on; where destroy was killed before it could, --resume does that.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.destroy(cmd.Context(), f) },
	}
	fileFlag(cmd, &f.file)
	cmd.Flags().StringVar(&f.swarm, "swarm", "", "id of the swarm whose droplets go, when several have the cluster's name; \"none\" for those without a swarm's tag")
	cmd.Flags().StringVar(&f.confirm, "confirm", "", "the cluster's name, instead of typing it")
	cmd.Flags().BoolVar(&f.includeAdopted, "include-adopted", false, "also the machines that were adopted, not made")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "delete nothing: let swarmd go on after a destroy that was cut short")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 10*time.Minute, "how long it may take")
	return cmd
}

func (a *cli) destroy(ctx context.Context, f destroyFlags) error {
	s, _, err := readFile(f.file, a.Own(), a.err)
	if err != nil {
		return err
	}
	r := a.destroyRun(&s.Spec, f)
	if f.resume {
		return r.Resume(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if len(s.Pools) == 0 {
		return a.destroyServices(ctx, r, f.confirm)
	}
	if r.Cloud, err = a.Cloud(nil); err != nil {
		return err
	}
	d, err := r.Choose(ctx, f.swarm)
	if err != nil {
		return err
	}
	if err := a.somethingThere(ctx, r, d); err != nil {
		return err
	}
	a.previewDestroy(d, f.includeAdopted)
	if err := a.confirm(ctx, s.Cluster, f.confirm); err != nil {
		return err
	}
	return r.Sweep(ctx, d)
}

// destroyRun is a destroy from this machine. Its client of the cloud is still missing.
func (a *cli) destroyRun(s *spec.Spec, f destroyFlags) *destroy.Run {
	r := &destroy.Run{Spec: s, File: f.file, IncludeAdopted: f.includeAdopted, Records: bootstrap.Intent{Dir: a.StateDir()}, Save: a.lists().Save, Redact: a.redact,
		Forget: func() error { return os.Remove(a.ClusterHosts(s.Cluster)) },
		Say:    func(format string, args ...any) { printf(a.out, format, args...) }}
	if a.Getenv("DOCKER_HOST") == "" && !f.resume && len(s.Pools) > 0 {
		return r
	}
	r.Connect = func() (destroy.Manager, error) {
		asm, err := a.connect(s.Cluster, zap.NewNop(), false)
		if err != nil {
			return destroy.Manager{}, err
		}
		return destroy.Manager{Swarm: asm.Swarm, Store: asm.Store, Close: asm.Close}, nil
	}
	return r
}

// lists are those of earlier destroys.
func (a *cli) lists() destroy.Lists { return destroy.Lists{Dir: a.StateDir()} }

// somethingThere refuses to go on where there never was such a cluster.
func (a *cli) somethingThere(ctx context.Context, r *destroy.Run, d destroy.Doomed) error {
	clusters := a.clusterNames
	if a.Getenv("DOCKER_HOST") == "" {
		clusters = nil
	}
	var never *destroy.NeverError
	err := r.SomethingThere(ctx, d, a.lists(), clusters)
	if errors.As(err, &never) {
		return &exitError{code: 1, msg: never.Text}
	}
	return err
}

func (a *cli) previewDestroy(d destroy.Doomed, includeAdopted bool) {
	printf(a.out, "%s: %s will be deleted, and the swarm with them:\n", d.Whole(), plural(len(d.Droplets), "droplet"))
	for _, m := range d.Droplets {
		printf(a.out, "  - %d %s%s\n", m.ID, m.Name, m.Volumes())
	}
	for _, m := range d.Adopted {
		if includeAdopted {
			printf(a.out, "  - %d %s (adopted)%s\n", m.ID, m.Name, m.Volumes())
		} else {
			printf(a.out, "  = %d %s stays: it was adopted, not made (--include-adopted)\n", m.ID, m.Name)
		}
	}
	for _, m := range d.Others {
		printf(a.out, "  = %d %s stays: %s\n", m.ID, m.Name, m.Whose())
	}
	for _, droplet := range d.Foreign {
		printf(a.out, "  = %d %s stays: it carries the cluster's tag but is not the cluster's\n", droplet.ID, droplet.Name)
	}
}

// confirm wants the cluster's name, typed.
func (a *cli) confirm(ctx context.Context, cluster, given string) error {
	return a.typed(ctx, "the cluster's name", cluster, given, "nothing was deleted")
}
