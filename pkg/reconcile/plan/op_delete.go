package plan

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// deleteOp is a machine that leaves. Its stages are in the order that the engine enforces: drained, no task left, no manager any more, off, Down, out
// of the swarm, deleted.
type deleteOp struct{ ledger.Op }

// deleteStage is how far a leave is: what comes next, or what it waits for.
type deleteStage int

const (
	deleteHidden       deleteStage = iota // what must be seen is not
	deleteAstray                          // the node that was to leave is on another machine
	deleteDone                            // its droplet does not exist any more
	deleteDisputed                        // its machine is not seen, or disputed: that is held under identity
	deleteForbidden                       // swarmd did not make the machine
	deleteWell                            // it was to be repaired, and its node is up again
	deleteSelf                            // its node holds the lease
	deleteNeeded                          // its node is a manager that the others need
	deleteDrain                           // its node is to be drained, and what that takes before it
	deleteDraining                        // its node is drained, and tasks are left on it
	deleteUnsettled                       // its tasks do not run elsewhere yet; until then it is not stopped, and a person can still activate it again
	deleteDemote                          // its node is to be no manager any more
	deleteBusy                            // a demotion or another event is in flight; anything now is refused
	deleteShutdown                        // its droplet is to shut down
	deleteShuttingDown                    // it was asked to
	deletePowerOff                        // it did not follow
	deleteOff                             // it is off, and its node is not Down yet
	deleteKept                            // it is off, and is kept for a look
	deleteNode                            // its node is to be removed
	deleteDroplet                         // its droplet alone is left
)

// beginDelete opens the leave that was granted.
func beginDelete(v *view, g grant, b *builder) {
	p, m := g.pool, g.machine
	a := OpenDelete{OpID: g.ids[0], Pool: p.Name, Name: shortened(m.name()), DropletID: m.dropletID(), Budgeted: g.budgeted,
		Repair: g.most > 0, Most: g.most}
	if m.Node != nil {
		a.NodeID = m.Node.ID
	}
	code, text := WhyPoolSurplus, fmt.Sprintf("pool %s wants %d; %s is the one to leave", p.Name, p.Count, m.String())
	if g.kind == replaceDead {
		code, text = WhyReplaced, m.name()+": "+g.text+"; another machine takes its place"
	} else if m.Node != nil {
		_, plain := v.movers(evacuation{machine: m})
		text += sayPlain(plain)
	}
	if g.kind == leaveReplaced {
		code, text = WhyRolled, m.name()+": "+g.text
		if repairs(v, g.wish) {
			code = WhyReplaced
		}
	}
	b.step("leave", strconv.Itoa(a.DropletID), a, code, text)
}

// shortened is a name as long as a droplet's can be: a node says itself what its host is called, and the ledger has little room.
func shortened(name string) string { return name[:min(len(name), 63)] }

// stage returns how far the leave is, and its machine.
func (op deleteOp) stage(v *view) (machine, deleteStage) {
	m, ok := v.of(op.Op)
	switch {
	case v.in.World.NoDroplets || !v.sees(deleteMachine):
		return m, deleteHidden
	case v.strayNode(op.Op, m, ok):
		return m, deleteAstray
	case !ok && v.gone(op.DropletID):
		return m, deleteDone
	case !ok || m.class == disputed || m.class == removed:
		return m, deleteDisputed
	case m.Adopted || m.Droplet != nil && !m.Owned:
		return m, deleteForbidden
	case m.Node != nil:
		return m, op.nodeStage(v, m)
	case op.Keep && m.off():
		return m, deleteKept
	case op.Keep:
		return m, op.powerStage(v, m)
	case m.Droplet.Locked:
		return m, deleteBusy
	}
	return m, deleteDroplet
}

// nodeStage is how far a machine is whose node is still in the swarm. A manager that the others need is not drained: it would neither work nor leave.
func (op deleteOp) nodeStage(v *view, m machine) deleteStage {
	switch {
	case recovered(m.Machine):
		return deleteWell
	case m.Node.ID == v.in.Holder:
		return deleteSelf
	case m.Node.Spec.Availability != swarm.Drain && v.mayDemote(m) != "":
		return deleteNeeded
	case m.Node.Spec.Availability != swarm.Drain:
		return deleteDrain
	case !stopped(m) && v.tasksOn(m.Node.ID) > 0:
		return deleteDraining
	case v.unsettled(op.Op, m):
		return deleteUnsettled
	case m.wantsManager():
		return deleteDemote
	case m.isManager():
		return deleteBusy
	case m.Droplet != nil && m.Droplet.Status != cloud.StatusOff:
		return op.powerStage(v, m)
	case m.Node.State != swarm.NodeDown:
		return deleteOff
	}
	return deleteNode
}

