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
		p := plan.Compute(plan.Input{Now: now, NotBefore: w.pools(0), World: world.World{Machines: []world.Machine{{Node: &leader}}},
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

// TestWhatIsLeftAloneIsNotLookedAtMeanwhile: a delete that is refused is tried again after minutes, and a look each second until then would use up the
// account's limit of calls. What is under way besides is looked at as ever.
func TestWhatIsLeftAloneIsNotLookedAtMeanwhile(t *testing.T) {
	now := time.Now()
	refused := &apierr.Error{Kind: apierr.Forbidden, Side: "cloud", Op: "delete droplet", Code: 403, Err: errors.New("no")}
	step := plan.Step{Action: plan.DeleteDroplet{DropletID: 7}}
	other := plan.Step{Action: plan.DeleteDroplet{DropletID: 8}}
	w := withheld{}
	for range 4 { // 5 s, 10 s, 20 s, 40 s
		w.learn(execute.Results{{Step: step, Outcome: execute.Refused, Kind: refused.Kind, Err: refused}}, now, func() float64 { return 0.5 })
		now = w["droplet/7"].until
	}
	now = now.Add(-30 * time.Second)
	for name, c := range map[string]struct {
		plan plan.Plan
		want time.Duration
	}{
		"nothing else":       {plan.Plan{Steps: []plan.Step{step}, LookAgain: time.Second}, 30 * time.Second},
		"a machine boots":    {plan.Plan{Steps: []plan.Step{step}, LookAgain: time.Second, LookIdly: 2 * time.Second}, 2 * time.Second},
		"a step is left":     {plan.Plan{Steps: []plan.Step{step, other}, LookAgain: time.Second}, time.Second},
		"none was withheld":  {plan.Plan{Steps: []plan.Step{other}, LookAgain: time.Second}, time.Second},
		"something waits on": {plan.Plan{Steps: []plan.Step{step}, LookAgain: time.Second, LookIdly: time.Minute}, 30 * time.Second},
	} {
		if got := w.withhold(c.plan, now); got.LookAgain != c.want {
			t.Errorf("%s: looked at again in %s, want %s", name, got.LookAgain, c.want)
		}
	}
}
