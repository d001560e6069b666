package main

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/preflight"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/spec/source"
)

func validateCommand(a *cli) *cobra.Command {
	var named []string
	var strict, withCloud bool
	cmd := &cobra.Command{
		Use:   "validate FILE…",
		Short: "All faults and warnings of the files, as file:line:col: path: message; - reads what comes in; exit 0 fine, 1 faults",
		RunE: func(cmd *cobra.Command, args []string) error {
			files := append(named, args...)
			if len(files) == 0 || slices.Contains(files, "") {
				return errors.New("which file? give FILE, or - for what comes in")
			}
			return a.validate(cmd.Context(), files, strict, withCloud)
		},
	}
	cmd.Flags().StringArrayVarP(&named, "file", "f", nil, "a file, as without the flag")
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings count as faults")
	cmd.Flags().BoolVar(&withCloud, "cloud", false, "ask the cloud, read-only, whether it has what the file names")
	cmd.Flags().SortFlags = false
	return cmd
}

// validate reads all files, also behind one that cannot be read, so that one run says everything.
func (a *cli) validate(ctx context.Context, files []string, strict, withCloud bool) error {
	faults, warned, read := 0, 0, 0
	var api *digitalocean.Client
	if withCloud {
		var err error
		if api, err = a.Cloud(nil); err != nil {
			return err
		}
	}
	for _, path := range files {
		f, n, err := a.validateOne(ctx, api, path)
		if err != nil {
			a.failed(err)
			continue
		}
		read++
		faults, warned = faults+f, warned+n
	}
	what := "in " + nameOf(files[0])
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

// nameOf is what a file is called in faults.
func nameOf(path string) string {
	if path == "-" {
		return "stdin"
	}
	return path
}

// validateOne tells what is wrong in one file, and how much it is. The error is about a file that cannot be read,
// or a cloud that does not take the token; without api none is asked.
func (a *cli) validateOne(ctx context.Context, api *digitalocean.Client, path string) (faults, warnings int, err error) {
	name, data, err := nameOf(path), []byte(nil), error(nil)
	if path == "-" {
		data, err = io.ReadAll(io.LimitReader(a.in, file.MaxSize+1)) // the parser refuses what is longer
	} else {
		data, err = source.ReadFile(path, a.Own())
	}
	if err != nil {
		return 0, 0, err
	}
	s, warned, err := file.Parse(name, data)
	for _, f := range warned {
		printf(a.out, "warning: %s\n", f)
	}
	var found file.Faults
	if errors.As(err, &found) {
		for _, f := range found {
			printf(a.out, "%s\n", f)
		}
		return len(found), len(warned), nil
	}
	if err == nil && api != nil && len(s.Pools) > 0 {
		asked := preflight.Offers(ctx, api, nil, name, s, data)
		if asked.Denied != nil {
			return 0, len(warned), asked.Denied
		}
		a.sayUnknown(asked)
		for _, f := range asked.Warnings {
			printf(a.out, "warning: %s\n", f)
		}
		for _, f := range asked.Faults {
			printf(a.out, "%s\n", f)
		}
		if warned = append(warned, asked.Warnings...); len(asked.Faults) > 0 {
			return len(asked.Faults), len(warned), nil
		}
	}
	if err == nil {
		printf(a.out, "%s: fine: cluster %s, %s, %s%s\n", name, s.Cluster, plural(len(s.Pools), "pool"), plural(len(s.Stack.Services), "service"), stacksOf(s))
	}
	return 0, len(warned), err
}

// stacksOf says how many stacks a file has beside its own services, "" if none.
func stacksOf(d *file.Document) string {
	if len(d.Stacks) == 0 {
		return ""
	}
	n := 0
	for _, s := range d.Composed {
		n += len(s.Services)
	}
	return ", " + plural(len(d.Stacks), "stack") + " with " + plural(n, "service")
}
