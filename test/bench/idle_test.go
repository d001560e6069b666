package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// large is a cluster of the size up to which swarmd is meant to be used.
var large = shape{managers: 3, workers: 197, services: 1000, replicas: 2}

// watched is how long a daemon at rest is watched.
const watched = time.Minute

// remember lets every task die until the engines keep five of each slot, and waits until all is whole again.
func (c *cluster) remember() {
	c.Helper()
	c.Swarm.SetImage("nginx:1.27", dockerd.Image{CrashAfter: 100 * time.Millisecond})
	want := 5 * c.shape.services * c.shape.replicas
	for began := time.Now(); ; time.Sleep(time.Second) {
		truth, _ := c.Swarm.Truth()
		if len(truth.Tasks) >= want {
			break
		}
		if time.Since(began) > 5*time.Minute {
			c.Fatalf("%d tasks in the engines' memory, want %d", len(truth.Tasks), want)
		}
	}
	c.Swarm.SetImage("nginx:1.27", dockerd.Image{})
	c.await("whole again", func(r report.Report) bool { return r.Converged })
}

// ticks is the processor time that the daemon has used, in hundredths of a second.
func (c *cluster) ticks() int {
	c.Helper()
	_, rest, _ := strings.Cut(c.proc("stat"), ") ") // the name before it may have blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		c.Fatalf("/proc/PID/stat: %q", rest)
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		c.Fatal(err1, err2)
	}
	return user + system
}

// resident is the daemon's memory in MB.
func (c *cluster) resident() float64 {
	c.Helper()
	_, rest, _ := strings.Cut(c.proc("status"), "VmRSS:")
	kb, err := strconv.ParseFloat(strings.Fields(rest + " none")[0], 64)
	if err != nil {
		c.Fatal(err)
	}
	return kb / 1000
}

func (c *cluster) proc(file string) string {
	c.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.daemon.Process.Pid, file))
	if err != nil {
		c.Skip("what a process uses is read from Linux's /proc: ", err)
	}
	return string(data)
}

// idle is the share of a core that the daemon takes while all is as wanted, in percent.
func (c *cluster) idle() float64 {
	c.Helper()
	time.Sleep(10 * time.Second) // what the last change left to do
	began, before := time.Now(), c.ticks()
	time.Sleep(watched)
	used := c.ticks() - before
	c.await("still converged", func(r report.Report) bool { return r.Converged })
	return float64(used) / time.Since(began).Seconds()
}

// BenchmarkIdle prints what a large cluster costs at rest, and what it costs when the engines remember five tasks of each slot. That must make
// no difference but that of chance.
func BenchmarkIdle(b *testing.B) {
	c := start(b, large)
	for b.Loop() {
		young, mb := c.idle(), c.resident()
		c.remember()
		old := c.idle()
		b.ReportMetric(young, "%core")
		b.ReportMetric(old, "%core-with-history")
		b.ReportMetric(mb, "MB")
		b.ReportMetric(c.resident(), "MB-with-history")
		b.ReportMetric(0, "ns/op")
		if old > 2*young+0.5 {
			b.Errorf("%.1f %% of a core with history, %.1f %% without", old, young)
		}
	}
}
