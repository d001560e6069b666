package plan

import (
	"fmt"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// maintained reports whether a person keeps the machine's node drained. An edit of its pool's availability since has ended that.
func (m machine) maintained() (swarm.Maintenance, bool) {
	if m.Node == nil || m.pool == nil {
		return swarm.Maintenance{}, false
	}
	why, ok := m.Node.Spec.Maintained()
	return why, ok && (why.Pool == "" || why.Pool == ofPool(m.pool))
}

// availability is what the node's should be.
func (m machine) availability() swarm.Availability {
	if _, ok := m.maintained(); ok {
		return swarm.Drain
	}
	return ofPool(m.pool)
}

// ofPool is the availability that the file wants of a pool's nodes.
func ofPool(p *spec.Pool) swarm.Availability {
	if p.Availability == "" {
		return swarm.Active
	}
	return swarm.Availability(p.Availability)
}

// sayPutBack says what of an availability that somebody set by hand is undone, and what keeps it. A node that has just joined is drained
// too, one of a manager pool until it is a manager.
func (v *view) sayPutBack(m machine, want swarm.Availability) string {
	have := m.Node.Spec.Availability
	text := fmt.Sprintf("availability: %s → %s", have, want)
	if have == swarm.Drain && !v.justJoined(m) {
		text += " (swarmd drain " + m.name() + " keeps it drained)"
	}
	return text
}

// justJoined reports whether a node may be drained since it joined: one of a manager pool is until it is a manager.
func (v *view) justJoined(m machine) bool {
	return m.Op != nil && m.Op.Kind == ledger.Create ||
		m.pool.Role == "manager" && v.in.Now.Sub(m.born()) < v.in.Spec.Policies.ActiveTimeout+v.in.Spec.Policies.JoinTimeout(m.pool.Image)
}
