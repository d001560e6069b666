package reconcile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestAHeldPoolSaysWhatFailed: a create may have failed at the cloud, or before it at the ledger.
func TestAHeldPoolSaysWhatFailed(t *testing.T) {
	now := time.Now()
	for _, why := range []error{
		&apierr.Error{Kind: apierr.Capacity, Side: "cloud", Op: "create droplet", Code: 422, Err: errors.New("droplet limit")},
		&apierr.Error{Kind: apierr.Invalid, Side: "swarm", Op: "write intent", Err: errors.New("the config is too large")},
	} {
		w := withheld{}
		w.learn(execute.Results{{Step: plan.Step{Action: plan.CreateDroplet{Pool: "workers"}}, Outcome: execute.Refused, Kind: apierr.KindOf(why), Err: why}},
			now, func() float64 { return 0.5 })
		leader := swarm.Node{ID: "n", Hostname: "m", State: swarm.NodeReady, Spec: swarm.NodeSpec{Role: swarm.Manager}, Manager: &swarm.ManagerStatus{Leader: true, Reachability: "reachable"}}
		p := plan.Compute(plan.Input{Now: now, NotBefore: w.pools(), World: world.World{Machines: []world.Machine{{Node: &leader}}},
			Spec: &spec.Spec{Cluster: "web", Pools: []spec.Pool{{Name: "workers", Role: "worker", Count: 1}}, Policies: spec.Policies{MaxCreates: 1}}})
		text := ""
		for _, h := range w.withhold(p, now).Holds {
			if h.Object == "pool/workers" && h.Guard == plan.GuardBackoff {
				text = h.Text
			}
		}
		if !strings.HasSuffix(text, "the last one was refused: "+why.Error()) || strings.Contains(text, "cloud refused") {
			t.Errorf("held with %q, what failed is %q", text, why)
		}
	}
}
