package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/swarmd/swarmd/pkg/maintenance"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func drainCommand(a *cli) *cobra.Command {
	var now bool
	cmd := nodeCommand(a, "drain", "Keep a node drained until swarmd activate: its tasks go elsewhere, and it stays in its pool", func(c maintenance.Cluster, ctx context.Context, node string) (string, error) {
		c.Now = now
		return c.Drain(ctx, node)
	})
	cmd.Flags().BoolVar(&now, "now", false, "at once, instead of when as many tasks run elsewhere: services lack tasks until then")
	return cmd
}

func activateCommand(a *cli) *cobra.Command {
	return nodeCommand(a, "activate", "End swarmd drain: the node gets back the availability that the file wants", maintenance.Cluster.Activate)
}

func replaceCommand(a *cli) *cobra.Command {
	const short = "Have another machine take the place of a node's: it comes first, then the old one leaves"
	var off bool
	cmd := nodeCommand(a, "replace", short, func(c maintenance.Cluster, ctx context.Context, node string) (string, error) {
		if off {
			return c.Keep(ctx, node)
		}
		return c.Replace(ctx, node)
	})
	cmd.Long = short + `.

` + nodeNames + ` What is asked for is kept in the node's label ` + swarm.LabelReplace + `; swarmd status shows how far it is.`
	cmd.Flags().BoolVar(&off, "off", false, "take it back, as long as the machine does not leave")
	return cmd
}

// nodeNames says how a node is named.
const nodeNames = `NODE is the node's name, its id, its droplet's id, or the beginning of a name or id that no other node has.`

// nodeCommand is a command about one node.
func nodeCommand(a *cli, verb, short string, change func(maintenance.Cluster, context.Context, string) (string, error)) *cobra.Command {
	var cluster string
	cmd := &cobra.Command{
		Use:   verb + " NODE",
		Short: short,
		Long: short + `.

` + nodeNames + ` What is said is
kept in the node's label ` + swarm.LabelMaintenance + `; swarmd status shows it. An edit of the availability of the node's pool ends it, too.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.maintain(cmd.Context(), cluster, args[0], change)
		},
	}
	clusterFlag(cmd, &cluster)
	return cmd
}

func (a *cli) maintain(ctx context.Context, cluster, name string, change func(maintenance.Cluster, context.Context, string) (string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cluster, err := a.chooseOwner(ctx, cluster)
	if err != nil {
		return err
	}
	return a.changing(ctx, ledger.Known{Name: cluster}, func(ctx context.Context, c maintenance.Cluster) (string, error) { return change(c, ctx, name) })
}
