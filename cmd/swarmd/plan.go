package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

func planCommand(a *cli) *cobra.Command {
	var file string
	var asJSON, showValues bool
	var deny denial
	var b beginFlags
	cmd := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "What the file changes, what restarts, what is held, what it costs; writes nothing; exit 0 nothing, 2 changes, 3 only what is held, 1 error",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, data, err := readFile(file, a.Own(), a.err)
			if err != nil {
				return err
			}
			o, err := a.preview(cmd.Context(), file, s, data, b, deny)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(a.out, planView(o, showValues))
			} else {
				sayMeaning(a.out, o.meant)
				printPlan(a.out, o, showValues)
			}
			if code := o.exit(); err == nil && code != 0 {
				err = &exitError{code: code}
			}
			return err
		},
	}
	fileFlag(cmd, &file)
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	deny.previewFlag(cmd)
	newClusterFlag(cmd, &b.newCluster)
	cmd.Flags().BoolVar(&showValues, "show-values", false, "show what changes in environments, commands, labels and options too: passwords may be among it")
	return cmd
}

// outlook is a plan for a file that is not accepted yet.
type outlook struct {
	plan.Plan
	whole  plan.Overview
	file   *spec.Spec
	meant  []string // what the file means as an edit
	prices priceList
	sizes  map[int]string // of the droplets that are there, by id
}

// preview computes the plan for a file that is not accepted yet, and what it means as an edit.
func (a *cli) preview(ctx context.Context, path string, s *file.Document, data []byte, b beginFlags, deny denial) (outlook, error) {
	asm, err := a.connectFor(s, b)
	if err != nil {
		return outlook{}, err
	}
	defer asm.Close()
	if err := a.offered(ctx, asm.Catalog, asm.Swarm.Networks, path, s, data); err != nil {
		return outlook{}, err
	}
	asm.FetchPrices()
	asm.FetchVPCs(s.Spec.Cloud.VPC)
	deny.learn(ctx, asm)
	loop := asm.oneShot()
	if err := mayBegin(ctx, loop); err != nil {
		return outlook{}, err
	}
	if err := asm.understands(ctx, s); err != nil {
		return outlook{}, err
	}
	meant, err := loop.Meaning(ctx, data)
	if err != nil {
		return outlook{}, err
	}
	o, err := a.foresee(ctx, loop, asm, s, data)
	o.meant = meant
	return o, err
}

// foresee is what the file would change.
func (a *cli) foresee(ctx context.Context, loop *reconcile.Loop, asm *connection, s *file.Document, data []byte) (outlook, error) {
	p, whole, w, err := loop.Preview(ctx, s, data)
	if err != nil {
		return outlook{}, err
	}
	o := outlook{Plan: p, whole: whole, file: &s.Spec, prices: asm.Prices(), sizes: map[int]string{}}
	for _, m := range w.Machines {
		if m.Droplet != nil {
			o.sizes[m.Droplet.ID] = m.Droplet.Size
		}
	}
	return o, a.gapError(w.Gaps)
}

// exit is the exit code of a plan: whether anything changes, and if not, whether something is held.
func (o outlook) exit() int {
	switch {
	case len(o.Steps) > 0 || !changesNothing(o.whole) && o.Progressing:
		return 2
	case slices.ContainsFunc(o.Holds, func(h plan.Hold) bool { return h.Blocking }):
		return exitHeld
	}
	return 0
}

func printPlan(w io.Writer, o outlook, showValues bool) {
	rest := printOverview(w, o, showValues)
	upkeep := upkeepLines(o)
	if len(upkeep) > 0 {
		printf(w, "besides, whatever the file says:\n")
	}
	for _, line := range upkeep {
		printf(w, "    %s\n", line)
	}
	for _, h := range rest {
		printf(w, "= %s: %s (%s by %s)\n", h.Object, h.Text, holdWord(h), h.Guard)
	}
	held := 0
	for _, h := range o.Holds {
		if h.Blocking && !paces(h) {
			held++
		}
	}
	switch {
	case !changesNothing(o.whole) || len(upkeep)+held > 0:
	case o.Converged:
		fmt.Fprintln(w, "nothing to do: everything is as the file wants it")
	default:
		fmt.Fprintln(w, "nothing more to do: the file changes nothing, and what was begun for it is not over yet, see swarmd status")
	}
	before, after := cost(o.Plan)
	unknown := slices.ContainsFunc(o.Pools, func(c plan.PoolCount) bool { return c.PriceUnknown })
	printf(w, "%s; %s; %s a month now, %s as the file wants it%s%s\n", tally(o.whole), plural(held, "hold"),
		dollars("$", before, unknown), dollars("$", after, unknown), o.prices.uncounted(o.file), o.tooDear(after))
}

