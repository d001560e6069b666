package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(a *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "This swarmd's version, the Go that built it, and the platform",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			printf(a.out, "swarmd %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
