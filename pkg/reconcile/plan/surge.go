package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A drain costs a service the tasks that the node has, until others have come up elsewhere (seen on 26.1.5 and 28.5.2: 4 of 6 run for seconds). So a
// node is emptied in an order that costs none: it is paused, so that nothing new comes; each service with tasks there that can surge gets as many more;
// when those run, the node is drained; and when all tasks run that the service is then to have, it gets back to what its file says. Taken back before
// the drain, Swarm would take the new ones, and taken back while some of those that the drain moved do not run yet, it could take others that do.
//
// What is more is an override of what is wanted: no operation writes to a service, see bend. Which operation it belongs to is in the service's label.

// evacuation is a node that an open operation empties, or what stands for one, see drainOf.
type evacuation struct {
	op ledger.Op
	machine
}

// evacuations are those of all open operations, sorted by their ids. One that may not go on now, whatever its node carries, is not among them.
func (v *view) evacuations() []evacuation {
	var out []evacuation
	for _, op := range v.deletes {
		m, ok := v.of(op.Op)
		if ok && m.class == leaving && m.Node != nil && !v.strayNode(op.Op, m, ok) && !m.Adopted && m.Node.ID != v.in.Holder && (drained(m) || v.mayDemote(m) == "") {
			out = append(out, evacuation{op.Op, m})
		}
	}
	for _, op := range v.resizes {
		m, stage := op.stage(v)
		if stage == resizeDrain || m.Node != nil && drained(m) && op.Phase == ledger.Draining {
			out = append(out, evacuation{op.Op, m})
		}
	}
	for _, m := range v.machines {
		if v.emptiesFor(m) {
			out = append(out, evacuation{v.drainOf(m), m})
		}
	}
	slices.SortFunc(out, func(a, b evacuation) int { return strings.Compare(a.op.ID, b.op.ID) })
	return out
}

func drained(m machine) bool { return m.Node.Spec.Availability == swarm.Drain }

// emptyStage is how far a node is that is emptied.
type emptyStage int

const (
	emptyWaits   emptyStage = iota // for what the text says
	emptyPause                     // it is to be paused
	emptyDrain                     // it is to be drained
	emptyDrained                   // it is drained; tasks may be left on it, or not run elsewhere yet
)

// emptying is how far a node is that an operation empties, and why, for people.
type emptying struct {
	stage emptyStage
	text  string
}

// emptying says how far the machine is that the operation empties, and what comes next. It is for every operation that has to: see evacuations.
func (v *view) emptying(op ledger.Op, m machine) emptying {
	e := evacuation{op, m}
	movers, plain := v.movers(e)
	switch {
	case drained(m):
		return emptying{stage: emptyDrained}
	case !stopped(m) && (v.gap(world.GapServices) || v.gap(world.GapTasks)):
		return emptying{emptyWaits, "not drained yet: it is not known what runs there"}
	case stopped(m) || len(movers) == 0:
		return emptying{emptyDrain, sayPlain(plain)}
	case v.surgeOver(e, movers):
		return emptying{emptyDrain, fmt.Sprintf(", although %s not yet running elsewhere: that took too long", sayMovers(movers))}
	}
	if v.surger != op.ID {
		return emptying{emptyWaits, "it is drained when the node before it is: one after the other, so that no service lacks tasks"}
	}
	for _, mv := range movers {
		if mv.waits != "" {
			return emptying{emptyWaits, fmt.Sprintf("not drained yet: %s, at most until %s", mv.waits, clock(mv.until))}
		}
	}
	if m.Node.Spec.Availability != swarm.Pause {
		return emptying{emptyPause, "takes no new tasks while " + sayMovers(movers) + " started elsewhere" + sayPlain(plain)}
	}
	for _, mv := range movers {
		switch {
		case !mv.raised:
			return emptying{emptyWaits, "paused, and drained when " + sayMovers(movers) + " running elsewhere"}
		case !mv.runs:
			return emptying{emptyWaits, fmt.Sprintf("paused, and drained when %s running elsewhere, at the latest at %s", sayMovers(movers), clock(mv.until))}
		}
	}
	return emptying{emptyDrain, ": as many tasks run elsewhere" + sayPlain(plain)}
}

// write plans what comes next.
func (e emptying) write(m machine, why string, b *builder) {
	s := m.Node.Spec
	switch e.stage {
	case emptyPause:
		s.Availability = swarm.Pause
		b.writeNode(m, nodeWrite{step: "pause", spec: s, code: WhyDrain, text: why + ", and " + e.text})
	case emptyDrain:
		s.Availability = swarm.Drain
		b.writeNode(m, nodeWrite{step: "drain", spec: s, code: WhyDrain, text: why + e.text})
	case emptyWaits:
		b.warn(GuardSurge, m.object(), e.text)
		b.requeueIn(time.Second)
	}
}

