package plan

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// leaves moves each machine of an open Delete operation one stage on. The stage follows from what is seen, in the order that the
// engine enforces: drain, no task left, no manager any more, off, Down, out of the swarm, deleted.
func (d *draft) leaves() {
	ops := d.deletes
	if len(ops) == 0 {
		return
	}
	d.underway = true
	switch {
	case d.in.World.NoDroplets:
		d.hold(GuardNoCloud, "cluster", fmt.Sprintf("%d machines are to leave, and no cloud to delete them", len(ops)))
	case d.sees(deleteMachine):
		for _, op := range ops {
			held, steps := len(d.holds), len(d.steps)
			d.leave(op)
			if len(d.holds) == held && len(d.steps) == steps {
				d.lookIn(lookWait)
			}
		}
	}
}

func (d *draft) leave(op ledger.Op) {
	m, ok := d.of(op)
	switch {
	case d.strayNode(op, m, ok):
		d.hold(GuardIdentity, "droplet/"+strconv.Itoa(op.DropletID), "the node "+op.NodeID+" that was to leave is not on it any more")
	case !ok && d.gone(op.DropletID):
		d.step("close", op.ID, CloseOp{OpID: op.ID, Outcome: "gone"}, WhyDropletGone, op.Name+" is gone")
	case !ok || m.class == disputed: // held under identity
	case m.Adopted || m.Droplet != nil && !m.Owned:
		d.hold(GuardAdopted, m.object(), "swarmd did not make it and does not delete it")
	case m.Node != nil:
		d.leaveSwarm(op, m)
	case m.Droplet.Locked: // an event is in flight; anything now is refused
	default:
		d.step("delete", strconv.Itoa(op.DropletID), DeleteDroplet{OpID: op.ID, DropletID: op.DropletID}, WhyDropletDelete, op.Name+" is out of the swarm")
	}
}

// of returns the machine of the operation.
func (v *view) of(op ledger.Op) (member, bool) {
	for _, m := range v.members {
		if m.Droplet != nil && m.Droplet.ID == op.DropletID || m.Droplet == nil && m.Op != nil && m.Op.ID == op.ID {
			return m, true
		}
	}
	return member{}, false
}

// strayNode reports whether the node that was to leave is in the swarm, but not on the operation's machine.
func (v *view) strayNode(op ledger.Op, m member, ok bool) bool {
	if op.NodeID == "" || ok && m.Node != nil && m.Node.ID == op.NodeID {
		return false
	}
	return slices.ContainsFunc(v.members, func(o member) bool { return o.Node != nil && o.Node.ID == op.NodeID })
}

// leaveSwarm takes a node out of the swarm: everything until the droplet alone is left.
func (d *draft) leaveSwarm(op ledger.Op, m member) {
	switch {
	case m.Node.ID == d.in.Holder:
		d.hold(GuardSelf, m.object(), "it leaves, and holds the lease: another manager must go on")
		d.lookIn(lookWait)
	case m.Node.Spec.Availability != swarm.Drain:
		d.drain(m)
	case !stopped(m) && d.tasksOn(m.Node.ID) > 0:
		d.drainWaits(op, m)
	case d.unsettled(op, m): // until then it is not stopped, and a person can still activate it again
	case m.managerWish():
		d.demote = append(d.demote, m)
	case m.raft(): // the demotion is under way
	case m.Droplet != nil && m.Droplet.Status != cloud.StatusOff:
		d.stop(op, m)
	case m.Node.State == swarm.NodeDown:
		d.step("remove-node", m.Node.ID, RemoveNode{NodeID: m.Node.ID}, WhyNodeRemove, m.name()+" is off and down")
	}
}

// stopped reports whether the machine runs nothing any more, whatever its tasks' last known state is.
func stopped(m member) bool {
	return m.Missing || m.Node.State == swarm.NodeDown || m.Droplet != nil && m.Droplet.Status == cloud.StatusOff
}

// drain is held while a manager may not go: drained, it would neither work nor leave.
func (d *draft) drain(m member) {
	if m.raft() {
		if why := d.mayDemote(m); why != "" {
			d.hold(GuardQuorum, m.object(), "not drained: "+why)
			return
		}
	}
	s := m.Node.Spec
	s.Availability = swarm.Drain
	d.write("drain", m, s, WhyDrain, "leaves")
}

