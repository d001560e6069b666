package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const boxed = "TaskTemplate.ContainerSpec."

// with is a service with more fields in its form.
func with(s swarm.ServiceSpec, fields ...string) swarm.ServiceSpec {
	form := maps.Clone(s.Form())
	for i := 0; i < len(fields); i += 2 {
		form[fields[i]] = fields[i+1]
	}
	return formed(s, form)
}

// onVolume is a service with data of its own.
func onVolume(s swarm.ServiceSpec) swarm.ServiceSpec {
	return with(s, boxed+"Mounts[/d].Type", "volume", boxed+"Mounts[/d].Source", "web_data", boxed+"Mounts[/d].Target", "/d")
}

// bound is a service with a constraint.
func bound(s swarm.ServiceSpec, constraint string) swarm.ServiceSpec {
	s.Constraints = []string{constraint}
	return with(s, "TaskTemplate.Placement.Constraints["+constraint+"]", "yes")
}

func inZone(p spec.Pool, zone string) spec.Pool {
	p.Labels = map[string]string{"zone": zone}
	return p
}

// TestOverviewsOfEdits is the whole change of one edit after the other, each of a cluster in which the file was true.
func TestOverviewsOfEdits(t *testing.T) {
	app, data := bound(service("app", "app:1", 4), "node.labels.zone==a"), onVolume(service("data", "data:1", 1))
	managers, workers := pool("managers", "manager", 1), inZone(pool("workers", "worker", 3), "a")
	drained := workers
	drained.Availability = "drain"
	everywhere := swarm.ServiceSpec{Name: "web_all", Image: "all:1", Mode: swarm.Global, Networks: []string{"web_default"}}
	everywhere = formed(everywhere, swarm.Form{"Mode.Global": "{}"})
	var told strings.Builder
	for _, c := range []struct {
		name     string
		services []swarm.ServiceSpec
		pools    []spec.Pool
		hand     func(*model)
	}{
		{"nothing", []swarm.ServiceSpec{app, data}, nil, nil},
		{"a new image and more tasks", []swarm.ServiceSpec{with(bound(service("app", "app:2", 6), "node.labels.zone==a"), "UpdateConfig.Parallelism", "2"), data}, nil, nil},
		{"fewer tasks", []swarm.ServiceSpec{bound(service("app", "app:1", 1), "node.labels.zone==a"), data}, nil, nil},
		{"one service more, on every machine", []swarm.ServiceSpec{app, data, with(everywhere)}, nil, nil},
		{"one that no pool can hold", []swarm.ServiceSpec{app, data, bound(service("lost", "lost:1", 1), "node.labels.zone==b")}, nil, nil},
		{"services go", []swarm.ServiceSpec{}, nil, nil},
		{"a volume more, another one less", []swarm.ServiceSpec{onVolume(app), service("data", "data:1", 1)}, nil, nil},
		{"constraints alone that fit all the same", []swarm.ServiceSpec{bound(service("app", "app:1", 4), "node.labels.zone!=b"), data}, nil, nil},
		{"constraints alone that nothing fits", []swarm.ServiceSpec{bound(service("app", "app:1", 4), "node.labels.zone==b"), data}, nil, nil},
		{"another label of the pool", []swarm.ServiceSpec{bound(service("app", "app:2", 4), "node.labels.zone==b"), data}, []spec.Pool{managers, inZone(workers, "b")}, nil},
		{"a drained pool", []swarm.ServiceSpec{app, data}, []spec.Pool{managers, drained}, nil},
		{"a machine less", []swarm.ServiceSpec{app, data}, []spec.Pool{managers, inZone(pool("workers", "worker", 2), "a")}, nil},
		{"a machine less, with data", []swarm.ServiceSpec{onVolume(app), data}, []spec.Pool{managers, inZone(pool("workers", "worker", 2), "a")}, func(m *model) {
			m.services["web_app"].Spec = onVolume(app)
		}},
		{"a drained pool, with data", []swarm.ServiceSpec{onVolume(app), data}, []spec.Pool{managers, drained}, func(m *model) {
			m.services["web_app"].Spec = onVolume(app)
		}},
		{"a pool more", []swarm.ServiceSpec{app, data}, []spec.Pool{managers, workers, pool("more", "worker", 2)}, nil},
		{"scaled by hand, and edited", []swarm.ServiceSpec{bound(service("app", "app:2", 4), "node.labels.zone==a"), data}, nil, byHand("Mode.Replicated.Replicas", "9")},
		{"a secret by hand", []swarm.ServiceSpec{app, data}, nil, byHand(boxed+"Env[A]", "x")},
		{"a service removed by hand", []swarm.ServiceSpec{app, data}, nil, func(m *model) { delete(m.services, "web_app") }},
		{"a label and a drain by hand", []swarm.ServiceSpec{app, data}, nil, func(m *model) {
			m.droplets[104].node.Spec.Labels["zone"], m.droplets[103].node.Spec.Availability = "z", swarm.Drain
		}},
	} {
		m := newModel(t, managers, workers)
		m.firstManager()
		m.stack = stack(app, data)
		m.settle(5 * time.Minute)
		was := plan.Accepted{Spec: m.spec, Stack: m.stack}
		if c.hand != nil {
			c.hand(m)
		}
		if c.pools == nil {
			c.pools = m.spec.Pools
		}
		m.stack = stack(c.services...)
		m.edit(c.pools...)
		told.WriteString(overview(m, c.name, was))
	}
	golden(t, "overview", told.String())
}

