package reconcile

import (
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
)

// memory is what this process remembers of its passes and decides by: one value, of which see, begin and learn make the next one. Nothing in it is
// changed where it is, and it calls nobody. A swarmd that takes over begins with an empty one: it judges nobody too early.
type memory struct {
	identities identities // what is doubted of a look, and by whose clock it is old
	creates    creates
	arrivals   arrivals

	grace     grace // since when
	strangers strangers
	ailing    ailing
	launching launching
	rolls     rolls

	twice    twice // what was wanted, and how it went
	refusals refusals
}

// look is one look as it is remembered: by whom it was taken, for which file and when.
type look struct {
	began, ended time.Time // by this process's own clock: what it shows was so at some time between
	wall         time.Time // when it ended, by the clock on the wall
	acting       bool      // by a swarmd that acts
	want         *spec.Spec
}

// see returns what is remembered after a look, and the look as it is to be believed.
func (m memory) see(w world.World, at look) (memory, world.World) {
	m.identities, w = m.identities.doubt(w)
	m.creates, w.Ledger.Ops = m.creates.age(w.Ledger.Ops, at.wall, at.ended, at.want.Policies.CreateVisible)
	m.arrivals, w.Machines = m.arrivals.age(w.Machines, at.wall, at.ended)
	if m.grace = m.grace.see(w, at.acting, m.grace.pausedIn(w, at.wall), at.ended); m.grace.begins() {
		m.ailing.last, m.strangers.last = time.Time{}, time.Time{}
	}
	whole := at.acting && len(w.Gaps) == 0
	m.strangers = m.strangers.see(plan.Strangers(w, at.want.Cluster), whole, at.ended)
	m.ailing = m.ailing.see(w, whole && !w.NoDroplets, at.ended)
	m.launching = m.launching.see(w, whole && !w.NoDroplets, at.ended)
	m.rolls = m.rolls.see(w, at.want.Policies.Bake, at)
	return m, w
}

// begin returns what is remembered of a plan before it is executed, and what of it is executed.
func (m memory) begin(p plan.Plan, now time.Time, visible time.Duration) (memory, plan.Plan) {
	m.twice, p = m.twice.sift(p)
	m.creates = m.creates.begin(p, now, visible)
	return m, p
}

// learn returns what is remembered after a run.
func (m memory) learn(rs execute.Results, now time.Time, jitter func() float64) memory {
	m.refusals = m.refusals.learn(rs, now, jitter)
	m.ailing = m.ailing.learn(rs, now)
	return m
}

// told is what the planner is told of it, by a clock on the wall that says so at now.
func (m memory) told(wall, now time.Time) plan.Memory {
	ahead := wall.Sub(now)
	return plan.Memory{Strangers: m.strangers.ages(now), Backoff: m.refusals.backoffs(ahead), Ailing: m.ailing.seen(ahead),
		Grace: m.grace.seen(ahead), Launching: m.launching.seen(ahead), Tries: m.rolls.seen()}
}
