package plan_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestAMachineThatHangsIsSwitchedOffAndOn: after five minutes, one at a time, and none where so many are down that it is the network.
func TestAMachineThatHangsIsSwitchedOffAndOn(t *testing.T) {
	ago := func(d time.Duration) time.Time { return epoch.Add(-d) }
	for _, c := range []struct {
		name  string
		down  []plan.Ailing // of the first workers of six
		steps string
		holds []string
	}{
		{"just down", []plan.Ailing{{How: plan.Hangs, Since: epoch}}, "", []string{"the node is down since 12:00:00 UTC: if it stays so its machine's power is cycled at 12:05:00 UTC"}},
		{"not remembered", []plan.Ailing{{}}, "", []string{"the node is down: the swarmd that acts cycles its machine's power if it stays so for 5m0s"}},
		{"for five minutes", []plan.Ailing{{How: plan.Hangs, Since: ago(5 * time.Minute)}}, "1", nil},
		{"it was cycled", []plan.Ailing{{How: plan.Hangs, Since: ago(6 * time.Minute), Cycled: ago(time.Minute)}}, "", []string{"power was cycled at 11:59:00 UTC"}},
		{"in vain", []plan.Ailing{{How: plan.Hangs, Since: ago(time.Hour), Cycled: ago(5 * time.Minute)}}, "", nil},
		{"two of six", []plan.Ailing{{How: plan.Hangs, Since: ago(time.Hour)}, {How: plan.Hangs, Since: ago(time.Hour)}}, "1", []string{"one at a time"}},
		{"the others came back just now", []plan.Ailing{{How: plan.Hangs, Since: ago(time.Hour), Few: ago(time.Minute)}}, "", []string{"down since 11:00:00 UTC: if it stays so its machine's power is cycled at 12:04:00 UTC"}},
		{"whether it was cycled is not known", []plan.Ailing{{How: plan.Hangs, Since: ago(time.Hour), Cycled: ago(time.Minute), Unsure: true}}, "", []string{"power was cycled at 11:59:00 UTC"}},
		{"and it does not look so", []plan.Ailing{{How: plan.Hangs, Since: ago(time.Hour), Cycled: ago(5 * time.Minute), Unsure: true}}, "1", nil},
		{"one is not back", []plan.Ailing{{How: plan.Hangs, Since: ago(time.Hour), Cycled: ago(time.Minute)}, {How: plan.Hangs, Since: ago(time.Hour)}}, "",
			[]string{"power was cycled at 11:59:00 UTC", "one at a time"}},
		{"one does not come back", []plan.Ailing{{How: plan.Hangs, Since: ago(time.Hour), Cycled: ago(6 * time.Minute)}, {How: plan.Hangs, Since: ago(time.Hour)}}, "2", nil},
		{"three of six", []plan.Ailing{{How: plan.Hangs, Since: ago(time.Hour)}, {How: plan.Hangs, Since: ago(time.Hour)}, {How: plan.Hangs, Since: ago(time.Hour)}}, "",
			[]string{"3 of 6 machines of pool workers are down at once", "3 of 6 machines", "3 of 6 machines"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newModel(t, pool("managers", "manager", 1), pool("workers", "worker", 6))
			m.firstManager()
			m.settle(10 * time.Minute)
			in := m.input()
			in.Now, in.Memory.Ailing = epoch, map[int]plan.Ailing{}
			var workers []*world.Machine
			for i := range in.World.Machines {
				if w := &in.World.Machines[i]; w.Pool == "workers" {
					workers = append(workers, w)
				}
			}
			index := map[int]string{}
			for i, ill := range c.down {
				workers[i].Node.State = swarm.NodeDown
				index[workers[i].Droplet.ID] = strconv.Itoa(i + 1)
				if ill.How != plan.Well {
					if ill.Few.IsZero() {
						ill.Few = ill.Since
					}
					in.Memory.Ailing[workers[i].Droplet.ID] = ill
				}
			}
			p := plan.Compute(in)
			steps, holds := "", []string{}
			for _, s := range p.Steps {
				if a, ok := s.Action.(plan.PowerCycleDroplet); ok {
					steps += index[a.DropletID]
				}
			}
			for _, h := range p.Holds {
				if h.Guard == plan.GuardNodeDown {
					holds = append(holds, h.Text)
				}
			}
			if steps != c.steps || len(holds) != len(c.holds) {
				t.Fatalf("cycles %q, want %q; holds %q", steps, c.steps, holds)
			}
			for i, want := range c.holds {
				if !strings.Contains(holds[i], want) {
					t.Errorf("hold %q, want %q", holds[i], want)
				}
			}
		})
	}
}

