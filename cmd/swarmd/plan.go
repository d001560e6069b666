package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func planCommand(a *cli) *cobra.Command {
	var file string
	var asJSON, showValues bool
	var deny denial
	var b beginFlags
	cmd := &cobra.Command{
		Use:   "plan -f FILE",
		Short: "What would change and why, what is held, what it costs; writes nothing; exit 0 nothing, 2 changes, 1 error",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, data, err := readFile(file, a.err)
			if err != nil {
				return err
			}
			p, err := a.preview(cmd.Context(), file, s, data, b, deny)
			if err != nil {
				return err
			}
			if asJSON {
				err = writeJSON(a.out, planView(p, showValues))
			} else {
				sayMeaning(a.out, p.meant)
				printPlan(a.out, p, showValues)
			}
			if err == nil && len(p.Steps) > 0 {
				err = &exitError{code: 2}
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
	file   *spec.Spec
	meant  []string // what the file means as an edit
	prices priceList
}

// preview computes the plan for a file that is not accepted yet, and what it means as an edit.
func (a *cli) preview(ctx context.Context, file string, s *spec.Spec, data []byte, b beginFlags, deny denial) (outlook, error) {
	asm, err := a.connectFor(s, b)
	if err != nil {
		return outlook{}, err
	}
	defer asm.Close()
	if err := a.offered(ctx, asm.Catalog, asm.Swarm.Networks, file, s, data); err != nil {
		return outlook{}, err
	}
	asm.FetchPrices()
	deny.learn(ctx, asm)
	loop := asm.visit()
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
	p, w, err := loop.Preview(ctx, s)
	if err != nil {
		return outlook{}, err
	}
	return outlook{Plan: p, file: s, meant: meant, prices: asm.Prices()}, a.gapError(w.Gaps)
}

func printPlan(w io.Writer, o outlook, showValues bool) {
	if poolChanges(w, o); len(o.Steps) > 0 {
		printf(w, "first:\n")
	}
	for i, line := range stepLines(o.Steps, o.prices) {
		if line != "" {
			printf(w, "%s\n", line)
		}
		if u, ok := o.Steps[i].Action.(plan.UpdateService); ok {
			for _, line := range shownDiff(u, showValues) {
				printf(w, "    %s\n", line)
			}
		}
	}
	for _, h := range o.Holds {
		printf(w, "= %s: %s (%s by %s)\n", h.Object, h.Text, holdWord(h), h.Guard)
	}
	held := len(slices.DeleteFunc(slices.Clone(o.Holds), func(h plan.Hold) bool { return !h.Blocking }))
	if len(o.Steps)+held == 0 {
		fmt.Fprintln(w, "nothing to do: everything is as the file wants it")
	}
	before, after := cost(o.Plan)
	unknown := slices.ContainsFunc(o.Pools, func(c plan.PoolCount) bool { return c.PriceUnknown })
	printf(w, "%s, %s; %s a month now, %s as the file wants it%s\n", plural(len(o.Steps), "step"), plural(held, "hold"),
		dollars("$", before, unknown), dollars("$", after, unknown), o.prices.uncounted(o.file))
}

// shownDiff is what changes in a service. Values that may be passwords are shown on purpose only: plans end in the logs of others.
func shownDiff(u plan.UpdateService, values bool) []string {
	if values {
		return u.Diff
	}
	return swarm.Veiled(u.Diff)
}

// sign is how a step shows in a plan: something comes, goes, or changes.
func sign(a plan.Action) string {
	switch name := a.About().Name; {
	case strings.HasPrefix(name, "create"):
		return "+"
	case slices.ContainsFunc([]string{"remove", "delete", "open_delete", "shutdown", "power_off"}, func(p string) bool { return strings.HasPrefix(name, p) }):
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
}

func planView(o outlook, showValues bool) any {
	p := o.Plan
	steps := make([]stepView, 0, len(p.Steps))
	for _, s := range p.Steps {
		v := stepView{ID: s.ID, After: s.After, Action: s.Action.About().Name, Object: s.Action.About().Object.String(), Reason: s.Reason.Code, Text: s.Reason.Text}
		if u, ok := s.Action.(plan.UpdateService); ok {
			v.Diff = shownDiff(u, showValues)
		}
		steps = append(steps, v)
	}
	before, after := cost(p)
	return map[string]any{"meaning": list(o.meant), "steps": steps, "holds": list(p.Holds), "pools": list(p.Pools), "services": list(p.Services), "converged": p.Converged,
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
