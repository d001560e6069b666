package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/maintenance"
)

func confirmCommand(a *cli) *cobra.Command {
	var cluster string
	cmd := &cobra.Command{
		Use:   "confirm REVISION",
		Short: "Say that the many removals of the accepted revision, or of a pool's last machine, are meant",
		Long: `Says that the many removals of the accepted revision, or that of a pool's last machine, are meant.

A file that loses more than a third of its services at once, and at least two, or all of them, is accepted, and what it removes
goes on running until this is said. So do the machines of a pool of which it wants none any more. swarmd status names what is held. A file that has
the services or the machines again ends the hold, too.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			revision, err := revisionOf(args[0])
			if err != nil {
				return err
			}
			return a.handsOff(cmd.Context(), cluster, func(ctx context.Context, c maintenance.Cluster) (string, error) { return c.Confirm(ctx, revision) })
		},
	}
	clusterFlag(cmd, &cluster)
	return cmd
}

// revisionOf reads the number of a revision.
func revisionOf(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is no revision's number: swarmd history shows them", text)
	}
	return n, nil
}