// mover is a service that surges while a node is emptied.
type mover struct {
	name   string
	tasks  uint64
	raised bool      // it has them
	waits  string    // what has to end first, "" if nothing does
	runs   bool      // as many tasks as the file says run on other nodes
	until  time.Time // until when either is awaited
}

// movers are the services with tasks on the node that surge, and why others drain plainly.
func (v *view) movers(e evacuation) (movers []mover, plain []string) {
	if v.outdated() { // no service is written to
		return nil, nil
	}
	for _, s := range v.services {
		if s.live == nil || s.base.Mode != swarm.Replicated {
			continue
		}
		own := v.surgeOf(*s.live, e.op.ID)
		n := v.tasksAt(s, e.Node.ID)
		switch why := v.anchored(s, e, n); {
		case own > 0:
			n = own
		case n == 0:
			continue
		case why != "":
			plain = append(plain, s.want.Name+" "+why)
			continue
		}
		mv := mover{name: s.want.Name, tasks: n, raised: own > 0, waits: v.unready(s, own > 0), runs: own > 0 && v.runs(s, e.Node.ID) >= s.base.Replicas()}
		if mv.until = e.op.Started; own > 0 {
			mv.until = s.live.Updated
		}
		mv.until = mv.until.Add(v.surgeTime(s))
		movers = append(movers, mv)
	}
	return movers, plain
}

// surgeOf is how many tasks the service has more for that operation.
func (v *view) surgeOf(live swarm.Service, op string) uint64 {
	if surge, ok := live.Spec.Surge(); ok && surge.For == op {
		return surge.Tasks
	}
	return 0
}

// tasksAt counts the service's tasks on the node that are wanted there.
func (v *view) tasksAt(s service, node string) uint64 {
	return uint64(len(v.tasksOf(*s.live, func(t swarm.Task) bool { return t.NodeID == node && t.DesiredState == "running" && !ended(t) })))
}

// runs counts the service's tasks of its specification that run on nodes that are ready, but for that one; "" is none.
func (v *view) runs(s service, but string) uint64 {
	old, n := v.others(*s.live), uint64(0)
	all := v.runningTasks(*s.live)
	for _, t := range all {
		if t.NodeID != but && !slices.ContainsFunc(old, func(o swarm.Task) bool { return o.ID == t.ID }) {
			n++
		}
	}
	return n
}

// anchored says why so many tasks of a service cannot run elsewhere before the node is drained, "" if they can.
func (v *view) anchored(s service, e evacuation, tasks uint64) string {
	live := *s.live
	switch why := cmp.Or(s.base.Anchored(), live.Spec.Anchored()); {
	case why != "":
		return why
	case v.denied(s) != nil:
		return "is not changed by this swarmd"
	case !settled(live) && !moving(live), v.halfway(live) && !moving(live):
		return "has a roll-out that stopped on its way"
	case v.roomBeside(s, e.Node.ID) < tasks:
		return "has no room on other nodes"
	}
	return ""
}

// roomBeside counts the tasks of the service that other nodes may still get, as far as its placement goes.
func (v *view) roomBeside(s service, node string) uint64 {
	most, room := s.base.MaxPerNode(), uint64(0)
	for _, m := range v.machines {
		if m.Node == nil || m.Node.ID == node || !takesTasks(m) || !s.base.Pinned(s.live.Spec.Pin()).Fits(*m.Node) {
			continue
		}
		if most == 0 {
			return 1 << 32
		}
		room += uint64(max(most-int(v.tasksAt(s, m.Node.ID)), 0))
	}
	return room
}

// takesTasks reports whether the machine's node takes new tasks, and stays.
func takesTasks(m machine) bool {
	return m.Node != nil && m.class != leaving && m.Node.State == swarm.NodeReady && m.Node.Spec.Availability == swarm.Active
}

// unready says what of a service has to end before it surges, or before its tasks can be counted on; "" if nothing does.
func (v *view) unready(s service, surged bool) string {
	live, held := *s.live, swarm.Surge{}
	if surge, ok := live.Spec.Surge(); ok && !surged {
		held = surge
	}
	age := v.in.Now.Sub(live.Updated)
	switch {
	case v.gap(world.GapTasks) || !v.actsOnStack():
		return "what runs could not be read"
	case moving(live):
		return "a roll-out of " + s.want.Name + " runs"
	case !surged && live.Update != swarm.Completed && age < settle && age > -time.Minute:
		return s.want.Name + " was changed just now"
	case swarm.Replaces(s.diff) && !v.failsAgain(s):
		return s.want.Name + " is to be changed first"
	case held.Tasks > 0:
		return s.want.Name + " has more tasks than its file says for something else"
	}
	return ""
}

// surgeTime is how long a service's tasks are awaited elsewhere, from when they are more, and how long its roll-out is before that, from the operation's
// start: half of drain_timeout, and no longer than leaves its stop_grace_period of it. Then the node is drained all the same.
func (v *view) surgeTime(s service) time.Duration {
	all := v.in.Spec.Policies.DrainTimeout
	return max(min(all/2, all-s.live.Spec.StopGrace()), 0)
}

