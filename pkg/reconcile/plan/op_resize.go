package plan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// resizeOp is a machine that gets another size in place: drained, off, resized, on, ready, active. Whatever fails, it is powered on again. What was
// tried cannot be seen, so each phase is in the ledger before it is begun, and the stage follows from that and from what is seen.
type resizeOp struct{ ledger.Op }

// How long the parts of a resize may take.
const (
	resizePace = 5 * time.Second  // between two requests for the same
	stopGrace  = 2 * time.Minute  // after shutdown_timeout, until it counts as one that cannot be stopped or resized
	showGrace  = time.Minute      // a request for a size shows by then, as a lock or as the size
	lockGrace  = 15 * time.Minute // a droplet is resized by then
	startPace  = 10 * time.Second // between two power-ons
	startGrace = 10 * time.Minute // it runs by then, or it is repaired as one that is off
	backGrace  = 5 * time.Minute  // it is back by then, or repaired as one that hangs: seen on 26.1, a node stays down that registers as its old heartbeat runs out
	beatsGrace = 15 * time.Second // until then a node that is ready may not have been seen to be away
	raftGrace  = 65 * time.Second // for so long the brakes count a manager that was stopped as one that may be away
)

// resizeStage is how far a resize is: what comes next, or what it waits for.
type resizeStage int

const (
	resizeHidden   resizeStage = iota // what must be seen is not
	resizeGone                        // its droplet does not exist any more
	resizeBusy                        // something is under way on it
	resizeSelf                        // its node holds the lease
	resizeNeeded                      // its node is a manager that the others need
	resizeDrain                       // its node is to be drained
	resizeDraining                    // its node is drained, and tasks are left on it or do not run elsewhere yet
	resizeShutdown                    // its droplet is to shut down
	resizePowerOff                    // it did not follow
	resizeAsk                         // it is off, and its size is to be asked for
	resizeStart                       // it is to be powered on
	resizeBack                        // it was powered on, and is not back yet
	resizeActivate                    // its node is to take tasks again
	resizeOver                        // nothing is left to do, or the rest is repair's
)

// beginResize opens the resize that was granted.
func beginResize(g grant, b *builder) {
	m, p := g.machine, g.pool
	b.step("resize", strconv.Itoa(m.Droplet.ID), OpenResize{OpID: g.ids[0], Pool: p.Name, Name: shortened(m.name()), NodeID: m.Node.ID, DropletID: m.Droplet.ID,
		From: m.Droplet.Size, To: p.Size}, WhySize, fmt.Sprintf("%s: %s → %s, in place: drained, off, resized, on", m.name(), m.Droplet.Size, p.Size))
}

// stage returns how far the resize is, and its machine. To power a machine on, nothing but the machine must be seen.
func (op resizeOp) stage(v *view) (machine, resizeStage) {
	m, ok := v.of(op.Op)
	switch {
	case v.in.World.NoDroplets:
		return m, resizeHidden
	case v.gone(op.DropletID):
		return m, resizeGone
	case !ok || m.Droplet == nil:
		return m, resizeHidden
	case m.Droplet.Locked || m.Droplet.Status == cloud.StatusNew:
		return m, resizeBusy
	}
	switch op.Phase {
	case ledger.Draining:
		return m, op.drainStage(v, m)
	case ledger.Stopping:
		return m, op.stopStage(v, m)
	case ledger.Resizing:
		if m.Droplet.Size != op.To && v.since(op.Phased) < showGrace {
			return m, resizeBusy
		}
	}
	return m, op.returnStage(v, m)
}

// drainStage is how far a machine is that runs and was not touched yet.
func (op resizeOp) drainStage(v *view, m machine) resizeStage {
	switch {
	case !v.sees(resizeMachine) || m.class == disputed:
		return resizeHidden
	case !op.stands(m):
		return resizeOver
	case !op.wanted(v) || m.Droplet.Size == op.To || op.drainFails(v, m) || m.off() || m.Node.State == swarm.NodeDown:
		return op.settled(v, m)
	case m.Node.ID == v.in.Holder:
		return resizeSelf
	case v.mayStop(m) != "":
		return resizeNeeded
	}
	return op.emptyStage(v, m)
}

