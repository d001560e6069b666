package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A cluster without nodes makes its stack what the file says, in a swarm where each node would be a reason to act for a cluster that owns some.
func TestAClusterWithoutNodesWritesServicesOnly(t *testing.T) {
	m := grown(t, 3, 2)
	worker := m.droplets[102].node
	worker.Spec.Availability, worker.Spec.Labels = swarm.Pause, nil
	in := m.input()
	in.Spec = &spec.Spec{Cluster: "shop", Policies: newSpec().Policies}
	in.Stack = stack(service("cart", "cart:1", 2))
	in.Stack.Services[0].Name = "shop_cart"
	in.Stack.Networks = nil
	p := m.parts()
	p.Name, p.Droplets, p.Ledger.Ops, p.Ledger.ServicesOnly = "shop", nil, nil, true
	p.Ledger.Begun = epoch.Add(-time.Hour) // all nodes came after it
	in.World = world.Join(p)
	got := plan.Compute(in)
	if len(got.Steps) != 1 || got.Steps[0].ID != "service/shop_cart" {
		t.Errorf("steps %+v", got.Steps)
	}
	if len(got.Holds) != 0 || len(got.Pools) != 0 {
		t.Errorf("holds %+v, pools %+v", got.Holds, got.Pools)
	}
}

// There is one quorum: where another cluster has a manager, nobody's role changes.
func TestWhereAnotherClusterHasManagersNoRoleChanges(t *testing.T) {
	for name, pools := range map[string][]spec.Pool{
		"fewer": {pool("managers", "manager", 1), pool("workers", "worker", 1)},
		"more":  {pool("managers", "manager", 5), pool("workers", "worker", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			m := grown(t, 3, 1)
			theirs := &machine{node: &swarm.Node{ID: "theirs", Hostname: "shop-managers-aaaaa", State: swarm.NodeReady, Version: 1, Addr: "10.0.0.99",
				Manager: &swarm.ManagerStatus{Reachability: "reachable"},
				Spec:    swarm.NodeSpec{Role: swarm.Manager, Availability: swarm.Active, Labels: map[string]string{swarm.LabelCluster: "shop", swarm.LabelPool: "managers"}}}}
			m.nodes["theirs"] = theirs
			m.edit(pools...)
			held := false
			m.hook = func(_ plan.Input, p plan.Plan) {
				for _, s := range p.Steps {
					if strings.HasPrefix(s.ID, "promote/") || strings.HasPrefix(s.ID, "demote/") || strings.HasSuffix(s.ID, "/theirs") {
						t.Errorf("%s: %s", s.ID, s.Reason.Text)
					}
				}
				for _, h := range p.Holds {
					held = held || h.Guard == plan.GuardQuorum && strings.Contains(h.Text, "manager shop-managers-aaaaa is of cluster shop")
				}
			}
			for range 200 {
				m.step(max(m.pass().RequeueAfter, time.Second))
			}
			if !held {
				t.Errorf("nothing says why\n%s", m.log.String())
			}
		})
	}
}
