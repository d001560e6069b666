package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/audit"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

func auditCommand(a *cli) *cobra.Command {
	var path, cluster string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "audit [-f FILE]",
		Short: "Each single point of failure, with the line to change: of the file, asking nobody, or of the cluster that runs; exit 0 none, 2 some, 1 error",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if path != "" {
				d, data, err := readFile(path, a.Own(), a.err)
				if err != nil {
					return err
				}
				return a.audit(path, d, data, nil, asJSON)
			}
			return a.auditLive(cmd.Context(), cluster, asJSON)
		},
	}
	cmd.Flags().StringVarP(&path, "file", "f", "", "the file to look at; without it, the cluster that runs")
	cmd.Flags().StringVar(&cluster, "cluster", "", "which cluster, where the swarm knows several")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// auditLive looks at the accepted revision and at what runs of it.
func (a *cli) auditLive(ctx context.Context, cluster string, asJSON bool) error {
	chosen, err := a.chooseCluster(ctx, cluster)
	if err != nil {
		return err
	}
	asm, err := a.connectTo(chosen)
	if err != nil {
		return err
	}
	defer asm.Close()
	name, d, data, err := acceptedFile(ctx, asm.Store, chosen.Name)
	if err != nil {
		return err
	}
	_, _, w, err := asm.oneShot().Preview(ctx, d, data)
	if err != nil {
		return err
	}
	if err := a.gapError(w.Gaps); err != nil {
		return err // what is not seen is not known to be safe
	}
	return a.audit(name, d, data, &w, asJSON)
}

// acceptedFile is the accepted revision of a cluster, and what it is called.
func acceptedFile(ctx context.Context, store *ledger.Store, cluster string) (name string, d *file.Document, data []byte, err error) {
	st, err := store.Look(ctx)
	if err != nil {
		return "", nil, nil, err
	}
	accepted, ok := st.Revision(st.Ledger.Revision)
	if err := lost(ctx, store, st); err != nil {
		return "", nil, nil, err
	}
	if !ok {
		return "", nil, nil, fmt.Errorf("cluster %s has no accepted revision yet: swarmd apply -f FILE", cluster)
	}
	name = fmt.Sprintf("revision %d", accepted.Number)
	if d, _, err = file.Parse(name, accepted.Data); err != nil {
		return "", nil, nil, fmt.Errorf("%s of cluster %s cannot be read: %w", name, cluster, err)
	}
	return name, d, accepted.Data, nil
}

// auditView is a finding as JSON.
type auditView struct {
	Place string `json:"place"` // FILE:LINE:COLUMN
	Path  string `json:"path"`  // of the field to change
	Text  string `json:"text"`
	Note  bool   `json:"note"` // no failure by itself, or nothing that the file can change
}

func (a *cli) audit(name string, d *file.Document, data []byte, w *world.World, asJSON bool) error {
	stack, err := docker.ConvertFile(&d.Spec, d.Stack, d.Composed)
	if err != nil {
		return err
	}
	places, views, some := file.PlacesOf(name, data), []auditView{}, 0
	for _, f := range audit.Audit(audit.Cluster{Spec: &d.Spec, Stack: stack, Sizes: file.RoomOf, World: w}) {
		at, mark := places.Fault(f.Text, f.Keys...), "! "
		if !f.Note {
			some++
		} else {
			mark = "note: "
		}
		views = append(views, auditView{Place: fmt.Sprintf("%s:%d:%d", at.File, at.Line, at.Col), Path: at.Path, Text: f.Text, Note: f.Note})
		if !asJSON {
			printf(a.out, "%s%s\n", mark, at)
		}
	}
	if asJSON {
		err = writeJSON(a.out, views)
	} else if some == 0 {
		printf(a.out, "%s: no single point of failure was found\n", name)
	} else {
		printf(a.out, "%s in %s\n", plural(some, "single point")+" of failure", name)
	}
	if err == nil && some > 0 {
		return &exitError{code: 2}
	}
	return err
}
