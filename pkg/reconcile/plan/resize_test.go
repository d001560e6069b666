package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// here is a pool whose machines are resized in place.
func here(p spec.Pool, size string) spec.Pool {
	p.Size, p.ResizeHere = size, true
	return p
}

// sized is a cluster in which all is as wanted, with a service on its workers.
func sized(t *testing.T, managers, workers int) *model {
	t.Helper()
	m := newModel(t, pool("managers", "manager", managers), pool("workers", "worker", workers))
	m.firstManager()
	m.stack = stack(service("app", "nginx", 2))
	m.settle(20 * time.Minute)
	return m
}

// away are the machines of each pool that swarmd has off at the moment.
func (m *model) away() map[string]int {
	out := map[string]int{}
	for _, op := range m.ledger.Ops {
		if d := m.droplets[op.DropletID]; op.Kind == ledger.Resize && d != nil && d.droplet.Status == cloud.StatusOff {
			out[op.Pool]++
		}
	}
	return out
}

func TestWorkersAreResizedOneAfterTheOther(t *testing.T) {
	m := sized(t, 1, 3)
	resized := []string{}
	m.hook = func(in plan.Input, p plan.Plan) {
		if n := m.away()["workers"]; n > 1 {
			t.Errorf("%d workers are off at once", n)
		}
		for _, s := range p.Steps {
			switch a := s.Action.(type) {
			case plan.ResizeDroplet:
				resized = append(resized, m.droplets[a.DropletID].droplet.Name)
			case plan.PowerCycleDroplet, plan.CreateDroplet, plan.OpenDelete:
				t.Errorf("%s is planned", s.ID)
			}
		}
	}
	m.edit(pool("managers", "manager", 1), here(pool("workers", "worker", 3), "s-2vcpu-4gb"))
	m.settle(30 * time.Minute)
	if len(resized) != 3 || len(slices.Compact(resized)) != 3 {
		t.Errorf("resized %v", resized)
	}
	for _, d := range m.machines() {
		if want := map[bool]string{true: "s-2vcpu-4gb", false: "s-1vcpu-1gb"}[strings.Contains(d.droplet.Name, "workers")]; d.droplet.Size != want {
			t.Errorf("%s has %s", d.droplet.Name, d.droplet.Size)
		}
		if d.node.Spec.Availability != swarm.Active || d.droplet.Status != cloud.StatusActive {
			t.Errorf("%s is %s, its node %s", d.droplet.Name, d.droplet.Status, d.node.Spec.Availability)
		}
	}
}

func TestManagersAreResizedOneAtATimeAndTheHolderLast(t *testing.T) {
	m := sized(t, 3, 0)
	first := m.holder
	var order []string
	m.hook = func(in plan.Input, p plan.Plan) {
		for _, s := range p.Steps {
			if a, ok := s.Action.(plan.OpenResize); ok {
				if order = append(order, a.NodeID); a.NodeID == in.Holder {
					t.Errorf("%s is resized and holds the lease", a.Name)
				}
			}
		}
		for _, h := range p.Holds { // as the loop does it: somebody else acts
			if h.Guard == plan.GuardSelf {
				for _, d := range m.machines() {
					if d.node.ID != in.Holder && d.node.State == swarm.NodeReady {
						m.holder = d.node.ID
					}
				}
			}
		}
	}
	m.edit(here(pool("managers", "manager", 3), "s-2vcpu-4gb"), pool("workers", "worker", 0))
	m.settle(30 * time.Minute)
	if len(order) != 3 || order[2] != first {
		t.Errorf("resized %v; %s held the lease", order, first)
	}
}

// TestWhatHappensToAResize: whatever it is, the machine runs at the end, and its node takes tasks again.
func TestWhatHappensToAResize(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer apierr.Kind
		once   bool // only the first time
		size   string
		why    string // in the node's label
	}{
		{name: "no room", answer: apierr.Capacity, size: "s-1vcpu-1gb", why: "no room for it where the droplet is"},
		{name: "refused", answer: apierr.Invalid, size: "s-1vcpu-1gb", why: "the cloud refused it (invalid)"},
		{name: "lost", answer: apierr.Unknown, size: "s-1vcpu-1gb", why: "the cloud did not do it"},
		{name: "something else is under way", answer: apierr.Busy, once: true, size: "s-2vcpu-4gb"},
		{name: "always something else", answer: apierr.Busy, size: "s-1vcpu-1gb", why: "the cloud did not do it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sized(t, 1, 1)
			asked := 0
			m.resized = func(*machine) apierr.Kind {
				if asked++; c.once && asked > 1 {
					return ""
				}
				return c.answer
			}
			m.edit(pool("managers", "manager", 1), here(pool("workers", "worker", 1), "s-2vcpu-4gb"))
			worker := m.droplets[102]
			m.run(5 * time.Minute)
			if c.answer != apierr.Busy && asked != 1 {
				t.Errorf("asked for %d times", asked)
			}
			if worker.droplet.Size != c.size || worker.droplet.Status != cloud.StatusActive || worker.node.Spec.Availability != swarm.Active {
				t.Errorf("%s, %s, %s\n%s", worker.droplet.Size, worker.droplet.Status, worker.node.Spec.Availability, m.log.String())
			}
			u, marked := worker.node.Spec.Unresized()
			if marked != (c.why != "") || u.Why != c.why {
				t.Errorf("label %q, want %q\n%s", u, c.why, m.log.String())
			}
		})
	}
}

// run passes for so long.
func (m *model) run(d time.Duration) {
	for end := m.now.Add(d); m.now.Before(end); {
		p := m.pass()
		m.step(min(max(p.RequeueAfter, 500*time.Millisecond), 5*time.Second))
	}
}
