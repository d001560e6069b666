package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const launchOp = "abcdeabcdeabcdea"

// launched is a cluster of one manager and one worker that wants another one: droplet 300, made so long ago, active with an address, which has not joined.
func launched(t *testing.T, age time.Duration, change func(*plan.Input)) plan.Plan {
	t.Helper()
	m := grown(t, 1, 1)
	to(1, 2)(m)
	d := m.makeDroplet(300, "web-workers-abcde", launchOp)
	d.droplet.Status, d.droplet.Created = cloud.StatusActive, m.now.Add(-age)
	m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: launchOp, Kind: ledger.Create, Pool: "workers", Name: d.droplet.Name, DropletID: 300, Started: d.droplet.Created, Epoch: m.input().Epoch})
	in := m.input()
	in.Memory.Launching = map[int]plan.Launching{300: {Seen: m.now.Add(-age), Active: m.now.Add(-age)}}
	change(&in)
	return plan.Compute(in)
}

// droplet300 is the one that is to join.
func droplet300(in *plan.Input) *cloud.Droplet {
	for _, m := range in.World.Machines {
		if m.Droplet != nil && m.Droplet.ID == 300 {
			return m.Droplet
		}
	}
	return nil
}

func seenLaunch(l plan.Launching) func(*plan.Input) {
	return func(in *plan.Input) { in.Memory.Launching = map[int]plan.Launching{300: l} }
}

// tookOver is a swarmd that has seen so much of a machine that another one began to make.
func tookOver(l plan.Launching) func(*plan.Input) {
	return changed(seenLaunch(l), func(in *plan.Input) { in.Epoch++ })
}

func changed(changes ...func(*plan.Input)) func(*plan.Input) {
	return func(in *plan.Input) {
		for _, change := range changes {
			change(in)
		}
	}
}

