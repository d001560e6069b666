package plan_test

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// stray adds a node that is no machine of the cluster.
func stray(change func(*swarm.Node)) func(*model) {
	return func(m *model) {
		n := &swarm.Node{ID: "ghost", Version: 1, State: swarm.NodeDown, Created: m.now.Add(-16 * time.Minute), Spec: swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Drain}}
		change(n)
		m.nodes[n.ID] = &machine{node: n}
	}
}

func TestWhatAFailedJoinLeavesBehindIsRemoved(t *testing.T) {
	left := []string{"~foreign-node node/ghost"}
	runRules(t, []rule{
		{"after a quarter of an hour", 1, 1, stray(func(*swarm.Node) {}), []string{"remove-node/ghost"}, nil},
		{"not before", 1, 1, stray(func(n *swarm.Node) { n.Created = n.Created.Add(2 * time.Minute) }), nil, left},
		{"not a node that has a name", 1, 1, stray(func(n *swarm.Node) { n.Hostname = "theirs" }), nil, []string{"~foreign-node node/theirs"}},
		{"not one that came up", 1, 1, stray(func(n *swarm.Node) { n.State = swarm.NodeReady }), nil, left},
		{"not one that shall be a manager", 1, 1, stray(func(n *swarm.Node) { n.Spec.Role = swarm.Manager }), nil, []string{"~foreign-manager node/ghost"}},
		{"not on a view with a gap", 1, 1, both(stray(func(*swarm.Node) {}), gap("tasks")), nil, []string{left[0], "gap cluster"}},
	})
}
