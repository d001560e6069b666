package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestAPauseThatSwarmdDidNotWriteIsNamed: with its words, that it has no end, and what ends or mends it.
func TestAPauseThatSwarmdDidNotWriteIsNamed(t *testing.T) {
	for label, want := range map[string]string{
		swarm.LabelPaused: `node web-workers-aaaaa is paused by hand: the value "2026-13-45 soon ann" is not what swarmd writes there, so it has no end; ` +
			`swarmd resume node/web-workers-aaaaa ends it, swarmd pause node/web-workers-aaaaa --for 4h writes it anew`,
		swarm.LabelProtected: `node web-workers-aaaaa is protected by hand: the value "2026-13-45 soon ann" is not what swarmd writes there, so it has no end; ` +
			`swarmd protect web-workers-aaaaa --off ends it, swarmd protect web-workers-aaaaa writes it anew`,
	} {
		m := grown(t, 1, 1)
		m.droplets[102].node.Spec.Labels[label] = "2026-13-45 soon ann"
		if p := plan.Compute(m.input()); len(p.Holds) != 1 || p.Holds[0].Text != want {
			t.Errorf("%v, want %s", p.Holds, want)
		}
	}
}

// TestAPausedMachineThatIsOffOnItsWayOutIsSaidToBe: nothing switches it on, so a person has to know.
func TestAPausedMachineThatIsOffOnItsWayOutIsSaidToBe(t *testing.T) {
	const off = "its machine is off already and stays so, and leaves when that ends"
	for status, want := range map[cloud.Status]bool{cloud.StatusOff: true, cloud.StatusActive: false} {
		m := grown(t, 1, 2)
		both(to(1, 1), begun(103, time.Minute))(m)
		m.droplets[103].droplet.Status = status
		labelling(103, swarm.LabelPaused, byAna())(m)
		p := plan.Compute(m.input())
		if len(p.Steps) > 0 || len(p.Holds) == 0 || strings.Contains(p.Holds[0].Text, off) != want {
			t.Errorf("%s: steps %v, holds %v", status, ids(p), p.Holds)
		}
	}
}

// TestAnOverviewSaysOneThingOfAResize: a machine whose disk is too large for the size is held, and not said to be resized.
func TestAnOverviewSaysOneThingOfAResize(t *testing.T) {
	for size, want := range map[string]int{"s-2vcpu-4gb": 2, "s-1vcpu-512mb-10gb": 0} {
		m := grown(t, 1, 2)
		workers := pool("workers", "worker", 2)
		workers.ResizeHere = true
		was := plan.Accepted{Spec: newSpec(pool("managers", "manager", 1), workers)}
		workers.Size = size
		m.edit(pool("managers", "manager", 1), workers)
		in := m.input()
		for _, c := range plan.OverviewOf(in, plan.Compute(in), was).Pools {
			if c.Pool == "workers" && len(c.Resized) != want {
				t.Errorf("%s: %v are said to be resized", size, c.Resized)
			}
		}
	}
}

// TestAnOverviewSaysWhatMoves: which tasks of a machine that leaves run elsewhere before, and which services lack some meanwhile.
func TestAnOverviewSaysWhatMoves(t *testing.T) {
	for name, c := range map[string]struct {
		shape         func(*model)
		moving, plain string
	}{
		"tasks that can move": {both(), "2 of app", ""}, "tasks with data": {anchor, "", "app "},
	} {
		m := six(t)
		c.shape(m)
		was := plan.Accepted{Spec: m.spec, Stack: m.stack}
		m.edit(m.spec.Pools[0], pool("workers", "worker", 2))
		in := m.input()
		for _, p := range plan.OverviewOf(in, plan.Compute(in), was).Pools {
			if strings.Join(p.Moving, ", ") != c.moving || !strings.HasPrefix(strings.Join(p.Plain, "; "), c.plain) || (c.plain == "") != (len(p.Plain) == 0) {
				t.Errorf("%s: %v move, %v lack tasks", name, p.Moving, p.Plain)
			}
		}
	}
}

// TestOfTwoMachinesThatAreToBeReplacedTheFirstIsNamed: also in the plan that begins with it.
func TestOfTwoMachinesThatAreToBeReplacedTheFirstIsNamed(t *testing.T) {
	m := cluster(t, pool("managers", "manager", 1), pool("workers", "worker", 2))
	for _, id := range []int{102, 103} {
		m.droplets[id].node.Spec.Labels[swarm.LabelReplace] = "now ann"
	}
	m.ledger.Ops = []ledger.Op(nil)
	p := plan.Compute(m.input())
	if len(p.Steps) != 1 || len(p.Holds) != 1 || !strings.Contains(p.Holds[0].Text, "and "+m.droplets[102].droplet.Name+" is first") {
		t.Errorf("steps %v, holds %v", ids(p), p.Holds)
	}
}