// TestALaunchHasTwoClocks: until it is active with an address, and from there until it has joined. When it became active is what was seen of it.
func TestALaunchHasTwoClocks(t *testing.T) {
	ago := func(d time.Duration) time.Time { return grownAt(t).Add(-d) }
	inactive := func(in *plan.Input) {
		in.Memory.Launching[300] = plan.Launching{Seen: ago(time.Hour), Inactive: ago(0)}
	}
	isNew := changed(inactive, func(in *plan.Input) { droplet300(in).Status = cloud.StatusNew })
	minute := func(n float64) time.Duration { return time.Duration(n * float64(time.Minute)) }
	asItIs := func(*plan.Input) {}
	for _, c := range []struct {
		name   string
		age    time.Duration
		change func(*plan.Input)
		leaves bool
		hold   string
	}{
		{"not joined in ten minutes of being active", minute(10.1), asItIs, true, ""},
		{"nearly", minute(9.9), asItIs, false, ""},
		{"its image has no Docker", minute(14.9), func(in *plan.Input) { in.Spec.Policies.LaunchTimeout = 0; droplet300(in).Image = "ubuntu-24-04-x64" }, false, ""},
		{"nor has it joined then", minute(15.1), func(in *plan.Input) { in.Spec.Policies.LaunchTimeout = 0; droplet300(in).Image = "ubuntu-24-04-x64" }, true, ""},
		{"its image has it", minute(10.1), func(in *plan.Input) { in.Spec.Policies.LaunchTimeout = 0 }, true, ""},
		{"not active in five minutes", minute(5.1), isNew, true, ""},
		{"nearly active", minute(4.9), isNew, false, ""},
		{"active, and without an address", minute(5.1), changed(inactive, func(in *plan.Input) { droplet300(in).PrivateIPv4 = "" }), true, ""},
		{"it became active when it was over its time, and has as long to join as any", minute(17.9), seenLaunch(plan.Launching{Seen: ago(minute(17.9)), Inactive: ago(minute(9.9)), Active: ago(minute(9.8))}), false, ""},
		{"and is over that", minute(18.1), seenLaunch(plan.Launching{Seen: ago(minute(18.1)), Inactive: ago(minute(10.1)), Active: ago(minute(10))}), true, ""},
		{"who forgot when it became active knows that it did in time or too late", minute(15.1), seenLaunch(plan.Launching{Seen: ago(minute(2)), Active: ago(minute(2))}), true, ""},
		{"and not more", minute(14.9), seenLaunch(plan.Launching{Seen: ago(minute(9)), Active: ago(minute(9))}), false, ""},
		{"who took over begins to count anew", time.Hour, tookOver(plan.Launching{Seen: ago(minute(9.9)), Active: ago(minute(9.9))}), false, ""},
		{"and comes to the same end", time.Hour, tookOver(plan.Launching{Seen: ago(minute(10.1)), Active: ago(minute(10.1))}), true, ""},
		{"also with one that is not active", time.Hour, changed(isNew, tookOver(plan.Launching{Seen: ago(minute(5.1)), Inactive: ago(0)})), true, ""},
		{"nor earlier", time.Hour, changed(isNew, tookOver(plan.Launching{Seen: ago(minute(4.9)), Inactive: ago(0)})), false, ""},
		{"it was active, and is off", minute(10.1), func(in *plan.Input) { droplet300(in).Status = cloud.StatusOff }, true, ""},
		{"who has just taken over judges nobody", time.Hour, seenLaunch(plan.Launching{Seen: ago(30 * time.Second), Active: ago(30 * time.Second)}), false, "it is deleted at 12:"},
		{"nor who looks once", time.Hour, seenLaunch(plan.Launching{}), false, "the swarmd that acts deletes it"},
		{"nor on a view with a gap", time.Hour, func(in *plan.Input) { in.World.Gaps = append(in.World.Gaps, world.Gap{What: "tasks", Err: "broken"}) }, false, ""},
		{"the pool is not repaired", time.Hour, func(in *plan.Input) { in.Spec.Pools[1].RepairOff = true }, false, "repair: off keeps swarmd from deleting it"},
		{"as many an hour as there may be", time.Hour, func(in *plan.Input) {
			for range ledger.RetriesAnHour(3) {
				in.World.Ledger.Retries = append(in.World.Ledger.Retries, ago(time.Minute))
			}
		}, false, "12 of 12 such deletes an hour are begun"},
		{"repairs are counted apart", time.Hour, func(in *plan.Input) { in.World.Ledger.Repairs = []time.Time{ago(time.Minute)} }, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := launched(t, c.age, c.change)
			if leaves := slices.Contains(ids(p), "leave/300"); leaves != c.leaves || slices.ContainsFunc(ids(p), func(id string) bool { return strings.HasPrefix(id, "create/") }) {
				t.Errorf("steps %v, want it to leave: %v", ids(p), c.leaves)
			}
			if text := fmt.Sprint(p.Holds); !strings.Contains(text, c.hold) {
				t.Errorf("holds %s, want %q", text, c.hold)
			}
		})
	}
}

// TestWhatARetryWrites: the failure of its pool and the end of its create, at once. One that could not join since a person replaced the token is no failure.
func TestWhatARetryWrites(t *testing.T) {
	retry := func(change func(*plan.Input)) plan.RetryLaunch {
		t.Helper()
		p := launched(t, time.Hour, change)
		for _, s := range p.Steps {
			if a, ok := s.Action.(plan.RetryLaunch); ok {
				return a
			}
		}
		t.Fatalf("steps %v, holds %v", ids(p), p.Holds)
		return plan.RetryLaunch{}
	}
	a := retry(func(*plan.Input) {})
	if a.CreateID != launchOp || a.DropletID != 300 || a.Template == "" || a.Keep || a.Most != 12 {
		t.Errorf("%+v", a)
	}
	l := ledger.Ledger{Ops: []ledger.Op{{ID: launchOp, Kind: ledger.Create, Pool: "workers", Name: "web-workers-abcde", DropletID: 300, Started: time.Unix(1, 0)}}}
	if err := l.Apply(ledger.Moment{Now: time.Unix(3600, 0)}, plan.NewStep("leave", a, plan.Reason{}).Before...); err != nil {
		t.Fatal(err)
	}
	if len(l.Ops) != 1 || l.Ops[0].Kind != ledger.Delete || !l.Ops[0].Repair || l.Launches["workers"].Failures != 1 {
		t.Errorf("%+v", l)
	}
	if a := retry(func(in *plan.Input) { in.Spec.Policies.Repair.KeepFailed = 1 }); !a.Keep {
		t.Errorf("not kept: %+v", a)
	}
	outrun := func(in *plan.Input) {
		in.World.Ledger.Token, in.World.Cluster.WorkerToken = ledger.Fingerprint("old"), "new"
	}
	if a := retry(outrun); a.Template != "" {
		t.Errorf("it counts as the pool's: %+v", a)
	}
	p := launched(t, time.Minute, outrun)
	if text := fmt.Sprint(p.Holds); len(p.Steps) != 0 || !strings.Contains(text, "cannot join") || !strings.Contains(text, "it is deleted at") {
		t.Errorf("steps %v, holds %s", ids(p), text)
	}
}

