package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// byAna is a pause or a protection by ana, since an hour before the model's beginning, and for a day.
func byAna() swarm.HandsOff {
	return swarm.HandsOff{Since: epoch.Add(-time.Hour), Until: epoch.Add(24 * time.Hour), By: "ana", Why: "kernel"}
}

func pausing(objects ...string) func(*model) {
	return func(m *model) {
		m.ledger.Pauses = map[string]swarm.HandsOff{}
		for _, o := range objects {
			m.ledger.Pauses[o] = byAna()
		}
	}
}

func labelling(id int, label string, value swarm.HandsOff) func(*model) {
	return func(m *model) { m.droplets[id].node.Spec.Labels[label] = value.String() }
}

// TestWhatAPersonKeepsIsNotRepaired: each kind of repair, and each way in which a person says so.
func TestWhatAPersonKeepsIsNotRepaired(t *testing.T) {
	ails := map[string]func(*plan.Input, *world.Machine){
		"off": func(in *plan.Input, m *world.Machine) {
			m.Droplet.Status, m.Node.State = cloud.StatusOff, swarm.NodeDown
		},
		"hangs": func(in *plan.Input, m *world.Machine) {
			m.Node.State = swarm.NodeDown
		},
		"gone": func(in *plan.Input, m *world.Machine) {
			in.World.Gone = []int{m.Droplet.ID}
			m.Droplet, m.Missing, m.Node.State = nil, true, swarm.NodeDown
		},
	}
	keeps := map[string]struct {
		keep  func(*plan.Input, *world.Machine)
		guard string
		end   string
	}{
		"": {func(*plan.Input, *world.Machine) {}, "", ""},
		"drained": {func(_ *plan.Input, m *world.Machine) {
			m.Node.Spec.Availability = swarm.Drain
			m.Node.Spec.Labels[swarm.LabelMaintenance] = swarm.Maintenance{By: "ana"}.String()
		}, "", "swarmd activate web-workers-"},
		"paused":         {func(_ *plan.Input, m *world.Machine) { m.Node.Spec.Labels[swarm.LabelPaused] = byAna().String() }, plan.GuardPaused, "swarmd resume node/web-workers-"},
		"protected":      {func(_ *plan.Input, m *world.Machine) { m.Node.Spec.Labels[swarm.LabelProtected] = byAna().String() }, plan.GuardProtected, " --off ends it"},
		"a word by hand": {func(_ *plan.Input, m *world.Machine) { m.Node.Spec.Labels[swarm.LabelProtected] = "true" }, plan.GuardProtected, " --off ends it"},
		"pool paused": {func(in *plan.Input, _ *world.Machine) {
			in.World.Ledger.Pauses = map[string]swarm.HandsOff{"pool/workers": byAna()}
		}, plan.GuardPaused, "kernel; swarmd resume pool/workers ends it"},
		"cluster paused": {func(in *plan.Input, _ *world.Machine) {
			in.World.Ledger.Pauses = map[string]swarm.HandsOff{"cluster": byAna()}
		}, plan.GuardPaused, "since 2026-03-01T11:00:00Z until 2026-03-02T12:00:00Z by ana: kernel; swarmd resume ends it"},
		"another pool paused": {func(in *plan.Input, _ *world.Machine) {
			in.World.Ledger.Pauses = map[string]swarm.HandsOff{"pool/managers": byAna(), "service/workers": byAna()}
		}, "", ""},
		"paused no longer": {func(in *plan.Input, m *world.Machine) {
			over := byAna()
			over.Until = epoch
			in.World.Ledger.Pauses = map[string]swarm.HandsOff{"cluster": over}
			m.Node.Spec.Labels[swarm.LabelPaused] = over.String()
		}, "", ""},
	}
	ills := map[string]plan.Ailing{
		"off":      {How: plan.IsOff},
		"off yet":  {How: plan.IsOff, Tries: 3, Tried: epoch.Add(-30 * time.Minute)},
		"hangs":    {How: plan.Hangs},
		"hung yet": {How: plan.Hangs, Cycled: epoch.Add(-30 * time.Minute)},
		"gone":     {How: plan.Gone},
	}
	for how, ill := range ills {
		how, _, _ := strings.Cut(strings.Replace(how, "hung", "hangs", 1), " ")
		ail := ails[how]
		ill.Since, ill.Few = epoch.Add(-time.Hour), epoch.Add(-time.Hour)
		for name, k := range keeps {
			in, last := oneAils(t)
			last.Droplet.Created = epoch.Add(-time.Hour)
			in.Memory.Ailing = map[int]plan.Ailing{last.Droplet.ID: ill}
			ail(&in, last)
			k.keep(&in, last)
			p := plan.Compute(in)
			if got := len(p.Steps); (got == 0) != (k.end != "") {
				t.Errorf("%s, %s: steps %v", how, name, ids(p))
			}
			said := slices.ContainsFunc(p.Holds, func(h plan.Hold) bool {
				return h.Blocking && strings.HasPrefix(h.Object, "node/") && strings.Contains(h.Text, k.end) && (k.guard == "" || h.Guard == k.guard)
			})
			if k.end != "" && !said {
				t.Errorf("%s, %s: holds %v", how, name, p.Holds)
			}
		}
	}
}

