package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
)

// TestATakeOverSaysWhichSecretsDiffer: beside that nothing restarts, what does afterwards.
func TestATakeOverSaysWhichSecretsDiffer(t *testing.T) {
	var out bytes.Buffer
	whole := plan.Overview{TakenOver: []plan.TakenOver{{Stack: "shop", Services: 2, Secrets: 3, Differ: []plan.SecretDiffers{{Secret: "key", Tasks: 1},
		{Secret: "token", Tasks: 4, Unknown: "/etc/token: no such file or directory"}}}}}
	printOverview(&out, outlook{whole: whole, file: &spec.Spec{}}, false)
	const want = `~ takes over 2 services of stack shop, with 3 secrets: no task restarts
    secret key differs: 1 task restarts afterwards
    secret token: whether it differs cannot be known here (/etc/token: no such file or directory); if it does, 4 tasks restart afterwards
`
	if out.String() != want {
		t.Errorf("it says\n%s", out.String())
	}
}

// TestAPlanThatIsUnderWayIsNotDone: machines that leave still cost, and "everything is as the file wants it" would be no answer to that.
func TestAPlanThatIsUnderWayIsNotDone(t *testing.T) {
	for done, want := range map[bool]string{true: "nothing to do: everything is as the file wants it\n", false: "nothing more to do: the file changes nothing, and what was begun"} {
		var out bytes.Buffer
		printPlan(&out, outlook{Plan: plan.Plan{Converged: done}, file: &spec.Spec{}}, false)
		if !strings.HasPrefix(out.String(), want) {
			t.Errorf("converged %t: %s", done, out.String())
		}
	}
}

// TestAPlanSaysWhatTheFilesOwnBoundsHold, which no look shows before the first machine is ordered.
func TestAPlanSaysWhatTheFilesOwnBoundsHold(t *testing.T) {
	pools := []plan.PoolCount{{Pool: "workers", Desired: 2, Have: 2, MonthlyBefore: 24, Monthly: 96}}
	for name, c := range map[string]struct {
		policies    spec.Policies
		surge, last string
	}{
		"no bound":              {spec.Policies{}, "$48.00 a month\n", "$96.00 as the file wants it\n"},
		"room for both":         {spec.Policies{MaxMonthlyCost: 96, MaxDroplets: 3}, "$48.00 a month\n", "$96.00 as the file wants it\n"},
		"no room for what is":   {spec.Policies{MaxMonthlyCost: 72.5}, "$48.00 a month\n", "$96.00 as the file wants it, more than policies.max_monthly_cost ($72.5) permits: what exceeds it is held"},
		"no room for one more":  {spec.Policies{MaxMonthlyCost: 70}, "$48.00 a month, more than policies.max_monthly_cost ($70) permits: it is held", "more than policies.max_monthly_cost ($70)"},
		"no place for one more": {spec.Policies{MaxDroplets: 2}, "$48.00 a month, more than policies.max_droplets (2) permits: it is held", "$96.00 as the file wants it\n"},
	} {
		var out bytes.Buffer
		o := outlook{Plan: plan.Plan{Pools: pools}, whole: plan.Overview{Pools: []plan.PoolChange{{Pool: "workers", What: plan.Update, Rolled: []string{"a", "b"}}}},
			file: &spec.Spec{Pools: []spec.Pool{{Name: "workers", Size: "big"}}, Policies: c.policies}, prices: priceList{"big": 48}}
		printPlan(&out, o, false)
		for _, want := range []string{c.surge, c.last} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: without %q:\n%s", name, want, out.String())
			}
		}
	}
}

// TestANetworkThatGoesWaitsForItsServices: what holds them keeps it, and the plan has no hold of its own for it.
func TestANetworkThatGoesWaitsForItsServices(t *testing.T) {
	for what, want := range map[plan.What]string{plan.Remove: "- network shop_front\n    goes when no service uses it any more\n", plan.Create: "+ network shop_front\n"} {
		var out bytes.Buffer
		printOverview(&out, outlook{whole: plan.Overview{Networks: []plan.NetworkChange{{Network: "shop_front", What: what}}}, file: &spec.Spec{}}, false)
		if out.String() != want {
			t.Errorf("%s: %s", what, out.String())
		}
	}
}
