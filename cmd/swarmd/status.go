package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func statusCommand(a *cli) *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "The live picture: who acts, what is wanted, what is there, what is held and why; with --check exit 0 as wanted, 3 only held, 1 not there or nobody acts",
		Long: `Shows the cluster that the swarm's store knows; of several, a line each, and --cluster shows one.

Exit codes: 0 the picture is shown; with --check 0 only if everything is as wanted, 3 if nothing is left but what is held until a
person acts, or a file with faults on a manager, 1 if it is not there yet or nobody acts, or who acts cannot read what is there; of several clusters the worst counts. 1 also without a swarm, without a
cluster, and for a cluster that the swarm does not know.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.status(cmd.Context(), f)
		},
	}
	fileFlag(cmd, &f.file)
	cmd.Flags().StringVar(&f.cluster, "cluster", "", "name of the cluster (default: the one that the swarm's store knows, or a line for each)")
	cmd.Flags().StringVar(&f.ask.address, "address", "", "HOST:PORT where the swarmd listens that remembers since when, and what was tried (default: port 9810)")
	cmd.Flags().StringVar(&f.ask.token, "read-token-file", "", "file with the token that a swarmd of another machine wants")
	f.deny.previewFlag(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "as JSON")
	cmd.Flags().BoolVar(&f.check, "check", false, "exit 0 if everything is as wanted, 3 if nothing is left but what is held until a person acts, 1 if it is not there yet or nobody acts")
	return cmd
}

type statusFlags struct {
	file, cluster string
	json, check   bool
	ask           askFlags
	deny          denial
}

func (a *cli) status(ctx context.Context, f statusFlags) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cluster, own := f.cluster, []byte(nil)
	if f.file != "" {
		s, data, err := readFile(f.file, a.Own(), a.err)
		if err != nil {
			return err
		}
		cluster, own = s.Cluster, data
	}
	known, err := a.knownClusters(ctx)
	if err != nil {
		a.printNoLeader(ctx, err, cluster, f.ask)
		return err
	}
	if cluster == "" && len(known) > 1 {
		return a.statusOfAll(ctx, known, f)
	}
	chosen, err := choose(known, cluster)
	if err != nil {
		return err
	}
	asm, r, err := a.look(ctx, chosen, f.deny)
	if err != nil {
		return err
	}
	defer asm.Close()
	said := ""
	if !r.ServicesOnly {
		said = remember(&r, a.acting(ctx, r.Cluster, f.ask))
	}
	if f.json {
		err = writeJSON(a.out, r)
	} else {
		a.printReport(r)
		if said != "" {
			printf(a.out, "%s\n", said)
		}
		err = a.compareFile(ctx, asm.Store, f.file, own)
	}
	if err == nil && f.check {
		err = checked(r)
	}
	return err
}

// printNoLeader says what the swarmd at hand knows and does about it, if the store cannot be read because the swarm has no leader.
func (a *cli) printNoLeader(ctx context.Context, err error, cluster string, f askFlags) {
	if apierr.KindOf(err) != apierr.NoLeader {
		return
	}
	if told := a.acting(ctx, cluster, f); told.NoLeader != "" {
		printf(a.out, "cluster %s: %s\nas the swarmd at %s has it, from its pass %s\n", told.Cluster, told.NoLeader, told.url, sinceThen(told.At))
	}
}

// connectTo connects to a cluster that the swarm knows.
func (a *cli) connectTo(c ledger.Known) (*connection, error) {
	asm, err := a.connect(c.Name, zap.NewNop(), false)
	if err == nil && c.ServicesOnly {
		asm.WithoutCloud()
	}
	return asm, err
}

// look takes one look at a cluster. The connection is to be closed.
func (a *cli) look(ctx context.Context, c ledger.Known, deny denial) (*connection, report.Report, error) {
	asm, err := a.connectTo(c)
	if err != nil {
		return nil, report.Report{}, err
	}
	asm.FetchPrices()
	deny.learn(ctx, asm)
	r := asm.oneShot().Look(ctx)
	if errors.Is(ctx.Err(), context.Canceled) { // what was not read then is not missing
		asm.Close()
		return nil, report.Report{}, ctx.Err()
	}
	return asm, r, nil
}

// checked is the exit code of status --check.
func checked(r report.Report) error {
	switch {
	case len(r.ActingGaps) > 0:
	case r.Converged && len(r.Broken) == 0:
		return nil
	case (r.Converged || r.HeldOnly) && r.Unattended == "":
		return &exitError{code: exitHeld}
	}
	return &exitError{code: 1}
}

// compareFile says what the file at hand counts for against the accepted revision.
func (a *cli) compareFile(ctx context.Context, store *ledger.Store, file string, own []byte) error {
	if own == nil {
		return nil
	}
	st, err := store.Look(ctx)
	if err != nil {
		return err
	}
	switch verdict, n := ledger.Judge(ledger.AtStart, own, st.Ledger.Revision, st.Revisions); verdict {
	case ledger.Same:
		printf(a.out, "%s is the accepted revision %d\n", file, n)
	case ledger.Stale:
		printf(a.out, "%s is stale: it is revision %d; to go back to it on purpose: swarmd apply -f %s\n", file, n, file)
	default:
		printf(a.out, "%s is not accepted: swarmd plan -f %s shows what it would change\n", file, file)
	}
	return nil
}

// printReport is the live picture for people.
func (a *cli) printReport(r report.Report) {
	revision := fmt.Sprintf("revision %d (%s)", r.Revision, orNone(r.Source))
	if r.Error != "" && r.Revision == 0 {
		revision = "its revision cannot be read"
	}
	printf(a.out, "cluster %s, %s: %s%s\n", r.Cluster, revision, verdict(r), whereHeld(r))
	printf(a.out, "acting: %s\n\n", orNone(acting(r)))
	var tables bytes.Buffer
	w := tabwriter.NewWriter(&tables, 0, 0, 3, ' ', 0)
	printPools(w, r)
	printNodes(w, r)
	printServices(w, r)
	_ = w.Flush() // a buffer does not fail
	for line := range strings.Lines(tables.String()) {
		fmt.Fprintln(a.out, strings.TrimRight(line, " \n"))
	}
	printLines(a.out, holdLines(r.Holds))
	for _, op := range r.Operations {
		if op.Kind == ledger.Create && op.DropletID == 0 {
			printf(a.out, "open: create %s: no droplet of it was seen yet; looked for until %s\n", op.Name, op.Deadline.Local().Format(time.DateTime))
		}
	}
	for _, s := range r.Steps {
		if line := stepLine(s.Action, s.Object, s.Text); line != "" {
			if s.Error != "" {
				line += fmt.Sprintf("; just now that ended %s: %s", s.Outcome, a.redact(s.Error))
			}
			printf(a.out, "next: %s\n", line)
		}
	}
	printLines(a.out, a.gapLines(r.Gaps))
	printLines(a.out, actingGapLines(r.ActingGaps))
	for _, node := range slices.Sorted(maps.Keys(r.Stale)) {
		printf(a.out, "stale: the file on node %s is revision %d and changes nothing; to go back to it on purpose, apply it\n", nodeName(r, node), r.Stale[node])
	}
	for _, node := range slices.Sorted(maps.Keys(r.Broken)) {
		printf(a.out, "broken: the file on node %s does not count, the accepted revision goes on: %s; correct it there\n", nodeName(r, node), a.redact(r.Broken[node]))
	}
	if r.Error != "" {
		printf(a.out, "error: %s\n", a.redact(r.Error))
	}
}

// nodeName is what people call a node; its id if it has left.
func nodeName(r report.Report, id string) string {
	for _, n := range r.Nodes {
		if n.NodeID == id {
			return n.Name
		}
	}
	return id
}

// unknownState is said of a look that failed: what it did not see is not "not there yet".
const unknownState = "whether it is as the file wants it is not known"

func verdict(r report.Report) string {
	switch {
	case r.Unattended != "":
		return r.Unattended
	case r.Converged && len(r.ActingGaps) > 0:
		return "everything is as the file wants it, and the swarmd that acts cannot keep it so, see below"
	case r.Converged && len(r.Broken) > 0:
		return fmt.Sprintf("everything is as revision %d wants it, and a newer file does not count, see below", r.Revision)
	case r.Converged:
		return "everything is as the file wants it"
	}
	lacks := lacking(r)
	switch {
	case len(lacks) == 0 && r.Error != "":
		return unknownState
	case len(lacks) > 0 && r.HeldOnly:
		return "not as the file wants it, and only a person can change that: " + strings.Join(lacks, ", ")
	case len(lacks) > 0:
		return "not there yet: " + strings.Join(lacks, ", ")
	}
	return "not there yet: " + underWay(r)
}

// underWay is what is waited for while nothing lacks.
func underWay(r report.Report) string {
	var out []string
	leaving := 0
	for _, n := range r.Nodes {
		if n.Class == "leaving" {
			leaving++
		}
	}
	switch leaving {
	case 0:
	case 1:
		out = append(out, "1 machine leaves")
	default:
		out = append(out, plural(leaving, "machine")+" leave")
	}
	for _, s := range r.Services {
		if s.RollOut.State == plan.RollOutRunning {
			out = append(out, "the roll-out of "+s.Service+" is not proven yet")
		}
	}
	if n := len(r.Steps); n > 0 {
		out = append(out, plural(n, "step")+" to do")
	}
	switch {
	case r.Result == report.Waiting:
		return "no file was accepted yet: swarmd apply -f FILE"
	case len(out) == 0:
		return "what was done a moment ago is waited for"
	}
	return strings.Join(out, ", ")
}

// whereHeld says where the whole picture has what keeps the cluster from being as its file wants it.
func whereHeld(r report.Report) string {
	if r.Unattended == "" && !r.Converged && (blocking(r)+len(r.ActingGaps) > 0 || r.Error != "") {
		return ", see below"
	}
	return ""
}

// blocking counts the holds for which the cluster is not as the file wants it.
func blocking(r report.Report) (n int) {
	for _, h := range r.Holds {
		if h.Blocking {
			n++
		}
	}
	return n
}

// lacking is what keeps a cluster from being as its file wants it, in a few words each.
func lacking(r report.Report) []string {
	var out []string
	for _, p := range r.Pools {
		if n := p.Desired - p.Ready; n > 0 {
			out = append(out, fmt.Sprintf("pool %s lacks %s", p.Pool, plural(n, "ready machine")))
		} else if n := p.Have - p.Desired; n > 0 {
			out = append(out, fmt.Sprintf("pool %s has %s too many", p.Pool, plural(n, "machine")))
		}
	}
	for _, s := range r.Services {
		switch n := s.Desired - s.Running; {
		case s.Job && !s.Whole():
			out = append(out, fmt.Sprintf("job %s lacks %s", s.Service, plural(s.Desired-s.Completed, "completion")))
		case s.Job:
		case s.RollOut.State == plan.RollOutBack && n <= 0:
			out = append(out, s.Service+" failed and was taken back")
		case s.Update == swarm.Updating:
			out = append(out, s.Service+" is rolled out")
		case s.Update == swarm.RollbackStarted:
			out = append(out, s.Service+" is rolled back")
		case n > 0:
			out = append(out, fmt.Sprintf("%s lacks %s", s.Service, plural(n, "task")))
		}
	}
	if held := blocking(r); held > 0 {
		out = append(out, fmt.Sprintf("%d held", held))
	}
	return out
}

func acting(r report.Report) string {
	if r.Unattended != "" {
		return ""
	}
	who, age := r.Lease.Who(), r.At.Sub(r.Lease.Renewed)
	if who == "" || r.Lease.Renewed.IsZero() {
		return who
	}
	return fmt.Sprintf("%s, lease renewed %s ago", who, max(age, 0).Round(time.Second))
}

func orNone(s string) string {
	if s == "" {
		return "nobody"
	}
	return s
}