// emptyStage is how far the machine's drain is; resizeShutdown: nothing runs on it any more, and what did runs elsewhere.
func (op resizeOp) emptyStage(v *view, m machine) resizeStage {
	switch {
	case m.Node.Spec.Availability != swarm.Drain:
		return resizeDrain
	case v.tasksOn(m.Node.ID) > 0 || v.unsettledOf(op.Op, m, v.finds):
		return resizeDraining
	}
	return resizeShutdown
}

// drainFails reports whether the machine had drain_timeout and is not empty.
func (op resizeOp) drainFails(v *view, m machine) bool {
	return v.drainOver(op.Op) && (!drained(m) || v.tasksOn(m.Node.ID) > 0)
}

// findGrace is how long a task may look for a place.
const findGrace = 10 * time.Second

// finds reports whether the tasks that a service lacks may find a place. Where none is left for them, as with a port of each machine, they wait for the
// very machine that is resized: the sooner it is, the sooner they run.
func (v *view) finds(s swarm.Service) bool {
	return !slices.ContainsFunc(v.in.World.Tasks, func(t swarm.Task) bool {
		return t.ServiceID == s.ID && t.State == "pending" && t.DesiredState == "running" && v.since(t.Updated) > findGrace
	})
}

// stopStage is how far a machine is that is to go off, and to be resized then.
func (op resizeOp) stopStage(v *view, m machine) resizeStage {
	asked := v.since(op.Shutdown)
	late := asked > v.in.Spec.Policies.ShutdownTimeout+stopGrace
	switch off := m.Droplet.Status != cloud.StatusActive; {
	case off && (late || !op.wanted(v) || m.Droplet.Size == op.To): // one that has the size was picked on a view that was old
		return resizeStart
	case v.since(op.Phased) < resizePace:
		return resizeBusy
	case off:
		return resizeAsk
	case !op.stands(m):
		return resizeOver
	case late || m.Node.ID == v.in.Holder || v.mayStop(m) != "":
		return op.settled(v, m)
	case op.Shutdown.IsZero():
		return resizeShutdown
	case asked > v.in.Spec.Policies.ShutdownTimeout:
		return resizePowerOff
	}
	return resizeBusy
}

// returnStage is how far a machine is that is to run again.
func (op resizeOp) returnStage(v *view, m machine) resizeStage {
	again, tried := v.since(op.returned()), op.Phase == ledger.Returning && !op.Phased.IsZero()
	repaired := m.pool != nil && !m.pool.RepairOff
	switch running := m.Droplet.Status == cloud.StatusActive; {
	case !running && tried && again > startGrace && repaired:
		return resizeOver
	case !running && tried && v.since(op.Phased) < startPace:
		return resizeBack
	case !running:
		return resizeStart
	case op.isBack(v, m):
		return op.settled(v, m)
	case again > backGrace && op.stands(m) && m.Node.State == swarm.NodeReady:
		return op.settled(v, m)
	case again > backGrace:
		return resizeOver
	}
	return resizeBack
}

// settled is what is left to do when its machine runs: its node takes tasks again, and keeps why its size did not change.
func (op resizeOp) settled(v *view, m machine) resizeStage {
	if _, differs := op.restored(v, m); differs {
		return resizeActivate
	}
	return resizeOver
}

// returned is when it was begun to have the machine run again.
func (op resizeOp) returned() time.Time {
	if op.Returned.IsZero() {
		return op.Phased
	}
	return op.Returned
}

// stands reports whether the node that was to be resized is still the machine's.
func (op resizeOp) stands(m machine) bool { return m.Node != nil && m.Node.ID == op.NodeID }

