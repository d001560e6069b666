package plan_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// looking has a service lack a task that ran on the machine and has looked for a place for so long.
func looking(long time.Duration) func(*plan.Input, *world.Machine) {
	return func(in *plan.Input, w *world.Machine) {
		s := in.World.Services[0]
		in.World.Tasks = []swarm.Task{
			{ID: "a", ServiceID: s.ID, Slot: 1, NodeID: in.World.Machines[0].Node.ID, State: "running", DesiredState: "running"},
			{ID: "b", ServiceID: s.ID, Slot: 2, NodeID: w.Node.ID, State: "shutdown", DesiredState: "shutdown"},
			{ID: "c", ServiceID: s.ID, Slot: 2, State: "pending", DesiredState: "running", Updated: epoch.Add(-long)},
		}
	}
}

// TestStagesOfAResize: what comes next in each phase, by what is seen.
func TestStagesOfAResize(t *testing.T) {
	ago := func(d time.Duration) time.Time { return epoch.Add(-d) }
	off := func(_ *plan.Input, w *world.Machine) {
		w.Droplet.Status, w.Node.State = cloud.StatusOff, swarm.NodeDown
	}
	both := func(a, b func(*plan.Input, *world.Machine)) func(*plan.Input, *world.Machine) {
		return func(in *plan.Input, w *world.Machine) { a(in, w); b(in, w) }
	}
	resized := func(_ *plan.Input, w *world.Machine) { w.Droplet.Size = "s-2vcpu-4gb" }
	locked := func(_ *plan.Input, w *world.Machine) { w.Droplet.Locked = true }
	back := func(_ *plan.Input, w *world.Machine) { w.Node.CPUs, w.Node.MemoryBytes = 2, 4<<30 }
	unwanted := func(in *plan.Input, _ *world.Machine) { in.Spec.Pools[1].Size = "s-1vcpu-1gb" }
	active := func(_ *plan.Input, w *world.Machine) { w.Node.Spec.Availability = swarm.Active }
	gone := func(in *plan.Input, w *world.Machine) {
		in.World.Gone, w.Droplet, w.Missing, w.Node.State = []int{w.Droplet.ID}, nil, true, swarm.NodeDown
	}
	for _, c := range []struct {
		name   string
		op     ledger.Op
		change func(*plan.Input, *world.Machine)
		step   string // its kind, "" if it is waited
	}{
		{"not drained", ledger.Op{Phase: ledger.Draining}, active, "drain"},
		{"drained", ledger.Op{Phase: ledger.Draining}, nil, "shutdown"},
		{"not wanted any more", ledger.Op{Phase: ledger.Draining}, unwanted, "activate"},
		{"not wanted, and active", ledger.Op{Phase: ledger.Draining}, both(unwanted, active), "close"},
		{"the drain takes too long", ledger.Op{Phase: ledger.Draining, Started: ago(6 * time.Minute)}, func(in *plan.Input, w *world.Machine) {
			in.World.Tasks = []swarm.Task{{ID: "t", ServiceID: "x", NodeID: w.Node.ID, State: "running", DesiredState: "shutdown"}}
		}, "activate"},
		{"the drain took too long, and it is empty", ledger.Op{Phase: ledger.Draining, Started: ago(6 * time.Minute)}, nil, "shutdown"},
		{"its tasks look for a place", ledger.Op{Phase: ledger.Draining}, looking(5 * time.Second), ""},
		{"its tasks find none", ledger.Op{Phase: ledger.Draining}, looking(time.Minute), "shutdown"},
		{"a person has deleted it", ledger.Op{Phase: ledger.Draining}, gone, "close"},
		{"a person has deleted it when it was off", ledger.Op{Phase: ledger.Returning}, gone, "close"},
		{"it went down by itself", ledger.Op{Phase: ledger.Draining}, both(active, off), "close"},
		{"asked to shut down", ledger.Op{Phase: ledger.Stopping, Shutdown: ago(time.Minute)}, nil, ""},
		{"it does not follow", ledger.Op{Phase: ledger.Stopping, Shutdown: ago(3 * time.Minute)}, nil, "power-off"},
		{"the shutdown was not asked for", ledger.Op{Phase: ledger.Stopping}, nil, "shutdown"},
		{"it cannot be stopped", ledger.Op{Phase: ledger.Stopping, Shutdown: ago(5 * time.Minute)}, nil, "activate"},
		{"off", ledger.Op{Phase: ledger.Stopping, Shutdown: ago(time.Minute)}, off, "size"},
		{"off, and locked", ledger.Op{Phase: ledger.Stopping, Shutdown: ago(time.Minute)}, both(off, locked), ""},
		{"off, and not wanted any more", ledger.Op{Phase: ledger.Stopping, Shutdown: ago(time.Minute)}, both(off, unwanted), "power-on"},
		{"asked for just now", ledger.Op{Phase: ledger.Resizing, Phased: ago(30 * time.Second)}, off, ""},
		{"under way", ledger.Op{Phase: ledger.Resizing, Phased: ago(3 * time.Minute)}, both(off, locked), ""},
		{"nothing came of it", ledger.Op{Phase: ledger.Resizing, Phased: ago(2 * time.Minute)}, off, "power-on"},
		{"done", ledger.Op{Phase: ledger.Resizing, Phased: ago(30 * time.Second)}, both(off, resized), "power-on"},
		{"refused", ledger.Op{Phase: ledger.Returning, Returned: ago(time.Second), Failed: "capacity"}, off, "power-on"},
		{"powered on just now", ledger.Op{Phase: ledger.Returning, Phased: ago(3 * time.Second), Returned: ago(3 * time.Second)}, both(off, resized), ""},
		{"and it is not on", ledger.Op{Phase: ledger.Returning, Phased: ago(20 * time.Second), Returned: ago(time.Minute)}, both(off, resized), "power-on"},
		{"a person has powered it on", ledger.Op{Phase: ledger.Resizing, Phased: ago(2 * time.Minute)}, nil, "activate"},
		{"not back with what it has", ledger.Op{Phase: ledger.Returning, Phased: ago(time.Minute), Returned: ago(time.Minute)}, resized, ""},
		{"back", ledger.Op{Phase: ledger.Returning, Phased: ago(time.Minute), Returned: ago(time.Minute)}, both(resized, back), "activate"},
		{"back too early to be true", ledger.Op{Phase: ledger.Returning, Phased: ago(5 * time.Second), Returned: ago(5 * time.Second)}, both(resized, back), ""},
		{"active", ledger.Op{Phase: ledger.Returning, Phased: ago(time.Minute), Returned: ago(time.Minute)}, both(active, both(resized, back)), "close"},
		{"it says something else for ever", ledger.Op{Phase: ledger.Returning, Phased: ago(6 * time.Minute), Returned: ago(6 * time.Minute)}, resized, "activate"},
		{"it does not come back", ledger.Op{Phase: ledger.Returning, Phased: ago(6 * time.Minute), Returned: ago(6 * time.Minute)},
			both(resized, func(_ *plan.Input, w *world.Machine) { w.Node.State = swarm.NodeDown }), "close"},
		{"it does not start", ledger.Op{Phase: ledger.Returning, Phased: ago(11 * time.Minute), Returned: ago(11 * time.Minute)}, both(off, resized), "close"},
		{"it does not start, and nobody repairs it", ledger.Op{Phase: ledger.Returning, Phased: ago(11 * time.Minute), Returned: ago(11 * time.Minute)},
			both(both(off, resized), func(in *plan.Input, _ *world.Machine) { in.Spec.Pools[1].RepairOff = true }), "power-on"},
		{"the droplets have a gap", ledger.Op{Phase: ledger.Stopping, Shutdown: ago(5 * time.Minute)},
			both(off, func(in *plan.Input, _ *world.Machine) { in.World.Gaps = []world.Gap{{What: world.GapTasks, Err: "no"}} }), "power-on"},
		{"a clock was ahead", ledger.Op{Phase: ledger.Returning, Phased: ago(-time.Hour), Returned: ago(-time.Hour)}, both(off, func(in *plan.Input, _ *world.Machine) { in.Spec.Pools[1].RepairOff = true }), "power-on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sized(t, 1, 1)
			m.edit(pool("managers", "manager", 1), here(pool("workers", "worker", 1), "s-2vcpu-4gb"))
			in := m.input()
			in.Now, in.World.Tasks = epoch, nil
			w := &in.World.Machines[1]
			w.Node.Spec.Availability = swarm.Drain
			op := c.op
			op.ID, op.Kind, op.Pool, op.Name, op.DropletID, op.NodeID, op.From, op.To = "r", ledger.Resize, "workers", w.Droplet.Name, w.Droplet.ID, w.Node.ID, "s-1vcpu-1gb", "s-2vcpu-4gb"
			if op.Started.IsZero() {
				op.Started = ago(time.Minute)
			}
			if op.Phase == ledger.Stopping {
				op.Phased = ago(10 * time.Second)
			}
			in.World.Ledger.Ops, w.Op = []ledger.Op{op}, &op
			if c.change != nil {
				c.change(&in, w)
			}
			if len(in.World.Tasks) == 0 || in.World.Tasks[0].ServiceID == "x" {
				in.World.Services = nil
			}
			p, kinds := plan.Compute(in), []string{}
			for _, s := range p.Steps {
				kind, _, _ := strings.Cut(s.ID, "/")
				if kind != "service" && kind != "try" {
					kinds = append(kinds, kind)
				}
			}
			if got := strings.Join(kinds, " "); got != c.step {
				t.Errorf("steps %q, want %q; holds %v", got, c.step, p.Holds)
			}
			if how, _ := plan.Ails(*w); how != plan.Well {
				t.Errorf("it is taken for ill: %s", how)
			}
			if p.Pools[1].Have != 1 {
				t.Errorf("it is not counted: %+v", p.Pools[1])
			}
		})
	}
}
