package main

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/maintenance"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const objectHelp = `

OBJECT is pool/NAME, service/NAME or node/NAME, or the name alone where only one of them has it; without one it is the whole
cluster. A node is named as for swarmd drain.`

func pauseCommand(a *cli) *cobra.Command {
	var cluster, why string
	var length time.Duration
	cmd := &cobra.Command{
		Use:   "pause [OBJECT]",
		Short: "Have swarmd leave the cluster, a pool, a service or a node alone for a while; swarmd resume ends it",
		Long: `Has swarmd leave the cluster, a pool, a service or a node alone for a while. It goes on to look, to report and to count.

Of a cluster it begins and finishes nothing. Of a pool it creates, deletes, drains and repairs nothing, and writes to none of
its nodes. A service it does not write. A node it does not judge, drain, repair or replace, and does not write to.

What is under way waits. It counts from the moment in which it is written for what is not begun yet, and from swarmd's next
look for the rest: policies.resync, 30 seconds. When it ends nobody is judged for a minute.` + objectHelp,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.handsOff(cmd.Context(), cluster, func(ctx context.Context, c maintenance.Cluster) (string, error) {
				return c.Pause(ctx, first(args), length, why)
			})
		},
	}
	clusterFlag(cmd, &cluster)
	cmd.Flags().DurationVar(&length, "for", maintenance.DefaultPause, "how long, such as 30m or 2h; 0: until swarmd resume")
	cmd.Flags().StringVar(&why, "why", "", "why, for whoever meets it")
	return cmd
}

func resumeCommand(a *cli) *cobra.Command {
	var cluster string
	cmd := &cobra.Command{
		Use:   "resume [OBJECT]",
		Short: "End swarmd pause",
		Long:  "Ends swarmd pause. Nobody is judged for a minute: what is down has that long to come back." + objectHelp,
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.handsOff(cmd.Context(), cluster, func(ctx context.Context, c maintenance.Cluster) (string, error) {
				return c.Resume(ctx, first(args))
			})
		},
	}
	clusterFlag(cmd, &cluster)
	return cmd
}

func protectCommand(a *cli) *cobra.Command {
	var cluster, why string
	var end bool
	cmd := &cobra.Command{
		Use:   "protect NODE|service/NAME",
		Short: "Have swarmd never delete, replace, drain, resize or power a node's machine, or never remove a service, until --off",
		Long: `Has swarmd never delete, replace, drain, resize or power a node's machine, for ever, until swarmd protect NODE --off. The machine
counts in its pool as before: of a pool that is to shrink another one leaves.

NODE is the node's name, its id, its droplet's id, or the beginning of a name or id that no other node has. What is said is
kept in the node's label ` + swarm.LabelProtected + `; swarmd status shows it.

A service, named service/NAME, is never removed because the file has it no more, as with x-swarmd: { protect: true } in the file. It
is rolled out, scaled and spread as before. --off ends that, whoever has said it; what the file says of a service that it has
ends there. It is kept in the service's label of the same name, and no task restarts.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if name, ok := strings.CutPrefix(args[0], ledger.PausedService); ok {
				return a.handsOff(cmd.Context(), cluster, func(ctx context.Context, c maintenance.Cluster) (string, error) {
					if end {
						return c.UnprotectService(ctx, name)
					}
					return c.ProtectService(ctx, name, why)
				})
			}
			return a.maintain(cmd.Context(), cluster, args[0], func(c maintenance.Cluster, ctx context.Context, node string) (string, error) {
				if end {
					return c.Unprotect(ctx, node)
				}
				return c.Protect(ctx, node, why)
			})
		},
	}
	clusterFlag(cmd, &cluster)
	cmd.Flags().BoolVar(&end, "off", false, "end it")
	cmd.Flags().StringVar(&why, "why", "", "why, for whoever meets it")
	return cmd
}

// first is the only argument, "" if there is none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func clusterFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "cluster", "", "name of the cluster (default: the one that the swarm's store knows)")
}

// handsOff makes a change of what swarmd leaves alone, in a cluster that may have services only.
func (a *cli) handsOff(ctx context.Context, asked string, change func(context.Context, maintenance.Cluster) (string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	known, err := a.chooseCluster(ctx, asked)
	if err != nil {
		return err
	}
	return a.changing(ctx, known, change)
}

// changing makes a person's change in a cluster, and says what came of it.
func (a *cli) changing(ctx context.Context, known ledger.Known, change func(context.Context, maintenance.Cluster) (string, error)) error {
	asm, err := a.connectTo(known)
	if err != nil {
		return err
	}
	defer asm.Close()
	said, err := change(ctx, maintenance.Cluster{Name: known.Name, Swarm: asm.Engine, Store: asm.Store, By: whoami()}) // a person may say what no swarmd may
	if err == nil {
		printf(a.out, "%s\n", said)
	}
	return err
}
