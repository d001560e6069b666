package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/spec/source"
)

// fileFlag adds -f to a command.
func fileFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "file", "f", "", "the desired state (YAML)")
	cmd.Flags().SortFlags = false
}

// readFile reads the file that people edit; faults and warnings are told on w, one a line.
func readFile(path string, own source.Own, w io.Writer) (*file.Document, []byte, error) {
	if path == "" {
		return nil, nil, errors.New("which file? give -f FILE")
	}
	data, err := source.ReadFile(path, own)
	if err != nil {
		return nil, nil, err
	}
	s, warnings, err := file.Parse(path, data)
	for _, f := range warnings {
		printf(w, "warning: %s\n", f)
	}
	if err != nil {
		var faults file.Faults
		if !errors.As(err, &faults) {
			return nil, nil, err
		}
		return nil, nil, refused(w, path, faults)
	}
	return s, data, nil
}

// refused tells what is wrong with the file on w, and returns the error for that; nil if nothing is.
func refused(w io.Writer, path string, faults []file.Fault) error {
	for _, f := range faults {
		printf(w, "%s\n", f)
	}
	if len(faults) == 0 {
		return nil
	}
	return &exitError{code: 1, msg: plural(len(faults), "fault") + " in " + path + "; nothing was changed"}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
