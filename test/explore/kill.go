package explore

import (
	"cmp"
	_ "embed"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/brake"
)

// kills has, by mutant, the plan that noticed it before: it is played first.
//
//go:embed testdata/kills.txt
var kills string

// Kill plays each mutant until something notices it: with the plan that did before, then every workflow as it is, then single faults, at most
// limit plans. What notices swarmd as it is, too, notices no mutant.
func (c *Campaign) Kill(t *testing.T, limit int) {
	all, singles := Mutants(), c.singles()
	if only := os.Getenv("SWARMD_EXPLORE_MUTANTS"); only != "" {
		all = slices.DeleteFunc(all, func(m Mutant) bool { return !slices.Contains(strings.Split(only, ","), m.Name) })
	}
	c.each(t, "mutants", len(all), func(t *testing.T, i int) {
		began := time.Now()
		by, took := c.hunt(t, all[i], singles, limit)
		t.Logf("%s: %d plans in %s: %s", all[i].Name, took, time.Since(began).Round(time.Second/10), cmp.Or(by, "ALIVE"))
		c.killed(all[i], by, took)
	})
}

// hunt returns the plan that noticed the mutant, and how many it took; "" if none did.
func (c *Campaign) hunt(t *testing.T, m Mutant, singles []Plan, limit int) (by string, took int) {
	for i, p := range c.prey(m, singles, limit) {
		p.Hunt = true
		why := caught(c.Explorer.Run(t, p))
		if why != "" && c.peaceful(t, p) {
			return p.String() + ": " + why, i + 1
		}
	}
	return "", limit
}

// peaceful reports whether nothing notices swarmd as it is in a plan that notices a mutant. It is played once for all mutants.
func (c *Campaign) peaceful(t *testing.T, p Plan) bool {
	p.Mutant = ""
	c.mu.Lock()
	once := c.peace[p.String()]
	if once == nil {
		once = sync.OnceValue(func() bool { return caught(c.Explorer.Run(t, p)) == "" })
		c.peace[p.String()] = once
	}
	c.mu.Unlock()
	return once()
}

// prey are the plans that a mutant is hunted with.
func (c *Campaign) prey(m Mutant, singles []Plan, limit int) (plans []Plan) {
	for line := range strings.Lines(kills) {
		if p, err := ParsePlan(strings.TrimSpace(line)); err == nil && p.Mutant == m.Name {
			plans = append(plans, p)
		}
	}
	for i, w := range Workflows() {
		plans = append(plans, Plan{Workflow: w.Name, Seed: c.Seed + uint64(i%4), Mutant: m.Name})
	}
	for i, p := range c.spread(m, singles) {
		p.Mutant, p.Seed = m.Name, c.Seed+uint64(i%4)
		plans = append(plans, p)
	}
	return plans[:min(limit, len(plans))]
}

// spread puts the faults in an order in which each kind comes to each kind of call early, whatever is the commonest.
func (c *Campaign) spread(m Mutant, singles []Plan) []Plan {
	rng := rand.New(rand.NewPCG(c.Seed, uint64(len(m.Name))))
	turn, count := make(map[int]float64, len(singles)), map[string]int{}
	order := rng.Perm(len(singles))
	for _, i := range order {
		f := singles[i].Faults[0]
		group := string(f.Kind) + " " + c.bases[singles[i].Workflow].Signs[f.At-1].Call
		turn[i] = float64(count[group]) + rng.Float64()
		count[group]++
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(turn[a], turn[b]) })
	plans := make([]Plan, 0, len(order))
	for _, i := range order {
		plans = append(plans, singles[i])
	}
	return plans
}

// caught says what noticed a mutant: an invariant, or a brake that refuses nothing but mistakes.
func caught(out Outcome) string {
	if i := slices.IndexFunc(out.Violations, func(v Violation) bool { return v.Invariant != "harness" }); i >= 0 {
		return out.Violations[i].String()
	}
	for _, b := range []string{brake.Ownership, brake.Quorum, brake.Calls, brake.Deletes, brake.Lethal} {
		if out.Brakes[b] > 0 {
			return "the brake " + b + " held"
		}
	}
	return ""
}

func (c *Campaign) killed(m Mutant, by string, took int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rep.Mutants++
	c.rep.MutantPlans += took
	if by == "" {
		c.rep.Alive = append(c.rep.Alive, m.Name+": "+m.Incident)
		return
	}
	c.rep.Killed++
	c.rep.Kills = append(c.rep.Kills, m.Name+" ("+m.Incident+") by "+by)
}
