package reconcile_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// mostHourly is how many calls to the cloud a fleet may cost in an hour that does not change, whatever its services do. The account's limit is
// 5,000, for all clusters and everybody in it.
const mostHourly = 300

// costs prints how many calls the cloud got since the trace was reset, an hour ago. A full look each 30 s is 120.
func (c *cluster) costs(t *testing.T, what string, most int) {
	t.Helper()
	n := 0
	for _, call := range c.Trace() {
		if strings.HasPrefix(call.Path, "/v2/") {
			n++
		}
	}
	t.Logf("%d calls to the cloud in an hour %s", n, what)
	if n < 110 || n > most {
		t.Errorf("want 110 to %d", most)
	}
}

// loops is an image whose containers die after 0.3 s.
const loops = "loops:1"

// troubled is a file with a service of the image.
func troubled(workers int, image string) []byte {
	return []byte(strings.ReplaceAll(string(webFile(1, workers, 1, 2)), "nginx:1.27", image))
}

func TestServicesInTroubleCostTheCloudNoMoreThanQuietOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, still(), troubled(1, "nginx:1.27"))
		defer c.stop()
		c.Swarm.SetImage(loops, dockerd.Image{CrashAfter: 300 * time.Millisecond})
		c.await(t, 1, 10*time.Minute)
		c.ResetTrace()
		time.Sleep(time.Hour)
		c.costs(t, "at rest", 130)
		c.edits <- append(troubled(1, "nginx:1.27"), `  dies: { image: "`+loops+`", deploy: { replicas: 2 } }`+"\n"...)
		time.Sleep(time.Minute)
		c.ResetTrace()
		before := c.loop.Last().Pass
		time.Sleep(time.Hour)
		if passes := c.loop.Last().Pass - before; passes < 500 {
			t.Errorf("%d passes in an hour in which tasks die all the time: nothing asks for any", passes)
		}
		c.costs(t, "in which tasks die all the time", mostHourly)
	})
}

// TestRolloutsCostTheCloudNoMoreThanRest: each is looked at often while it runs.
func TestRolloutsCostTheCloudNoMoreThanRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, still(), webFile(1, 1, 1, 1))
		defer c.stop()
		c.await(t, 1, 10*time.Minute)
		c.ResetTrace()
		before := c.loop.Last().Pass
		for i := range 12 {
			c.edits <- webFile(1, 1, 1, 2+i%2)
			time.Sleep(5 * time.Minute)
		}
		if r := c.loop.Last(); !r.Converged || r.Revision != 13 || r.Pass-before < 140 {
			t.Fatalf("converged %v, revision %d, %d passes", r.Converged, r.Revision, r.Pass-before)
		}
		c.costs(t, "with twelve roll-outs", 130)
	})
}

// TestNoMachineIsTouchedOnAListThatWasKept: a step on a machine comes after a list of the moment, also while tasks die.
func TestNoMachineIsTouchedOnAListThatWasKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, still(), troubled(2, "nginx:1.27"))
		defer c.stop()
		c.Swarm.SetImage(loops, dockerd.Image{CrashAfter: 300 * time.Millisecond})
		c.await(t, 1, 10*time.Minute)
		c.edits <- troubled(2, loops)
		for i, workers := range []int{3, 1, 2} {
			time.Sleep(10*time.Minute + time.Duration(i*7)*time.Second)
			c.ResetTrace()
			edited := time.Now() // before it is taken: the look that takes it may be under way
			c.edits <- troubled(workers, loops)
			time.Sleep(5 * time.Minute)
			if n := len(c.Cloud.Droplets()); n != workers+1 {
				t.Fatalf("%d droplets, want %d", n, workers+1)
			}
			listed := false
			for _, call := range c.Trace() {
				listed = listed || call.Path == "/v2/droplets" && !call.Write() && !call.At.Before(edited)
				if machine := strings.HasPrefix(call.Path, "/v2/droplets") || strings.HasPrefix(call.Path, "/nodes/"); machine && call.Write() && !listed {
					t.Fatalf("%d workers: %s %s before the droplets were listed", workers, call.Method, call.Path)
				}
			}
		}
	})
}

// weighTasks counts the bytes of the engine's lists of tasks from now on.
func (c *cluster) weighTasks() *atomic.Int64 {
	var bytes atomic.Int64
	c.SetFault(func(call sim.Call) sim.Verdict {
		if call.Path != "/tasks" {
			return sim.Pass()
		}
		return sim.Verdict{Edit: func(status int, _ http.Header, body []byte) (int, []byte) {
			bytes.Add(int64(len(body)))
			return status, body
		}}
	})
	return &bytes
}

// TestHistoryOfTasksCostsNothing: the engine keeps five tasks a slot, most of which ended long ago.
func TestHistoryOfTasksCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const services = 20
		c := newCluster(t, still(), webFile(1, 1, services, 2))
		defer c.stop()
		c.await(t, 1, 10*time.Minute)
		bytes := c.weighTasks()
		tenMinutes := func() int64 {
			time.Sleep(time.Minute)
			bytes.Store(0)
			time.Sleep(10 * time.Minute)
			if !c.loop.Last().Converged {
				t.Fatalf("%+v", c.loop.Last())
			}
			return bytes.Load()
		}
		young := tenMinutes()
		for range 4 {
			for i := range services {
				for slot := range 2 {
					if err := c.KillTask(fmt.Sprintf("web_app%d", i), slot+1); err != nil {
						t.Fatal(err)
					}
				}
			}
			time.Sleep(time.Minute)
		}
		if truth, _ := c.Swarm.Truth(); len(truth.Tasks) != 5*2*services {
			t.Fatalf("%d tasks in the engine's memory", len(truth.Tasks))
		}
		old := tenMinutes()
		t.Logf("lists of tasks in ten minutes of rest: %d kB without history, %d kB with five tasks a slot", young/1000, old/1000)
		if young == 0 || old > young*11/10 {
			t.Error("want no more than a tenth more")
		}
	})
}

// TestAMachineLeavesAfterWhatStopsOnItHasEnded: the list of tasks does not show what is told to stop.
func TestAMachineLeavesAfterWhatStopsOnItHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := still()
		o.Docker.TaskStop = 40 * time.Second
		c := newCluster(t, o, webFile(1, 3, 1, 1))
		defer c.stop()
		c.await(t, 1, 10*time.Minute)
		c.edits <- webFile(1, 3, 6, 4) // now that the workers are there
		c.await(t, 2, 10*time.Minute)
		c.ResetTrace()
		c.edits <- webFile(1, 2, 6, 4)
		c.await(t, 3, 20*time.Minute)
		var drained, stopped time.Time
		for _, call := range c.Trace() {
			switch {
			case call.Write() && strings.HasPrefix(call.Path, "/nodes/") && drained.IsZero():
				drained = call.At
			case call.Write() && strings.HasSuffix(call.Path, "/actions") && stopped.IsZero():
				stopped = call.At
			}
		}
		if wait := stopped.Sub(drained); drained.IsZero() || wait < 40*time.Second || wait > time.Minute {
			t.Errorf("drained at %s, shut down %s later; its tasks take 40 s to stop", drained, wait)
		}
	})
}
