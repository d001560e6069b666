package reconcile_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A file of these tests is a line of "service=replicas" words; "!" is a fault.
func parse(name string, data []byte) (*file.Document, error) {
	if n := strings.Count(string(data), "!"); n > 0 {
		return nil, errors.New(strings.TrimSuffix(strings.Repeat(name+":1:1: services: no such thing\n", n), "\n"))
	}
	cluster := "web"
	if strings.Contains(string(data), "other") {
		cluster = "other"
	}
	return &file.Document{Spec: spec.Spec{Version: 1, Cluster: cluster, Policies: spec.Policies{Resync: 30 * time.Second}, Swarmd: spec.Swarmd{Image: string(data)},
		Pools: []spec.Pool{{Name: "spare", Role: "worker"}}}}, nil
}

func convert(d *file.Document) (swarm.Stack, error) {
	out := swarm.Stack{Namespace: d.Cluster}
	for _, word := range strings.Fields(d.Swarmd.Image) {
		name, count, _ := strings.Cut(word, "=")
		form := swarm.Form{"Mode.Replicated.Replicas": count}
		out.Services = append(out.Services, swarm.ServiceSpec{Name: "web_" + name, Image: name + ":1", Mode: swarm.Replicated,
			Labels: map[string]string{swarm.LabelCluster: "web", swarm.LabelNamespace: "web", swarm.LabelHash: form.Hash()},
			Base:   swarm.NewBase(form, nil, swarm.Pin{})})
	}
	return out, nil
}

// daemon is a loop under test.
type daemon struct {
	*reconcile.Loop
	edits  chan []byte
	unread chan error
	events chan struct{}
	logs   *observer.ObservedLogs
	series *prometheus.Registry
	stop   func() // and wait
}

// metric returns the value of a gauge without labels.
func (d *daemon) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := d.series.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// logged returns the messages of the log.
func (d *daemon) logged(msg string) int { return d.logs.FilterMessage(msg).Len() }

type options struct {
	initial  string
	node     string
	instance string
	oneShot  bool
	acting   func(context.Context) report.Report
	prices   func() map[string]float64
	parsed   *atomic.Int32 // counts what was parsed
	warnings []file.Fault  // of every file
	strict   bool          // "?" is a fault too: another version, which accepts less
}

// first is the file at start, nil if there is none.
func (o options) first() []byte {
	if o.initial == "" {
		return nil
	}
	return []byte(o.initial)
}

// parse counts, if it is to.
func (o options) parse(name string, data []byte) (*file.Document, []file.Fault, error) {
	if o.parsed != nil {
		o.parsed.Add(1)
	}
	if o.strict && strings.Contains(string(data), "?") {
		return nil, nil, errors.New(name + ":1:1: services: too long")
	}
	s, err := parse(name, data)
	return s, o.warnings, err
}

// config is the loop's on the engine.
func (o options) config(e *engine, d *daemon, log *zap.Logger) reconcile.Config {
	node := o.node
	if node == "" {
		node = "node1"
	}
	store := ledger.NewStore(e, "web")
	return reconcile.Config{
		Cluster: "web", Store: store, Reads: world.Reads{Swarm: seenFrom{e, node}, Ledger: store},
		Elector: ledger.ElectorConfig{Store: store, Identity: seenFrom{e, node}.Info, Instance: o.instance + "abcde", OneShot: o.oneShot},
		Execute: execute.Config{Nodes: e, Services: e, Networks: e, Ledger: store},
		Parse:   o.parse, Convert: convert, Prices: o.prices,
		Initial: o.first(), Edits: d.edits, Unread: d.unread, Source: "file test", File: "f.yaml", Events: d.events,
		Log: log, Metrics: health.NewMetrics(d.series, report.NewVocabulary("test")), Acting: o.acting,
	}
}

// look is swarmd status.
func look(t *testing.T, e *engine) report.Report {
	t.Helper()
	return reconcile.New(options{oneShot: true, instance: "s"}.config(e, &daemon{series: prometheus.NewRegistry()}, zap.NewNop())).Look(t.Context())
}

// start runs a loop on the engine.
func start(t *testing.T, e *engine, o options) *daemon {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	d := &daemon{edits: make(chan []byte), unread: make(chan error), events: make(chan struct{}, 1), logs: logs, series: prometheus.NewRegistry()}
	d.Loop = reconcile.New(o.config(e, d, zap.New(core)))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { _ = d.Run(ctx); close(ended) }()
	d.stop = func() { cancel(); <-ended }
	return d
}

// seenFrom is the engine as the node's own swarmd sees it.
type seenFrom struct {
	*engine
	node string
}

func (s seenFrom) Info(ctx context.Context) (swarm.Info, error) {
	info, err := s.engine.Info(ctx)
	info.NodeID = s.node
	return info, err
}

func wantRunning(t *testing.T, e *engine, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, e.running()); diff != "" {
		t.Fatalf("running services (-want +got):\n%s", diff)
	}
}

func settle(d time.Duration) { time.Sleep(d); synctest.Wait() }

