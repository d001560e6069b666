// Package health shows Prometheus and people how the cluster and swarmd itself are, from the report of each pass. It decides which metrics there are
// and how much each client may read. It must not judge the cluster, and it calls nobody.
package health

import (
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// Metrics are swarmd's metrics. It is safe for use by several goroutines.
type Metrics struct {
	passes       *prometheus.CounterVec
	passSeconds  prometheus.Histogram
	lastPass     prometheus.Gauge
	panics       prometheus.Counter
	steps        *prometheus.CounterVec
	holds        map[string]prometheus.Gauge // by guard
	gaps         prometheus.Gauge
	viewAt       *prometheus.GaugeVec
	calls        *prometheus.CounterVec
	callSeconds  *prometheus.HistogramVec
	pools        poolMetrics
	machines     machineMetrics
	repairs      repairMetrics
	nodes        *prometheus.GaugeVec
	services     serviceMetrics
	spec         specMetrics
	leaseHeld    prometheus.Gauge
	leaseEpoch   prometheus.Gauge
	converged    prometheus.Gauge
	convergedAt  prometheus.Gauge
	openOps      *prometheus.GaugeVec
	staleSources prometheus.Gauge
	vocabulary   report.Vocabulary

	mu      sync.Mutex
	counted map[call]counted
}

// call is what API calls are counted by.
type call struct {
	side, op string
	kind     apierr.Kind
}

// counted are the series of such calls, kept because to look them up by their labels takes longer than to count.
type counted struct {
	total   prometheus.Counter
	seconds prometheus.Observer
}

type poolMetrics struct {
	desired, have, ready, cost *prometheus.GaugeVec
	shown                      *shown
}

type machineMetrics struct {
	machines *prometheus.GaugeVec
	shown    *shown
}

// repairMetrics are of machines that break. Who does not act counts nothing.
type repairMetrics struct {
	total  *prometheus.CounterVec
	braked *prometheus.GaugeVec
	whole  *prometheus.HistogramVec
}

type serviceMetrics struct {
	desired, running, rollout *prometheus.GaugeVec
	shown                     *shown
}

type specMetrics struct{ revision, success, loaded prometheus.Gauge }

// NewMetrics registers the metrics. The series of each word of the vocabulary exist from the start, at 0, so that a rate or an alert has something
// to look at before the first event. It panics if they are registered already, as promauto does, because that is a mistake of the program.
func NewMetrics(reg prometheus.Registerer, v report.Vocabulary) *Metrics {
	f := factory{reg}
	m := &Metrics{
		passes:       f.counters("passes_total", "Passes by result.", "result"),
		passSeconds:  f.histogram("pass_duration_seconds", "How long a pass took.", []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}),
		lastPass:     f.gauge("last_pass_timestamp_seconds", "When the last pass ended, whatever its result."),
		panics:       f.counter("panics_total", "Passes that panicked."),
		steps:        f.counters("steps_total", "Steps by action and outcome.", "action", "outcome"),
		holds:        map[string]prometheus.Gauge{},
		gaps:         f.gauge("view_gaps", "Parts of the world that the last pass could not read."),
		viewAt:       f.gauges("view_timestamp_seconds", "When all of a side was seen last: nodes and services are as of side swarm, pools as of side cloud.", "side"),
		calls:        f.counters("api_calls_total", "Calls to DigitalOcean (cloud) and to the Docker Engine (swarm), by kind of failure; kind ok is success.", "side", "op", "kind"),
		callSeconds:  f.histograms("api_call_duration_seconds", "How long calls took.", []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 30}, "side", "op"),
		pools:        newPools(f),
		machines:     machineMetrics{f.gauges("machines", "Machines by pool and class; pool \"\" is none of the cluster's.", "pool", "class"), &shown{}},
		repairs:      newRepairs(f),
		nodes:        f.gauges("nodes", "Nodes by role and state.", "role", "state"),
		services:     newServices(f),
		spec:         newSpec(f),
		leaseHeld:    f.gauge("lease_held", "1 if this swarmd holds the lease and acts."),
		leaseEpoch:   f.gauge("lease_epoch", "Epoch of the lease as seen last; it grows with each change of holder."),
		converged:    f.gauge("converged", "1 if the last pass found everything as wanted."),
		convergedAt:  f.gauge("converged_timestamp_seconds", "When a pass last found everything as wanted."),
		openOps:      f.gauges("ledger_open_operations", "Operations on droplets that are open in the ledger.", "kind"),
		staleSources: f.gauge("stale_sources", "Managers whose own file is an older revision that changes nothing."),
		vocabulary:   v,
		counted:      map[call]counted{},
	}
	holds := f.gauges("holds", "What is not done at the moment, by the guard that says so.", "guard")
	for _, g := range v.Guards {
		m.holds[g] = holds.WithLabelValues(g)
	}
	f.gauges("build_info", "Version of swarmd; always 1.", "version", "goversion").WithLabelValues(v.Version, runtime.Version()).Set(1)
	m.begin(v)
	return m
}

