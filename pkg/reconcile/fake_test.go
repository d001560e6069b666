package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// engine is a swarm of one manager in memory, whose services run at once. Its configs are shared by all who look.
type engine struct {
	*ledgertest.Objects
	latency time.Duration

	mu       sync.Mutex
	node     swarm.Node
	services map[string]swarm.Service
	index    uint64
	calls    []string
	broken   map[string]error // by call
	onWrite  func(string)
	crashed  string // name of the service whose tasks have failed
}

func newEngine() *engine {
	return &engine{Objects: ledgertest.New(), services: map[string]swarm.Service{}, broken: map[string]error{},
		node: swarm.Node{ID: "node1", Version: 1, Hostname: "m1", State: swarm.NodeReady, Addr: "10.0.0.1",
			Spec:    swarm.NodeSpec{Role: swarm.Manager, Availability: swarm.Active},
			Manager: &swarm.ManagerStatus{Leader: true, Reachability: "reachable", Addr: "10.0.0.1:2377"}}}
}

// slow makes each call take so long, and tells each write of a service.
func (e *engine) slow(latency time.Duration, onWrite func(string)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.latency, e.onWrite = latency, onWrite
}

func (e *engine) call(what string) error {
	e.mu.Lock()
	latency := e.latency
	e.mu.Unlock()
	time.Sleep(latency)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, what)
	return e.broken[what]
}

func (e *engine) fail(what string, kind apierr.Kind) {
	if kind == "" {
		e.failWith(what, nil)
		return
	}
	e.failWith(what, &apierr.Error{Kind: kind, Side: "swarm", Op: what, Err: errors.New("it is broken")})
}

// failWith has the call fail in this way; nil: no more.
func (e *engine) failWith(what string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if delete(e.broken, what); err != nil {
		e.broken[what] = err
	}
}

// crash makes the tasks of the service failed ones, and those of all others running ones.
func (e *engine) crash(service string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.crashed = service
}

// scale is docker service scale.
func (e *engine) scale(service string, replicas uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, s := range e.services {
		if s.Spec.Name == service {
			s.Spec.Override.Replicas = &replicas
			e.services[id] = s
		}
	}
}

// taken returns the calls since the last taken, reads and writes of the store too.
func (e *engine) taken() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.calls
	e.calls = nil
	return out
}

func (e *engine) Info(context.Context) (swarm.Info, error) {
	return swarm.Info{NodeID: "node1", NodeAddr: "10.0.0.1", ClusterID: "swarm1", ControlAvail: true, LocalState: "active"}, e.call("info")
}

func (e *engine) Cluster(context.Context) (swarm.Cluster, error) {
	return swarm.Cluster{ID: "swarm1", WorkerToken: "SWMTKN-secret"}, e.call("cluster")
}

func (e *engine) Nodes(context.Context) ([]swarm.Node, error) {
	err := e.call("nodes")
	e.mu.Lock()
	defer e.mu.Unlock()
	return []swarm.Node{e.node}, err
}

func (e *engine) Services(context.Context) ([]swarm.Service, error) {
	err := e.call("services")
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []swarm.Service
	for _, s := range e.services {
		out = append(out, s)
	}
	return out, err
}

func (e *engine) Tasks(context.Context) ([]swarm.Task, error) {
	err := e.call("tasks")
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []swarm.Task
	for _, s := range e.services {
		for i := range s.Spec.Replicas() {
			state := "running"
			if s.Spec.Name == e.crashed {
				state = "failed"
			}
			out = append(out, swarm.Task{ID: fmt.Sprint(s.ID, i), ServiceID: s.ID, NodeID: "node1", Slot: int(i) + 1, State: state, DesiredState: "running"})
		}
	}
	return out, err
}

func (e *engine) TasksOn(context.Context, []string) ([]swarm.Task, error) {
	return nil, errors.New("no node of these tests leaves")
}

func (e *engine) TasksEnded(context.Context, []string) ([]swarm.Task, error) {
	return nil, e.call("tasks ended")
}

func (e *engine) Networks(context.Context) ([]swarm.Network, error) { return nil, e.call("networks") }

func (e *engine) wrote(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.onWrite != nil {
		e.onWrite(what)
	}
}

func (e *engine) CreateService(_ context.Context, spec swarm.ServiceSpec) (string, error) {
	if err := e.call("create service " + spec.Name); err != nil {
		return "", err
	}
	e.wrote("create service " + spec.Name)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.index++
	id := fmt.Sprint("svc", e.index)
	e.services[id] = swarm.Service{ID: id, Version: e.index, Spec: spec, Created: time.Now(), Updated: time.Now()}
	return id, nil
}

func (e *engine) UpdateService(_ context.Context, id string, version uint64, spec swarm.ServiceSpec) error {
	if err := e.call("update service " + spec.Name); err != nil {
		return err
	}
	e.wrote("update service " + spec.Name)
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.services[id]
	if s.Version != version {
		return &apierr.Error{Kind: apierr.Conflict, Side: "swarm", Op: "update service", Err: errors.New("out of sequence")}
	}
	e.index++
	s.Version, s.Spec, s.Updated, s.Update = e.index, spec, time.Now(), swarm.Completed
	e.services[id] = s
	return nil
}

func (e *engine) RelabelService(context.Context, string, uint64, map[string]string) error {
	return errors.New("no service of these tests is taken over")
}

func (e *engine) RemoveService(_ context.Context, id string) error {
	err := e.call("remove service")
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.services, id)
	return err
}

func (e *engine) ResolveImage(_ context.Context, ref string, _ swarm.Login) (swarm.Pin, error) {
	if err := e.call("resolve " + ref); err != nil {
		return swarm.Pin{}, err
	}
	return swarm.Pin{Digest: "sha256:" + strings.Repeat("0", 64), Platforms: []swarm.Platform{{OS: "linux", Architecture: "amd64"}}}, nil
}

func (e *engine) UpdateNode(_ context.Context, id string, version uint64, spec swarm.NodeSpec) error {
	err := e.call("update node " + id)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.node.Version, e.node.Spec = version+1, spec
	return err
}

func (e *engine) RemoveNode(context.Context, string) error { return e.call("remove node") }

func (e *engine) CreateNetwork(context.Context, swarm.NetworkSpec) (string, error) {
	return "net1", e.call("create network")
}

func (e *engine) RemoveNetwork(context.Context, string) error { return e.call("remove network") }

// running returns "name=replicas" of each service, sorted.
func (e *engine) running() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []string
	for _, s := range e.services {
		out = append(out, fmt.Sprintf("%s=%d", s.Spec.Name, s.Spec.Replicas()))
	}
	slices.Sort(out)
	return out
}
