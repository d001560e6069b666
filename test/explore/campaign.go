package explore

import (
	"runtime"
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
	Older          int            `json:"plans_on_older_engines"`
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
	Twins          int            `json:"plans_left_out_that_were_compared"`
	Unlike         []string       `json:"left_out_and_another_one,omitempty"`
	Compared       int            `json:"compared_with_the_record"`
	Changed        []string       `json:"not_as_recorded,omitempty"`
	Unsteady       []string       `json:"not_the_same_each_time,omitempty"`
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

	began  time.Time
	mu     sync.Mutex
	rep    Report
	bases  map[string]Outcome
	differ []recorded // plans that left another trace when they were played again: that one
	chosen []Plan     // the single faults that are played, nil before they are asked for
	twins  []twin
	kin    []twin
	peace  map[string]func() bool // plan without a mutant → whether nothing notices it
	pairs  *pairs                 // nil before the first is played
	saw    map[string]uint32      // plan → short digest of its trace
}

// NewCampaign returns a campaign with one worker a core.
func NewCampaign(seed uint64) *Campaign {
	return &Campaign{Explorer: New(), Workers: runtime.GOMAXPROCS(0), Seed: seed, began: time.Now(), bases: map[string]Outcome{}, saw: map[string]uint32{}, peace: map[string]func() bool{},
		rep: Report{Injected: map[Kind]int{}, Lost: map[string]int{}, Brakes: map[string]int{}, Workflows: map[string]int{}, states: map[uint64]bool{}}}
}

// play runs the plans on all workers and tells each outcome, one at a time.
func (c *Campaign) play(t *testing.T, name string, plans []Plan, told func(Outcome)) {
	c.each(t, name, len(plans), func(t *testing.T, i int) {
		out := c.Explorer.Run(t, plans[i])
		c.mu.Lock()
		defer c.mu.Unlock()
		if !out.Plan.Watch { // who watches may see an answer a moment earlier
			c.saw[out.Plan.String()] = short(out.Digest)
		}
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
	out.Violations = judged(out)
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
		if out.Plan.Mutant == liarName {
			r.LiesHeld += v
		}
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
