package explore

import (
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// stage is one part of a campaign: plans of one sort, in an order that follows from the seed alone.
type stage struct {
	name  string
	plans []Plan
}

// How much of what is drawn by chance a whole campaign plays.
const (
	furtherSeeds = 20    // of each workflow
	oneOn20      = 67    // of so many single faults one is played on 20.10 too
	mixes        = 90    //
	lies         = 60    // runs with a lying planner
	weeks        = 1     //
	drawnPairs   = 1_000 //
)

// stages are the parts of a whole campaign. The workflows without faults come first (see Bases): the faults that are possible follow from them.
func (c *Campaign) stages(weeks int) []stage {
	return []stage{
		{"workflows", c.seeds(0, 1)},
		{"singles", c.singles()},
		{"seeds", c.seeds(1, furtherSeeds)},
		{"engines", c.engines(oneOn20)},
		{"mixes", c.mixes(mixes)},
		{"days", c.days(weeks)},
		{"liars", c.liars(lies)},
		{"pairs", c.nextPairs(drawnPairs)},
	}
}

// Play plays a stage.
func (c *Campaign) Play(t *testing.T, s stage) {
	c.tally(s)
	c.play(t, s.name, s.plans, c.count)
}

// tally notes how much of what is possible a stage tries.
func (c *Campaign) tally(s stage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, n := &c.rep, len(s.plans)
	switch s.name {
	case "singles":
		r.Singles = Coverage{Possible: len(c.singles()), Tried: n}
	case "engines":
		r.Older += n
	case "mixes":
		r.Mixes += n
	case "days":
		r.Weeks += n / 3
		r.Mixes += 2 * n / 3
	case "liars":
		r.Lies += n
	case "pairs":
		r.Pairs.Possible, r.SmallPairs = c.pairs.possible, c.pairs.coverage()
		r.Pairs.Tried += n
	}
}

// Bases plays every workflow without a fault, twice: watched, and as all else is played.
func (c *Campaign) Bases(t *testing.T) {
	var plans []Plan
	for _, p := range c.calm() {
		watched := p
		watched.Watch = true
		plans = append(plans, watched, p)
	}
	c.play(t, "workflows", plans, func(out Outcome) {
		c.count(out)
		if out.Plan.Watch {
			c.rep.Workflows[out.Plan.Workflow] = out.Active
			c.bases[out.Plan.Workflow] = out
		}
	})
}

// calm are the workflows without a fault.
func (c *Campaign) calm() (plans []Plan) {
	for _, w := range Workflows() {
		plans = append(plans, Plan{Workflow: w.Name, Seed: c.Seed})
	}
	return plans
}

// singles are the single faults that are played.
func (c *Campaign) singles() []Plan {
	c.choose()
	return slices.Clone(c.chosen)
}

// choose takes the single faults from the workflows without faults, once.
func (c *Campaign) choose() {
	if c.chosen != nil {
		return
	}
	for _, w := range Workflows() {
		from := newChoice(w, c.bases[w.Name].Signs)
		from.literal = c.Literal
		c.chosen = append(c.chosen, from.faults(c.Seed)...)
		c.twins = append(c.twins, from.twins...)
		c.kin = append(c.kin, from.kin...)
	}
}

// engines are plans on 20.10, the engine that differs most from the default one: every workflow without a fault, and one of so many single faults.
func (c *Campaign) engines(of int) []Plan {
	var plans []Plan
	for i, p := range slices.Concat(c.seeds(0, 1), c.singles()) {
		if p.Engine = dockerd.Release20; len(p.Faults) == 0 || i%of == of/2 {
			plans = append(plans, p)
		}
	}
	return plans
}

// mixes are n random mixes of edits and faults.
func (c *Campaign) mixes(n int) []Plan {
	var plans []Plan
	for i := range n {
		plans = append(plans, Plan{Workflow: []string{"mix", "mix", "mix-three"}[i%3], Seed: c.Seed*1000 + uint64(i)})
	}
	return plans
}

// days are n weeks in which nothing happens and twice as many pairs of days in which edits and faults do.
func (c *Campaign) days(n int) []Plan {
	var plans []Plan
	for i := range uint64(n) {
		plans = append(plans, Plan{Workflow: "week", Seed: c.Seed + i}, Plan{Workflow: "days", Seed: c.Seed + 2*i}, Plan{Workflow: "days", Seed: c.Seed + 2*i + 1})
	}
	return plans
}

// seeds are every workflow without a fault, with n seeds from the campaign's and so many more on: another order of calls and other times.
func (c *Campaign) seeds(from, n int) []Plan {
	var plans []Plan
	for _, w := range Workflows() {
		for i := range n {
			plans = append(plans, Plan{Workflow: w.Name, Seed: c.Seed + uint64(from+i)})
		}
	}
	return plans
}

// Replays plays every n-th of the workflows and of the single faults again, those twice that were not played before, and compares the traces.
func (c *Campaign) Replays(t *testing.T, every int) {
	var plans []Plan
	first := map[string]uint32{}
	for i, p := range append(c.calm(), c.singles()...) {
		if i%every != every/2 {
			continue
		}
		if was, played := c.saw[p.String()]; played {
			first[p.String()] = was
		} else {
			plans = append(plans, p)
		}
		plans = append(plans, p)
	}
	c.play(t, "replays", plans, func(out Outcome) {
		c.count(out)
		text, now := out.Plan.String(), short(out.Digest)
		if was, again := first[text]; again {
			c.compare(out.Plan, was, now)
		} else {
			first[text] = now
		}
	})
	for _, d := range c.differ {
		if c.isAnother(t, d) {
			c.rep.Differ = append(c.rep.Differ, d.plan.String())
		}
	}
}

// mayDiffer is how many pairs that are akin there are at least for one that may differ: the milliseconds between them decide now and then which of two
// that wait goes first, a pass or the operator's next file.
const mayDiffer = 40

// Twins plays every n-th of the plans that are left out beside the one that is played for it. Of twins all but what the fault's call is answered must be
// the same, of those that are akin what is written.
func (c *Campaign) Twins(t *testing.T, every int) {
	c.choose()
	_, unlike := c.sideBySide(t, c.twins, every, func(o Outcome) uint64 { return o.Calm })
	c.rep.Unlike = append(c.rep.Unlike, unlike...)
	n, unlike := c.sideBySide(t, c.kin, every, func(o Outcome) uint64 { return o.Deeds })
	if len(unlike) > max(2, n/mayDiffer) {
		c.rep.Unlike = append(c.rep.Unlike, unlike...)
	} else if len(unlike) > 0 {
		t.Logf("report: of %d pairs that are akin %d did not write the same: %q", n, len(unlike), unlike)
	}
}

// sideBySide plays every n-th pair and names those that differ in what is to be the same.
func (c *Campaign) sideBySide(t *testing.T, all []twin, every int, same func(Outcome) uint64) (n int, unlike []string) {
	var some []twin
	for i, w := range all {
		if i%every == every/2 {
			some = append(some, w)
		}
	}
	c.each(t, "twins", len(some), func(t *testing.T, i int) {
		left, played := c.Explorer.Run(t, some[i].left), c.Explorer.Run(t, some[i].played)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.count(left)
		c.rep.Twins++
		if same(left) != same(played) {
			unlike = append(unlike, left.Plan.String()+" and "+played.Plan.String())
		}
	})
	return len(some), unlike
}

// isAnother reports whether a plan that left another trace than before, this one, leaves it each time, as a change of what swarmd does makes it. It plays
// the plan again, alone: one that comes back to its older trace, or leaves several, is not the same each time, since what goes first at one instant is the Go runtime's choice
// there. Those are counted, see Report.Unsteady.
func (c *Campaign) isAnother(t *testing.T, p recorded) bool {
	for range 12 {
		if again := short(c.Explorer.Run(t, p.plan).Digest); again != p.digest {
			c.rep.Unsteady = append(c.rep.Unsteady, p.plan.String())
			return false
		}
	}
	return true
}

// mayBeUnsteady is how many plans there are at least for one that may not be the same each time. Of 37,000 none is known.
const mayBeUnsteady = 500

// compare notes whether two runs of one plan left the same trace.
func (c *Campaign) compare(p Plan, first, again uint32) {
	c.rep.Replayed++
	if first != again {
		c.differ = append(c.differ, recorded{p, again})
	}
}

// judged leaves those violations of a run that count. Of a planner that lies only what the brakes keep by themselves does: nothing has to come true.
func judged(out Outcome) []Violation {
	if out.Plan.Mutant != liarName {
		return out.Violations
	}
	return slices.DeleteFunc(out.Violations, func(v Violation) bool { return !slices.Contains(braked, v.Invariant) })
}