// TestAPoolWhoseLaunchesFailWaits: ever longer, then one machine at a time, then until the file changes.
func TestAPoolWhoseLaunchesFailWaits(t *testing.T) {
	short := func(failures int, ago time.Duration, change func(*plan.Input)) plan.Plan {
		t.Helper()
		m := grown(t, 1, 1)
		to(1, 4)(m)
		in := m.input()
		template := templateOf(t)
		in.World.Ledger.Launches = map[string]ledger.Launch{"workers": {Failures: failures, Last: in.Now.Add(-ago), Name: "web-workers-broke", Template: template}}
		change(&in)
		return plan.Compute(in)
	}
	asItIs := func(*plan.Input) {}
	for _, c := range []struct {
		name     string
		failures int
		ago      time.Duration
		change   func(*plan.Input)
		creates  int
		guard    string
		hold     string
	}{
		{"five minutes after the first", 1, 4 * time.Minute, asItIs, 0, plan.GuardLaunch, "3 missing, and web-workers-broke failed, try 1 of 3: the next one begins at"},
		{"then one", 1, 5 * time.Minute, asItIs, 1, plan.GuardLaunch, "one at a time until one joins"},
		{"ten after the second", 2, 9 * time.Minute, asItIs, 0, plan.GuardLaunch, "try 2 of 3"},
		{"then one more", 2, 10 * time.Minute, asItIs, 1, plan.GuardLaunch, "one at a time"},
		{"none after the third", 3, 100 * time.Hour, asItIs, 0, plan.GuardLaunchFailed, "3 tries in a row failed, the last one with web-workers-broke. It is deleted: with policies.repair.keep_failed: 1"},
		{"which was kept", 3, time.Hour, func(in *plan.Input) {
			in.World.Ledger.Kept = []ledger.Kept{{DropletID: 9, Pool: "workers", Name: "web-workers-broke", Since: in.Now}}
		}, 0, plan.GuardLaunchFailed, "It is kept, switched off: power it on, and /var/log/swarmd-join.log"},
		{"more tries", 3, 21 * time.Minute, func(in *plan.Input) { in.Spec.Policies.Repair.LaunchTries = 5 }, 1, plan.GuardLaunch, "try 3 of 5"},
		{"the fourth waits for half an hour", 4, 29 * time.Minute, func(in *plan.Input) { in.Spec.Policies.Repair.LaunchTries = 5 }, 0, plan.GuardLaunch, "try 4 of 5"},
		{"another image", 3, time.Minute, func(in *plan.Input) { in.Spec.Pools[1].Image = "docker-22-04" }, 3, "", ""},
		{"another VPC", 3, time.Minute, func(in *plan.Input) { in.Spec.Cloud.VPC = "other" }, 3, "", ""},
		{"the next one is to be kept", 3, time.Minute, func(in *plan.Input) { in.Spec.Policies.Repair.KeepFailed = 1 }, 3, "", ""},
		{"another label of its nodes is no reason", 3, time.Minute, func(in *plan.Input) { in.Spec.Pools[1].Labels = map[string]string{"a": "b"} }, 0, plan.GuardLaunchFailed, ""},
		{"three hours later", 2, 3*time.Hour + time.Second, asItIs, 3, "", ""},
		{"a clock that was a day ahead", 2, -24 * time.Hour, asItIs, 3, "", ""},
		{"a clock that was a little ahead", 1, -time.Minute, asItIs, 1, plan.GuardLaunch, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, n := short(c.failures, c.ago, c.change), 0
			for _, id := range ids(p) {
				if strings.HasPrefix(id, "create/") {
					n++
				}
			}
			held := ""
			for _, h := range p.Holds {
				if h.Object == "pool/workers" && h.Guard == c.guard {
					held = h.Text
				}
			}
			if n != c.creates || (held == "") != (c.guard == "") || !strings.Contains(held, c.hold) {
				t.Errorf("%d creates, want %d; holds %v", n, c.creates, p.Holds)
			}
		})
	}
}

