package maintenance

import (
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// maxNamed is how many services a sentence names.
const maxNamed = 5

// stops says which services lose a task before another one runs, should one of theirs be on a node that is drained; nothing if none would.
func (u *upkeep) stops(n swarm.Node) string {
	var all []string
	for _, s := range u.services {
		if s.Spec.Mode != swarm.Replicated || s.Spec.Replicas() == 0 || !s.Spec.Fits(n) {
			continue
		}
		switch why := s.Spec.Anchored(); {
		case !slices.ContainsFunc(u.nodes, func(m swarm.Node) bool { return m.ID != n.ID && works(m) && s.Spec.Fits(m) }):
			all = append(all, s.Spec.Name+" (fits no other node)")
		case why != "":
			all = append(all, s.Spec.Name+" ("+why+")")
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "; what of these runs there stops at once, before it runs elsewhere: " + named(all)
}

// loses says which services may have data on the node's disk, which goes with its machine; nothing if none has.
func (u *upkeep) loses(n swarm.Node) string {
	var all []string
	for _, s := range u.services {
		if s.Spec.OnMachine() && s.Spec.Fits(n) {
			all = append(all, s.Spec.Name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "; its disk is deleted with it: copy what these have there before: " + named(all)
}

// works reports whether new tasks go to the node.
func works(n swarm.Node) bool {
	return n.State == swarm.NodeReady && n.Spec.Availability == swarm.Active
}

func named(all []string) string {
	slices.Sort(all)
	if more := len(all) - maxNamed; more > 0 {
		all = append(all[:maxNamed], "and more")
	}
	return strings.Join(all, ", ")
}
