package main

import (
	"github.com/spf13/cobra"
)

func validateCommand(a *app) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "validate -f FILE",
		Short: "All faults of the file, as file:line:col: path: message; exit 0 fine, 1 faults",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, _, err := readFile(file, a.out)
			if err != nil {
				return err
			}
			printf(a.out, "%s: fine: cluster %s, %s, %s\n", file, s.Cluster, plural(len(s.Pools), "pool"), plural(len(s.Stack.Services), "service"))
			return nil
		},
	}
	fileFlag(cmd, &file)
	return cmd
}