// TestAMachineThatNeverJoinedIsKeptForALook: switched off, counted nowhere, for a day, the newest one; then it is deleted.
func TestAMachineThatNeverJoinedIsKeptForALook(t *testing.T) {
	keeping := func(change func(*model)) func(*model) {
		return func(m *model) {
			m.spec.Policies.Repair.KeepFailed = 1
			d := m.makeDroplet(300, "web-workers-abcde", launchOp)
			d.neverUp, d.droplet.Status = true, cloud.StatusActive
			change(m)
		}
	}
	leaves := keeping(func(m *model) {
		m.ledger.Ops = []ledger.Op{{ID: leaveOp, Kind: ledger.Delete, Pool: "workers", Name: "web-workers-abcde", DropletID: 300, Repair: true, Keep: true, Started: m.now}}
	})
	kept := func(since time.Duration, more ...func(*model)) func(*model) {
		return keeping(func(m *model) {
			m.droplets[300].droplet.Status = cloud.StatusOff
			m.ledger.Kept = append(m.ledger.Kept, ledger.Kept{DropletID: 300, Pool: "workers", Name: "web-workers-abcde", Since: m.now.Add(-since)})
			both(more...)(m)
		})
	}
	note := []string{"~kept droplet/300"}
	runRules(t, []rule{
		{"it is asked to shut down", 1, 1, leaves, []string{"shutdown/300"}, nil},
		{"its power is cut if it does not", 1, 1, both(leaves, asked(3*time.Minute)), []string{"power-off/300"}, nil},
		{"and then kept", 1, 1, both(leaves, func(m *model) { m.droplets[300].droplet.Status = cloud.StatusOff }), []string{"keep/300"}, nil},
		{"it fills no place", 1, 1, both(to(1, 2), kept(time.Hour)), []string{"create/web-workers-aaaab"}, note},
		{"nothing switches it on, or off again", 1, 1, kept(time.Hour), nil, note},
		{"not when a person looks at it", 1, 1, kept(time.Hour, func(m *model) { m.droplets[300].droplet.Status = cloud.StatusActive }), nil, note},
		{"for a day", 1, 1, kept(25 * time.Hour), []string{"leave/300"}, note},
		{"or until the file keeps none", 1, 1, kept(time.Hour, func(m *model) { m.spec.Policies.Repair.KeepFailed = 0 }), []string{"leave/300"}, note},
		{"or a newer one is kept", 1, 1, kept(time.Hour, func(m *model) {
			m.makeDroplet(301, "web-workers-newer", "newerxxxxxxxxxxx").neverUp = true
			m.ledger.Kept = append(m.ledger.Kept, ledger.Kept{DropletID: 301, Pool: "workers", Name: "web-workers-newer", Since: m.now})
		}), []string{"leave/300"}, []string{"~kept droplet/300", "~kept droplet/301"}},
		{"one that is gone is forgotten", 1, 1, kept(time.Hour, func(m *model) { delete(m.droplets, 300) }), []string{"forget-kept/300"}, nil},
		{"it is deleted as one that never joined", 1, 1, keeping(func(m *model) {
			m.ledger.Ops = []ledger.Op{{ID: leaveOp, Kind: ledger.Delete, Pool: "workers", Name: "web-workers-abcde", DropletID: 300, Repair: true, Started: m.now}}
		}), []string{"delete/300"}, nil},
	})
}

