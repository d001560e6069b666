package explore

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/brake"
)

// Finding is a plan that broke something.
type Finding struct {
	Plan       string   `json:"plan"`
	Violations []string `json:"violations"`
	Replay     string   `json:"replay"` // the command
}

// Report is what a campaign found.
type Report struct {
	Plans          int            `json:"plans"`
	Calls          int            `json:"calls"`
	States         int            `json:"states"`
	Injected       map[Kind]int   `json:"faults_injected"`
	Survived       int            `json:"faults_survived"` // injected in runs without a violation
	Singles        Coverage       `json:"single_faults"`
	Pairs          Coverage       `json:"pairs"`
	Weeks          int            `json:"virtual_weeks"`
	Mixes          int            `json:"mixes"`
	Lost           map[string]int `json:"lost"` // by invariant; all must be 0
	Brakes         map[string]int `json:"brakes_held"`
	Mutants        int            `json:"mutants"`
	Killed         int            `json:"mutants_killed"`
	MutantPlans    int            `json:"mutant_plans"`
	Kills          []string       `json:"kills,omitempty"`
	Alive          []string       `json:"mutants_alive,omitempty"`
	Replayed       int            `json:"replayed"`
	Differ         []string       `json:"replays_that_differ,omitempty"`
	Findings       []Finding      `json:"findings,omitempty"`
	Creates        int            `json:"droplets_created"`
	Deletes        int            `json:"droplets_deleted"`
	VirtualHours   float64        `json:"virtual_hours"`
	Seconds        float64        `json:"seconds"`
	PlansPerSecond float64        `json:"plans_per_second"`
	Cores          int            `json:"cores"`
	Workflows      map[string]int `json:"calls_by_workflow"`
	states         map[uint64]bool
}

// Coverage is how many of the possible faults were tried.
type Coverage struct {
	Possible int `json:"possible"`
	Tried    int `json:"tried"`
}

// Percent of what is possible.
func (c Coverage) Percent() float64 {
	if c.Possible == 0 {
		return 0
	}
	return 100 * float64(c.Tried) / float64(c.Possible)
}

// Campaign plays many plans side by side.
type Campaign struct {
	Explorer *Explorer
	Workers  int
	Seed     uint64

	began time.Time
	mu    sync.Mutex
	rep   Report
	bases map[string]Outcome
}

// NewCampaign returns a campaign with one worker a core.
func NewCampaign(seed uint64) *Campaign {
	return &Campaign{Explorer: New(), Workers: runtime.GOMAXPROCS(0), Seed: seed, began: time.Now(), bases: map[string]Outcome{},
		rep: Report{Injected: map[Kind]int{}, Lost: map[string]int{}, Brakes: map[string]int{}, Workflows: map[string]int{}, states: map[uint64]bool{}}}
}

// play runs the plans on all workers and tells each outcome, one at a time.
func (c *Campaign) play(t *testing.T, name string, plans []Plan, told func(Outcome)) {
	var next int
	t.Run(name, func(t *testing.T) {
		for w := range c.Workers {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				for {
					c.mu.Lock()
					if next == len(plans) {
						c.mu.Unlock()
						return
					}
					p := plans[next]
					next++
					c.mu.Unlock()
					out := c.Explorer.Run(t, p)
					c.mu.Lock()
					told(out)
					c.mu.Unlock()
				}
			})
		}
	})
}

// Kill plays each mutant until something notices it: every workflow as it is, then with single faults, at most limit plans.
func (c *Campaign) Kill(t *testing.T, limit int) {
	all := Mutants()
	singles := c.singles()
	var next int
	t.Run("mutants", func(t *testing.T) {
		for w := range c.Workers {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				for {
					c.mu.Lock()
					if next == len(all) {
						c.mu.Unlock()
						return
					}
					m := all[next]
					next++
					c.mu.Unlock()
					by, took := c.hunt(t, m, singles, limit)
					c.killed(m, by, took)
				}
			})
		}
	})
}

// hunt returns the plan that noticed the mutant, and how many it took; "" if none did.
func (c *Campaign) hunt(t *testing.T, m Mutant, singles []Plan, limit int) (by string, took int) {
	var plans []Plan
	for _, w := range Workflows() {
		plans = append(plans, Plan{Workflow: w.Name, Seed: c.Seed, Mutant: m.Name})
	}
	rng := rand.New(rand.NewPCG(c.Seed, uint64(len(m.Name))))
	for len(plans) < limit && len(singles) > 0 {
		p := singles[rng.IntN(len(singles))]
		p.Mutant = m.Name
		plans = append(plans, p)
	}
	for i, p := range plans {
		out := c.Explorer.Run(t, p)
		if why := caught(out); why != "" {
			return p.String() + ": " + why, i + 1
		}
	}
	return "", len(plans)
}

