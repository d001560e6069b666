package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/maintenance"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

func applyCommand(a *cli) *cobra.Command {
	var file string
	var b beginFlags
	var deny denial
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make the file the next revision and follow until it is true; exit 0 converged, 3 held until a person acts or to be followed elsewhere, 1 not",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, data, err := readFile(file, a.Own(), a.err)
			if err != nil {
				return err
			}
			asm, err := a.connectFor(s, b)
			if err != nil {
				return err
			}
			defer asm.Close()
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			deny.learn(ctx, asm)
			return inTime(a.handIn(ctx, asm, file, data, s), timeout, file)
		},
	}
	fileFlag(cmd, &file)
	b.flags(cmd)
	cmd.Flags().BoolVar(&b.confirm, "confirm", false, "what the file removes is meant to be removed: many services, or a pool's last machine; without it swarmd confirm says so later")
	deny.previewFlag(cmd)
	cmd.Flags().DurationVar(&timeout, "timeout", 15*time.Minute, "how long to follow")
	return cmd
}

// handIn makes the file the next revision, if all that it asks for can be had, and follows it.
func (a *cli) handIn(ctx context.Context, asm *connection, path string, data []byte, s *file.Document) error {
	if err := a.understoodAndOffered(ctx, asm, path, data, s); err != nil {
		return err
	}
	return a.follow(ctx, asm, data, s, "apply "+whoami())
}

// understoodAndOffered refuses a file that asks for what cannot be had.
func (a *cli) understoodAndOffered(ctx context.Context, asm *connection, path string, data []byte, s *file.Document) error {
	if err := a.offered(ctx, asm.Catalog, asm.Swarm.Networks, path, s, data); err != nil {
		return err
	}
	return asm.understands(ctx, s)
}

// inTime says what to do about an end of the time-out before an answer: a write that was not answered may have happened.
func inTime(err error, timeout time.Duration, file string) error {
	var said *exitError
	if errors.As(err, &said) || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &exitError{code: 1, msg: fmt.Sprintf("no answer within %s (--timeout): %s. Whether it was accepted: swarmd status -f %s; to try again: swarmd apply -f %s",
		timeout, plain(err.Error()), file, file)}
}

// beginFlags are what a person says of a cluster that has no ledger in the swarm yet.
type beginFlags struct {
	takeOver, newCluster bool
	confirm              bool // the removals of the file are meant
}

func (b *beginFlags) flags(cmd *cobra.Command) {
	takeOverFlag(cmd, &b.takeOver)
	newClusterFlag(cmd, &b.newCluster)
}

// newClusterFlag lets one more cluster begin in a swarm whose nodes are another's.
func newClusterFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "new-cluster", false, "begin a cluster that has services only, in a swarm whose nodes are another cluster's or nobody's; its file has no nodes")
}

// takeOverFlag lets swarmd begin in a swarm that it never acted in, beside droplets of a cluster of the name.
func takeOverFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "take-over", false, "begin in this swarm although droplets of the cluster's name are there that are none of its nodes; they stay held")
}

// whoami is who hands in a revision, for people.
func whoami() string {
	host, _ := os.Hostname()
	if u, err := user.Current(); err == nil {
		return u.Username + "@" + host
	}
	return host
}

// begin says at once what would keep swarmd from acting in this swarm. What fails for another reason the loop meets again, and tells.
func begin(ctx context.Context, loop *reconcile.Loop) error { return notBegun(loop.Begin(ctx)) }

// mayBegin is begin for who only looks: it writes nothing.
func mayBegin(ctx context.Context, loop *reconcile.Loop) error { return notBegun(loop.MayBegin(ctx)) }

func notBegun(err error) error {
	var refused *reconcile.NotBegunError
	if errors.As(err, &refused) {
		return &exitError{code: 1, msg: refused.Text}
	}
	var call *apierr.Error
	if errors.As(err, &call) && (call.Side == "cloud" || call.Kind == apierr.NotManager) {
		return err // without an answer nothing begins
	}
	return nil
}

// sayMeaning says what an edit means before anything is done about it.
func sayMeaning(w io.Writer, texts []string) {
	for _, text := range texts {
		printf(w, "! %s\n", text)
	}
}

