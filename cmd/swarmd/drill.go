package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/drill"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// The paces of a drill. A look at machines costs calls of the account's, one at tasks none.
const (
	drillNodePace = 3 * time.Second
	drillTaskPace = 500 * time.Millisecond
)

type drillFlags struct {
	cluster     string
	yes, yesOne bool
	timeout     time.Duration
}

func drillCommand(a *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drill",
		Short: "Break one thing on purpose, and measure how long it takes to heal",
		Long: `Breaks one thing on purpose while all else is well, tells what is seen of it and when, and ends with the figures.

Exit codes: 0 whole again; 1 refused, or not whole again within --timeout; 130 interrupted. What was broken is repaired by the
swarm and by swarmd, also when the drill ends before: it does nothing but look.`,
	}
	cmd.AddCommand(drillNodeCommand(a), drillTaskCommand(a))
	for _, sub := range cmd.Commands() {
		sshFlags(sub, a)
	}
	return cmd
}

func (f *drillFlags) flags(cmd *cobra.Command, limit time.Duration, only string) {
	cmd.Flags().StringVar(&f.cluster, "cluster", "", "name of the cluster (default: the one that the swarm's store knows)")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&f.yesOne, "yes-one", false, only)
	cmd.Flags().DurationVar(&f.timeout, "timeout", limit, "how long to follow, from the moment that something is broken")
}

func drillNodeCommand(a *cli) *cobra.Command {
	var f drillFlags
	cmd := &cobra.Command{
		Use:   "node [NAME]",
		Short: "Cut the power of one machine: it must come back, or another one take its place",
		Long: `Cuts the power of one machine: of the one that is named, else of a worker of the pool that has most to spare.

Only a machine that swarmd made and would start again, and that is well; of a pool with another ready one, unless --yes-one; a manager only
where the others keep the majority without it.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.drillNode(cmd.Context(), strings.Join(args, ""), f)
		},
	}
	f.flags(cmd, 20*time.Minute, "also the only ready machine of its pool")
	return cmd
}

func drillTaskCommand(a *cli) *cobra.Command {
	var f drillFlags
	cmd := &cobra.Command{
		Use:   "task SERVICE",
		Short: "Kill the container of one task of a service: the swarm must start another one",
		Long: `Kills the container of one task of a service. Nothing of the service is changed.

A container is killed through the engine of its own machine: the one at DOCKER_HOST if a task runs there. Else, with
DOCKER_HOST=ssh://…, through ssh to the public address of the machine that has one.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.drillTask(cmd.Context(), args[0], f) },
	}
	f.flags(cmd, 5*time.Minute, "also the only running task of its service")
	return cmd
}

func (a *cli) drillNode(ctx context.Context, name string, f drillFlags) error {
	asm, look, err := a.drillOn(ctx, f.cluster, true)
	if err != nil {
		return err
	}
	defer asm.Close()
	_, d, _, err := acceptedFile(ctx, asm.Store, asm.Cluster)
	if err != nil {
		return err
	}
	run := drill.Node{Look: look, Cloud: asm.Catalog, Spec: &d.Spec, Alone: f.yesOne, Say: a.sayAfter, Pace: drillNodePace}
	n, err := run.Pick(look(ctx), name)
	if err != nil {
		return &exitError{code: 1, msg: err.Error()}
	}
	printf(a.out, "the power of %s (droplet %d, pool %s, %s) is cut; its tasks go elsewhere meanwhile\n", n.Name, n.DropletID, n.Pool, n.Role)
	if err := a.drillConfirmed(ctx, "the machine's name", n.Name, f.yes); err != nil {
		return err
	}
	if err := run.Break(ctx, n); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	figures, err := run.Follow(limited, n)
	return a.drilled(ctx, n.Name, figures, err, f.timeout)
}

func (a *cli) drillTask(ctx context.Context, service string, f drillFlags) error {
	asm, look, err := a.drillOn(ctx, f.cluster, false)
	if err != nil {
		return err
	}
	defer asm.Close()
	run := drill.Task{Swarm: asm.Swarm, Alone: f.yesOne, Say: a.sayAfter, Pace: drillTaskPace}
	seen := look(ctx)
	v, err := run.Pick(ctx, seen, service)
	if err != nil {
		return &exitError{code: 1, msg: err.Error()}
	}
	container, err := asm.Engine.ContainerOf(ctx, v.ID())
	if err != nil {
		return err
	}
	engine, closer, err := a.engineWith(asm, seen, v)
	if err != nil {
		return err
	}
	defer closer()
	printf(a.out, "the container of task %s of %s on %s is killed\n", v.ID(), v.Service, v.Node.Name)
	if err := a.drillConfirmed(ctx, "the service's name", v.Service, f.yes); err != nil {
		return err
	}
	if err := engine.Kill(ctx, container); err != nil && apierr.KindOf(err) != apierr.Unknown { // it may have been killed
		return err
	}
	limited, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	figures, err := run.Follow(limited, v)
	return a.drilled(ctx, v.Service, figures, err, f.timeout)
}

// drillOn connects to the cluster, and returns how it is looked at.
func (a *cli) drillOn(ctx context.Context, cluster string, needCloud bool) (*connection, func(context.Context) report.Report, error) {
	name, err := a.chooseOwner(ctx, cluster)
	if err != nil {
		return nil, nil, err
	}
	asm, err := a.connect(name, zap.NewNop(), needCloud)
	if err != nil {
		return nil, nil, err
	}
	return asm, asm.oneShot().Look, nil
}

// engineWith returns the engine of the machine that the task runs on, and what ends it.
func (a *cli) engineWith(asm *connection, seen report.Report, v drill.Victim) (*docker.Client, func(), error) {
	if v.Node.NodeID == seen.Node {
		return asm.Engine, func() {}, nil
	}
	if !strings.HasPrefix(a.Getenv("DOCKER_HOST"), "ssh://") || v.Node.PublicIPv4 == "" {
		return nil, nil, &exitError{code: 1, msg: fmt.Sprintf("no task of %s runs on the machine whose engine is asked, and another machine's containers are reached through ssh only: "+
			"set DOCKER_HOST=ssh://root@MANAGER; one runs on %s; nothing was changed", v.Service, v.Node.Name)}
	}
	return a.With("DOCKER_HOST", access.SSHHost(v.Node.PublicIPv4)).Engine(nil)
}

func (a *cli) drillConfirmed(ctx context.Context, called, want string, yes bool) error {
	given := ""
	if yes {
		given = want
	}
	return a.typed(ctx, called, want, given, "nothing was changed")
}

func (a *cli) sayAfter(after time.Duration, text string) {
	printf(a.out, "%8s  %s\n", after.Round(100*time.Millisecond), text)
}

// drilled says what came of it. A drill that ends early says how it is; it has nothing to take back.
func (a *cli) drilled(ctx context.Context, what string, f drill.Figures, err error, limit time.Duration) error {
	if err == nil {
		printf(a.out, "healed: %s\n", f)
		return nil
	}
	goesOn := "; the repair goes on without the drill: swarmd status, swarmd why " + what
	if ctx.Err() != nil {
		printf(a.err, "interrupted: %s%s\n", strings.TrimSuffix(err.Error(), ": "+context.Canceled.Error()), goesOn)
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &exitError{code: 1, msg: fmt.Sprintf("not whole again within %s (--timeout): %s%s", limit, strings.TrimSuffix(err.Error(), ": "+context.DeadlineExceeded.Error()), goesOn)}
	}
	return err
}
