package bench

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim"
)

// samples of an edit in one run of the benchmark.
const samples = 40

// wire notes when the first writes of an edit arrive.
type wire struct {
	mu           sync.Mutex
	any, service time.Time // zero: none yet
}

// see is the world's fault hook; it lets all pass. A renewal of the lease is no write of an edit: it would count only if it fell between the
// save and the write of the revision.
func (w *wire) see(c sim.Call) sim.Verdict {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !c.Write() || lease(c.Method+" "+c.Path) && w.any.IsZero() {
		return sim.Pass()
	}
	now := time.Now()
	if w.any.IsZero() {
		w.any = now
	}
	if w.service.IsZero() && strings.HasPrefix(c.Path, "/services/") {
		w.service = now
	}
	return sim.Pass()
}

func (w *wire) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.any, w.service = time.Time{}, time.Time{}
}

func (w *wire) seen() (first, service time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.any, w.service
}

// edit saves the file with another number of replicas and returns how long it took until the first write was on the wire (the new
// revision), and until the first that changes a service.
func (c *cluster) edit(w *wire, revision, replicas int) (first, service time.Duration) {
	c.Helper()
	w.forget()
	saved := c.save(c.shape.file(replicas))
	c.await("the edit", func(r report.Report) bool { return r.Revision == revision && r.Converged })
	a, s := w.seen()
	if a.IsZero() || s.IsZero() {
		c.Fatalf("revision %d is true without a write", revision)
	}
	return a.Sub(saved), s.Sub(saved)
}

// BenchmarkEdit prints the time from a saved file to the first write on the wire: real file, real watcher, real HTTP. Half of the
// samples are edits of a quiet cluster; none is left out.
func BenchmarkEdit(b *testing.B) {
	s := quiet
	s.resync = "" // an edit must not profit from a pass that was due anyway
	c := start(b, s)
	w := &wire{}
	c.SetFault(w.see)
	var firsts, services []time.Duration
	revision := 1
	for b.Loop() {
		for range samples {
			revision++
			first, service := c.edit(w, revision, 2-revision%2)
			firsts, services = append(firsts, first), append(services, service)
		}
	}
	quantiles(b, "first-write", firsts)
	quantiles(b, "first-service", services)
	b.ReportMetric(0, "ns/op")
}

// quantiles prints median, 95th percentile and worst, milliseconds.
func quantiles(b *testing.B, what string, all []time.Duration) {
	slices.Sort(all)
	b.ReportMetric(ms(all[len(all)/2]), what+"-ms-median")
	b.ReportMetric(ms(all[len(all)*95/100]), what+"-ms-p95")
	b.ReportMetric(ms(all[len(all)-1]), what+"-ms-max")
}
