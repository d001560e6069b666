package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/history"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

func historyCommand(a *cli) *cobra.Command {
	var cluster string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history [SERVICE]",
		Short: "The accepted revisions: when, from whom, what they changed, how they ended; of a service those that changed it",
		Long: fmt.Sprintf(`Shows the accepted revisions, the newest first: when, from whom, what they changed, and how they ended as far as it is known.
With a service, those that changed it. The swarm keeps the last %d.

swarmd revert hands one of them in again; swarmd rollback does so for one service.`, ledger.Keep),
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
			defer cancel()
			p, err := a.past(ctx, cluster)
			if err != nil {
				return err
			}
			defer p.asm.Close()
			service, err := p.service(first(args))
			if err != nil {
				return err
			}
			entries := history.Of(p.revisions, p.live, p.cluster, service)
			if asJSON {
				return writeJSON(a.out, entries)
			}
			a.printHistory(entries)
			return nil
		},
	}
	clusterFlag(cmd, &cluster)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (a *cli) printHistory(entries []history.Entry) {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REVISION\tACCEPTED\tFROM\tENDED\tCHANGED")
	for _, e := range entries {
		printf(w, "%d\t%s\t%s\t%s\t%s\n", e.Revision, e.Accepted.Local().Format(time.DateTime), e.Source, e.Ended, dash(strings.Join(e.Changed, "; ")))
	}
	_ = w.Flush()
}

// past is what the swarm's store has of a cluster's revisions, and how its services are now.
type past struct {
	asm       *connection
	cluster   string
	contents  map[int][]byte
	revisions []history.Revision // the accepted ones, sorted
	live      history.Live
}

// past reads it. The connection is to be closed.
func (a *cli) past(ctx context.Context, asked string) (*past, error) {
	known, err := a.chooseCluster(ctx, asked)
	if err != nil {
		return nil, err
	}
	asm, r, err := a.look(ctx, known, denial{})
	if err != nil {
		return nil, err
	}
	p := &past{asm: asm, cluster: known.Name, contents: map[int][]byte{}}
	st, err := p.read(ctx, r)
	if err != nil {
		asm.Close()
		return nil, err
	}
	if err := lost(ctx, asm.Store, st); err != nil {
		printf(a.err, "warning: %s\n", a.redact(err.Error()))
	}
	return p, nil
}

// lost is the error of a cluster whose accepted revision is not in the swarm's store any more, nil of any other.
func lost(ctx context.Context, store *ledger.Store, st ledger.State) error {
	n := st.Ledger.Revision
	if _, ok := st.Revision(n); ok || n == 0 {
		return nil
	}
	if _, err := store.Revision(ctx, n); err != nil {
		return store.Unreadable(n, err)
	}
	return nil
}

func (p *past) read(ctx context.Context, r report.Report) (ledger.State, error) {
	st, err := p.asm.Store.Look(ctx)
	if err != nil {
		return st, err
	}
	services, err := p.asm.Engine.Services(ctx)
	if err != nil {
		return st, err
	}
	p.live = history.Live{Services: services, Failed: st.Ledger.Rollouts, Accepted: st.Ledger.Revision, Now: endOf(r)}
	var converter docker.Converter
	for _, rev := range st.Revisions {
		if rev.Number > st.Ledger.Revision {
			continue // it was never accepted
		}
		p.contents[rev.Number] = rev.Data
		read := history.Revision{Number: rev.Number, Accepted: rev.Accepted, Source: rev.Source, Failed: rev.Failed}
		if d, _, err := file.Parse(fmt.Sprintf("revision %d", rev.Number), rev.Data); err == nil {
			if stack, err := converter.ConvertFile(&d.Spec, d.Stack, d.Composed); err == nil {
				read.Spec, read.Stack = &d.Spec, stack
			}
		}
		p.revisions = append(p.revisions, read)
	}
	return st, nil
}

// endOf is how the accepted revision is at the moment, in few words.
func endOf(r report.Report) string {
	lacks := lacking(r)
	switch {
	case r.Converged:
		return "as the file wants it"
	case len(lacks) > 0:
		return strings.Join(lacks, ", ")
	case r.Error != "":
		return unknownState
	case r.Unattended != "":
		return "nobody acts"
	}
	return "not there yet: " + underWay(r)
}

// service is a service's name as Docker has it, from one with or without the cluster's; "" of none.
func (p *past) service(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	name = strings.TrimPrefix(name, "service/")
	for _, r := range p.revisions {
		var names []string
		for _, s := range r.Stack.Services {
			names = append(names, s.Name)
		}
		if found := serviceOf(p.cluster, name, names); found != "" {
			return found, nil
		}
	}
	return "", fmt.Errorf("none of the last %s has a service %s", plural(len(p.revisions), "revision"), plain(name))
}

// serviceOf is the service that a name that people use means, "" if none: the whole name, as Docker has it, or without the cluster's own before it.
// Services of other stacks have their stack's name before theirs: two stacks may have one of the same name.
func serviceOf(cluster, name string, known []string) string {
	for _, full := range []string{name, cluster + "_" + name} {
		if slices.Contains(known, full) {
			return full
		}
	}
	return ""
}

// content is the file of a revision.
func (p *past) content(revision int) ([]byte, error) {
	data, ok := p.contents[revision]
	if !ok {
		return nil, fmt.Errorf("revision %d is not kept: swarmd history shows those that are", revision)
	}
	return data, nil
}
