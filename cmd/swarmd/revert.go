package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/history"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// backFlags are of the commands that go back to an older revision.
type backFlags struct {
	cluster string
	yes     bool
	timeout time.Duration
}

func (f *backFlags) flags(cmd *cobra.Command) {
	clusterFlag(cmd, &f.cluster)
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do it; without it the preview is all")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 15*time.Minute, "how long to follow")
}

// watchedFiles is what going back means for files that swarmd watches.
const watchedFiles = "a file that swarmd watches on a machine is not changed: it counts as an older revision, changes nothing, and swarmd status says so; bring it up to date before its next edit, which is the next revision"

func revertCommand(a *cli) *cobra.Command {
	var f backFlags
	cmd := &cobra.Command{
		Use:   "revert REVISION",
		Short: "Hand in an older revision's file again, as a new revision; without --yes a preview",
		Long: `Hands in an older revision's file again, as a new revision, and follows it as swarmd apply does. Without --yes it shows what that
changes, and changes nothing.

` + strings.ToUpper(watchedFiles[:1]) + watchedFiles[1:] + `.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			revision, err := revisionOf(args[0])
			if err != nil {
				return err
			}
			return a.goBack(cmd.Context(), f, func(p *past) ([]byte, string, error) {
				data, err := p.content(revision)
				return data, fmt.Sprintf("revert to %d", revision), err
			})
		},
	}
	f.flags(cmd)
	return cmd
}

func rollbackCommand(a *cli) *cobra.Command {
	var f backFlags
	var to int
	cmd := &cobra.Command{
		Use:   "rollback SERVICE [--to REVISION]",
		Short: "Hand in the accepted file with one service as an older revision has it; without --yes a preview",
		Long: `Hands in the accepted file with the lines of one service as an older revision has them, as a new revision, and follows it as swarmd
apply does. The file is what is wanted: a service that only the swarm has otherwise would be put right again. Without --yes it
shows the lines and what they change, and changes nothing.

Without --to it is the revision that the service ran whole with before, or else the last one in which it was another. Where the lines
cannot be put in safely, it says so and shows them.

` + strings.ToUpper(watchedFiles[:1]) + watchedFiles[1:] + `.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.goBack(cmd.Context(), f, func(p *past) ([]byte, string, error) {
				data, n, err := a.rolledBack(p, args[0], to)
				return data, fmt.Sprintf("rollback of %s to %d", args[0], n), err
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().IntVar(&to, "to", 0, "number of the revision (default: the one that it ran whole with before)")
	return cmd
}

// goBack hands in what an older revision has, or shows what that would change.
func (a *cli) goBack(ctx context.Context, f backFlags, content func(*past) ([]byte, string, error)) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	p, err := a.past(ctx, f.cluster)
	if err != nil {
		return err
	}
	defer p.asm.Close()
	data, source, err := content(p)
	if err != nil {
		return err
	}
	want, _, err := file.Parse(source, data)
	if err != nil {
		return fmt.Errorf("%w\nthis swarmd does not take that revision any more; nothing was changed", err)
	}
	asm, err := a.connectFor(want, beginFlags{})
	if err != nil {
		return err
	}
	defer asm.Close()
	if !f.yes {
		if err := a.foretell(ctx, asm.oneShot(), asm, data, want); err != nil {
			return err
		}
		printf(a.out, "nothing was changed: --yes hands it in as a new revision; %s\n", watchedFiles)
		return nil
	}
	if err := a.understoodAndOffered(ctx, asm, source, data, want); err != nil {
		return err
	}
	if err := a.follow(ctx, asm, data, want, source+" by "+whoami()); err != nil {
		return inTime(err, f.timeout, "FILE")
	}
	printf(a.out, "%s\n", watchedFiles)
	return nil
}

// rolledBack is the accepted file with a service as an older revision has it.
func (a *cli) rolledBack(p *past, name string, to int) (data []byte, revision int, err error) {
	service, err := p.service(name)
	if err != nil {
		return nil, 0, err
	}
	if to == 0 {
		if to = p.goodRevision(service); to == 0 {
			return nil, 0, fmt.Errorf("no kept revision has another %s that did not fail: swarmd history %s", name, name)
		}
	}
	older, err := p.content(to)
	if err != nil {
		return nil, 0, err
	}
	accepted, err := p.content(p.live.Accepted)
	if err != nil {
		return nil, 0, err
	}
	short := strings.TrimPrefix(service, p.cluster+"_")
	data, err = a.spliced(p, accepted, older, service, to)
	if err == nil {
		err = p.onlyChanges(data, service, to)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("the lines of %s cannot be put in safely: %w; edit the file, or swarmd revert %d goes back to all of revision %d", short, err, to, to)
	}
	return data, to, nil
}

// spliced is the accepted file with the lines of a service as the older one has them, which it shows: those of the file itself, or of its stack's.
func (a *cli) spliced(p *past, accepted, older []byte, service string, to int) ([]byte, error) {
	was := p.stack(to).Named(service)
	if was == nil || was.Stack() == p.cluster {
		short := strings.TrimPrefix(service, p.cluster+"_")
		if lines, err := file.ServiceLines(older, short); err == nil {
			printf(a.out, "service %s of revision %d:\n%s", short, to, lines.Of(older))
		}
		return file.Splice(accepted, older, short)
	}
	lines, err := file.StackLines(older, was.Stack(), was.Short())
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		printf(a.out, "service %s of revision %d, in %s:\n%s", service, to, name, lines[name])
	}
	if err != nil {
		return nil, err
	}
	return file.SpliceStack(accepted, older, was.Stack(), was.Short())
}

// goodRevision is the revision that the service ran whole with before the one that it has, or else the last kept one in which it was another; 0: none.
func (p *past) goodRevision(service string) int {
	now := p.stack(p.live.Accepted).Named(service)
	other := func(n int) bool {
		was := p.stack(n).Named(service)
		return was != nil && (now == nil || was.Labels[swarm.LabelHash] != now.Labels[swarm.LabelHash])
	}
	for _, s := range p.live.Services {
		if n, known := plan.GoodRevision(s); s.Spec.Name == service && known && other(n) {
			return n
		}
	}
	for i := len(p.revisions) - 1; i >= 0; i-- {
		r := p.revisions[i]
		want := r.Stack.Named(service)
		failed := want != nil && (plan.FailedTemplate(p.live.Failed[service], *want) || history.FailedIn(*want, p.revisions...))
		if other(r.Number) && !failed {
			return r.Number
		}
	}
	return 0
}

func (p *past) stack(revision int) swarm.Stack {
	for _, r := range p.revisions {
		if r.Number == revision {
			return r.Stack
		}
	}
	return swarm.Stack{}
}

// onlyChanges returns an error unless the file is the accepted one but for the service, and that one is the older revision's.
func (p *past) onlyChanges(data []byte, service string, to int) error {
	d, _, err := file.Parse("the file", data)
	if err != nil {
		return err
	}
	var converter docker.Converter
	made, err := converter.ConvertFile(&d.Spec, d.Stack, d.Composed)
	if err != nil {
		return err
	}
	now, was := p.stack(p.live.Accepted), p.stack(to)
	for _, s := range made.Services {
		want := now.Named(s.Name)
		if s.Name == service {
			want = was.Named(s.Name)
		}
		if want == nil || want.Labels[swarm.LabelHash] != s.Labels[swarm.LabelHash] {
			return fmt.Errorf("%s would be another one than revision %s has: a variable or an anchor stands elsewhere", s.Name, strconv.Itoa(to))
		}
	}
	if len(made.Services) != len(now.Services) || len(made.Networks) != len(now.Networks) {
		return fmt.Errorf("other services or networks would change, too")
	}
	return nil
}
