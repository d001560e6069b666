package plan

import (
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// carries reports whether tasks run on the machine that its drain would move.
func (v *view) carries(m machine) bool {
	return m.Node != nil && !stopped(m) && v.tasksOn(m.Node.ID) > 0
}

// beingDrained names a machine of the pool whose drain is not over or is begun by this plan, "" if there is none.
func (v *view) beingDrained(p *spec.Pool, s spent) string {
	for _, op := range v.deletes {
		m, ok := v.of(op.Op)
		if ok && op.Pool == p.Name && v.draining(op.Op, m) {
			return m.name()
		}
	}
	for _, op := range v.resizes {
		if op.Pool == p.Name {
			return op.Name
		}
	}
	for _, g := range s.leaving() {
		if m, ok := v.of(ledger.Op{DropletID: g.machine.dropletID()}); ok && g.pool.Name == p.Name && v.carries(m) {
			return m.name()
		}
	}
	return ""
}

// draining reports whether a leaving machine's tasks are still on it or on their way elsewhere. After drain_timeout it counts as drained: what does
// not end must not keep all the others.
func (v *view) draining(op ledger.Op, m machine) bool {
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
func (v *view) unsettled(op ledger.Op, m machine) bool {
	return v.unsettledOf(op, m, func(swarm.Service) bool { return true })
}

// unsettledOf is unsettled of some services.
func (v *view) unsettledOf(op ledger.Op, m machine, counts func(swarm.Service) bool) bool {
	if stopped(m) || v.drainOver(op) {
		return false
	}
	return slices.ContainsFunc(v.in.World.Services, func(s swarm.Service) bool {
		had := slices.ContainsFunc(v.in.World.Tasks, func(t swarm.Task) bool { return t.ServiceID == s.ID && t.NodeID == m.Node.ID })
		return had && s.Spec.Mode == swarm.Replicated && !v.isWhole(unsurged(s.Spec), s) && v.placeable(s.Spec) && counts(s)
	})
}

// placeable reports whether a node that stays can take tasks of the service.
func (v *view) placeable(s swarm.ServiceSpec) bool {
	return slices.ContainsFunc(v.in.World.Machines, func(m world.Machine) bool {
		return m.Node != nil && m.Node.State == swarm.NodeReady && m.Node.Spec.Availability == swarm.Active && s.Fits(*m.Node)
	})
}

// unsurged is a live specification without the tasks that it has for a while beyond what the file says.
func unsurged(s swarm.ServiceSpec) swarm.ServiceSpec {
	if surge, ok := s.Surge(); ok && surge.Tasks < s.Replicas() {
		return s.Scaled(s.Replicas() - surge.Tasks)
	}
	return s
}