// overview is the whole change, a line for each thing.
func overview(m *model, name string, was plan.Accepted) string {
	in := m.input()
	o, text := plan.OverviewOf(in, plan.Compute(in), was), name+"\n"
	for _, part := range [][]string{lines(m.t, o.Pools), lines(m.t, o.Networks), lines(m.t, o.Services)} {
		for _, line := range part {
			text += "  " + line + "\n"
		}
	}
	return text
}

func lines[T any](t testing.TB, all []T) []string {
	var out []string
	for _, one := range all {
		data, err := json.Marshal(one)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Trim(fmt.Sprintf("%T %s", one, data), " "))
	}
	return out
}

// TestAnotherVersionOfASecretIsAnEdit: a file that differs from the accepted one in a secret's value alone edits the service; what was accepted so is not
// there yet.
func TestAnotherVersionOfASecretIsAnEdit(t *testing.T) {
	for accepted, edits := range map[string]int{"web_token-1": 1, "web_token-2": 0} {
		m := grown(t, 1, 1)
		in := m.input()
		rotated(&in)
		in.Stack.Services = []swarm.ServiceSpec{reading(nil, []string{"web_token"})}
		in.World.Services[0].Spec = reading(nil, []string{"web_token"}).SealedAs(map[string]string{"web_token": "web_token-1"})
		was := plan.Accepted{Spec: in.Spec, Stack: in.Stack, Sealed: map[string]plan.Sealing{"web_token": {Name: accepted}}}
		o := plan.OverviewOf(in, plan.Compute(in), was)
		if len(o.Services) != 1 || len(o.Services[0].Edits) != edits || len(o.Services[0].Pending) != 1-edits || len(o.Services[0].Drift) > 0 {
			t.Errorf("accepted with %s: %+v", accepted, o.Services)
		}
	}
}

// TestWhatIsNotThereYetIsNoDrift: an edit that is accepted and not rolled out is neither an edit of the next file nor somebody's hand.
func TestWhatIsNotThereYetIsNoDrift(t *testing.T) {
	m := grown(t, 1, 1)
	was := plan.Accepted{Spec: m.spec, Stack: stack(service("app", "app:2", 4))}
	m.stack = was.Stack
	in := m.input()
	o := plan.OverviewOf(in, plan.Compute(in), was)
	if len(o.Services) != 1 || len(o.Services[0].Pending) != 1 || o.Services[0].Pending[0].Text(false) != "image: app:1 → app:2" || len(o.Services[0].Drift)+len(o.Services[0].Edits) > 0 {
		t.Errorf("%+v", o.Services)
	}
	for _, key := range []string{"Labels.swarmd.failed", "Labels.theirs"} { // what swarmd put back, and what a hand has changed
		form := maps.Clone(service("app", "app:1", 4).Form())
		form[key] = "it broke"
		put := formed(service("app", "app:1", 4), form)
		put.Labels[swarm.LabelHash] = service("app", "app:1", 4).Labels[swarm.LabelHash]
		put.Labels[strings.TrimPrefix(key, "Labels.")] = "it broke"
		live(m).Spec = put
		in := m.input()
		o := plan.OverviewOf(in, plan.Compute(in), was)
		if byHand := key == "Labels.theirs"; len(o.Services) != 1 || (len(o.Services[0].Drift) > 0) != byHand || (len(o.Services[0].Pending) > 0) == byHand {
			t.Errorf("%s: %+v", key, o.Services)
		}
	}
	if o := plan.OverviewOf(plan.Input{}, plan.Plan{}, was); o.Services != nil {
		t.Errorf("without a file: %+v", o)
	}
}