func newPools(f factory) poolMetrics {
	return poolMetrics{
		desired: f.gauges("pool_desired_nodes", "Nodes that the file wants in a pool.", "pool", "role"),
		have:    f.gauges("pool_droplets", "Droplets that count in a pool.", "pool", "role"),
		ready:   f.gauges("pool_ready_nodes", "Nodes of a pool that joined, are ready, and have the right role and availability.", "pool", "role"),
		cost:    f.gauges("pool_cost_dollars_per_month", "Price of a pool as the file wants it, US dollars a month.", "pool", "role"),
		shown:   &shown{},
	}
}

func newRepairs(f factory) repairMetrics {
	return repairMetrics{
		total:  f.counters("node_repair_total", "Repairs of machines, by what was wrong and what came of it: each counts once as begun and once for its end.", "pool", "reason", "outcome"),
		braked: f.gauges("repair_brake", "1 while so many machines of a pool are down at once that none has its power cycled or is replaced for it.", "pool"),
		whole: f.histograms("loss_to_whole_seconds", "From the first look in which a pool had too few ready machines, since it lost some, until it had enough again.",
			[]float64{5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 450, 600, 900, 1800, 3600}, "pool"),
	}
}

func newServices(f factory) serviceMetrics {
	return serviceMetrics{
		desired: f.gauges("service_desired_tasks", "Tasks that the file wants to run; none of jobs.", "service"),
		running: f.gauges("service_running_tasks", "Tasks that run on nodes that are ready.", "service"),
		rollout: f.gauges("service_rollout", "1 for the state that a service's roll-out is in; of the other states there is no series.", "service", "state"),
		shown:   &shown{},
	}
}

func newSpec(f factory) specMetrics {
	return specMetrics{
		revision: f.gauge("spec_revision", "Number of the accepted revision."),
		success:  f.gauge("spec_last_load_successful", "1 if the file was good when it was read last."),
		loaded:   f.gauge("spec_last_load_success_timestamp_seconds", "When a good file was read last."),
	}
}

// begin makes the series of all bounded labels.
func (m *Metrics) begin(v report.Vocabulary) {
	for _, r := range v.Results {
		m.passes.WithLabelValues(r)
	}
	for _, a := range v.Actions {
		for _, o := range v.Outcomes {
			m.steps.WithLabelValues(a, o)
		}
	}
	for _, k := range v.OpKinds {
		m.openOps.WithLabelValues(k)
	}
	for _, side := range []string{"swarm", "cloud"} {
		m.viewAt.WithLabelValues(side)
	}
	for _, role := range []string{"manager", "worker"} {
		for _, state := range []string{"ready", "down", "unknown", "disconnected"} {
			m.nodes.WithLabelValues(role, state)
		}
	}
	m.spec.success.Set(1) // no file was bad yet
}

// Call counts one API call, for the adapters.
func (m *Metrics) Call(side, op string, kind apierr.Kind, took time.Duration) {
	if kind == "" {
		kind = "ok"
	}
	c := m.series(call{side, op, kind})
	c.total.Inc()
	c.seconds.Observe(took.Seconds())
}

func (m *Metrics) series(of call) counted {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, known := m.counted[of]
	if !known {
		c = counted{m.calls.WithLabelValues(of.side, of.op, string(of.kind)), m.callSeconds.WithLabelValues(of.side, of.op)}
		m.counted[of] = c
	}
	return c
}

// Caller returns Call for one side, as the adapters' options take it.
func (m *Metrics) Caller(side string) func(op string, kind apierr.Kind, took time.Duration) {
	return func(op string, kind apierr.Kind, took time.Duration) { m.Call(side, op, kind, took) }
}

// SpecLoaded takes in whether a file that was just read is good.
func (m *Metrics) SpecLoaded(good bool, at time.Time) {
	m.spec.success.Set(number(good))
	if good {
		m.spec.loaded.Set(stamp(at))
	}
}

// Lease takes in who holds the lease.
func (m *Metrics) Lease(held bool, epoch uint64) {
	m.leaseHeld.Set(number(held))
	m.leaseEpoch.Set(float64(epoch))
}

// Unattended takes in that nobody acts. Then nothing is as wanted, whatever the last pass saw.
func (m *Metrics) Unattended() { m.converged.Set(0) }

// Panicked counts a pass that panicked.
func (m *Metrics) Panicked() { m.panics.Inc() }

// Step counts one step.
func (m *Metrics) Step(action, outcome string) { m.steps.WithLabelValues(action, outcome).Inc() }

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func stamp(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// factory registers metrics with the prefix.
type factory struct{ reg prometheus.Registerer }

func (f factory) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "swarmd", Name: name, Help: help})
	f.reg.MustRegister(g)
	return g
}

func (f factory) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "swarmd", Name: name, Help: help}, labels)
	f.reg.MustRegister(g)
	return g
}

func (f factory) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "swarmd", Name: name, Help: help})
	f.reg.MustRegister(c)
	return c
}

func (f factory) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "swarmd", Name: name, Help: help}, labels)
	f.reg.MustRegister(c)
	return c
}

func (f factory) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "swarmd", Name: name, Help: help, Buckets: buckets})
	f.reg.MustRegister(h)
	return h
}

func (f factory) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "swarmd", Name: name, Help: help, Buckets: buckets}, labels)
	f.reg.MustRegister(h)
	return h
}
