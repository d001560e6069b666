package reconcile

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// remembers is a look at one of each that is remembered, seen in a state.
func remembers(state swarm.NodeState, name string, failed time.Time) world.World {
	droplet := func(id int, name string) *cloud.Droplet {
		return &cloud.Droplet{ID: id, Name: name, Status: cloud.StatusActive, PrivateIPv4: "10.0.0.1", Tags: []string{cloud.ClusterTag("web"), cloud.OpTag(name)}}
	}
	return world.World{
		Ledger: ledger.Ledger{Begun: failed.Add(-24 * time.Hour), Ops: []ledger.Op{{ID: "create", Kind: ledger.Create, DropletID: 2, Deadline: failed.Add(24 * time.Hour)}}},
		Machines: []world.Machine{
			{Droplet: droplet(1, name), Node: &swarm.Node{ID: "n1", Hostname: "m1", State: state, Spec: swarm.NodeSpec{Role: swarm.Worker}}, Pool: "workers", Owned: true, Binding: world.Bound},
			{Droplet: droplet(2, "b"), Pool: "workers", Owned: true},
			{Node: &swarm.Node{ID: "nameless", State: swarm.NodeDown, Created: failed}},
			{Node: &swarm.Node{ID: "stranger", Hostname: "x", Addr: "10.9.9.9", State: swarm.NodeReady, Created: failed, Spec: swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Active}}},
			{Node: &swarm.Node{ID: "leader", Hostname: "m0", State: swarm.NodeReady, Manager: &swarm.ManagerStatus{Leader: true}}},
		},
		Services: []swarm.Service{{ID: "s", Version: 1, Spec: swarm.ServiceSpec{Name: "web_app", Labels: map[string]string{swarm.LabelCluster: "web"}}}},
		Failed:   []swarm.Task{{ID: "t", ServiceID: "s", State: "failed", DesiredState: "shutdown", Created: failed, Updated: failed}},
	}
}

// TestAMemoryIsAValue: what is made of it by looks, plans and runs leaves it as it was, and one that is empty tells of nothing.
func TestAMemoryIsAValue(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	seen := func(m memory, state swarm.NodeState, name string) memory {
		now = now.Add(10 * time.Second)
		at := look{began: now, ended: now, wall: now, acting: true, want: &spec.Spec{Cluster: "web", Policies: spec.Policies{CreateVisible: time.Minute}}}
		next, _ := m.see(remembers(state, name, now), at)
		return next
	}
	planned := func(m memory) memory {
		p := plan.Plan{Steps: []plan.Step{plan.NewStep("a", plan.CreateDroplet{OpID: fmt.Sprint(now)}, plan.Reason{}), plan.NewStep("b", plan.OpenDelete{DropletID: now.Second()}, plan.Reason{})}}
		next, left := m.begin(p, now, time.Minute)
		if len(left.Steps) != 1 {
			t.Errorf("%d steps are begun", len(left.Steps))
		}
		return next
	}
	ran := func(m memory) memory {
		refused := func(a plan.Action) execute.Result {
			return execute.Result{Step: plan.NewStep("x", a, plan.Reason{}), Outcome: execute.Refused, Err: errors.New("no"), Kind: apierr.Invalid}
		}
		return m.learn(execute.Results{refused(plan.CreateDroplet{Pool: fmt.Sprint(now)}), refused(plan.PowerOnDroplet{DropletID: 1})}, now, func() float64 { return 0.5 })
	}
	steps := []func(memory) memory{
		func(m memory) memory { return seen(m, swarm.NodeReady, "a") }, func(m memory) memory { return seen(m, swarm.NodeDown, "a") }, planned, ran,
		func(m memory) memory { return seen(m, swarm.NodeDown, "a") }, planned, ran, func(m memory) memory { return seen(m, swarm.NodeDown, "c") }, func(m memory) memory { return seen(m, swarm.NodeReady, "a") },
	}
	var m memory
	for i, step := range steps {
		before := fmt.Sprintf("%+v", m)
		next := step(m)
		if diff := cmp.Diff(before, fmt.Sprintf("%+v", m)); diff != "" {
			t.Errorf("step %d changed what was remembered before it:\n%s", i, diff)
		}
		if fmt.Sprintf("%+v", next) == before {
			t.Errorf("step %d left nothing behind", i)
		}
		m = next
	}
	told := m.told(now, now)
	if len(told.Strangers) == 0 || len(told.Backoff) == 0 || len(told.Ailing) == 0 || len(told.Launching) == 0 || len(told.Tries) == 0 || told.Grace.Until.IsZero() {
		t.Errorf("the planner is told of little: %+v", told)
	}
	if told := (memory{}).told(now, now); len(told.Strangers)+len(told.Backoff)+len(told.Ailing)+len(told.Launching)+len(told.Tries) > 0 || told.Grace != (plan.Grace{}) {
		t.Errorf("who remembers nothing tells %+v", told)
	}
}
