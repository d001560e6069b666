package plan

import (
	"slices"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// decision is a kind of step that is only planned on a view in which something has been seen, all of it.
type decision string

const (
	closeCreate   decision = "close a create that made nothing"
	deleteMachine decision = "delete a machine"
	resizeMachine decision = "resize a machine in place"
	switchMachine decision = "switch a machine on, or off and on"
	changeRole    decision = "promote or demote"
	removeNode    decision = "remove a node that never came up"
	drainStranger decision = "drain a node that is no machine of the cluster"
	removeService decision = "remove a service"
	removeNetwork decision = "remove a network"
	makeObject    decision = "make a config or a secret"
	removeObject  decision = "remove a config or a secret"
)

// needs returns which areas a decision must have seen, besides those without which nothing at all is decided (see blindness). What it does not need does
// not stop it: a cloud that does not answer keeps no service from being removed, and a list of networks that is missing no machine from leaving.
func needs(what decision) []string {
	switch what {
	case deleteMachine, resizeMachine: // what runs on it, and where that can go
		return []string{world.GapDroplets, world.GapServices, world.GapTasks}
	case removeNode:
		return []string{world.GapDroplets, world.GapTasks}
	case closeCreate, switchMachine, changeRole, drainStranger: // which machines there are
		return []string{world.GapDroplets}
	case makeObject:
		return []string{world.GapObjects}
	case removeObject: // who refers to it
		return []string{world.GapServices, world.GapObjects}
	case removeService:
		return []string{world.GapServices}
	case removeNetwork: // who uses it
		return []string{world.GapServices, world.GapTasks, world.GapNetworks}
	}
	return []string{world.GapDroplets, world.GapServices, world.GapTasks, world.GapNetworks}
}

// sees reports whether all that the decision needs has been seen.
func (v *view) sees(what decision) bool {
	return !slices.ContainsFunc(needs(what), v.unseenArea)
}

// unseenArea reports whether an area has a gap. Droplets that contradict the nodes count as unseen.
func (v *view) unseenArea(area string) bool {
	return v.gap(area) || area == world.GapDroplets && v.implausible
}

// dropletsKnown reports whether there is a cloud, and its droplets are known, all of them.
func (v *view) dropletsKnown() bool {
	return !v.in.World.NoDroplets && !v.unseenArea(world.GapDroplets)
}

// complete reports whether the view has no gap and can be believed.
func (v *view) complete() bool {
	return !v.implausible && !slices.ContainsFunc(v.in.World.Gaps, func(g world.Gap) bool { return g.What != world.GapRevision })
}
