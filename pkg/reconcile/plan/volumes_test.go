package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// attach has volumes attached to the machines' droplets.
func attach(ids ...int) func(*model) {
	return func(m *model) {
		for _, id := range ids {
			m.droplets[id].droplet.Volumes = []string{"vol-a", "vol-b"}
		}
	}
}

// TestADropletWithVolumesIsNeverDeleted: another one leaves, or none; what has begun waits.
func TestADropletWithVolumesIsNeverDeleted(t *testing.T) {
	larger := func(m *model) {
		p := pool("workers", "worker", 1)
		p.Size = "s-2vcpu-2gb"
		m.edit(pool("managers", "manager", 1), p)
	}
	runRules(t, []rule{
		{"another one leaves", 1, 3, both(attach(104), to(1, 2)), []string{"leave/103"}, nil},
		{"none does", 1, 2, both(attach(102, 103), to(1, 1)), nil, []string{"adopted pool/workers"}},
		{"nor another one for it", 1, 1, both(attach(102), larger), nil, []string{"volumes node/web-workers-aaaaa"}},
		{"what was begun waits", 1, 2, both(to(1, 1), begun(103, time.Minute), attach(103)), nil, []string{"volumes node/web-workers-aaaab"}},
		{"all else is done", 1, 2, both(attach(102), func(m *model) { m.droplets[102].node.Spec.Labels["x"] = "y" }), nil, nil},
	})
	m := grown(t, 1, 1)
	both(attach(102), larger)(m)
	if holds := plan.Compute(m.input()).Holds; !slices.ContainsFunc(holds, func(h plan.Hold) bool {
		return h.Guard == plan.GuardVolumes && h.Blocking && strings.Contains(h.Text, "volumes vol-a, vol-b are attached to its droplet 102, and a droplet with volumes is never deleted; end what writes there, then detach them")
	}) {
		t.Errorf("%+v", holds)
	}
}
