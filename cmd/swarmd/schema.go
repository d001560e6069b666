package main

import (
	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/spec/file"
)

func schemaCommand(a *cli) *cobra.Command {
	var reference bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "The JSON schema of the file, for editors; with --reference the reference of all keys as Markdown",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text := string(file.Schema())
			if reference {
				text = file.Reference()
			}
			_, err := a.out.Write([]byte(text))
			return err
		},
	}
	cmd.Flags().BoolVar(&reference, "reference", false, "the reference of all keys, as Markdown")
	return cmd
}
