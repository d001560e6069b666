package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// TestAFailedRollOutEndsWithWhatWasGood: whatever the engine makes of a failure, what ran before runs again, what failed has a name, and is written once.
func TestAFailedRollOutEndsWithWhatWasGood(t *testing.T) {
	for name, c := range map[string]struct {
		image, action, more string
		dies, sick          time.Duration
		within              time.Duration
		said, meanwhile     string
	}{
		"paused by the engine":        {image: "bad:1", action: "pause", dies: time.Second, within: time.Minute, said: "task: non-zero exit (1)"},
		"never healthy":               {image: "sick:1", action: "pause", sick: 3 * time.Second, within: time.Minute, said: "because their health check fails"},
		"passes the engine's monitor": {image: "late:1", action: "pause", dies: 20 * time.Second, within: 4 * time.Minute, said: "task: non-zero exit (1)"},
		"the engine goes on":          {image: "bad:1", action: "continue", dies: time.Second, within: 2 * time.Minute, said: "task: non-zero exit (1)"},
		"no node":                     {image: "app:2", action: "pause", more: nowhere, within: 12 * time.Minute, said: "no suitable node", meanwhile: "unplaceable"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newCluster(t, sim.Options{}, rolled("app:1", c.action, ""))
				defer k.stop()
				if c.dies+c.sick > 0 {
					k.Swarm.SetImage(c.image, dockerd.Image{CrashAfter: c.dies, SickAfter: c.sick})
				}
				k.await(t, 1, 10*time.Minute)
				settle(time.Minute)
				if got := k.loop.Last().Services[0].RollOut.State; got != plan.RollOutSucceeded {
					t.Errorf("before the edit it is %q", got)
				}
				was := k.engineService(t, "web_app")
				writes := k.posted("/services/" + was.ID + "/update")
				k.edits <- rolled(c.image, c.action, c.more)
				seen := map[plan.RollOutState]bool{}
				back := func() bool {
					r := k.loop.Last()
					seen[r.Services[0].RollOut.State] = true
					return r.Services[0].RollOut.State == plan.RollOutBack && k.runs(t, "web_app")["app:1"] == 3 && len(r.Steps) == 0
				}
				if !sampled(c.within, back) {
					t.Fatalf("after %s: %+v, %v run, %+v", c.within, k.loop.Last().Services, k.runs(t, "web_app"), k.loop.Last().Holds)
				}
				settle(2 * time.Minute)
				r := k.loop.Last()
				if len(r.Holds) != 1 || r.Holds[0].Guard != plan.GuardRolledBack || !strings.Contains(r.Holds[0].Text, c.said) || !strings.Contains(r.Services[0].RollOut.Error, c.said) {
					t.Errorf("%+v: %+v", r.Holds, r.Services[0].RollOut)
				}
				if n := k.posted("/services/"+k.engineService(t, "web_app").ID+"/update") - writes; n != 2 {
					t.Errorf("%d writes to the service, want what the file has and what ran before", n)
				}
				if diff := cmp.Diff(was.Spec.TaskTemplate, k.engineService(t, "web_app").Spec.TaskTemplate); diff != "" {
					t.Errorf("what ran before is not put back as it was (-was +is):\n%s", diff)
				}
				if c.meanwhile != "" && !seen[plan.RollOutState(c.meanwhile)] {
					t.Errorf("seen on the way: %v", seen)
				}
				if runs := k.runs(t, "web_app"); runs["app:1"] != 3 {
					t.Errorf("%v run", runs)
				}
				k.edits <- rolled("app:3", c.action, "")
				if !sampled(30*time.Second, func() bool { return k.runs(t, "web_app")["app:3"] == 3 }) {
					t.Errorf("the next good edit: %v run, %+v", k.runs(t, "web_app"), k.loop.Last().Holds)
				}
			})
		})
	}
}

// TestARollOutHasANameWhereNothingRanBefore: there is nothing to put back, and it is said what it waits for.
func TestARollOutHasANameWhereNothingRanBefore(t *testing.T) {
	for service, want := range map[string]plan.RollOutState{
		`{ image: "app:1", deploy: { replicas: 2, placement: { constraints: ["node.platform.os==windows"] } } }`: plan.RollOutNoNode,
		`{ image: "nope:1", x-swarmd: { resolve: best-effort }, deploy: { replicas: 2 } }`:                       plan.RollOutNoImage,
		`{ image: "dies:1", deploy: { replicas: 2 } }`:                                                           plan.RollOutCrashing,
		`{ image: "app:1", deploy: { replicas: 2 } }`:                                                            plan.RollOutSucceeded,
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, sim.Options{}, services("  app: "+service+"\n"))
			defer c.stop()
			c.Swarm.SetImage("nope:1", dockerd.Image{Missing: true})
			c.Swarm.SetImage("dies:1", dockerd.Image{CrashAfter: time.Second})
			settle(4 * time.Minute)
			said := 0
			c.looks(60, func(r report.Report) {
				if s := r.Services[0]; s.RollOut.State == want && (want == plan.RollOutSucceeded) == (s.RollOut.Error == "") {
					said++
				}
			})
			if said < 40 { // in some looks its tasks run
				t.Errorf("%s: %d of 60 looks said %s: %+v", service, said, want, c.loop.Last().Services)
			}
			if n := c.posted("/services/" + c.engineService(t, "web_app").ID + "/update"); n != 0 {
				t.Errorf("%s: %d updates", service, n)
			}
		})
	}
}

// TestARollOutSucceedsAfterItsBakeTime: tasks that run have to do so for 30 s, or for as long as the service's own monitor.
func TestARollOutSucceedsAfterItsBakeTime(t *testing.T) {
	for monitor, least := range map[string]time.Duration{"2s": 30 * time.Second, "1m": time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			file := func(image string) []byte {
				return []byte(strings.ReplaceAll(string(rolled(image, "rollback", "")), "monitor: 2s", "monitor: "+monitor))
			}
			c := newCluster(t, sim.Options{}, file("app:1"))
			defer c.stop()
			c.await(t, 1, 10*time.Minute)
			settle(5 * time.Minute)
			c.edits <- file("app:2")
			if !sampled(time.Minute, func() bool { return c.runs(t, "web_app")["app:2"] == 3 }) {
				t.Fatalf("%v run", c.runs(t, "web_app"))
			}
			began := time.Now()
			if !sampled(10*time.Minute, func() bool {
				return c.loop.Last().Services[0].RollOut.State == plan.RollOutSucceeded && time.Since(began) > time.Second
			}) {
				t.Fatalf("%+v", c.loop.Last().Services)
			}
			if took := time.Since(began); took < least-2*time.Second {
				t.Errorf("monitor %s: it has succeeded after %s", monitor, took)
			}
		})
	}
}

// TestATaskThatStartsAnewIsNoRollOut: what had succeeded stays so while a task that died is replaced; the counts say that one lacks.
func TestATaskThatStartsAnewIsNoRollOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{}, rolled("app:1", "rollback", ""))
		defer c.stop()
		c.await(t, 1, 10*time.Minute)
		settle(5 * time.Minute)
		if err := c.KillTask("web_app", 1); err != nil {
			t.Fatal(err)
		}
		lacked := 0
		c.looks(40, func(r report.Report) {
			s := r.Services[0]
			if s.Running < s.Desired {
				lacked++
			}
			if s.RollOut.State != plan.RollOutSucceeded {
				t.Errorf("%d of %d tasks run: the roll-out is %s", s.Running, s.Desired, s.RollOut.Text(s.Desired))
			}
		})
		if lacked == 0 {
			t.Error("no look saw that a task lacks")
		}
	})
}