// foretell says what the file means as an edit and, if it is given parsed, what it changes, before it is handed in. What cannot be read is met again by
// the loop, and told; that no engine answers is an error.
func (a *cli) foretell(ctx context.Context, loop *reconcile.Loop, asm *connection, data []byte, s *file.Document) error {
	meant, err := loop.Meaning(ctx, data)
	switch {
	case apierr.KindOf(err) == apierr.Unavailable:
		return err
	case err != nil:
		return nil
	}
	sayMeaning(a.out, meant)
	if s == nil {
		return nil
	}
	asm.FetchPrices()
	asm.FetchVPCs(s.Spec.Cloud.VPC)
	if o, err := a.foresee(ctx, loop, asm, s, data); err == nil {
		printPlan(a.out, o, false)
	}
	return nil
}

// follow submits the file and shows the way to convergence. While nobody holds the lease, this process holds it. What the file changes is said before if
// it is given parsed.
func (a *cli) follow(ctx context.Context, asm *connection, data []byte, s *file.Document, source string) error {
	var view *progress
	asm.role.Acting = func(ctx context.Context) report.Report {
		of := a.acting(ctx, asm.Cluster, askFlags{})
		view.asked(of.url != "", time.Now())
		return of.Report
	}
	loop := asm.oneShot()
	if err := begin(ctx, loop); err != nil {
		return err
	}
	if err := a.foretell(ctx, loop, asm, data, s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	defer func() { stop(); <-ended }()

	view = a.newProgress()
	defer view.close()
	revision, err := loop.Submit(ctx, data, source)
	if err != nil {
		return err
	}
	view.say("revision %d accepted", revision)
	if asm.role.Confirmed {
		if _, err := (maintenance.Cluster{Store: asm.Store}).Confirm(ctx, revision); err != nil {
			return err
		}
	}
	began := time.Now()
	last, err := loop.Await(ctx, revision, view.tell)
	view.close()
	if err != nil {
		return a.notTrue(view, last, revision, err)
	}
	printf(a.out, "converged: revision %d is true after %s\n", revision, time.Since(began).Round(100*time.Millisecond))
	if s != nil && last.Lease.Held { // bootstrap, which shows no edit, has just put one there
		printf(a.err, "nobody keeps it so from now on: no swarmd runs in this swarm. swarmd bootstrap -f FILE puts one on the managers, swarmd run -f FILE is one\n")
	}
	return nil
}

// notTrue says how the way to convergence ended before its end, as the command's error.
func (a *cli) notTrue(view *progress, last report.Report, revision int, err error) error {
	var lost *reconcile.LostError
	switch {
	case errors.As(err, &lost):
		a.printReport(last)
		return &exitError{code: 1, msg: fmt.Sprintf("revision %d does not become true as it is: %s", revision, plain(lost.Error()))}
	case errors.Is(err, reconcile.ErrDemoted):
		return &exitError{code: exitHeld, msg: view.elsewhere(revision)}
	case errors.Is(err, reconcile.ErrHeld):
		printLines(a.out, holdLines(last.Holds))
		return &exitError{code: exitHeld, msg: fmt.Sprintf("revision %d is accepted, and all that can be done is done; what is held above waits until a person acts", revision)}
	case errors.Is(err, context.Canceled):
		return &exitError{code: exitInterrupted, msg: fmt.Sprintf("interrupted; revision %d stays accepted, and %s; swarmd revert goes back to another one", revision, whoGoesOn(last))}
	case errors.Is(err, reconcile.ErrSuperseded):
		return &exitError{code: 1, msg: fmt.Sprintf("revision %d is superseded: revision %d was accepted before it was true; swarmd history says from whom, and what that changed", revision, last.Revision)}
	case errors.Is(err, context.DeadlineExceeded):
		a.printReport(last)
		return &exitError{code: 1, msg: fmt.Sprintf("revision %d is accepted but not true yet; %s", revision, whoGoesOn(last))}
	}
	return err
}

// whoGoesOn says who makes the revision true after this command has ended.
func whoGoesOn(last report.Report) string {
	if last.At.IsZero() {
		return "swarmd status says who goes on"
	}
	if last.Lease.Held || last.Lease.Holder == "" || last.Unattended != "" {
		return "nobody goes on: no swarmd runs in this swarm. Start one with swarmd run, or apply the file again"
	}
	return "swarmd on " + last.Lease.Who() + " goes on"
}
