package world

import (
	"slices"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Strays returns the droplets that a swarmd made for a cluster of the name and on which no node of the swarm stands, sorted by id: the machines
// of another swarm, or of this one as it was once, if no ledger knows better.
func Strays(p Answers) []cloud.Droplet {
	var out []cloud.Droplet
	for _, m := range Join(p).Machines {
		if m.Droplet != nil && Owned(p.Name, *m.Droplet) && m.Node == nil && !slices.ContainsFunc(p.Nodes, func(n swarm.Node) bool { return unclaiming(n, *m.Droplet) }) {
			out = append(out, *m.Droplet)
		}
	}
	return out
}

// unclaiming reports whether the node is at the droplet's address and says nothing of a droplet, as each does for a moment when it is new.
func unclaiming(n swarm.Node, d cloud.Droplet) bool {
	return d.PrivateIPv4 != "" && address(&n) == d.PrivateIPv4 && n.Spec.Labels[swarm.LabelDroplet] == "" && n.EngineLabels[swarm.LabelDroplet] == ""
}
