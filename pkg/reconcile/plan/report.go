package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// settle is how long after a write a service's state is not believed: the roll-out that the write begins shows a moment later.
const settle = 2 * time.Second

// patience is how long a service that is short of tasks is looked at often; after that, the usual resync does.
const patience = 10 * time.Minute

// report says what there is to say besides wishes and operations: what could not be seen, what is left alone, what comes by itself, and the counts.
func report(v *view, b *builder) {
	reportSight(v, b)
	if v.actsOnMachines() {
		for _, m := range v.machines {
			reportMachine(v, m, b)
			reportMaintained(m, b)
			reportDrain(v, m, b)
			reportJobsOn(v, m, b)
		}
		reportOlder(v, b)
	}
	if v.actsOnStack() {
		for _, s := range v.services {
			reportStack(v, s, b)
		}
		reportObjects(v, b)
		reportLogins(v, b)
	}
	if v.blind == nil {
		reportHandsOff(v, b)
	}
	b.pools = v.poolCounts()
	if v.gap(world.GapServices) || v.gap(world.GapTasks) || v.gap(world.GapNetworks) {
		return
	}
	counted := v.countedBy()
	b.services = slices.Grow(b.services, len(counted))
	for i, want := range counted {
		c, live := v.serviceCount(want)
		if !v.outdated() {
			c.RollOut = v.rollOutOf(v.services[i], c)
		}
		b.services = append(b.services, c)
		switch {
		case live == nil:
		case c.Job || live.Spec.Mode.Job():
			if !v.outdated() && v.services[i].live != nil {
				reportJob(v, v.services[i], c, b)
			}
		default:
			reportService(v, c, want, *live, b)
		}
	}
}

// reportSight says what could not be seen or believed.
func reportSight(v *view, b *builder) {
	for _, g := range v.in.World.Gaps {
		b.hold(GuardGap, "cluster", g.What+" could not be read: "+g.Err)
		b.requeueIn(requeueGap)
	}
	if v.blind != nil {
		b.refuse(*v.blind)
		return
	}
	for _, m := range v.machines {
		if contradicted(m) {
			b.hold(GuardImplausible, m.object(), fmt.Sprintf("the cloud does not know its droplet %d, but the node is ready", m.dropletID()))
			b.requeueIn(requeueGap)
		}
	}
}

// reportStack says of a service of the stack that runs what keeps it as it is.
func reportStack(v *view, s service, b *builder) {
	if s.live == nil {
		return
	}
	if s.isJob() && s.base.Mode == s.live.Spec.Mode && v.denied(s) == nil {
		return // see reportJob
	}
	if r := v.denied(s); r != nil {
		b.refuse(*r)
		return
	}
	if text := v.saySurge(s); text != "" {
		b.warn(GuardSurge, s.object(), text)
	}
	if text := v.stuckHold(*s.live); text != "" {
		r := *blocked(GuardRolloutStuck, s.object(), text)
		if v.mayGiveUp(s) { // who acts has seen it for longer, or soon has
			r = refusal{progressing: true, requeue: requeueWait, hold: r.hold}
			r.hold.Final = false
		}
		b.refuse(r)
	}
	paused := s.live.Update == swarm.Paused || s.live.Update == swarm.RollbackPaused
	if paused && len(s.diff) == 0 && !v.rollbackIsNew(s.want, *s.live) { // what is wanted is written, and the engine stopped on the way to it, or on the way back
		b.hold(GuardRolloutPaused, s.object(), "the engine paused: "+s.live.UpdateMessage+v.because(*s.live)+"; change the service to go on")
	}
}

// reportService says how a service is on its way, and what its tasks lack.
func reportService(v *view, c ServiceCount, want swarm.ServiceSpec, live swarm.Service, b *builder) {
	_, paused := v.keptOff(GuardPaused, scope{service: ledger.PausedService + want.Name})
	if progressing, requeue := v.progress(c, live); progressing && !paused {
		b.wait(requeue)
	}
	if text := v.short(c, want, live); text != "" {
		b.hold(GuardTasks, "service/"+want.Name, text)
	}
	if text := v.together(c, want, live); text != "" {
		b.warn(GuardTogether, "service/"+want.Name, text)
	}
}

// progress returns whether a service is still on its way, and how soon to look at it.
func (v *view) progress(c ServiceCount, live swarm.Service) (progressing bool, requeue time.Duration) {
	age := v.in.Now.Sub(live.Updated)
	fresh := live.Update != swarm.Completed && age < settle && age > -time.Minute
	switch {
	case !fresh && !moving(live) && c.Running == c.Desired && c.Surge == 0:
		return false, 0
	case age < time.Minute:
		return true, time.Second
	case age < patience, c.Surge > 0:
		return true, requeueWait
	}
	return true, 0
}

// short is what the engine says against a service that lacks tasks, once they had time to come up. A roll-out says it itself.
func (v *view) short(c ServiceCount, want swarm.ServiceSpec, live swarm.Service) (text string) {
	switch {
	case moving(live) || v.in.Now.Sub(live.Updated) < time.Minute || v.someUnknown:
		return ""
	case c.Error != "":
		return "tasks are missing: " + c.Error
	case want.Mode == swarm.Global && c.Desired == 0 && len(want.Constraints) > 0 && !v.fitsWhenReady(want):
		return "no node fits its constraints (" + strings.Join(want.Constraints, ", ") + "): correct them, or the nodes' labels"
	}
	return ""
}

// fitsWhenReady reports whether a node that is not ready fits the service: then its constraints need no correction.
func (v *view) fitsWhenReady(want swarm.ServiceSpec) bool {
	return slices.ContainsFunc(v.in.World.Machines, func(m world.Machine) bool {
		return m.Node != nil && m.Node.State != swarm.NodeReady && want.Fits(*m.Node)
	})
}

// converged: nothing to do, nothing blocked, nothing under way, everything wanted is there and running.
func (v *view) converged(b builder) bool {
	if len(b.steps) > 0 || b.progressing || !v.complete() || v.outdated() || len(v.in.World.Ledger.Ops) > 0 {
		return false
	}
	if slices.ContainsFunc(b.holds, func(h Hold) bool { return h.Blocking }) {
		return false
	}
	return !slices.ContainsFunc(b.pools, func(c PoolCount) bool { return c.Have != c.Desired || c.Ready != c.Desired }) &&
		!slices.ContainsFunc(b.services, func(c ServiceCount) bool { return !c.Whole() })
}