// wanted reports whether the file still wants the size, in place; one that cannot be read is no reason to stop.
func (op resizeOp) wanted(v *view) bool {
	p := v.pool(op.Pool)
	return v.outdated() || p != nil && p.ResizeHere && p.Size == op.To
}

// isBack reports whether the node is ready with what its size has.
func (op resizeOp) isBack(v *view, m machine) bool {
	grace := beatsGrace
	if m.isManager() {
		grace = raftGrace
	}
	if !op.stands(m) || m.Node.State != swarm.NodeReady || m.isManager() && !m.reachable() || v.since(op.returned()) < grace {
		return false
	}
	size, known := v.in.Sizes[m.Droplet.Size]
	return !known || hasOf(m.Node, size)
}

// hasOf reports whether an engine sees what a machine of the size has. The kernel keeps some of the memory.
func hasOf(n *swarm.Node, s cloud.Size) bool {
	const mb = 1 << 20
	want := int64(s.MemoryMB) * mb
	return n.CPUs == float64(s.VCPUs) && n.MemoryBytes >= want/4*3 && n.MemoryBytes <= want+want/20
}

// restored is the node as it is when the operation is over, and whether it is another one than now.
func (op resizeOp) restored(v *view, m machine) (s swarm.NodeSpec, differs bool) {
	s = m.Node.Spec
	want, before := swarm.Active, s.Labels[swarm.LabelUnresized]
	if m.pool != nil {
		want = m.availability()
	}
	after := op.unresized(v, m)
	s.Labels = withLabel(s.Labels, swarm.LabelUnresized, after)
	differs = s.Availability != want || before != after
	s.Availability = want
	return s, differs
}

// unresized is what the node's label says of a resize that came to nothing, "" if it did not, or nobody wants it any more.
func (op resizeOp) unresized(v *view, m machine) string {
	if m.Droplet.Size == op.To || !op.wanted(v) || op.Phase == ledger.Draining && !op.drainFails(v, m) {
		return ""
	}
	u, ok := m.Node.Spec.Unresized()
	switch ended := op.ended(v); {
	case !ok || u.Size != op.To:
		u = swarm.Unresized{Size: op.To, Tries: 1, Tried: ended, Why: op.failure(v, m)}
	case !u.Tried.Equal(ended):
		u = swarm.Unresized{Size: op.To, Tries: u.Tries + 1, Tried: ended, Why: op.failure(v, m)}
	}
	return u.String()
}

// ended is when it was clear that it comes to nothing. It is one and the same in all passes that follow.
func (op resizeOp) ended(v *view) time.Time {
	at := op.returned()
	if op.Phase == ledger.Draining {
		at = op.Started.Add(v.in.Spec.Policies.DrainTimeout)
	}
	return at.UTC().Truncate(time.Second)
}

// failure says why the machine keeps its size.
func (op resizeOp) failure(v *view, m machine) string {
	switch {
	case op.Failed == string(apierr.Capacity):
		return "no room for it where the droplet is"
	case op.Failed == string(apierr.Forbidden):
		return "the token may not resize: it needs droplet:update and droplet:create"
	case op.Failed != "":
		return "the cloud refused it (" + op.Failed + ")"
	case op.Phase == ledger.Draining && op.drainFails(v, m):
		return fmt.Sprintf("its drain took longer than %s", v.in.Spec.Policies.DrainTimeout)
	case op.Phase == ledger.Draining:
		return "it went down by itself"
	case op.Phase == ledger.Stopping:
		return "it could not be stopped"
	}
	return "the cloud did not do it"
}

func (op resizeOp) about() ledger.Op { return op.Op }

// restarts reports whether the machine may be off by now.
func (op resizeOp) restarts(*view) bool { return op.Phase != ledger.Draining }