func (d *draft) drainWaits(op ledger.Op, m member) {
	if d.in.Now.Sub(op.Started) > d.in.Spec.Policies.DrainTimeout {
		d.hold(GuardDrain, m.object(), fmt.Sprintf("%d tasks are left after %s", d.tasksOn(m.Node.ID), d.in.Spec.Policies.DrainTimeout))
	}
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

// stop asks for a shutdown once, and cuts the power if it is not followed.
func (d *draft) stop(op ledger.Op, m member) {
	id := strconv.Itoa(op.DropletID)
	switch {
	case m.Droplet.Locked || m.Droplet.Status != cloud.StatusActive: // an event is in flight
	case op.Shutdown.IsZero():
		d.step("shutdown", id, ShutdownDroplet{OpID: op.ID, DropletID: op.DropletID}, WhyShutdown, m.name()+" is drained and no manager")
	case d.in.Now.Sub(op.Shutdown).Abs() > d.in.Spec.Policies.ShutdownTimeout: // one in the future was asked for by a clock that was ahead
		d.step("power-off", id, PowerOffDroplet{DropletID: op.DropletID}, WhyPowerOff,
			fmt.Sprintf("%s did not shut down within %s", m.name(), d.in.Spec.Policies.ShutdownTimeout))
	}
}

// notes reports what is left alone or held, machine by machine.
func (d *draft) notes() {
	for _, m := range d.members {
		d.remark(m)
		d.sayMaintained(m)
	}
	if d.outdated() {
		return
	}
	for _, p := range d.in.Spec.Pools {
		d.driftOf(p)
	}
}

func (d *draft) remark(m member) {
	switch m.class {
	case foreign:
		d.remarkForeign(m)
	case disputed:
		if d.stranger(m) {
			d.note(GuardForeignNode, m.object(), m.Why+"; "+d.strangerWhy(m))
			return
		}
		if m.Binding == world.Unaddressed {
			d.hold(GuardNoAddress, m.object(), m.Why)
			d.lookIn(lookWait)
			return
		}
		d.hold(GuardIdentity, m.object(), disputedWhy(m))
	case orphaned:
		if d.outdated() {
			return // the accepted spec may have the pool
		}
		d.hold(GuardPoolRemoved, "pool/"+m.Pool, "the file has no such pool; set its count to 0 to remove its machines")
	case dead:
		d.hold(GuardDropletDead, m.object(), fmt.Sprintf("its droplet %d does not exist any more; %s makes room for a new one", m.dropletID(), removal(m)))
	case overdue:
		if d.outrun(m) {
			d.hold(GuardLaunch, m.object(), m.name()+outrunWhy)
			return
		}
		d.hold(GuardLaunch, m.object(), fmt.Sprintf("%s did not join within %s: /var/log/swarmd-join.log on it says why; delete the droplet by hand for a new try",
			m.name(), d.in.Spec.Policies.LaunchTimeout))
	case down:
		if m.Again != "" {
			return // what is to be done is said of the node that it is now
		}
		d.hold(GuardNodeDown, m.object(), downWhy(m))
	case booting:
		d.wait(lookWait)
		if d.outrun(m) {
			d.hold(GuardLaunch, m.object(), m.name()+outrunWhy)
		}
	case unknown:
		d.wait(lookWait)
	}
}

// disputedWhy names a droplet of which no node is known: its id alone says nothing to people.
func disputedWhy(m member) string {
	if m.Node == nil {
		return m.name() + ": " + m.Why
	}
	return m.Why
}

func downWhy(m member) string {
	if m.Droplet != nil && m.Droplet.Status == cloud.StatusOff {
		return "its droplet is off, and swarmd does not start it: power it on, or delete it and " + removal(m) + " for a new one"
	}
	return "the node is down, and swarmd does not replace it yet: start its machine, or delete its droplet and " + removal(m) + " for a new one"
}

// removal is how a person takes a node that is gone for good out of the swarm.
func removal(m member) string {
	if m.Node == nil {
		return "nothing more"
	}
	if m.Node.Manages() {
		return "docker node demote and docker node rm " + m.Node.ID
	}
	return "docker node rm " + m.Node.ID
}

func (d *draft) remarkForeign(m member) {
	switch {
	case m.Droplet != nil:
		d.note(GuardForeign, "droplet/"+strconv.Itoa(m.Droplet.ID), m.Droplet.Name+" "+m.Why+": left alone")
	case m.Of != "" && m.Node.Manages():
		d.note(GuardForeignMgr, m.object(), "is a manager of cluster "+m.Of+": left alone")
	case m.Of != "":
		d.note(GuardForeignNode, m.object(), "is a machine of cluster "+m.Of+": left alone")
	case d.ghost(m):
		d.step("remove-node", m.Node.ID, RemoveNode{NodeID: m.Node.ID}, WhyGhost, fmt.Sprintf("it never came up since %s", m.Node.Created.UTC().Format(time.RFC3339)))
	case !d.dropletsKnown() && !d.in.World.NoDroplets: // it may be a machine whose droplet was not seen
	case m.Node.Manages():
		d.note(GuardForeignMgr, m.object(), "is a manager and no machine of the cluster: left alone")
	default:
		d.note(GuardForeignNode, m.object(), d.strangerWhy(m))
	}
}

// ghostGrace is how long a node may be without a host name before it counts as what a failed join left behind.
const ghostGrace = 15 * time.Minute

// ghost reports whether the node is the trace of a machine that asked to join and was never heard of: it has no host name, no claim and no
// binding. Nobody's work can be on it. Some seconds after its join every node looks so.
func (v *view) ghost(m member) bool {
	n := m.Node
	return v.sees(removeNode) && n.Hostname == "" && n.Manager == nil && n.Spec.Role == swarm.Worker && n.State != swarm.NodeReady && len(n.EngineLabels) == 0 &&
		n.Spec.Labels[swarm.LabelDroplet] == "" && !n.Created.IsZero() && v.in.Now.Sub(n.Created) > ghostGrace && v.tasksOn(n.ID) == 0
}