func TestFileAtStartBecomesTheFirstRevision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(5 * time.Second)
		wantRunning(t, e, "web_app=2")
		r := d.Last()
		if !r.Converged || r.Result != report.Converged || r.Revision != 1 || !r.Lease.Held || r.Lease.Holder != "node1/abcde" {
			t.Fatalf("report %+v", r)
		}
		if err := errors.Join(d.Ready(), d.Alive()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestQuietPassCostsAtMostNineCallsAndWritesOnlyTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2 db=1"})
		defer d.stop()
		settle(time.Minute)
		for range 20 {
			before := len(e.Objects.Calls())
			e.taken()
			settle(30 * time.Second)
			calls, store := e.taken(), e.Objects.Calls()[before:]
			for _, call := range store {
				if call != "list" && call != "update swarmd.web.lease" {
					t.Fatalf("wrote %q when all was as wanted", call)
				}
			}
			// One pass and three renewals in 30 s; the pass brings one of them with it. The tasks are looked at each three seconds besides.
			calls = slices.DeleteFunc(calls, func(call string) bool { return call == "tasks" })
			if len(calls) > 5 || len(store) > 6 {
				t.Fatalf("%d reads %v and %d calls of the store %v in 30 s", len(calls), calls, len(store), store)
			}
		}
		settle(6 * time.Second) // the lease is due for renewal
		before := len(e.Objects.Calls())
		e.taken()
		d.Kick()
		synctest.Wait()
		if n := len(e.taken()) + len(e.Objects.Calls()) - before; n > 9 {
			t.Fatalf("%d calls in one pass", n)
		}
	})
}

func TestEditIsOnTheWireAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		var wrote time.Time
		e.slow(3*time.Millisecond, func(string) { wrote = time.Now() })
		saved := time.Now()
		d.edits <- []byte("app=5")
		settle(5 * time.Second)
		wantRunning(t, e, "web_app=5")
		if took := wrote.Sub(saved); took > 20*time.Millisecond {
			t.Fatalf("first write %s after the file was saved", took)
		}
		d.edits <- []byte("app=2") // back to older content, under a running swarmd: a revert is a revert
		settle(5 * time.Second)
		wantRunning(t, e, "web_app=2")
		if r := d.Last(); r.Revision != 3 {
			t.Fatalf("revision %d", r.Revision)
		}
	})
}

func TestBadEditChangesNothingAndIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Minute)
		d.edits <- []byte("app=9 !")
		settle(10 * time.Minute)
		d.edits <- []byte("other=1") // another cluster's
		settle(time.Minute)
		wantRunning(t, e, "web_app=2")
		r := d.Last()
		if r.Revision != 1 || !strings.HasPrefix(r.FileFault, "f.yaml:") || d.Ready() == nil || !r.Converged {
			t.Fatalf("report %+v", r)
		}
		if n := d.logged("file has faults, the accepted revision goes on"); n != 2 {
			t.Fatalf("%d lines for two bad edits", n)
		}
		d.edits <- []byte("app=3")
		settle(time.Minute)
		wantRunning(t, e, "web_app=3")
		if r := d.Last(); r.FileFault != "" || r.Revision != 2 || d.Ready() != nil {
			t.Fatalf("report %+v", r)
		}
	})
}

func TestStaleFileAtStartChangesNothingAndIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		a := start(t, e, options{initial: "app=2"})
		settle(time.Minute)
		a.edits <- []byte("app=5")
		settle(time.Minute)
		b := start(t, e, options{initial: "app=2", node: "node2"})
		settle(2 * time.Minute)
		wantRunning(t, e, "web_app=5")
		for _, d := range []*daemon{a, b} {
			if r := d.Last(); r.Revision != 2 || r.Stale["node2"] != 1 {
				t.Fatalf("revision %d, stale %v", r.Revision, r.Stale)
			}
		}
		b.edits <- []byte("app=5") // the person brings it up to date
		settle(2 * time.Minute)
		if r := b.Last(); len(r.Stale) != 0 {
			t.Fatalf("stale %v", r.Stale)
		}
		a.stop()
		b.stop()
	})
}

func TestSubmitOfABadFileFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Second)
		began := time.Now()
		if _, err := d.Submit(t.Context(), []byte("!"), "apply"); err == nil || time.Since(began) > time.Second {
			t.Fatalf("%v after %s", err, time.Since(began))
		}
	})
}

func TestAwaitIsSuperseded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(time.Second)
		e.fail("create service web_db", apierr.Capacity)
		n, err := d.Submit(t.Context(), []byte("db=1"), "apply")
		if err != nil {
			t.Fatal(err)
		}
		result := make(chan error)
		go func() { _, err := d.Await(t.Context(), n, nil); result <- err }()
		settle(time.Second)
		d.edits <- []byte("app=3")
		if err := <-result; !errors.Is(err, reconcile.ErrSuperseded) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestEventsMakeTheHolderLookButNotOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		d := start(t, e, options{initial: "app=2"})
		defer d.stop()
		settle(95 * time.Second)
		e.scale("web_app", 1)
		d.events <- struct{}{}
		settle(100 * time.Millisecond)
		wantRunning(t, e, "web_app=2")
		e.taken()
		for range 100 {
			d.events <- struct{}{}
			settle(100 * time.Millisecond)
		}
		looks := 0
		for _, c := range e.taken() {
			if c == "nodes" {
				looks++
			}
		}
		if looks < 5 || looks > 25 {
			t.Fatalf("%d looks in ten seconds of events", looks)
		}
	})
}
