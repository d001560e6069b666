package explore

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// How often a call of a mix has a fault, and for how long it goes on.
const (
	faultRate = 0.015
	mixEdits  = 6
)

// specials are the workflows that are not explored fault by fault.
func specials() []Workflow {
	start := file{managers: 1, workers: 1, services: service("app", "nginx:1.27", 2, "")}
	return append(hostWorkflows()[1:], []Workflow{
		{Name: "mix", About: "edits and faults at random, then none", Start: start, Play: mix(5*time.Second, 2*time.Minute)},
		{Name: "mix-three", About: "the same with three managers and a swarmd on each", Several: true, Play: mix(5*time.Second, 2*time.Minute),
			Start: file{managers: 3, workers: 1, services: service("app", "nginx:1.27", 2, "")}},
		{Name: "days", About: "the same for two days", Start: start, Play: func(r *run) {
			r.most = 2_000_000
			mix(time.Hour, 15*time.Hour)(r)
		}},
		{Name: "ghost", About: "a join that failed left a node behind", Start: file{managers: 1},
			Play: func(r *run) {
				r.world.Manager().AddGhost()
				r.wait(16 * time.Minute)
			}},
		{Name: "week", About: "seven days in which nothing happens", Start: start, Play: func(r *run) {
			r.most = 2_000_000
			r.converge("edit", convergeWithin)
			r.check.quiet(true)
			r.actors.elapse(7 * 24 * time.Hour)
			r.check.quiet(false)
		}},
	}...)
}

// mix edits the file at random moments, so far apart, while calls fail at random. Everything is drawn from the plan's seed.
func mix(least, most time.Duration) func(*run) {
	return func(r *run) {
		r.mix(func(rng *rand.Rand) time.Duration {
			return least + time.Duration(rng.Int64N(int64(most-least))).Truncate(time.Second)
		})
	}
}

func (r *run) mix(apart func(*rand.Rand) time.Duration) {
	rng := rand.New(rand.NewPCG(r.plan.Seed, 0xedd1))
	r.faults.random = newDice(r.plan.Seed, r.workflow)
	for range mixEdits {
		f := file{managers: r.want.managers, workers: rng.IntN(4), labels: fmt.Sprintf("{ zone: %q }", string(rune('a'+rng.IntN(3)))),
			services: service("app", fmt.Sprintf("nginx:1.%d", 27+rng.IntN(3)), 1+rng.IntN(4), "")}
		if r.workflow.Several && rng.IntN(3) == 0 {
			f.managers = []int{1, 3}[rng.IntN(2)]
		}
		if rng.IntN(4) == 0 {
			f.services += service("more", "redis:7", 1+rng.IntN(2), "")
		}
		if r.edit(f); f.workers == 0 {
			r.confirm()
		}
		r.wait(apart(rng))
	}
	r.faults.rest()
}

// newDice draws a fault for some of the calls.
func newDice(seed uint64, w Workflow) func(n int, s Sign) Kind {
	rng := rand.New(rand.NewPCG(seed, 0xd1ce))
	kinds := Kinds()
	return func(_ int, s Sign) Kind {
		if rng.Float64() >= faultRate {
			return ""
		}
		for range len(kinds) {
			if k := kinds[rng.IntN(len(kinds))]; k.Applies(s, w) {
				return k
			}
		}
		return ""
	}
}
