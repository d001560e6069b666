package bench

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim"
)

// quiet is the cluster of the goals: 5 nodes and 200 services.
var quiet = shape{managers: 3, workers: 2, services: 200, replicas: 1, resync: "1s"}

// mostCalls is the goal for a pass that finds all as wanted; `docker stack deploy` makes 204 calls for as many services, 200 of them writes.
const mostCalls = 9

// passes returns the calls of each of the next n passes, and how long they took. The daemon and the world share a clock.
func (c *cluster) passes(n int) (calls [][]sim.Traced, took []time.Duration) {
	c.Helper()
	c.ResetTrace()
	last := c.await("a pass", func(report.Report) bool { return true })
	for range n {
		r := c.await("the next pass", func(r report.Report) bool { return r.Pass > last.Pass })
		if r.Pass != last.Pass+1 || !r.Converged {
			c.Fatalf("pass %d after %d, converged %v", r.Pass, last.Pass, r.Converged)
		}
		calls, took, last = append(calls, c.between(r.At.Add(-r.Took), r.At)), append(took, r.Took), r
	}
	return calls, took
}

// between returns the calls that were begun in that time. The event stream is none, and the look at the tasks every three seconds is no part
// of a pass: a second look at the tasks is not counted.
func (c *cluster) between(from, to time.Time) (calls []sim.Traced) {
	tasks := 0
	for _, t := range c.Trace() {
		if t.At.Before(from) || t.At.After(to) || t.Path == "/events" {
			continue
		}
		if t.Path == "/tasks" {
			if tasks++; tasks > 1 {
				continue
			}
		}
		calls = append(calls, t)
	}
	return calls
}

func lines(calls []sim.Traced) (out []string) {
	for _, c := range calls {
		out = append(out, c.Method+" "+c.Path)
	}
	return out
}

func writes(calls []sim.Traced) (out []string) {
	return slices.DeleteFunc(lines(calls), func(l string) bool { return strings.HasPrefix(l, "GET ") || strings.HasPrefix(l, "HEAD ") })
}

// lease reports whether the write is a change of a config's labels, which is how the lease is renewed.
func lease(write string) bool {
	return strings.HasPrefix(write, "POST /configs/") && strings.HasSuffix(write, "/update")
}

func TestConvergedPassMakesFewCallsAndWritesOnlyTheLease(t *testing.T) {
	c := start(t, quiet)
	calls, _ := c.passes(3)
	for _, pass := range calls {
		if n := len(pass); n < 5 || n > mostCalls {
			t.Errorf("%d calls in a pass: %v", n, lines(pass))
		}
		if w := writes(pass); len(w) > 1 {
			t.Errorf("%d writes in a pass: %v", len(w), w)
		}
	}
	for _, call := range writes(c.Trace()) {
		if !lease(call) {
			t.Errorf("wrote %s when all was as wanted", call)
		}
	}
}

// BenchmarkConvergedPass prints what a pass costs that finds all as wanted.
func BenchmarkConvergedPass(b *testing.B) {
	c := start(b, quiet)
	most, mostWrites := 0, 0
	var all []time.Duration
	for b.Loop() {
		calls, took := c.passes(5)
		all = append(all, took...)
		for _, pass := range calls {
			most, mostWrites = max(most, len(pass)), max(mostWrites, len(writes(pass)))
		}
	}
	slices.Sort(all)
	b.ReportMetric(float64(most), "calls/pass-max")
	b.ReportMetric(float64(mostWrites), "writes/pass-max")
	b.ReportMetric(ms(all[len(all)/2]), "ms/pass-median")
	b.ReportMetric(0, "ns/op")
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
