package main

import (
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/spec"
)

func validateCommand(a *cli) *cobra.Command {
	var named []string
	var strict bool
	cmd := &cobra.Command{
		Use:   "validate FILE…",
		Short: "All faults and warnings of the files, as file:line:col: path: message; - reads what comes in; exit 0 fine, 1 faults",
		RunE: func(cmd *cobra.Command, args []string) error {
			files := append(named, args...)
			if len(files) == 0 {
				return errors.New("which file? give FILE, or - for what comes in")
			}
			return a.validate(files, strict)
		},
	}
	cmd.Flags().StringArrayVarP(&named, "file", "f", nil, "a file, as without the flag")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings count as faults")
	cmd.Flags().SortFlags = false
	return cmd
}

// validate reads all files, also behind one that cannot be read, so that one run says everything.
func (a *cli) validate(files []string, strict bool) error {
	faults, warned, read := 0, 0, 0
	for _, path := range files {
		f, n, err := a.validateOne(path)
		if err != nil {
			a.failed(err)
			continue
		}
		read++
		faults, warned = faults+f, warned+n
	}
	what := "in " + files[0]
	if len(files) > 1 {
		what = "in " + plural(len(files), "file")
	}
	switch {
	case faults > 0:
		return &exitError{code: 1, msg: plural(faults, "fault") + " " + what}
	case read < len(files):
		return &exitError{code: 1}
	case strict && warned > 0:
		return &exitError{code: 1, msg: plural(warned, "warning") + " " + what + ", which --strict does not let pass"}
	}
	return nil
}

// validateOne tells what is wrong in one file, and how much it is. The error is about a file that cannot be read.
func (a *cli) validateOne(path string) (faults, warnings int, err error) {
	name, data, err := path, []byte(nil), error(nil)
	if path == "-" {
		name = "stdin"
		data, err = io.ReadAll(io.LimitReader(a.in, spec.MaxSize+1)) // the parser refuses what is longer
	} else {
		data, err = spec.ReadFile(path)
	}
	if err != nil {
		return 0, 0, err
	}
	s, warned, err := spec.Parse(name, data)
	for _, f := range warned {
		printf(a.out, "warning: %s\n", f)
	}
	var found spec.Faults
	if errors.As(err, &found) {
		for _, f := range found {
			printf(a.out, "%s\n", f)
		}
		return len(found), len(warned), nil
	}
	if err == nil {
		printf(a.out, "%s: fine: cluster %s, %s, %s\n", name, s.Cluster, plural(len(s.Pools), "pool"), plural(len(s.Stack.Services), "service"))
	}
	return 0, len(warned), err
}