// TestADropletThatTheCloudTookBackIsALaunchThatFailed: not one that was deleted by hand.
func TestADropletThatTheCloudTookBackIsALaunchThatFailed(t *testing.T) {
	for _, active := range []bool{false, true} {
		m := grown(t, 1, 1)
		to(1, 2)(m)
		m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: launchOp, Kind: ledger.Create, Pool: "workers", Name: "web-workers-abcde", DropletID: 300,
			Started: m.now.Add(-2 * time.Minute), Deadline: m.now.Add(time.Minute)})
		in := m.input()
		in.World.Gone = append(in.World.Gone, 300)
		seen := plan.Launching{Seen: in.Now.Add(-time.Minute), Inactive: in.Now.Add(-time.Minute)}
		if active {
			seen.Active = in.Now.Add(-time.Minute)
		}
		in.Memory.Launching = map[int]plan.Launching{300: seen}
		p := plan.Compute(in)
		i := slices.IndexFunc(p.Steps, func(s plan.Step) bool { return s.ID == "close/"+launchOp })
		if i < 0 {
			t.Fatalf("steps %v", ids(p))
		}
		if failed := p.Steps[i].Action.(plan.CloseOp).Failed != ""; failed == active {
			t.Errorf("it was active: %v, and it counts: %v", active, failed)
		}
	}
}

// templateOf is what stands for the template of the workers of a grown cluster.
func templateOf(t *testing.T) string {
	t.Helper()
	p := launched(t, time.Hour, func(*plan.Input) {})
	for _, s := range p.Steps {
		if a, ok := s.Action.(plan.RetryLaunch); ok {
			return a.Template
		}
	}
	t.Fatal(ids(p))
	return ""
}

func grownAt(t *testing.T) time.Time { t.Helper(); return grown(t, 1, 1).now }

// TestRecordsOfALaunchThatJoined: the row of failures of its pool ends with the create that ends well.
func TestRecordsOfALaunchThatJoined(t *testing.T) {
	m := grown(t, 1, 1)
	m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: launchOp, Kind: ledger.Create, Pool: "workers", DropletID: 102, Name: "web-workers-aaaaa", Started: m.now.Add(-time.Minute)})
	p := plan.Compute(m.input())
	if len(p.Steps) != 1 {
		t.Fatalf("steps %v", ids(p))
	}
	want := []ledger.Change{ledger.Launched{OpID: launchOp}, ledger.CloseOp{OpID: launchOp}}
	if d := cmp.Diff(want, p.Steps[0].Before); d != "" {
		t.Error(d)
	}
}

// TestAMachineThatAPersonTookOutOrJoinedAnewIsNoBrokenOne: it has a class of its own, fills its place, and is not the one to leave.
func TestAMachineThatAPersonTookOutOrJoinedAnewIsNoBrokenOne(t *testing.T) {
	rejoins := func(m *model) {
		old := m.droplets[102].node
		again := *old
		again.ID, again.Hostname, again.Spec.Labels = "again", "again", nil
		m.nodes["again"], old.State = &machine{node: &again}, swarm.NodeDown
	}
	for name, c := range map[string]struct {
		change func(*model)
		class  string
		advice string
	}{
		"taken out":   {outOfSwarm(102), "removed", "docker swarm leave --force and what docker swarm join-token worker prints on it bring it back"},
		"joined anew": {rejoins, "rejoined", "docker node rm n102 is enough"},
	} {
		for count, want := range map[int][]string{2: nil, 1: {"leave/103"}} {
			m := grown(t, 1, 2)
			c.change(m)
			m.edit(pool("managers", "manager", 1), pool("workers", "worker", count))
			in := m.input()
			in.Memory.Ailing = map[int]plan.Ailing{102: {How: plan.Hangs, Since: in.Now.Add(-time.Hour), Few: in.Now.Add(-time.Hour)}}
			p := plan.Compute(in)
			i := slices.IndexFunc(in.World.Machines, func(m world.Machine) bool { return m.Droplet != nil && m.Droplet.ID == 102 })
			if string(p.Classes[i]) != c.class || !strings.Contains(fmt.Sprint(p.Holds), c.advice) {
				t.Errorf("%s: class %s, holds %v", name, p.Classes[i], p.Holds)
			}
			if d := cmp.Diff(want, ids(p)); d != "" && count == 2 || slices.Contains(ids(p), "leave/102") {
				t.Errorf("%s, %d wanted: steps %v", name, count, ids(p))
			}
		}
	}
}
