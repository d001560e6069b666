package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/deploy"
	"github.com/swarmd/swarmd/pkg/install"
)

// denial is the flag --deny-host-access. It is the daemon's and never the file's: who may edit the file must not be able to lift it.
type denial struct {
	wanted bool
	given  func() bool // whether it stands on the command line, be it as =false
}

// flag adds it to a command.
func (d *denial) flag(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&d.wanted, deploy.DenyHostAccess, false, usage)
	d.given = func() bool { return cmd.Flags().Changed(deploy.DenyHostAccess) }
}

// previewFlag adds it to a command that shows what the daemon will do.
func (d *denial) previewFlag(cmd *cobra.Command) {
	d.flag(cmd, "as a swarmd that was started with it would do (default: as the swarmd does that runs as a service here)")
}

// or is what the command line says, and else what was there before.
func (d *denial) or(before bool) bool {
	if d.given != nil && d.given() {
		return d.wanted
	}
	return before
}

// learn finds out how swarmd's own service is started. Of a swarmd that runs otherwise, and where it cannot be read, only the flag says.
func (d *denial) learn(ctx context.Context, asm *connection) {
	asm.role.DenyHostAccess = d.or(install.ServiceDenies(ctx, asm.Swarm, asm.Cluster))
}