// surgeOver reports whether something has been awaited for too long, or the operation has had the whole of drain_timeout.
func (v *view) surgeOver(e evacuation, movers []mover) bool {
	late := func(mv mover) bool { return (mv.waits != "" || mv.raised && !mv.runs) && v.in.Now.After(mv.until) }
	return v.drainOver(e.op) || slices.ContainsFunc(movers, late)
}

// surging is the operation for which services may surge now, "" if there is none: one at a time, so that what one empties is not what another fills.
func (v *view) surging() string {
	first := ""
	for _, e := range v.evacuations() {
		movers, _ := v.movers(e)
		if drained(e.machine) || stopped(e.machine) || len(movers) == 0 || v.surgeOver(e, movers) {
			continue
		}
		if slices.ContainsFunc(v.services, func(s service) bool { return s.live != nil && v.surgeOf(*s.live, e.op.ID) > 0 }) {
			return e.op.ID
		}
		if first == "" {
			first = e.op.ID
		}
	}
	return first
}

// bend is the services, each wanted with the tasks that it is to have more now, and that is all that any operation does to one.
func (v *view) bend() []service {
	out := slices.Clone(v.services)
	var now *evacuation
	for _, e := range v.evacuations() {
		if e.op.ID == v.surger && e.Node.Spec.Availability == swarm.Pause {
			now = &e
		}
	}
	for i, s := range out {
		if s.live == nil {
			continue
		}
		surge, ok := s.live.Spec.Surge()
		switch {
		case ok && v.keepsSurge(s, surge):
		case now != nil && v.raises(*now, s):
			surge = swarm.Surge{For: now.op.ID, Tasks: v.tasksAt(s, now.Node.ID)}
		default:
			surge = swarm.Surge{}
		}
		out[i] = s.bent(surge)
	}
	return out
}

// raises reports whether the service surges now, because that node is emptied.
func (v *view) raises(e evacuation, s service) bool {
	n := v.tasksAt(s, e.Node.ID)
	return s.base.Mode == swarm.Replicated && n > 0 && v.anchored(s, e, n) == "" && v.unready(s, false) == ""
}

// keepsSurge reports whether the service keeps the tasks that it has more. An operation's end when its node is drained and all of them run, or had time
// to, and with it.
func (v *view) keepsSurge(s service, surge swarm.Surge) bool {
	switch op := v.surgeFor(surge.For); {
	case surge.Tasks == 0 || s.base.Replicas() == 0 || s.base.Anchored() != "":
		return false
	case surge.For == swarm.SurgeSpread:
		return v.spreads(s, surge)
	case op == nil:
		return false
	default:
		node, emptied := v.emptied(*op)
		return !emptied || !v.drainOver(*op) && !v.allRun(s, surge, node)
	}
}

// allRun reports whether all tasks of the service run, with those that it has more, on other nodes than that one.
func (v *view) allRun(s service, surge swarm.Surge, but string) bool {
	return !v.gap(world.GapTasks) && !moving(*s.live) && v.runs(s, but) >= s.base.Replicas()+surge.Tasks
}

// emptied reports whether the operation's node is drained, runs nothing any more, or is gone.
func (v *view) emptied(op ledger.Op) (node string, ok bool) {
	for _, m := range v.machines {
		if m.Node != nil && (m.Node.ID == op.NodeID || m.Droplet != nil && m.Droplet.ID == op.DropletID) {
			return m.Node.ID, drained(m) || stopped(m)
		}
	}
	return "", true
}

// saySurge says of a service that it has more tasks than its file says, and what for; "" if it has not.
func (v *view) saySurge(s service) string {
	surge, more := s.live.Spec.Surge()
	if !more || surge.Tasks == 0 {
		return ""
	}
	switch op := v.surgeFor(surge.For); {
	case op != nil:
		return fmt.Sprintf("it has %d more than the file says, until %s is drained and all run", surge.Tasks, op.Name)
	case surge.For == swarm.SurgeSpread:
		return fmt.Sprintf("it has %d more than the file says, until all run: then as many end on the nodes that have most", surge.Tasks)
	}
	return ""
}

func sayMovers(movers []mover) string {
	var out []string
	for _, m := range movers {
		out = append(out, fmt.Sprintf("%d of %s", m.tasks, m.name))
	}
	if len(out) == 1 && movers[0].tasks == 1 {
		return out[0] + " is"
	}
	return strings.Join(out, ", ") + " are"
}

// sayPlain says which services lack tasks while the node is drained.
func sayPlain(plain []string) string {
	if len(plain) == 0 {
		return ""
	}
	return "; drained plainly, and short of tasks until others run: " + strings.Join(plain, "; ")
}
