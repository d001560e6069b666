package health

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// Pass takes in the report of a pass.
func (m *Metrics) Pass(r report.Report) {
	m.passes.WithLabelValues(r.Result).Inc()
	m.passSeconds.Observe(r.Took.Seconds())
	m.lastPass.Set(stamp(r.At))
	m.gaps.Set(float64(len(r.Gaps)))
	m.Lease(r.Lease.Held, r.Lease.Epoch)
	m.converged.Set(number(r.Converged))
	if r.Converged {
		m.convergedAt.Set(stamp(r.At))
	}
	m.setHolds(r.Holds)
	m.repairs.count(r)
	m.setView(r)
}

// setView takes in what was seen of each side. A side that was not seen keeps its last values: an outage of the cloud's API must not hide a
// service that dies meanwhile.
func (m *Metrics) setView(r report.Report) {
	began := stamp(r.At.Add(-r.Took)) // what was seen may be that old
	if r.SawSwarm() {
		m.viewAt.WithLabelValues("swarm").Set(began)
		m.setLedger(r)
		m.setNodes(r.Nodes)
		m.setServices(r.Services)
	}
	if r.SawAll() {
		m.viewAt.WithLabelValues("cloud").Set(began)
		m.setPools(r.Pools)
		m.setMachines(r.Pools, r.Nodes)
	}
}

func (m *Metrics) setHolds(holds []plan.Hold) {
	count := map[string]int{}
	for _, h := range holds {
		count[h.Guard]++
	}
	for g, held := range m.holds {
		held.Set(float64(count[g]))
	}
}

func (m *Metrics) setLedger(r report.Report) {
	m.spec.revision.Set(float64(r.Revision))
	m.staleSources.Set(float64(len(r.Stale)))
	open := map[string]int{}
	for _, op := range r.Operations {
		open[string(op.Kind)]++
	}
	for _, kind := range m.vocabulary.OpKinds {
		m.openOps.WithLabelValues(kind).Set(float64(open[kind]))
	}
}

func (m *Metrics) setPools(pools []plan.PoolCount) {
	var names []string
	for _, p := range pools {
		names = append(names, p.Pool)
		m.pools.desired.WithLabelValues(p.Pool, p.Role).Set(float64(p.Desired))
		m.pools.have.WithLabelValues(p.Pool, p.Role).Set(float64(p.Have))
		m.pools.ready.WithLabelValues(p.Pool, p.Role).Set(float64(p.Ready))
		m.pools.cost.WithLabelValues(p.Pool, p.Role).Set(p.Monthly)
	}
	for _, p := range pools {
		m.repairs.braked.WithLabelValues(p.Pool).Set(number(p.ManyDown))
		if !m.pools.shown.has(p.Pool) {
			m.repairs.begin(p.Pool, m.vocabulary)
		}
	}
	m.pools.shown.keep(names, "pool", m.pools.desired, m.pools.have, m.pools.ready, m.pools.cost, m.repairs.total, m.repairs.braked, m.repairs.whole)
}

// count takes in what began and ended in the pass.
func (r repairMetrics) count(of report.Report) {
	for _, p := range of.Repairs {
		r.total.WithLabelValues(p.Pool, p.Reason, p.Outcome).Inc()
	}
	for _, l := range of.Losses {
		if l.Whole {
			r.whole.WithLabelValues(l.Pool).Observe(l.Took.Seconds())
		}
	}
}

// begin makes all series of a pool, so that the first repair is an increase.
func (r repairMetrics) begin(pool string, v report.Vocabulary) {
	r.whole.WithLabelValues(pool)
	for _, reason := range v.RepairReasons {
		for _, outcome := range v.RepairOutcomes {
			r.total.WithLabelValues(pool, reason, outcome)
		}
	}
}

// setNodes counts the machines that are nodes.
func (m *Metrics) setNodes(machines []report.Node) {
	type node struct{ role, state string }
	count := map[node]int{}
	for _, role := range []string{"manager", "worker"} {
		for _, state := range []string{"ready", "down", "unknown", "disconnected"} {
			count[node{role, state}] = 0
		}
	}
	for _, n := range machines {
		if n.NodeID != "" {
			count[node{n.Role, n.State}]++
		}
	}
	for n, c := range count {
		m.nodes.WithLabelValues(n.role, n.state).Set(float64(c))
	}
}

// setMachines sets each class of each pool that there is, so that a class that has no machine any more is a 0.
func (m *Metrics) setMachines(pools []plan.PoolCount, machines []report.Node) {
	type kind struct{ pool, class string }
	count, names := map[kind]int{}, []string{""}
	for _, p := range pools {
		names = append(names, p.Pool)
	}
	for _, n := range machines {
		if n.Class == "" {
			continue
		}
		count[kind{n.Pool, n.Class}]++
		if !slices.Contains(names, n.Pool) {
			names = append(names, n.Pool)
		}
	}
	for _, pool := range names {
		for _, class := range m.vocabulary.Classes {
			m.machines.machines.WithLabelValues(pool, class).Set(float64(count[kind{pool, class}]))
		}
	}
	m.machines.shown.keep(names, "pool", m.machines.machines)
}

func (m *Metrics) setServices(services []plan.ServiceCount) {
	var names []string
	for _, s := range services {
		names = append(names, s.Service)
		if s.Job { // nothing of one that has ended is missing: its roll-out's state says how it stands
			m.services.desired.DeleteLabelValues(s.Service)
			m.services.running.DeleteLabelValues(s.Service)
		} else {
			m.services.desired.WithLabelValues(s.Service).Set(float64(s.Desired))
			m.services.running.WithLabelValues(s.Service).Set(float64(s.Running))
		}
		m.services.inState(s.Service, string(s.RollOut.State), m.vocabulary.RollOuts)
	}
	m.services.shown.keep(names, "service", m.services.desired, m.services.running, m.services.rollout)
}

// inState shows the state that the roll-out of a service is in, "" for none. The other states have no series: there are nine, of each service.
func (s serviceMetrics) inState(service, state string, all []string) {
	for _, other := range all {
		if other != state {
			s.rollout.DeleteLabelValues(service, other)
		}
	}
	if state != "" {
		s.rollout.WithLabelValues(service, state).Set(1)
	}
}

// vec is what has series by labels.
type vec interface {
	DeletePartialMatch(labels prometheus.Labels) int
}

// shown are the label values that have series. Those of vanished things are deleted one by one: to clear all and fill them again
// would show an empty cluster to a scrape in between.
type shown struct {
	mu     sync.Mutex
	values map[string]bool
}

func (s *shown) has(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[value]
}

func (s *shown) keep(values []string, label string, vecs ...vec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := map[string]bool{}
	for _, v := range values {
		now[v] = true
	}
	for v := range s.values {
		for _, vec := range vecs {
			if !now[v] {
				vec.DeletePartialMatch(prometheus.Labels{label: v})
			}
		}
	}
	s.values = now
}