// caught says what noticed a mutant: an invariant, or a brake that holds only against mistakes.
func caught(out Outcome) string {
	if len(out.Violations) > 0 {
		return out.Violations[0].String()
	}
	for _, b := range []string{brake.Ownership, brake.Quorum, brake.Calls, brake.Deletes} {
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

// count takes an outcome into the report.
func (c *Campaign) count(out Outcome) {
	r := &c.rep
	r.Plans++
	r.Calls += out.Calls
	r.Creates += out.Creates
	r.Deletes += out.Deletes
	r.VirtualHours += out.Virtual.Hours()
	n := 0
	for k, v := range out.Injected {
		r.Injected[k] += v
		n += v
	}
	for b, v := range out.Brakes {
		r.Brakes[b] += v
	}
	for _, s := range out.States {
		r.states[s] = true
	}
	if len(out.Violations) == 0 {
		r.Survived += n
		return
	}
	f := Finding{Plan: out.Plan.String(), Replay: "make explore-replay PLAN='" + out.Plan.String() + "'"}
	for _, v := range out.Violations {
		r.Lost[v.Invariant]++
		f.Violations = append(f.Violations, v.String())
	}
	r.Findings = append(r.Findings, f)
}

// Bases plays every workflow without a fault, twice.
func (c *Campaign) Bases(t *testing.T) {
	var plans []Plan
	for _, w := range Workflows() {
		p := Plan{Workflow: w.Name, Seed: c.Seed, Watch: true}
		plans = append(plans, p, p)
	}
	c.play(t, "workflows", plans, func(out Outcome) {
		first, again := c.bases[out.Plan.Workflow]
		c.count(out)
		c.rep.Workflows[out.Plan.Workflow] = out.Active
		c.bases[out.Plan.Workflow] = out
		if again {
			c.compare(first, out)
		}
	})
}

// compare notes whether two runs of one plan left the same trace.
func (c *Campaign) compare(a, b Outcome) {
	c.rep.Replayed++
	if a.Digest != b.Digest {
		c.rep.Differ = append(c.rep.Differ, a.Plan.String())
	}
}

// Singles plays every fault at every call of every workflow, or each step-th of them.
func (c *Campaign) Singles(t *testing.T, step int) {
	var plans []Plan
	for i, p := range c.singles() {
		c.rep.Singles.Possible++
		if i%step == 0 {
			plans = append(plans, p)
		}
	}
	c.rep.Singles.Tried = len(plans)
	c.play(t, "singles", plans, c.count)
}

// singles are all single faults. Two calls of one kind between the same calls and in the same state of the world are one.
func (c *Campaign) singles() []Plan {
	var plans []Plan
	for _, w := range Workflows() {
		seen := map[string]bool{}
		signs := c.bases[w.Name].Signs
		for i, s := range signs {
			key := fmt.Sprint(around(signs, i), s.State)
			if seen[key] {
				continue
			}
			seen[key] = true
			for _, k := range Kinds() {
				if k.Applies(s, w) {
					plans = append(plans, Plan{Workflow: w.Name, Seed: c.Seed, Faults: []Fault{{i + 1, k}}})
				}
			}
		}
	}
	return plans
}

// around are the classes of a call and of its neighbours.
func around(signs []Sign, i int) []string {
	var out []string
	for j := max(0, i-1); j <= min(i+1, len(signs)-1); j++ {
		out = append(out, signs[j].Class)
	}
	return out
}

// Pairs plays n pairs of faults, drawn from all pairs that are possible in a workflow's run without any.
func (c *Campaign) Pairs(t *testing.T, n int) {
	rng := rand.New(rand.NewPCG(c.Seed, 0xbeef))
	byWorkflow := map[string][]Fault{}
	var names []string
	for _, p := range c.singles() {
		if len(byWorkflow[p.Workflow]) == 0 {
			names = append(names, p.Workflow)
		}
		byWorkflow[p.Workflow] = append(byWorkflow[p.Workflow], p.Faults[0])
	}
	for _, fs := range byWorkflow {
		c.rep.Pairs.Possible += len(fs) * (len(fs) - 1) / 2
	}
	var plans []Plan
	for len(plans) < n && len(names) > 0 {
		w := names[rng.IntN(len(names))]
		fs := byWorkflow[w]
		a, b := fs[rng.IntN(len(fs))], fs[rng.IntN(len(fs))]
		if a.At == b.At {
			continue
		}
		pair := []Fault{a, b}
		slices.SortFunc(pair, func(x, y Fault) int { return x.At - y.At })
		plans = append(plans, Plan{Workflow: w, Seed: c.Seed, Faults: pair})
	}
	c.rep.Pairs.Tried += len(plans)
	c.play(t, "pairs", plans, c.count)
}

// Mixes plays n random mixes of edits and faults.
func (c *Campaign) Mixes(t *testing.T, n int) {
	var plans []Plan
	for i := range n {
		plans = append(plans, Plan{Workflow: []string{"mix", "mix", "mix-three"}[i%3], Seed: c.Seed*1000 + uint64(i)})
	}
	c.rep.Mixes += n
	c.play(t, "mixes", plans, c.count)
}

// Weeks plays n clusters that nothing happens to for seven days.
func (c *Campaign) Weeks(t *testing.T, n int) {
	var plans []Plan
	for i := range n {
		plans = append(plans, Plan{Workflow: "week", Seed: c.Seed + uint64(i)})
	}
	c.rep.Weeks += n
	c.play(t, "weeks", plans, c.count)
}

// Seeds plays every workflow with n further seeds and no fault: another order of calls and other times.
func (c *Campaign) Seeds(t *testing.T, n int) {
	var plans []Plan
	for _, w := range Workflows() {
		for i := range n {
			plans = append(plans, Plan{Workflow: w.Name, Seed: c.Seed + 1 + uint64(i)})
		}
	}
	c.play(t, "seeds", plans, c.count)
}

// Replays plays every n-th of the plans that were drawn again and compares the traces.
func (c *Campaign) Replays(t *testing.T, every int) {
	var plans []Plan
	for i, p := range c.singles() {
		if p.Watch = true; i%every == every/2 {
			plans = append(plans, p, p)
		}
	}
	seen := map[string]Outcome{}
	c.play(t, "replays", plans, func(out Outcome) {
		c.count(out)
		if first, again := seen[out.Plan.String()]; again {
			c.compare(first, out)
		}
		seen[out.Plan.String()] = out
	})
}

// Report is what was found so far.
func (c *Campaign) Report() Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.rep
	r.States = len(r.states)
	r.Seconds = time.Since(c.began).Seconds()
	r.PlansPerSecond = float64(r.Plans) / r.Seconds
	r.Cores = runtime.GOMAXPROCS(0)
	return r
}