func TestHandsOff(t *testing.T) {
	made := func(m *model) {
		m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: m.opID(500), Kind: ledger.Create, Pool: "workers", Name: "web-workers-" + m.opID(500)[:5],
			Started: m.now.Add(-time.Hour), Deadline: m.now.Add(-time.Minute)})
	}
	foreignLabel := func(m *model) { m.droplets[102].node.Spec.Labels[swarm.LabelPool] = "x" }
	drainPool := func(m *model) {
		p := pool("workers", "worker", 2)
		p.Availability = "drain"
		m.edit(pool("managers", "manager", 1), p)
	}
	protect := func(id int) func(*model) { return labelling(id, swarm.LabelProtected, swarm.HandsOff{By: "ana"}) }
	pause := func(id int) func(*model) { return labelling(id, swarm.LabelPaused, byAna()) }
	runRules(t, []rule{
		{"a paused cluster is as wanted", 1, 2, pausing("cluster"), nil, []string{"~paused cluster"}},
		{"nothing is made there", 1, 1, both(pausing("cluster"), to(1, 2)), nil, []string{"~paused cluster", "paused pool/workers"}},
		{"nor in a paused pool", 1, 1, both(pausing("pool/workers"), to(1, 2)), nil, []string{"paused pool/workers"}},
		{"but in another one", 1, 1, both(pausing("pool/managers"), to(1, 2)), []string{"create/web-workers-aaaab"}, []string{"~paused pool/managers"}},
		{"nothing leaves", 1, 2, both(pausing("pool/workers"), to(1, 1)), nil, []string{"paused pool/workers"}},
		{"no label is put right", 1, 1, both(pausing("pool/workers"), foreignLabel), nil, []string{"paused node/web-workers-aaaaa", "~paused pool/workers"}},
		{"nor on a paused node", 1, 2, both(pause(102), foreignLabel), nil, []string{"paused node/web-workers-aaaaa"}},
		{"no create is ended", 1, 2, both(made, pausing("pool/workers")), nil, []string{"paused droplet/web-workers-aaatg", "~paused pool/workers"}},
		{"no leave goes on", 1, 2, both(to(1, 1), begun(103, time.Minute), pausing("cluster")), nil, []string{"~paused cluster", "paused node/web-workers-aaaab"}},
		{"nor that of a protected machine", 1, 2, both(to(1, 1), begun(103, time.Minute), protect(103)), nil, []string{"protected node/web-workers-aaaab"}},
		{"a protected machine is not the one to leave", 1, 3, both(protect(104), to(1, 2)), []string{"leave/103"}, []string{"~protected node/web-workers-aaaac"}},
		{"also when it is down", 1, 3, both(protect(103), kill(103), to(1, 2)), []string{"leave/104"}, []string{"protected node/web-workers-aaaab"}},
		{"nor is a paused one", 1, 3, both(pause(104), to(1, 2)), []string{"leave/103"}, []string{"~paused node/web-workers-aaaac"}},
		{"then nobody leaves", 1, 2, both(protect(102), protect(103), to(1, 1)), nil,
			[]string{"adopted pool/workers", "~protected node/web-workers-aaaaa", "~protected node/web-workers-aaaab"}},
		{"a protected one that is gone fills its place", 1, 2, both(protect(102), erase(102)), nil, []string{"protected node/web-workers-aaaaa"}},
		{"it is not drained by an edit", 1, 2, both(protect(102), drainPool), []string{"node/n103"}, []string{"protected node/web-workers-aaaaa"}},
		{"nor replaced for another size", 1, 1, both(protect(102), func(m *model) {
			p := pool("workers", "worker", 1)
			p.Size = "s-2vcpu-2gb"
			m.edit(pool("managers", "manager", 1), p)
		}), nil, []string{"~protected node/web-workers-aaaaa", "protected pool/workers"}},
		{"its labels are put right", 1, 2, both(protect(102), foreignLabel), []string{"node/n102"}, []string{"~protected node/web-workers-aaaaa"}},
	})
}

