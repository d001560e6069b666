package health

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Pass is what one pass saw, for the metrics.
type Pass struct {
	Result      string
	Ended       time.Time
	Took        time.Duration
	Seen        bool // it saw both sides, all of them; otherwise what it says about pools keeps its last value
	SeenSwarm   bool // it saw all of the swarm's side; otherwise what it says about nodes and services keeps its last value
	Gaps        int
	Guards      []string // of each hold
	Pools       []Pool
	Nodes       []Node
	Machines    []Machine
	Services    []Service
	Revision    int
	OpenOps     map[string]int // by kind
	Stale       int
	Converged   bool
	LeaseHeld   bool
	LeaseEpoch  uint64
	LedgerKnown bool // what it says about the revision, operations and stale files was read
}

// Pool is a pool's figures.
type Pool struct {
	Name, Role           string
	Desired, Have, Ready int
	Monthly              float64 // US dollars
}

// Node is a node's role and state.
type Node struct{ Role, State string }

// Machine is a machine's pool, "" if it is not the cluster's, and its class.
type Machine struct{ Pool, Class string }

// Service is a service's figures.
type Service struct {
	Name             string
	Desired, Running int
}

// Pass takes in one pass.
func (m *Metrics) Pass(p Pass) {
	m.passes.WithLabelValues(p.Result).Inc()
	m.passSeconds.Observe(p.Took.Seconds())
	m.lastPass.Set(stamp(p.Ended))
	m.gaps.Set(float64(p.Gaps))
	m.Lease(p.LeaseHeld, p.LeaseEpoch)
	m.converged.Set(number(p.Converged))
	if p.Converged {
		m.convergedAt.Set(stamp(p.Ended))
	}
	m.setHolds(p.Guards)
	if p.LedgerKnown {
		m.setLedger(p)
	}
	m.setView(p)
}

// setView takes in what was seen, side by side: an outage of the cloud's API must not hide a service that dies meanwhile.
func (m *Metrics) setView(p Pass) {
	began := stamp(p.Ended.Add(-p.Took)) // what was seen may be that old
	if p.SeenSwarm {
		m.viewAt.WithLabelValues("swarm").Set(began)
		m.setNodes(p.Nodes)
		m.setServices(p.Services)
	}
	if p.Seen {
		m.viewAt.WithLabelValues("cloud").Set(began)
		m.setPools(p.Pools)
		m.setMachines(p.Pools, p.Machines)
	}
}

func (m *Metrics) setHolds(guards []string) {
	count := map[string]int{}
	for _, g := range guards {
		count[g]++
	}
	for _, g := range m.vocabulary.Guards {
		m.holds.WithLabelValues(g).Set(float64(count[g]))
	}
}

func (m *Metrics) setLedger(p Pass) {
	m.spec.revision.Set(float64(p.Revision))
	m.staleSources.Set(float64(p.Stale))
	for _, kind := range m.vocabulary.OpKinds {
		m.openOps.WithLabelValues(kind).Set(float64(p.OpenOps[kind]))
	}
}

func (m *Metrics) setPools(pools []Pool) {
	var names []string
	for _, p := range pools {
		names = append(names, p.Name)
		m.pools.desired.WithLabelValues(p.Name, p.Role).Set(float64(p.Desired))
		m.pools.have.WithLabelValues(p.Name, p.Role).Set(float64(p.Have))
		m.pools.ready.WithLabelValues(p.Name, p.Role).Set(float64(p.Ready))
		m.pools.cost.WithLabelValues(p.Name, p.Role).Set(p.Monthly)
	}
	m.pools.shown.keep(names, "pool", m.pools.desired, m.pools.have, m.pools.ready, m.pools.cost)
}

func (m *Metrics) setNodes(nodes []Node) {
	count := map[Node]int{}
	for _, role := range []string{"manager", "worker"} {
		for _, state := range []string{"ready", "down", "unknown", "disconnected"} {
			count[Node{role, state}] = 0
		}
	}
	for _, n := range nodes {
		count[n]++
	}
	for n, c := range count {
		m.nodes.WithLabelValues(n.Role, n.State).Set(float64(c))
	}
}

// setMachines has each class of each pool that there is, so that what is not there any more is a 0.
func (m *Metrics) setMachines(pools []Pool, machines []Machine) {
	count, names := map[Machine]int{}, []string{""}
	for _, p := range pools {
		names = append(names, p.Name)
	}
	for _, machine := range machines {
		count[machine]++
		names = append(names, machine.Pool)
	}
	for _, pool := range names {
		for _, class := range m.vocabulary.Classes {
			m.machines.machines.WithLabelValues(pool, class).Set(float64(count[Machine{pool, class}]))
		}
	}
	m.machines.shown.keep(names, "pool", m.machines.machines)
}

func (m *Metrics) setServices(services []Service) {
	var names []string
	for _, s := range services {
		names = append(names, s.Name)
		m.services.desired.WithLabelValues(s.Name).Set(float64(s.Desired))
		m.services.running.WithLabelValues(s.Name).Set(float64(s.Running))
	}
	m.services.shown.keep(names, "service", m.services.desired, m.services.running)
}

// shown are the label values that have series. Those of vanished things are deleted one by one: to clear all and fill them again
// would show an empty cluster to a scrape in between.
type shown struct {
	mu     sync.Mutex
	values map[string]bool
}

func (s *shown) keep(values []string, label string, vecs ...*prometheus.GaugeVec) {
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