// oneAils is a cluster in which all is as wanted, and its last machine, to which something may happen. A worker, at noon.
func oneAils(t *testing.T) (plan.Input, *world.Machine) {
	t.Helper()
	m := newModel(t, pool("managers", "manager", 1), pool("workers", "worker", 2))
	m.firstManager()
	m.settle(10 * time.Minute)
	in := m.input()
	in.Now = epoch
	return in, &in.World.Machines[len(in.World.Machines)-1]
}

// TestAMachineThatIsGoneIsReplaced: after a minute, one an hour beside what edits permit, and not if somebody wants it left alone.
func TestAMachineThatIsGoneIsReplaced(t *testing.T) {
	ago := func(d time.Duration) time.Time { return epoch.Add(-d) }
	long := plan.Ailing{How: plan.Gone, Since: ago(time.Minute)}
	for _, c := range []struct {
		name   string
		ill    plan.Ailing
		change func(*plan.Input, *world.Machine)
		steps  string
		guard  string
		hold   string
	}{
		{name: "just seen", ill: plan.Ailing{How: plan.Gone, Since: epoch}, guard: plan.GuardDropletDead, hold: "does not exist any more: it is replaced at 12:01:00 UTC"},
		{name: "not remembered", guard: plan.GuardDropletDead, hold: "the swarmd that acts replaces it"},
		{name: "for a minute", ill: long, steps: "leave/103"},
		{name: "one was replaced within the hour", ill: long, guard: plan.GuardBudget, hold: "1 of 1 repairs an hour are begun",
			change: func(in *plan.Input, _ *world.Machine) { in.World.Ledger.Repairs = []time.Time{ago(time.Minute)} }},
		{name: "just seen, and one was replaced within the hour", ill: plan.Ailing{How: plan.Gone, Since: epoch}, guard: plan.GuardBudget, hold: "1 of 1 repairs an hour are begun",
			change: func(in *plan.Input, _ *world.Machine) { in.World.Ledger.Repairs = []time.Time{ago(time.Minute)} }},
		{name: "an edit's permission is not used up", ill: long, guard: plan.GuardBudget, hold: "1 of 1 repairs an hour are begun: this one follows by itself, not before " + epoch.Add(59*time.Minute).Format(time.TimeOnly) + " UTC",
			change: func(in *plan.Input, _ *world.Machine) {
				in.World.Ledger.Repairs, in.World.Ledger.DeleteBudget = []time.Time{ago(time.Minute)}, 3
			}},
		{name: "the file wants one less", ill: long, steps: "leave/103", change: func(in *plan.Input, _ *world.Machine) { in.Spec.Pools[1].Count-- }},
		{name: "the file wants one more", ill: long, steps: "leave/103 create/web-workers-aaaad", change: func(in *plan.Input, _ *world.Machine) { in.Spec.Pools[1].Count++ }},
		{name: "two at once, of three nodes", ill: long, steps: "leave/102", guard: plan.GuardBudget, hold: "1 of 1 repairs an hour are begun: this one follows by itself;",
			change: func(in *plan.Input, _ *world.Machine) {
				other := &in.World.Machines[len(in.World.Machines)-2]
				in.World.Gone, in.Memory.Ailing[other.Droplet.ID] = append(in.World.Gone, other.Droplet.ID), long
				other.Droplet, other.Missing, other.Node.State = nil, true, swarm.NodeDown
			}},
		{name: "maintenance", ill: long, guard: plan.GuardDropletDead, hold: "drained by hand, so swarmd does not replace it", change: func(_ *plan.Input, m *world.Machine) {
			m.Node.Spec.Availability = swarm.Drain
			m.Node.Spec.Labels[swarm.LabelMaintenance] = swarm.Maintenance{By: "ann"}.String()
		}},
		{name: "adopted", ill: long, guard: plan.GuardDropletDead, hold: "take it out of adopt", change: func(_ *plan.Input, m *world.Machine) { m.Adopted = true }},
		{name: "the pool is not repaired", ill: long, guard: plan.GuardDropletDead, hold: "repair: off keeps swarmd from replacing it",
			change: func(in *plan.Input, _ *world.Machine) { in.Spec.Pools[1].RepairOff = true }},
		{name: "its node is ready", ill: long, guard: plan.GuardImplausible, hold: "the node is ready", change: func(_ *plan.Input, m *world.Machine) { m.Node.State = swarm.NodeReady }},
		{name: "the tasks are not seen", ill: long, guard: plan.GuardGap, hold: "tasks could not be read",
			change: func(in *plan.Input, _ *world.Machine) { in.World.Gaps = []world.Gap{{What: world.GapTasks, Err: "no"}} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, last := oneAils(t)
			id := last.Droplet.ID
			last.Droplet, last.Missing, last.Node.State, in.World.Gone = nil, true, swarm.NodeDown, []int{id}
			if c.ill != (plan.Ailing{}) {
				in.Memory.Ailing = map[int]plan.Ailing{id: c.ill}
			}
			if c.change != nil {
				c.change(&in, last)
			}
			p := plan.Compute(in)
			var steps []string
			for _, s := range p.Steps {
				steps = append(steps, s.ID)
			}
			if got := strings.Join(steps, " "); got != c.steps {
				t.Errorf("steps %q, want %q", got, c.steps)
			}
			held := ""
			for _, h := range p.Holds {
				if h.Guard == c.guard {
					held += h.Text
				}
			}
			if c.guard != "" && !strings.Contains(held, c.hold) || c.guard == "" && len(p.Holds) > 0 {
				t.Errorf("holds %v, want %s %q", p.Holds, c.guard, c.hold)
			}
		})
	}
}

