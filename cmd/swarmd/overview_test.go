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
