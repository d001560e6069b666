package main

import (
	"bytes"
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
