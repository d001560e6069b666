package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
	return []byte(strings.ReplaceAll(string(file(1, workers, 1, 2)), "nginx:1.27", image))
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
		c.edits <- troubled(1, loops)
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
		c := newCluster(t, still(), file(1, 1, 1, 1))
		defer c.stop()
		c.await(t, 1, 10*time.Minute)
		c.ResetTrace()
		before := c.loop.Last().Pass
		for i := range 12 {
			c.edits <- file(1, 1, 1, 2+i%2)
			time.Sleep(5 * time.Minute)
		}
		if r := c.loop.Last(); !r.Converged || r.Revision != 13 || r.Pass-before < 150 {
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
			c.edits <- troubled(workers, loops)
			edited := time.Now()
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