// upkeepLines are the steps of the next pass that follow from no edit: a machine is bound, one that was told to leave goes on leaving.
func upkeepLines(o outlook) []string {
	var out []string
	for _, s := range o.Steps {
		if line := stepLine(s.Action.About().Name, s.Action.About().Object.String(), s.Reason.Text); line != "" && (changesNothing(o.whole) || !ofFile(s)) {
			out = append(out, line+o.costLine(s.Action))
		}
	}
	return out
}

// ofFile reports whether a step follows from an edit of the file.
func ofFile(s plan.Step) bool {
	a, replaces := s.Action.(plan.OpenReplace)
	return plan.OfFile(s.Reason.Code) || replaces && a.Rolls()
}

// stepCost is what a step adds to the costs of a month when it is over, in US dollars; false: nothing, or a price that it takes is not known.
func (o outlook) stepCost(a plan.Action) (float64, bool) {
	from, to := "", ""
	switch a := a.(type) {
	case plan.CreateDroplet:
		to = a.Size
	case plan.OpenDelete:
		from = o.sizes[a.DropletID]
	case plan.RetryLaunch:
		from = o.sizes[a.DropletID]
	case plan.DeleteDroplet:
		from = o.sizes[a.DropletID]
	case plan.OpenResize:
		from, to = a.From, a.To
	case plan.OpenReplace:
		from = o.sizes[a.DropletID]
		for _, p := range o.file.Pools {
			if p.Name == a.Pool {
				to = p.Size
			}
		}
	}
	if _, known := o.prices[from]; from == to || from != "" && !known {
		return 0, false
	}
	if _, known := o.prices[to]; to != "" && !known {
		return 0, false
	}
	return o.prices[to] - o.prices[from], true
}

// costLine is the same for people, as the end of a line.
func (o outlook) costLine(a plan.Action) string {
	cost, known := o.stepCost(a)
	switch {
	case !known || cost == 0:
		return ""
	case cost < 0:
		return fmt.Sprintf(" (-$%.2f a month)", -cost)
	}
	return fmt.Sprintf(" (+$%.2f a month)", cost)
}

// stepLine is a step for people, "" for one that is swarmd's bookkeeping alone.
func stepLine(action, object, text string) string {
	kind, name, _ := strings.Cut(object, "/")
	switch {
	case action == "record_rollout" || action == "record_droplet":
		return ""
	case kind == "node" || kind == "op": // the text says whose: the object is an id
		return sign(action) + " " + text
	case name == "" || strings.HasPrefix(text, kind+" "+name+" "): // the text says it itself
		return sign(action) + " " + text
	}
	return sign(action) + " " + kind + " " + name + ": " + text
}

// sign is how a step shows: something comes, goes, or changes.
func sign(action string) string {
	switch {
	case strings.HasPrefix(action, "create"):
		return "+"
	case slices.ContainsFunc([]string{"remove", "delete", "open_delete", "shutdown", "power_off"}, func(p string) bool { return strings.HasPrefix(action, p) }):
		return "-"
	}
	return "~"
}

func cost(p plan.Plan) (before, after float64) {
	for _, c := range p.Pools {
		before += c.MonthlyBefore
		after += c.Monthly
	}
	return before, after
}

// stepView is a step as JSON shows it: the same words as in status and the logs.
type stepView struct {
	ID     string   `json:"id"`
	After  []string `json:"after,omitempty"`
	Action string   `json:"action"`
	Object string   `json:"object"`
	Reason string   `json:"reason"`
	Text   string   `json:"text"`
	Diff   []string `json:"diff,omitempty"`
	Cost   float64  `json:"monthly_dollars,omitempty"` // what it adds to a month's costs when it is over
}

func planView(o outlook, showValues bool) any {
	p := o.Plan
	steps := make([]stepView, 0, len(p.Steps))
	for _, s := range p.Steps {
		v := stepView{ID: s.ID, After: s.After, Action: s.Action.About().Name, Object: s.Action.About().Object.String(), Reason: s.Reason.Code, Text: s.Reason.Text}
		v.Cost, _ = o.stepCost(s.Action)
		if u, ok := s.Action.(plan.UpdateService); ok {
			for _, c := range u.Changes {
				v.Diff = append(v.Diff, c.Text(showValues))
			}
		}
		steps = append(steps, v)
	}
	before, after := cost(p)
	whole := o.whole
	if !showValues {
		whole = masked(whole)
	}
	return map[string]any{"meaning": list(o.meant), "changes": whole, "steps": steps, "holds": list(p.Holds), "pools": list(p.Pools), "services": list(p.Services), "converged": p.Converged,
		"sizes_without_price": o.prices.unknown(o.file),
		"monthly_dollars":     map[string]float64{"before": before, "after": after}}
}

// list is the entries as JSON shows a list: none is [], not null.
func list[T any](entries []T) []T { return append([]T{}, entries...) }

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
