package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// holdWord tells what keeps the file from becoming true from what is only told.
func holdWord(h plan.Hold) string {
	if h.Blocking {
		return "held"
	}
	return "note"
}

// holdLines is a line for each hold. Those of what could not be read are left out: gapLines says it.
func holdLines(holds []plan.Hold) []string {
	var out []string
	for _, h := range holds {
		if h.Guard == plan.GuardGap && h.Object == "cluster" {
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s: %s (%s)", holdWord(h), h.Object, h.Text, h.Guard))
	}
	return out
}

// gapLines is a line for each cause for which something could not be read, with what to do.
func (a *cli) gapLines(gaps []world.Gap) []string {
	return causeLines("could not read", gaps, a.gapAdvice)
}

// actingGapLines are the same of what the swarmd that acts could not read.
func actingGapLines(gaps []world.Gap) []string {
	return causeLines("the swarmd that acts could not read", gaps, actingAdvice)
}

// causeLines is a line for each cause of the gaps, which begins with who could not read.
func causeLines(who string, gaps []world.Gap, advise func(world.Gap) string) []string {
	var causes []string
	whats, advice := map[string][]string{}, map[string]string{}
	for _, g := range gaps {
		cause := gapCause(g)
		if whats[cause] == nil {
			causes = append(causes, cause)
			advice[cause] = advise(g)
		}
		if !slices.Contains(whats[cause], g.What) {
			whats[cause] = append(whats[cause], g.What)
		}
	}
	var out []string
	for _, cause := range causes {
		out = append(out, withAdvice(fmt.Sprintf("%s %s: %s", who, strings.Join(whats[cause], ", "), cause), advice[cause]))
	}
	return out
}

// gapCause is the error without the call that met it.
func gapCause(g world.Gap) string {
	if g.Kind == "" {
		return g.Err
	}
	if i := strings.Index(g.Err, ": "+string(g.Kind)); i >= 0 {
		return g.Err[i+2:]
	}
	return g.Err
}
