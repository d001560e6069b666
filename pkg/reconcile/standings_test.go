package reconcile

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// seen is a look at pool w: a machine for each class, droplets 1, 2, …; "" is none.
func seen(desired int, classes ...plan.Class) report.Pass {
	p := report.Pass{Planned: true, Held: true}
	count := plan.PoolCount{Pool: "w", Role: "worker", Desired: desired}
	for i, c := range classes {
		if c == "" {
			continue
		}
		m := world.Machine{Droplet: &cloud.Droplet{ID: i + 1, Name: string(rune('a' + i))}, Pool: "w", Node: &swarm.Node{}, Binding: world.Bound}
		if c == "leaving" {
			m.Op = &ledger.Op{Kind: ledger.Delete}
		}
		if c == "ready" {
			count.Ready++
		}
		p.World.Machines, p.Plan.Classes = append(p.World.Machines, m), append(p.Plan.Classes, c)
	}
	p.Plan.Pools = []plan.PoolCount{count}
	return p
}

// TestALossIsMeasuredFromTheFirstLookThatSawIt, and only a loss: what an edit takes, what is drained by hand, and what began before this swarmd looked are none.
func TestALossIsMeasuredFromTheFirstLookThatSawIt(t *testing.T) {
	maintained := seen(2, "ready", "down")
	maintained.World.Machines[1].Node.Spec.Labels = map[string]string{swarm.LabelMaintenance: "me"}
	lost, whole := report.Loss{Pool: "w", Machines: []string{"b"}, Ready: 1, Desired: 2}, report.Loss{Pool: "w", Machines: []string{"b"}, Ready: 2, Desired: 2, Whole: true}
	took := func(d time.Duration) report.Loss { l := whole; l.Took = d; return l }
	follower := func(p report.Pass) report.Pass { p.Held = false; return p }
	const s = time.Second
	for name, c := range map[string]struct {
		looks []report.Pass // ten seconds apart
		want  []report.Loss
	}{
		"down and back":                      {[]report.Pass{seen(2, "ready", "ready"), seen(2, "ready", "down"), seen(2, "ready", "ready")}, []report.Loss{lost, took(10 * s)}},
		"unknown at first":                   {[]report.Pass{seen(2, "ready", "ready"), seen(2, "ready", "unknown"), seen(2, "ready", "down"), seen(2, "ready", "ready")}, []report.Loss{lost, took(20 * s)}},
		"unknown only, as with a new leader": {[]report.Pass{seen(2, "ready", "ready"), seen(2, "ready", "unknown"), seen(2, "ready", "ready")}, nil},
		"replaced":                           {[]report.Pass{seen(2, "ready", "ready"), seen(2, "ready", "dead"), seen(2, "ready", "", "booting"), seen(2, "ready", "", "ready")}, []report.Loss{lost, took(20 * s)}},
		"taken away at once":                 {[]report.Pass{seen(2, "ready", "ready"), seen(2, "ready"), seen(2, "ready", "", "ready")}, []report.Loss{lost, took(10 * s)}},
		"an edit that grows":                 {[]report.Pass{seen(1, "ready"), seen(2, "ready", "booting"), seen(2, "ready", "ready")}, nil},
		"an edit that shrinks":               {[]report.Pass{seen(2, "ready", "ready"), seen(1, "ready", "leaving"), seen(1, "ready")}, nil},
		"an edit meanwhile":                  {[]report.Pass{seen(2, "ready", "ready"), seen(2, "ready", "down"), seen(3, "ready", "down"), seen(3, "ready", "ready", "ready")}, []report.Loss{lost}},
		"it leaves":                          {[]report.Pass{seen(2, "ready", "ready"), seen(2, "ready", "leaving"), seen(2, "ready", "", "ready")}, nil},
		"drained by hand":                    {[]report.Pass{seen(2, "ready", "ready"), maintained, seen(2, "ready", "ready")}, nil},
		"never well":                         {[]report.Pass{seen(2, "ready"), seen(2, "ready", "booting"), seen(2, "ready", "down"), seen(2, "ready", "ready")}, nil},
		"before the first look":              {[]report.Pass{seen(2, "ready", "down"), seen(2, "ready", "ready")}, nil},
		"followed, then acted":               {[]report.Pass{follower(seen(2, "ready", "ready")), follower(seen(2, "ready", "down")), seen(2, "ready", "down"), seen(2, "ready", "ready")}, []report.Loss{lost, took(20 * s)}},
		"followed only":                      {[]report.Pass{follower(seen(2, "ready", "ready")), follower(seen(2, "ready", "down")), follower(seen(2, "ready", "ready"))}, nil},
	} {
		at, standing, open, got := time.Unix(1000, 0), standings(nil), losses(nil), []report.Loss(nil)
		for _, p := range c.looks {
			before, news := standing, []report.Loss(nil)
			standing = before.see(p, at)
			open, news = open.see(p.Plan.Pools, before, standing, p.Held, at)
			got, at = append(got, news...), at.Add(10*s)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestSinceWhenAMachineIsAsItIs: "at least" of what was so in the first look.
func TestSinceWhenAMachineIsAsItIs(t *testing.T) {
	t0 := time.Unix(1000, 0)
	s := standings(nil).see(seen(2, "ready", "down"), t0)
	s = s.see(seen(2, "down", "down", "booting"), t0.Add(time.Minute))
	for key, want := range map[string]struct {
		since   time.Time
		atLeast bool
	}{"droplet/1": {t0.Add(time.Minute), false}, "droplet/2": {t0, true}, "droplet/3": {t0.Add(time.Minute), false}} {
		if got := s[key]; !got.since.Equal(want.since) || got.atLeast != want.atLeast {
			t.Errorf("%s: %+v, want %+v", key, got, want)
		}
	}
}

// TestARepairCountsOnce, however many tries it takes, and also one that never ends.
func TestARepairCountsOnce(t *testing.T) {
	on := plan.NewStep("on", plan.PowerOnDroplet{DropletID: 2}, plan.Reason{Code: plan.WhyPowerOn})
	drop := plan.NewStep("leave", plan.OpenDelete{DropletID: 2}, plan.Reason{Code: plan.WhyReplaced})
	did := func(p report.Pass, what plan.Step, outcome execute.Outcome) report.Pass {
		p.Results = execute.Results{{Step: what, Outcome: outcome}}
		return p
	}
	blind := seen(2, "ready", "ready")
	blind.World.Gaps = []world.Gap{{What: world.GapNodes}}
	r, at := repairs(nil), time.Unix(1000, 0)
	for i, c := range []struct {
		after time.Duration
		pass  report.Pass
		want  string
	}{
		{0, did(seen(2, "ready", "down"), on, execute.Refused), ""},
		{0, did(seen(2, "ready", "down"), on, execute.Unknown), "begun"},
		{time.Minute, did(seen(2, "ready", "down"), on, execute.Done), ""},
		{time.Minute, did(seen(2, "ready", "dead"), drop, execute.Done), ""},
		{time.Minute, blind, ""},
		{29 * time.Minute, seen(2, "ready", "leaving"), "failed"},
		{time.Minute, seen(2, "ready", "leaving"), ""},
		{time.Minute, seen(2, "ready", "", "booting"), ""},
		{time.Minute, seen(2, "ready", "", "ready"), "replaced"},
		{time.Minute, did(seen(2, "ready", "down"), on, execute.Done), "begun"},
		{time.Minute, seen(2, "ready", "ready"), "healed"},
		{time.Minute, seen(2, "ready", "ready"), ""},
	} {
		var news []report.Repair
		at = at.Add(c.after)
		r, news = r.see(c.pass, at)
		var got []string
		for _, n := range news {
			got = append(got, n.Outcome)
		}
		want := []string{c.want}
		if c.want == "" {
			want = nil
		}
		if !slices.Equal(got, want) {
			t.Errorf("look %d: %+v, want %q", i, news, c.want)
		}
	}
}
