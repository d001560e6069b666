package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/spec/file"
)

// strict has each command below say how it is called when it is called otherwise, and take no empty text for a name: what is meant by
// swarmd pause "$POOL" where the variable is not set is not the whole cluster.
func strict(cmd *cobra.Command) {
	cmd.Args, cmd.RunE, cmd.DisableFlagsInUseLine = cobra.ArbitraryArgs, oneOf, true
	for _, c := range cmd.Commands() {
		if c.HasSubCommands() {
			strict(c)
			continue
		}
		takes := c.Args
		if takes == nil { // it looks itself
			continue
		}
		c.Args = func(c *cobra.Command, args []string) error {
			switch wrong := takes(c, args) != nil; {
			case slices.Contains(args, "") && c.Name() != "exec":
				return fmt.Errorf("an empty text is no name: %s", called(c))
			case wrong && len(args) == 0:
				return fmt.Errorf("something is missing: %s", called(c))
			case wrong:
				return fmt.Errorf("%q is one too many: %s", args[len(args)-1], called(c))
			}
			return nil
		}
	}
}

// called is how the command is called, as its help has it.
func called(c *cobra.Command) string {
	return strings.TrimSuffix(c.UseLine(), " [flags]") + "; " + c.CommandPath() + " --help says more"
}

// oneOf is a command that does nothing without one of those below it.
func oneOf(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	var names []string
	for _, below := range c.Commands() {
		names = append(names, below.Name())
	}
	return fmt.Errorf("%s has no command %q%s: %s --help lists them", c.CommandPath(), args[0], file.DidYouMean(args[0], names), c.CommandPath())
}

// wrongFlag says what is wrong with a flag, and where to read more. Of what Go's own parsers say there nobody learns anything.
func wrongFlag(c *cobra.Command, err error) error {
	text := err.Error()
	for _, parser := range []string{" flag: strconv.", " flag: time: "} {
		text, _, _ = strings.Cut(text, parser)
	}
	return fmt.Errorf("%s: %s --help says what it takes", text, c.CommandPath())
}
