package plan

import (
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// carries reports whether tasks run on the machine that its drain would move.
func (v *view) carries(m member) bool {
	return m.Node != nil && !stopped(m) && v.tasksOn(m.Node.ID) > 0
}

// awaitsTurn reports whether another machine of the pool is still being drained, and says so. Drained together, all tasks of a service can be
// between two machines at once.
func (d *draft) awaitsTurn(p *spec.Pool) bool {
	name := d.beingDrained(p)
	if name == "" {
		return false
	}
	d.note(GuardDrainTurn, "pool/"+p.Name, fmt.Sprintf("the next machine to leave waits: %s is drained first, until its tasks run elsewhere or for drain_timeout (%s)",
		name, d.in.Spec.Policies.DrainTimeout))
	d.wait(lookWait)
	return true
}

// beingDrained names a machine of the pool whose drain is not over or is begun by this plan, "" if there is none.
func (d *draft) beingDrained(p *spec.Pool) string {
	for _, op := range d.deletes {
		m, ok := d.of(op)
		if ok && op.Pool == p.Name && d.draining(op, m) {
			return m.name()
		}
	}
	for _, s := range d.steps {
		a, ok := s.Action.(OpenDelete)
		if !ok || a.Pool != p.Name {
			continue
		}
		if m, ok := d.of(ledger.Op{DropletID: a.DropletID}); ok && d.carries(m) {
			return m.name()
		}
	}
	return ""
}

// draining reports whether a leaving machine's tasks are still on it or on their way elsewhere. After drain_timeout it counts as drained: what does
// not end must not keep all the others.
func (v *view) draining(op ledger.Op, m member) bool {
	if m.Node == nil || stopped(m) || v.drainOver(op) {
		return false
	}
	return v.tasksOn(m.Node.ID) > 0 || m.Node.Spec.Availability == swarm.Drain && v.unsettled(op, m)
}

// drainOver reports whether the machine had drain_timeout. A start in the future was written by a clock that was ahead.
func (v *view) drainOver(op ledger.Op) bool {
	return v.in.Now.Sub(op.Started).Abs() > v.in.Spec.Policies.DrainTimeout
}

// unsettled reports whether a service that had tasks on the drained machine lacks some, and another node can take them.
func (v *view) unsettled(op ledger.Op, m member) bool {
	if stopped(m) || v.drainOver(op) {
		return false
	}
	return slices.ContainsFunc(v.in.World.Services, func(s swarm.Service) bool {
		had := slices.ContainsFunc(v.in.World.Tasks, func(t swarm.Task) bool { return t.ServiceID == s.ID && t.NodeID == m.Node.ID })
		return had && s.Spec.Mode == swarm.Replicated && !v.isWhole(s.Spec, s) && v.placeable(s.Spec)
	})
}

// placeable reports whether a node that stays can take tasks of the service.
func (v *view) placeable(s swarm.ServiceSpec) bool {
	return slices.ContainsFunc(v.in.World.Machines, func(m world.Machine) bool {
		return m.Node != nil && m.Node.State == swarm.NodeReady && m.Node.Spec.Availability == swarm.Active && s.Fits(*m.Node)
	})
}
