package reconcile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// TestADeleteThatNoEditPermitsIsSeenTwice: one wrong answer opens none, and those that edits permit wait for nothing.
func TestADeleteThatNoEditPermitsIsSeenTwice(t *testing.T) {
	open := func(droplet int, budgeted bool) plan.Step {
		return plan.NewStep("leave", plan.OpenDelete{DropletID: droplet, Budgeted: budgeted}, plan.Reason{})
	}
	var w twice
	for i, look := range []struct {
		wants []plan.Step
		left  []plan.Step
	}{
		{[]plan.Step{open(1, false), open(9, true)}, []plan.Step{open(9, true)}},
		{[]plan.Step{open(2, false)}, nil},
		{[]plan.Step{open(1, false)}, nil}, // not one look after the other
		{[]plan.Step{open(1, false)}, []plan.Step{open(1, false)}},
		{nil, nil},
		{[]plan.Step{open(1, false)}, nil},
	} {
		var p plan.Plan
		w, p = w.sift(plan.Plan{Steps: look.wants})
		if diff := cmp.Diff(look.left, p.Steps); diff != "" {
			t.Errorf("look %d (-want +got):\n%s", i, diff)
		}
	}
}
