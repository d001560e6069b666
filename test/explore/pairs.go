package explore

import (
	"math/rand/v2"
	"slices"
)

// drawEvery says which of the pairs are drawn from all workflows; the others are of small ones.
const drawEvery = 6

// nextPairs are n more pairs of faults: all of small workflows, each once, then all once more with the next seed, which is another order of calls; and
// among them some that are drawn by chance from all that are possible.
func (c *Campaign) nextPairs(n int) []Plan {
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
	return plans
}

// pairs are those that can be played.
type pairs struct {
	rng      *rand.Rand
	names    []string
	faults   map[string][]Fault // by workflow
	small    []Plan             // all of small workflows, shuffled
	played   int                // of them, more than there are when the first order of calls is through
	possible int                // of all workflows, in one order of calls
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
				p.possible++
				if w.Small {
					p.small = append(p.small, Plan{Workflow: name, Seed: c.Seed, Faults: []Fault{fs[j], fs[i]}})
				}
			}
		}
	}
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
