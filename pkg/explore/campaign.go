package explore

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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
	SmallPairs     Coverage       `json:"pairs_of_small_workflows"`
	Weeks          int            `json:"virtual_weeks"`
	Mixes          int            `json:"mixes"`
	Lost           map[string]int `json:"lost"` // by invariant; all must be 0
	Brakes         map[string]int `json:"brakes_held"`
	Lies           int            `json:"lying_planners"`
	LiesHeld       int            `json:"lies_held"` // refusals of the brakes in those runs
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
	Literal  bool // every call counts by itself, those too that differ from others in nothing

	began time.Time
	mu    sync.Mutex
	rep   Report
	bases map[string]Outcome
	pairs *pairs // nil before the first is played
}

// NewCampaign returns a campaign with one worker a core.
func NewCampaign(seed uint64) *Campaign {
	return &Campaign{Explorer: New(), Workers: runtime.GOMAXPROCS(0), Seed: seed, began: time.Now(), bases: map[string]Outcome{},
		rep: Report{Injected: map[Kind]int{}, Lost: map[string]int{}, Brakes: map[string]int{}, Workflows: map[string]int{}, states: map[uint64]bool{}}}
}

// play runs the plans on all workers and tells each outcome, one at a time.
func (c *Campaign) play(t *testing.T, name string, plans []Plan, told func(Outcome)) {
	c.each(t, name, len(plans), func(t *testing.T, i int) {
		out := c.Explorer.Run(t, plans[i])
		c.mu.Lock()
		defer c.mu.Unlock()
		told(out)
	})
}

// each does something n times on all workers.
func (c *Campaign) each(t *testing.T, name string, n int, do func(t *testing.T, i int)) {
	var next atomic.Int64
	t.Run(name, func(t *testing.T) {
		for w := range c.Workers {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				t.Parallel()
				for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
					do(t, i)
				}
			})
		}
	})
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

// singles are all single faults. Two reads of one kind in the same state of the world, after the same write, are one: a look asks for everything
// at once, and the order is the seed's. To a process that dies before a read it is even one which read that was.
func (c *Campaign) singles() []Plan {
	var plans []Plan
	for _, w := range Workflows() {
		seen, wrote := map[string]bool{}, ""
		for i, s := range c.bases[w.Name].Signs {
			if s.Write {
				wrote = fmt.Sprint(s.Class, i)
			}
			for _, k := range Kinds() {
				key := fmt.Sprint(k, s.Class, s.State, wrote)
				if !s.Write && (k == CrashBefore || k == CrashAway) {
					key = fmt.Sprint(k, s.State, wrote)
				}
				if k.Applies(s, w) && (c.Literal || !seen[key]) {
					seen[key] = true
					plans = append(plans, Plan{Workflow: w.Name, Seed: c.Seed, Faults: []Fault{{i + 1, k}}})
				}
			}
		}
	}
	return plans
}

// drawEvery says which of the pairs are drawn from all workflows; the others are of small ones.
const drawEvery = 6

// Pairs plays n more pairs of faults: all of small workflows, each once, then all once more with the next seed, which is another order of calls; and
// among them some that are drawn by chance from all that are possible.
func (c *Campaign) Pairs(t *testing.T, n int) {
	if c.pairs == nil {
		c.pairs = c.pair()
	}
	p := c.pairs
	var plans []Plan
	for len(plans) < n && len(p.names) > 0 {
		if len(p.small) > 0 && len(plans)%drawEvery != 0 {
			plans = append(plans, p.next())
		} else if drawn, ok := p.draw(c.Seed); ok {
			plans = append(plans, drawn)
		}
	}
	c.rep.SmallPairs = p.coverage()
	c.rep.Pairs.Tried += len(plans)
	c.play(t, "pairs", plans, c.count)
}

// pairs are those that can be played.
type pairs struct {
	rng    *rand.Rand
	names  []string
	faults map[string][]Fault // by workflow
	small  []Plan             // all of small workflows, shuffled
	played int                // of them, more than there are when the first order of calls is through
}

// next is the next pair of a small workflow.
func (p *pairs) next() Plan {
	plan := p.small[p.played%len(p.small)]
	plan.Seed += uint64(p.played / len(p.small))
	p.played++
	return plan
}

// coverage of the small workflows' pairs, in as many orders of calls as were begun.
func (p *pairs) coverage() Coverage {
	orders := max(1, (p.played+len(p.small)-1)/max(1, len(p.small)))
	return Coverage{Possible: orders * len(p.small), Tried: p.played}
}

func (c *Campaign) pair() *pairs {
	p := &pairs{rng: rand.New(rand.NewPCG(c.Seed, 0xbeef)), faults: map[string][]Fault{}}
	for _, s := range c.singles() {
		if len(p.faults[s.Workflow]) == 0 {
			p.names = append(p.names, s.Workflow)
		}
		p.faults[s.Workflow] = append(p.faults[s.Workflow], s.Faults[0])
	}
	for _, name := range p.names {
		w, _ := workflowNamed(name)
		fs := p.faults[name]
		for i := range fs {
			for j := range i {
				if fs[i].At == fs[j].At {
					continue
				}
				c.rep.Pairs.Possible++
				if w.Small {
					p.small = append(p.small, Plan{Workflow: name, Seed: c.Seed, Faults: []Fault{fs[j], fs[i]}})
				}
			}
		}
	}
	c.rep.SmallPairs = p.coverage()
	p.rng.Shuffle(len(p.small), func(i, j int) { p.small[i], p.small[j] = p.small[j], p.small[i] })
	return p
}

// draw makes a pair of two faults of a workflow, unless they are at one call.
func (p *pairs) draw(seed uint64) (Plan, bool) {
	w := p.names[p.rng.IntN(len(p.names))]
	fs := p.faults[w]
	pair := []Fault{fs[p.rng.IntN(len(fs))], fs[p.rng.IntN(len(fs))]}
	slices.SortFunc(pair, func(x, y Fault) int { return x.At - y.At })
	return Plan{Workflow: w, Seed: seed, Faults: pair}, pair[0].At != pair[1].At
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

// Days plays n weeks in which nothing happens and twice as many pairs of days in which edits and faults do.
func (c *Campaign) Days(t *testing.T, n int) {
	var plans []Plan
	for i := range uint64(n) {
		plans = append(plans, Plan{Workflow: "week", Seed: c.Seed + i}, Plan{Workflow: "days", Seed: c.Seed + 2*i}, Plan{Workflow: "days", Seed: c.Seed + 2*i + 1})
	}
	c.rep.Weeks += n
	c.rep.Mixes += 2 * n
	c.play(t, "days", plans, c.count)
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