// TestTheLadderIsAsTheFileSays: how often a machine that is off is powered on, and how long one that does not exist is looked for.
func TestTheLadderIsAsTheFileSays(t *testing.T) {
	for name, c := range map[string]struct {
		repair func(*spec.Repair)
		how    plan.Ailment
		want   string
	}{
		"two tries of three":       {func(*spec.Repair) {}, plan.IsOff, "power-on/103"},
		"two tries of two":         {func(r *spec.Repair) { r.PowerOn = r.PowerOn[:2] }, plan.IsOff, "replace/103"},
		"the third much later":     {func(r *spec.Repair) { r.PowerOn[2] = time.Hour }, plan.IsOff, ""},
		"gone for three minutes":   {func(*spec.Repair) {}, plan.Gone, "leave/103"},
		"that are not long enough": {func(r *spec.Repair) { r.Gone = 4 * time.Minute }, plan.Gone, ""},
	} {
		m := grown(t, 1, 2)
		c.repair(&m.spec.Policies.Repair)
		in := m.input()
		i := slices.IndexFunc(in.World.Machines, func(w world.Machine) bool { return w.Droplet != nil && w.Droplet.ID == 103 })
		last := &in.World.Machines[i]
		node, droplet := *last.Node, *last.Droplet
		node.State, droplet.Status = swarm.NodeDown, cloud.StatusOff
		last.Node, last.Droplet = &node, &droplet
		in.Memory.Ailing = map[int]plan.Ailing{103: {How: c.how, Since: in.Now.Add(-3 * time.Minute), Tries: 2, Tried: in.Now.Add(-20 * time.Minute)}}
		if c.how == plan.Gone {
			last.Droplet, last.Missing, in.World.Gone, in.Memory.Ailing[103] = nil, true, []int{103}, plan.Ailing{How: plan.Gone, Since: in.Now.Add(-3 * time.Minute)}
		}
		if p := plan.Compute(in); strings.Join(ids(p), " ") != c.want {
			t.Errorf("%s: %v, want %s; %v", name, ids(p), c.want, p.Holds)
		}
	}
}

// TestSoManyAreReplacedAtOnceAsTheFileSays: for an edit of the file, and no more than the edit permits.
func TestSoManyAreReplacedAtOnceAsTheFileSays(t *testing.T) {
	managers, workers := pool("managers", "manager", 1), pool("workers", "worker", 5)
	workers.Disruption.MaxSurge = 2
	m := cluster(t, managers, workers)
	workers.Image = "debian-13"
	m.edit(managers, workers)
	most := 0
	m.hook = func(in plan.Input, _ plan.Plan) {
		staying := 0
		for _, w := range in.World.Machines {
			if w.Pool == "workers" && (w.Op == nil || w.Op.Kind != ledger.Delete) {
				staying++
			}
		}
		most = max(most, staying)
	}
	m.settle(2 * time.Hour)
	for _, d := range m.droplets {
		if strings.Contains(d.droplet.Name, "workers") && d.droplet.Image != "debian-13" {
			t.Errorf("%s has %s", d.droplet.Name, d.droplet.Image)
		}
	}
	if most != 7 || len(m.droplets) != 6 || m.ledger.DeleteBudget != 0 {
		t.Errorf("%d workers at once, want 7; %d machines at the end, %d deletes are left", most, len(m.droplets), m.ledger.DeleteBudget)
	}
	m.ledger.DeleteBudget, m.hook = 1, nil
	m.spec.Pools[1].Image = "debian-14"
	if p := m.pass(); len(p.Steps) != 1 {
		t.Errorf("an edit permits one: %v", ids(p))
	}
}

// TestNoRepairIsBegunThatTheHourCannotFinish: each replacement that is open has one of the hour's repairs, save one that only waits.
func TestNoRepairIsBegunThatTheHourCannotFinish(t *testing.T) {
	for name, c := range map[string]struct {
		before []time.Duration
		open   string
		want   string
	}{
		"two in an hour, none begun":                   {nil, "", "replace/105"},
		"one is open, and one was begun":               {[]time.Duration{10 * time.Minute}, "ill", ""},
		"one is open, and the other one is free":       {nil, "ill", "replace/105"},
		"one that a person asked for only waits":       {[]time.Duration{10 * time.Minute}, "asked", "replace/105"},
		"one is open, and one was begun two hours ago": {[]time.Duration{2 * time.Hour}, "ill", "replace/105"},
	} {
		m := cluster(t, pool("managers", "manager", 1), pool("others", "worker", 3), pool("workers", "worker", 3))
		for _, ago := range c.before {
			m.ledger.Repairs = append(m.ledger.Repairs, m.now.Add(-ago))
		}
		ill := plan.Ailing{How: plan.Hangs, Since: m.now.Add(-time.Hour), Few: m.now.Add(-time.Hour), Cycled: m.now.Add(-20 * time.Minute)}
		if m.kill(105, ill); c.open != "" {
			m.ledger.Ops = []ledger.Op{{ID: m.opID(900), Kind: ledger.Replace, Pool: "others", Name: m.droplets[102].droplet.Name, DropletID: 102, NodeID: "n102", Reason: c.open, Started: m.now}}
		}
		switch c.open {
		case "ill":
			m.kill(102, ill)
		case "asked":
			m.droplets[102].node.Spec.Labels[swarm.LabelReplace] = "now ann"
		}
		p := plan.Compute(m.input())
		begun := slices.DeleteFunc(ids(p), func(id string) bool { return !strings.HasPrefix(id, "replace/") })
		if strings.Join(begun, " ") != c.want {
			t.Errorf("%s: %v, want %s; %v", name, ids(p), c.want, p.Holds)
		}
	}
}

// TestAMachineThatTakesLongToBootIsLookedAtLessOften: at first each two seconds.
func TestAMachineThatTakesLongToBootIsLookedAtLessOften(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{10 * time.Second: 2 * time.Second, 60 * time.Second: 4 * time.Second, 4 * time.Minute: 15 * time.Second} {
		m := grown(t, 1, 1)
		to(1, 2)(m)
		m.pass()
		for _, d := range m.droplets {
			d.neverUp = true
		}
		began := m.now
		for m.now.Sub(began) < age {
			m.step(time.Second)
			m.pass()
		}
		if p := plan.Compute(m.input()); p.RequeueAfter != want {
			t.Errorf("%s after its create: looked at in %s, want %s; %v", age, p.RequeueAfter, want, ids(p))
		}
	}
}