// TestAPausedServiceIsNotWritten: neither created, scaled, rolled out nor removed; what runs is counted. That it was taken back is remembered.
func TestAPausedServiceIsNotWritten(t *testing.T) {
	for name, change := range map[string]func(*model){
		"scaled":  wants(service("app", "app:1", 3)),
		"changed": wants(service("app", "app:2", 4)),
		"removed": wants(),
		"new":     wants(service("app", "app:1", 4), service("api", "api:1", 1)),
	} {
		for _, object := range []string{"service/web_app", "service/web_api", "cluster", "pool/workers"} {
			m := grown(t, 1, 2)
			pausing(object)(m)
			change(m)
			p := plan.Compute(m.input())
			of := map[string]string{"service/web_app": "scaled changed removed", "service/web_api": "new", "cluster": "scaled changed removed new"}
			if left := len(p.Steps) == 0; left != strings.Contains(of[object], name) {
				t.Errorf("%s, %s is paused: %v, %v", name, object, ids(p), holds(p))
			}
			if name != "removed" && p.Services[0].Running != 4 {
				t.Errorf("%s: %+v", name, p.Services)
			}
		}
	}
	m := grown(t, 1, 2)
	pausing("cluster")(m)
	state(swarm.RollbackCompleted)(m)
	if p := plan.Compute(m.input()); !slices.Equal(ids(p), []string{"failed/web_app"}) {
		t.Errorf("it was taken back: %v, %v", ids(p), holds(p))
	}
}

func TestWhatIsPausedIsInThePlan(t *testing.T) {
	m := grown(t, 1, 1)
	pausing("pool/workers")(m)
	labelling(102, swarm.LabelProtected, swarm.HandsOff{By: "true"})(m)
	p := plan.Compute(m.input())
	want := []plan.HandsOff{{Object: "node/web-workers-aaaaa", Guard: "protected", By: "true"},
		{Object: "pool/workers", Guard: "paused", Since: byAna().Since, Until: byAna().Until, By: "ana", Why: "kernel"}}
	if fmt.Sprint(p.HandsOff) != fmt.Sprint(want) || !p.Converged {
		t.Errorf("converged %t, %v", p.Converged, p.HandsOff)
	}
}

// TestNobodyIsJudgedInTheGrace: and then everybody is.
func TestNobodyIsJudgedInTheGrace(t *testing.T) {
	for _, how := range []plan.Ailment{plan.IsOff, plan.Hangs, plan.Gone} {
		for left, want := range map[time.Duration]int{time.Second: 0, 0: 1, -time.Hour: 1} {
			in, last := oneAils(t)
			id := last.Droplet.ID
			in.Memory.Ailing = map[int]plan.Ailing{id: {How: how, Since: epoch.Add(-time.Hour), Few: epoch.Add(-time.Hour)}}
			in.Memory.Grace = plan.Grace{Until: epoch.Add(left), Why: "the swarm has another leader since 11:59:01 UTC"}
			last.Node.State = swarm.NodeDown
			switch how {
			case plan.IsOff:
				last.Droplet.Status = cloud.StatusOff
			case plan.Gone:
				last.Droplet, last.Missing, in.World.Gone = nil, true, []int{id}
			}
			p := plan.Compute(in)
			if len(p.Steps) != want {
				t.Errorf("%s, %s left: %v, %v", how, left, ids(p), holds(p))
			}
			text := ": nobody is judged before 12:00:01 UTC, because the swarm has another leader since 11:59:01 UTC"
			if want == 0 && (!strings.HasSuffix(p.Holds[0].Text, text) || p.RequeueAfter != requeueWait) {
				t.Errorf("%s: %v, looks again in %s", how, p.Holds, p.RequeueAfter)
			}
		}
	}
}

const requeueWait = 2 * time.Second

// TestAMachineThatNeverJoinsIsLeftAloneToo where its pool is paused, or nobody is judged yet.
func TestAMachineThatNeverJoinsIsLeftAloneToo(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*plan.Input)
		guard  string // "": it is deleted and tried again
	}{
		"nobody says so": {func(*plan.Input) {}, ""},
		"its pool is paused": {func(in *plan.Input) {
			in.World.Ledger.Pauses = map[string]swarm.HandsOff{"pool/workers": byAna()}
		}, plan.GuardPaused},
		"the cluster is": {func(in *plan.Input) {
			in.World.Ledger.Pauses = map[string]swarm.HandsOff{"cluster": byAna()}
		}, plan.GuardPaused},
		"an election was": {func(in *plan.Input) { in.Memory.Grace = plan.Grace{Until: in.Now.Add(time.Second), Why: "x"} }, plan.GuardLaunch},
	} {
		p := launched(t, 30*time.Minute, c.change)
		said := slices.ContainsFunc(p.Holds, func(h plan.Hold) bool { return h.Guard == c.guard && h.Object == "droplet/300" })
		if (len(p.Steps) == 0) != (c.guard != "") || said != (c.guard != "") {
			t.Errorf("%s: steps %v, holds %+v", name, ids(p), p.Holds)
		}
	}
}