func (op resizeOp) next(v *view, b *builder) {
	b.progressing = true
	m, stage := op.stage(v)
	id := strconv.Itoa(op.DropletID)
	switch stage {
	case resizeGone:
		b.closeOp(op.Op, "gone", WhyDropletGone, op.Name+" is gone")
	case resizeSelf:
		b.hold(GuardSelf, m.object(), "it is to be resized, and holds the lease: another manager must go on")
		b.requeueIn(requeueWait)
	case resizeNeeded:
		b.hold(GuardQuorum, m.object(), "not resized for now: "+v.mayStop(m))
		b.requeueIn(requeueWait)
	case resizeDrain:
		v.emptying(op.Op, m).write(m, "is resized", b)
	case resizeShutdown:
		b.step("shutdown", id, ShutdownDroplet{OpID: op.ID, DropletID: op.DropletID}, WhyShutdown, m.name()+" is drained, and is resized")
	case resizePowerOff:
		b.step("power-off", id, PowerOffDroplet{DropletID: op.DropletID}, WhyPowerOff,
			fmt.Sprintf("%s did not shut down within %s", m.name(), v.in.Spec.Policies.ShutdownTimeout))
	case resizeAsk:
		b.step("size", id, ResizeDroplet{OpID: op.ID, DropletID: op.DropletID, Size: op.To}, WhySize, fmt.Sprintf("%s is off: %s → %s", m.name(), op.From, op.To))
	case resizeStart:
		b.step("power-on", id, PowerOnDroplet{DropletID: op.DropletID, OpID: op.ID}, WhyPowerOn, m.name()+" was off to be resized")
	case resizeActivate:
		s, _ := op.restored(v, m)
		b.writeNode(m, nodeWrite{step: "activate", spec: s, code: WhyAvailability, text: op.outcome(v, m)})
	case resizeOver:
		b.closeOp(op.Op, "resized", WhyResized, m.name()+" "+op.outcome(v, m))
	default:
		op.await(v, m, stage, b)
	}
}

// outcome says what came of it.
func (op resizeOp) outcome(v *view, m machine) string {
	switch {
	case m.Droplet.Size == op.To && m.Node != nil && m.Node.State == swarm.NodeReady:
		return fmt.Sprintf("is back with %s", op.To)
	case m.Droplet.Size == op.To:
		return fmt.Sprintf("has %s and is not back: it is repaired as any other machine", op.To)
	case !op.wanted(v):
		return fmt.Sprintf("keeps %s: the file does not want %s any more", m.Droplet.Size, op.To)
	case m.Node == nil:
		return fmt.Sprintf("keeps %s: it has no node any more", m.Droplet.Size)
	}
	return fmt.Sprintf("keeps %s: %s", m.Droplet.Size, op.failure(v, m))
}

// await looks again soon, and says what takes too long.
func (op resizeOp) await(v *view, m machine, stage resizeStage, b *builder) {
	switch {
	case stage == resizeBusy && op.Phase == ledger.Resizing && v.since(op.Phased) > lockGrace:
		b.hold(GuardResize, m.object(), fmt.Sprintf("%s → %s was asked for at %s and is not over: the droplet's history in the cloud says why; it is powered on when it is", op.From, op.To, clock(op.Phased)))
	case stage == resizeBack && !op.Returned.IsZero() && v.since(op.Returned) > time.Minute:
		b.warn(GuardResize, m.object(), fmt.Sprintf("it was off to be resized, is powered on since %s and is not back yet", clock(op.Returned)))
	}
	b.requeueIn(requeueWait)
}

// since is how long ago something was written into the ledger. A time in the future was written by a clock that was ahead.
func (v *view) since(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return v.in.Now.Sub(t).Abs()
}

// withLabel is the labels with that one set, or without it.
func withLabel(labels map[string]string, key, value string) map[string]string {
	out := map[string]string{}
	for k, v := range labels {
		out[k] = v
	}
	setOrDelete(out, key, value)
	return out
}