// TestALostManagerIsReplacedAsQuorumPermits: it leaves when the others decide without it, and another one takes its place.
func TestALostManagerIsReplacedAsQuorumPermits(t *testing.T) {
	for lost, want := range map[int]string{1: "leave/103", 2: ""} {
		m := newModel(t, pool("managers", "manager", 3))
		m.firstManager()
		m.settle(20 * time.Minute)
		in := m.input()
		in.Memory.Ailing = map[int]plan.Ailing{}
		for i := range lost {
			w := &in.World.Machines[len(in.World.Machines)-1-i]
			in.World.Gone = append(in.World.Gone, w.Droplet.ID)
			in.Memory.Ailing[w.Droplet.ID] = plan.Ailing{How: plan.Gone, Since: in.Now.Add(-time.Hour)}
			w.Droplet, w.Missing, w.Node.State, w.Node.Manager.Reachability = nil, true, swarm.NodeDown, "unreachable"
		}
		got := ""
		for _, s := range plan.Compute(in).Steps {
			got += s.ID
		}
		if got != want {
			t.Errorf("%d lost: %q, want %q", lost, got, want)
		}
	}
}

// TestAManagerThatHangsHasMoreTime: who is a manager decides with the others, also when it is slow.
func TestAManagerThatHangsHasMoreTime(t *testing.T) {
	for since, want := range map[time.Duration]struct{ step, text string }{
		0:                            {"", "the swarmd that acts cycles its machine's power if it stays so for 10m0s"}, // not remembered
		10*time.Minute - time.Second: {"", "if it stays so its machine's power is cycled at"},
		10 * time.Minute:             {"power-cycle/103", ""},
	} {
		m := newModel(t, pool("managers", "manager", 3))
		m.firstManager()
		m.settle(10 * time.Minute)
		in := m.input()
		last := &in.World.Machines[len(in.World.Machines)-1]
		last.Node.State = swarm.NodeDown
		if since > 0 {
			in.Memory.Ailing = map[int]plan.Ailing{last.Droplet.ID: {How: plan.Hangs, Since: in.Now.Add(-since), Few: in.Now.Add(-since)}}
		}
		p := plan.Compute(in)
		if steps := strings.Join(ids(p), " "); steps != want.step || (want.text != "") != (len(p.Holds) == 1) || want.text != "" && !strings.Contains(p.Holds[0].Text, want.text) || p.HeldOnly() {
			t.Errorf("down for %s: steps %v, holds %v, held only %t", since, p.Steps, p.Holds, p.HeldOnly())
		}
	}
}

