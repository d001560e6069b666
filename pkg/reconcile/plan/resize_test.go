package plan_test

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
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

// TestWhatIsNotResizedInPlace: each hold says what to do, and nothing has moved.
func TestWhatIsNotResizedInPlace(t *testing.T) {
	const large = "s-2vcpu-4gb"
	for _, c := range []struct {
		name              string
		managers, workers int
		ofManagers        bool // they are to be resized, else the workers
		size              string
		change            func(*plan.Input)
		guard, hold       string
		opens             string // the droplets whose resize is opened
	}{
		{name: "workers", managers: 1, workers: 2, opens: "102"},
		{name: "the only manager", managers: 1, ofManagers: true, guard: plan.GuardQuorum, hold: "it is the only manager, and nobody could start it again; write count: 3, or resize: replace"},
		{name: "three managers, the holder last", managers: 3, ofManagers: true, opens: "102"},
		{name: "a manager is lost", managers: 3, ofManagers: true, guard: plan.GuardQuorum, hold: "1 of the 2 other managers are reachable",
			change: func(in *plan.Input) {
				in.World.Machines[2].Node.State, in.World.Machines[2].Node.Manager.Reachability = swarm.NodeDown, "unreachable"
			}},
		{name: "it is not known how a manager is", managers: 3, ofManagers: true, change: func(in *plan.Input) {
			in.World.Machines[2].Node.State, in.World.Machines[2].Node.Manager.Reachability = swarm.NodeUnknown, "unreachable"
		}},
		{name: "no such size", managers: 1, workers: 1, size: "huge", guard: plan.GuardResize, hold: "there is no size huge: write one that the cloud has"},
		{name: "not in the region", managers: 1, workers: 1, guard: plan.GuardResize, hold: "not to be had in fra1", change: func(in *plan.Input) { in.Sizes = sizesOf("ams3") }},
		{name: "sold out", managers: 1, workers: 1, guard: plan.GuardResize, hold: "not to be had in fra1", change: func(in *plan.Input) {
			s := in.Sizes[large]
			s.Available = false
			in.Sizes[large] = s
		}},
		{name: "a smaller disk", managers: 1, workers: 1, size: "s-1vcpu-512mb-10gb", guard: plan.GuardResize, hold: "its disk has 25 GB and s-1vcpu-512mb-10gb has 10: a disk never shrinks"},
		{name: "the sizes are not known yet", managers: 1, workers: 1, change: func(in *plan.Input) { in.Sizes = nil }},
		{name: "drained by hand", managers: 1, workers: 1, guard: plan.GuardResize, hold: "its node is drained by hand: swarmd activate web-workers-aaaaa", change: maintain(1)},
		{name: "the other one is drained by hand", managers: 1, workers: 2, guard: plan.GuardResize, hold: "swarmd activate web-workers-aaaaa", opens: "103", change: maintain(1)},
		{name: "another one is down", managers: 1, workers: 2, guard: plan.GuardResize, hold: "its machines are not resized while web-workers-aaaaa is down",
			change: func(in *plan.Input) { in.World.Machines[1].Node.State = swarm.NodeDown }},
		{name: "a gap", managers: 1, workers: 1, change: func(in *plan.Input) { in.World.Gaps = []world.Gap{{What: world.GapTasks, Err: "no"}} }, guard: plan.GuardGap, hold: "tasks"},
		{name: "it was tried just now", managers: 1, workers: 2, guard: plan.GuardResize, hold: "did not get s-2vcpu-4gb: no room for it where the droplet is. It is tried again at 12:04:00 UTC", change: tried(1, time.Minute)},
		{name: "it was tried twice", managers: 1, workers: 2, guard: plan.GuardResize, hold: "It is tried again at 12:09:00 UTC", change: tried(2, time.Minute)},
		{name: "it was tried long ago", managers: 1, workers: 2, opens: "102", change: tried(1, 5*time.Minute)},
		{name: "by a clock that was ahead", managers: 1, workers: 2, opens: "102", change: tried(1, -10*time.Minute)},
		{name: "another size was tried", managers: 1, workers: 2, size: "s-4vcpu-8gb", opens: "102", change: tried(1, time.Minute)},
		{name: "one of the pool is being resized", managers: 1, workers: 2, change: func(in *plan.Input) {
			in.World.Machines[1].Op = &ledger.Op{ID: "r", Kind: ledger.Resize, Pool: "workers", DropletID: 102, NodeID: "n102", From: "s-1vcpu-1gb", To: large, Phase: ledger.Returning,
				Phased: epoch, Returned: epoch}
			in.World.Ledger.Ops = []ledger.Op{*in.World.Machines[1].Op}
		}},
		{name: "one of the pool leaves", managers: 1, workers: 2, change: func(in *plan.Input) {
			in.World.Machines[1].Op = &ledger.Op{ID: "d", Kind: ledger.Delete, Pool: "workers", DropletID: 102, NodeID: "n102", Started: epoch}
			in.World.Ledger.Ops = []ledger.Op{*in.World.Machines[1].Op}
		}},
		{name: "its image differs, too", managers: 1, workers: 1, change: func(in *plan.Input) { in.Spec.Pools[1].Image = "docker-22-04" }},
		{name: "one of the pool is replaced", managers: 1, workers: 2, change: func(in *plan.Input) {
			in.World.Machines[1].Op = &ledger.Op{ID: "p", Kind: ledger.Replace, Pool: "workers", DropletID: 102, NodeID: "n102", Started: epoch}
			in.World.Ledger.Ops = []ledger.Op{*in.World.Machines[1].Op}
		}},
		{name: "the accepted file cannot be read", managers: 1, workers: 1, guard: plan.GuardGap, change: func(in *plan.Input) { in.World.Gaps = []world.Gap{{What: world.GapRevision, Err: "no"}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sized(t, c.managers, c.workers)
			size := cmp.Or(c.size, large)
			pools := []spec.Pool{pool("managers", "manager", c.managers), here(pool("workers", "worker", c.workers), size)}
			if c.ofManagers {
				pools = []spec.Pool{here(pool("managers", "manager", c.managers), size), pool("workers", "worker", c.workers)}
			}
			m.edit(pools...)
			in := m.input()
			in.Now = epoch
			if c.change != nil {
				c.change(&in)
			}
			p, opens := plan.Compute(in), []string{}
			for _, s := range p.Steps {
				switch a := s.Action.(type) {
				case plan.OpenResize:
					opens = append(opens, strconv.Itoa(a.DropletID))
				case plan.ShutdownDroplet, plan.ResizeDroplet, plan.PowerOnDroplet:
					t.Errorf("%s is planned", s.ID)
				}
			}
			if strings.Join(opens, " ") != c.opens || p.Converged {
				t.Errorf("opens %v, want %q, converged %v; holds %v", opens, c.opens, p.Converged, p.Holds)
			}
			held := slices.IndexFunc(p.Holds, func(h plan.Hold) bool { return h.Guard == c.guard && strings.Contains(h.Text, c.hold) })
			if c.guard != "" && held < 0 || c.guard == "" && slices.ContainsFunc(p.Holds, func(h plan.Hold) bool { return h.Guard == plan.GuardResize }) {
				t.Errorf("holds %v, want %s: %s", p.Holds, c.guard, c.hold)
			}
		})
	}
}

// maintain has a person keep a machine drained.
func maintain(i int) func(*plan.Input) {
	return func(in *plan.Input) {
		n := in.World.Machines[i].Node
		n.Spec.Availability = swarm.Drain
		n.Spec.Labels[swarm.LabelMaintenance] = swarm.Maintenance{By: "ann"}.String()
	}
}

// tried has a machine's node say that it could not be resized, so long ago.
func tried(tries int, ago time.Duration) func(*plan.Input) {
	return func(in *plan.Input) {
		u := swarm.Unresized{Size: "s-2vcpu-4gb", Tries: tries, Tried: epoch.Add(-ago), Why: "no room for it where the droplet is"}
		in.World.Machines[2].Node.Spec.Labels[swarm.LabelUnresized] = u.String()
	}
}

// TestAnOverviewNamesWhatIsResized: in the order in which it is, the acting swarmd's machine last.
func TestAnOverviewNamesWhatIsResized(t *testing.T) {
	m := sized(t, 3, 2)
	was := plan.Accepted{Spec: m.spec, Stack: m.stack}
	m.edit(here(pool("managers", "manager", 3), "s-2vcpu-4gb"), here(pool("workers", "worker", 2), "s-4vcpu-8gb"))
	in := m.input()
	said := []string{}
	for _, c := range plan.OverviewOf(in, plan.Compute(in), was).Pools {
		said = append(said, c.Pool+": "+strings.Join(c.Resized, " "))
		if len(c.Edits) != 2 || c.Edits[1].Key != "resize" || c.Edits[1].To != "in-place" || len(c.Rolled) > 0 {
			t.Errorf("%+v", c)
		}
	}
	last := m.node(m.holder).droplet.Name
	if len(said) != 2 || !strings.HasSuffix(said[0], last) || strings.Count(said[0], "web-managers") != 3 || strings.Count(said[1], "web-workers") != 2 {
		t.Errorf("%q, and %s holds the lease", said, last)
	}
}

// TestWhatIsResizedIsNoneOfTheCrowd: a machine that is off for that is not one of those that are down at once.
func TestWhatIsResizedIsNoneOfTheCrowd(t *testing.T) {
	m := sized(t, 1, 2)
	in := m.input()
	for i := range in.World.Machines {
		in.World.Machines[i].Node.State = swarm.NodeDown
	}
	in.World.Machines[1].Op = &ledger.Op{ID: "r", Kind: ledger.Resize, DropletID: 102}
	if hang, all := plan.Crowd(in.World.Machines, "workers"); hang != 1 || all != 2 {
		t.Errorf("%d of %d", hang, all)
	}
}