// powerStage is how far a droplet is that must be off: it is asked to shut down once, and its power is cut if it does not.
func (op deleteOp) powerStage(v *view, m machine) deleteStage {
	switch {
	case m.Droplet.Locked || m.Droplet.Status != cloud.StatusActive:
		return deleteBusy
	case op.Shutdown.IsZero():
		return deleteShutdown
	case v.in.Now.Sub(op.Shutdown).Abs() > v.in.Spec.Policies.ShutdownTimeout: // one in the future was asked for by a clock that was ahead
		return deletePowerOff
	}
	return deleteShuttingDown
}

func (op deleteOp) about() ledger.Op { return op.Op }

func (op deleteOp) next(v *view, b *builder) {
	b.progressing = true
	m, stage := op.stage(v)
	id := strconv.Itoa(op.DropletID)
	switch stage {
	case deleteHidden: // a gap or the missing cloud has been said
	case deleteAstray:
		b.hold(GuardIdentity, "droplet/"+id, "the node "+op.NodeID+" that was to leave is not on it any more")
	case deleteDone:
		b.closeOp(op.Op, "gone", WhyDropletGone, op.Name+" is gone")
	case deleteWell:
		b.closeOp(op.Op, "recovered", WhyRecovered, m.name()+" is up again: it stays")
	case deleteForbidden:
		b.hold(GuardAdopted, m.object(), "swarmd did not make it and does not delete it")
	case deleteSelf:
		b.hold(GuardSelf, m.object(), "it leaves, and holds the lease: another manager must go on")
		b.requeueIn(requeueWait)
	case deleteNeeded:
		b.hold(GuardQuorum, m.object(), "not drained: "+v.mayDemote(m))
	case deleteDrain:
		v.emptying(op.Op, m).write(m, "leaves", b)
	case deleteShutdown:
		b.step("shutdown", id, ShutdownDroplet{OpID: op.ID, DropletID: op.DropletID}, WhyShutdown, m.name()+" "+op.leaves())
	case deletePowerOff:
		b.step("power-off", id, PowerOffDroplet{DropletID: op.DropletID}, WhyPowerOff,
			fmt.Sprintf("%s did not shut down within %s", m.name(), v.in.Spec.Policies.ShutdownTimeout))
	case deleteNode:
		b.removeNode(m, WhyNodeRemove, m.name()+" is off and down")
	case deleteKept:
		b.step("keep", id, KeepDroplet{OpID: op.ID, DropletID: op.DropletID}, WhyKept, op.Name+" never joined, and is kept for a look")
	case deleteDroplet:
		b.step("delete", id, DeleteDroplet{OpID: op.ID, DropletID: op.DropletID}, WhyDropletDelete, op.Name+" is out of the swarm")
	default:
		op.await(v, m, stage, b)
	}
}

// leaves says why the machine may shut down.
func (op deleteOp) leaves() string {
	if op.Keep {
		return "never joined, and is kept for a look"
	}
	return "is drained and no manager"
}

// await looks again soon, and holds a drain that takes too long.
func (op deleteOp) await(v *view, m machine, stage deleteStage, b *builder) {
	if stage == deleteDraining && v.in.Now.Sub(op.Started) > v.in.Spec.Policies.DrainTimeout {
		b.hold(GuardDrain, m.object(), fmt.Sprintf("%d tasks are left after %s", v.tasksOn(m.Node.ID), v.in.Spec.Policies.DrainTimeout))
		return
	}
	if op.Repair && m.Node == nil { // a droplet that never became active is locked until the cloud gives it up: for minutes
		return
	}
	b.requeueIn(requeueWait)
}

// of returns the machine of the operation.
func (v *view) of(op ledger.Op) (machine, bool) {
	for _, m := range v.machines {
		if m.Droplet != nil && m.Droplet.ID == op.DropletID || m.Droplet == nil && m.Op != nil && m.Op.ID == op.ID {
			return m, true
		}
	}
	return machine{}, false
}

// strayNode reports whether the node that was to leave is in the swarm, but not on the operation's machine.
func (v *view) strayNode(op ledger.Op, m machine, ok bool) bool {
	if op.NodeID == "" || ok && m.Node != nil && m.Node.ID == op.NodeID {
		return false
	}
	return slices.ContainsFunc(v.machines, func(o machine) bool { return o.Node != nil && o.Node.ID == op.NodeID })
}

// stopped reports whether the machine runs nothing any more, whatever its tasks' last known state is.
func stopped(m machine) bool {
	return m.Missing || m.Node.State == swarm.NodeDown || m.off()
}

// tasksOn counts the tasks on a node that did not end.
func (v *view) tasksOn(node string) int { return v.loads[node] }

func ended(t swarm.Task) bool {
	switch t.State {
	case "complete", "shutdown", "failed", "rejected", "remove", "orphaned":
		return true
	}
	return false
}
