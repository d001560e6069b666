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

func half() float64 { return 0.5 }

func refusedStep(a plan.Action, err error) execute.Results {
	return execute.Results{{Step: plan.NewStep("step", a, plan.Reason{}), Outcome: execute.Refused, Kind: apierr.KindOf(err), Err: err}}
}

// TestAHeldPoolSaysWhatFailed: a create may have failed at the cloud, or before it at the ledger.
func TestAHeldPoolSaysWhatFailed(t *testing.T) {
	now := time.Now()
	for why, toDo := range map[error]string{
		&apierr.Error{Kind: apierr.Capacity, Side: "cloud", Op: "create droplet", Code: 422, Err: errors.New("try again later")}: "; it is tried again by itself, and if that lasts, give the pool another size or region",
		&apierr.Error{Kind: apierr.Limit, Side: "cloud", Op: "create droplet", Code: 422, Err: errors.New("droplet limit")}:      "; ask DigitalOcean for a higher limit, or delete droplets",
		&apierr.Error{Kind: apierr.Forbidden, Side: "cloud", Op: "create droplet", Code: 403, Err: errors.New("no")}:             "; run swarmd bootstrap again with a token that may do that (README, The token)",
		&apierr.Error{Kind: apierr.Capacity, Side: "swarm", Op: "write intent", Err: errors.New("the config is too large")}:      "",
		&apierr.Error{Kind: apierr.Invalid, Side: "swarm", Op: "write intent", Err: errors.New("the config is too large")}:       "",
	} {
		w := refusals{}.learn(refusedStep(plan.CreateDroplet{Pool: "workers"}, why), now, half)
		leader := swarm.Node{ID: "n", Hostname: "m", State: swarm.NodeReady, Spec: swarm.NodeSpec{Role: swarm.Manager}, Manager: &swarm.ManagerStatus{Leader: true, Reachability: "reachable"}}
		p := plan.Compute(plan.Input{Now: now, Memory: plan.Memory{Backoff: w.backoffs(0)}, World: world.World{Machines: []world.Machine{{Node: &leader}}},
			Spec: &spec.Spec{Cluster: "web", Pools: []spec.Pool{{Name: "workers", Role: "worker", Count: 1}}, Policies: spec.Policies{MaxCreates: 1}}})
		text := ""
		for _, h := range p.Holds {
			if h.Object == "pool/workers" && h.Guard == plan.GuardBackoff {
				text = h.Text
			}
		}
		if !strings.HasSuffix(text, "the last one was refused: "+why.Error()+toDo) || strings.Contains(text, "cloud refused") {
			t.Errorf("held with %q, what failed is %q", text, why)
		}
	}
}

// TestThePausesAfterRefusals: they double up to a bound, and are as long as the other side asks for. What was done is forgotten, what looks like a lost
// race is one the first time, and what was remembered before stays as it was.
func TestThePausesAfterRefusals(t *testing.T) {
	began := time.Now()
	refused := &apierr.Error{Kind: apierr.Forbidden, Side: "cloud", Op: "delete droplet", Code: 403, Err: errors.New("no")}
	slow := &apierr.Error{Kind: apierr.RateLimited, Side: "cloud", Op: "delete droplet", RetryAfter: 4 * time.Minute, Err: errors.New("too many")}
	lost := &apierr.Error{Kind: apierr.Conflict, Side: "swarm", Op: "delete droplet", Err: errors.New("out of sequence")}
	step := plan.DeleteDroplet{DropletID: 7}
	object := step.About().Object
	for name, c := range map[string]struct {
		errs []error
		want time.Duration
	}{
		"once":                  {[]error{refused}, 5 * time.Second},
		"four times":            {[]error{refused, refused, refused, refused}, 40 * time.Second},
		"for ever":              {[]error{refused, refused, refused, refused, refused, refused, refused, refused, refused, refused}, 5 * time.Minute},
		"it says how long":      {[]error{slow}, 4 * time.Minute},
		"a lost race":           {[]error{lost}, 0},
		"the same race again":   {[]error{lost, lost}, 5 * time.Second},
		"done after a refusal":  {[]error{refused, nil}, 0},
		"refused after it went": {[]error{refused, refused, nil, refused}, 5 * time.Second},
	} {
		w, now := refusals{}, began
		for _, err := range c.errs {
			if until := w[object].Until; !until.IsZero() {
				now = until
			}
			rs := refusedStep(step, err)
			if err == nil {
				rs[0].Outcome = execute.Done
			}
			before := w[object]
			next := w.learn(rs, now, half)
			if w[object] != before {
				t.Errorf("%s: what was remembered before is another", name)
			}
			w = next
		}
		got := time.Duration(0)
		if b, ok := w.backoffs(time.Hour)[object]; ok {
			got = b.Until.Sub(now) - time.Hour
		}
		if got != c.want {
			t.Errorf("%s: left alone for %s, want %s", name, got, c.want)
		}
	}
}

// TestARefusedSizeKeepsNoMachineOff: what the cloud says to a size is in the ledger, and the machine is powered on at once.
func TestARefusedSizeKeepsNoMachineOff(t *testing.T) {
	full := &apierr.Error{Kind: apierr.Capacity, Side: "cloud", Op: "resize droplet", Code: 422, Err: errors.New("too large to fit")}
	now := time.Now()
	w := refusals{}.learn(refusedStep(plan.ResizeDroplet{OpID: "r", DropletID: 7, Size: "large"}, full), now, half)
	if len(w.backoffs(0)) > 0 {
		t.Errorf("left alone: %v", w.backoffs(0))
	}
	w = w.learn(refusedStep(plan.PowerOffDroplet{DropletID: 7}, full), now, half)
	if on := (plan.PowerOnDroplet{DropletID: 7, OpID: "r"}).About().Object; !w.backoffs(0)[on].Until.IsZero() || len(w.backoffs(0)) != 1 {
		t.Errorf("a power-on waits for what else was refused: %v", w.backoffs(0))
	}
}