// TestAMachineThatIsOffIsPoweredOn: three times at most, ever later, and not if somebody wants it off.
func TestAMachineThatIsOffIsPoweredOn(t *testing.T) {
	ago := func(d time.Duration) time.Time { return epoch.Add(-d) }
	for _, c := range []struct {
		name   string
		off    plan.Ailing
		change func(*plan.Input, *world.Machine)
		step   string // of its reason
		hold   string
		look   time.Duration
	}{
		{name: "just seen", off: plan.Ailing{How: plan.IsOff, Since: epoch}, hold: "its droplet is off: it is powered on at 12:00:10 UTC", look: 10 * time.Second},
		{name: "seen long enough", off: plan.Ailing{How: plan.IsOff, Since: ago(10 * time.Second)}, step: "try 1 of 3"},
		{name: "not remembered", hold: "its droplet is off: the swarmd that acts powers it on; swarmd events", look: 2 * time.Second},
		{name: "tried just now", off: plan.Ailing{How: plan.IsOff, Since: ago(15 * time.Second), Tries: 1, Tried: ago(5 * time.Second)},
			hold: "its droplet is off: it was powered on at 11:59:55 UTC, try 1 of 3; if it stays off it is again at 12:00:55 UTC", look: 55 * time.Second},
		{name: "tried a minute ago", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour), Tries: 1, Tried: ago(time.Minute)}, step: "try 2 of 3"},
		{name: "tried twice", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour), Tries: 2, Tried: ago(4 * time.Minute)}, hold: "try 2 of 3; if it stays off it is again at 12:01:00 UTC", look: time.Minute},
		{name: "tried twice, and long ago", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour), Tries: 2, Tried: ago(5 * time.Minute)}, step: "try 3 of 3"},
		{name: "tried for the last time just now", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour), Tries: 3, Tried: ago(5 * time.Second)},
			hold: "its droplet is off: it was powered on at 11:59:55 UTC, try 3 of 3", look: 55 * time.Second},
		{name: "in vain", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour), Tries: 3, Tried: ago(time.Hour)}}, // it is replaced
		{name: "something is under way on it", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour)}, hold: "it is powered on when what is under way on it is over",
			change: func(_ *plan.Input, m *world.Machine) { m.Droplet.Locked = true }, look: 2 * time.Second},
		{name: "maintenance", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour)}, hold: "its node is drained by hand, so swarmd does not start it: start its machine, or swarmd activate web-workers",
			change: func(_ *plan.Input, m *world.Machine) {
				m.Node.Spec.Availability = swarm.Drain
				m.Node.Spec.Labels[swarm.LabelMaintenance] = swarm.Maintenance{By: "ann"}.String()
			}},
		{name: "adopted", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour)}, hold: "swarmd did not make it", change: func(_ *plan.Input, m *world.Machine) { m.Adopted = true }},
		{name: "the pool is not repaired", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour)}, hold: "repair: off keeps swarmd from starting it",
			change: func(in *plan.Input, _ *world.Machine) { in.Spec.Pools[1].RepairOff = true }},
		{name: "the accepted revision cannot be read", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour)}, hold: "is not known while the accepted revision cannot be read",
			change: func(in *plan.Input, _ *world.Machine) {
				in.World.Gaps = []world.Gap{{What: world.GapRevision, Err: "no"}}
			}},
		{name: "the file wants one less", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour)}, hold: "and pool workers wants 1: what is down leaves first",
			change: func(in *plan.Input, _ *world.Machine) { in.Spec.Pools[1].Count-- }},
		{name: "it leaves", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour)}, change: func(in *plan.Input, m *world.Machine) {
			m.Op = &ledger.Op{ID: "leavesxxxxxxxxxx", Kind: ledger.Delete, Pool: "workers", DropletID: m.Droplet.ID, Started: epoch, Shutdown: epoch}
			in.World.Ledger.Ops = []ledger.Op{*m.Op}
		}},
		{name: "it is the cloud that is not seen", off: plan.Ailing{How: plan.IsOff, Since: ago(time.Hour)}, hold: "the node is down",
			change: func(in *plan.Input, m *world.Machine) {
				m.Droplet, m.Node.State = nil, swarm.NodeDown
				in.World.Gaps = []world.Gap{{What: world.GapDroplets, Err: "no"}}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, last := oneAils(t)
			last.Droplet.Status = cloud.StatusOff
			in.Memory.Ailing = map[int]plan.Ailing{last.Droplet.ID: c.off}
			if c.change != nil {
				c.change(&in, last)
			}
			if c.off == (plan.Ailing{}) {
				in.Memory.Ailing = nil
			}
			p := plan.Compute(in)
			var steps, holds []string
			for _, s := range p.Steps {
				if _, ok := s.Action.(plan.PowerOnDroplet); ok {
					steps = append(steps, s.Reason.Text)
				}
			}
			for _, h := range p.Holds {
				if h.Guard == plan.GuardNodeDown {
					holds = append(holds, h.Text)
				}
			}
			if got := strings.Join(steps, "\n"); (got == "") != (c.step == "") || !strings.Contains(got, c.step) {
				t.Errorf("steps %q, want %q", got, c.step)
			}
			if got := strings.Join(holds, "\n"); (got == "") != (c.hold == "") || !strings.Contains(got, c.hold) {
				t.Errorf("holds %q, want %q", got, c.hold)
			}
			if c.look != 0 && p.RequeueAfter != c.look {
				t.Errorf("looks again in %s, want %s", p.RequeueAfter, c.look)
			}
		})
	}
}
