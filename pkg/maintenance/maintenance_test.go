package maintenance

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const accepted = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes: { managers: { role: manager, count: 1, size: s-1vcpu-1gb }, workers: { role: worker, count: 1, size: s-1vcpu-1gb } }
`

// bench is a cluster with one worker.
type bench struct {
	state   ledger.State
	idle    error
	node    swarm.Node
	written *swarm.NodeSpec

	services  []swarm.Service
	conflicts int // so many writes to a service are refused
}

func (b *bench) Nodes(context.Context) ([]swarm.Node, error) { return []swarm.Node{b.node}, nil }

func (b *bench) Services(context.Context) ([]swarm.Service, error) { return b.services, nil }

func (b *bench) RelabelService(_ context.Context, id string, version uint64, labels map[string]string) error {
	if b.conflicts--; b.conflicts >= 0 {
		return &apierr.Error{Kind: apierr.Conflict}
	}
	for i := range b.services {
		if s := &b.services[i]; s.ID == id && s.Version == version {
			s.Spec.Labels, s.Version = labels, version+1
			return nil
		}
	}
	return errors.New("no such service at that version")
}

func (b *bench) UpdateNode(_ context.Context, _ string, _ uint64, spec swarm.NodeSpec) error {
	b.written, b.node.Spec = &spec, spec
	return nil
}

func (b *bench) Look(context.Context) (ledger.State, error) { return b.state, nil }

func (b *bench) Update(context.Context, func(*ledger.Ledger) error) (ledger.Ledger, error) {
	return ledger.Ledger{}, errors.New("nothing is to be written there")
}

func (b *bench) Unattended(context.Context, ledger.State, string) error { return b.idle }

// TestWhatADrainComesTo: who asks for one hears whether it happens, and when it does not it is not asked for in silence.
func TestWhatADrainComesTo(t *testing.T) {
	pause := func(object string) func(*bench) {
		return func(b *bench) {
			b.state.Ledger.Pauses = map[string]swarm.HandsOff{object: {Since: time.Now(), By: "ana"}}
		}
	}
	label := func(key string) func(*bench) {
		return func(b *bench) { b.node.Spec.Labels[key] = swarm.HandsOff{Since: time.Now(), By: "ana"}.String() }
	}
	dead := func(b *bench) { b.idle = errors.New("manager-1 holds the lease and does not renew it; start it") }
	stopped := func(b *bench) { b.state.Lease = ledger.Lease{Epoch: 3} }
	for name, c := range map[string]struct {
		change []func(*bench)
		now    bool
		says   string
		fails  bool
		drains bool // at once
	}{
		"somebody acts":                       {says: "is being drained: when as many tasks run elsewhere"},
		"at once":                             {now: true, says: "is drained", drains: true},
		"nobody acts":                         {change: []func(*bench){dead}, says: "is to be drained, and nobody does it now: manager-1 holds the lease and does not renew it; start it; it has its tasks until"},
		"nobody acts, at once":                {change: []func(*bench){dead}, now: true, says: "is drained", drains: true},
		"nobody is to act":                    {change: []func(*bench){stopped}, says: "is drained", drains: true},
		"the cluster is paused":               {change: []func(*bench){pause("cluster")}, says: "the cluster is paused, and swarmd drains nothing there: swarmd resume first", fails: true},
		"its pool is paused":                  {change: []func(*bench){pause("pool/workers")}, says: "pool workers is paused, and swarmd drains nothing there: swarmd resume pool/workers first", fails: true},
		"its pool is paused, and nobody acts": {change: []func(*bench){pause("pool/workers"), stopped}, says: "pool workers is paused", fails: true},
		"its pool is paused, at once":         {change: []func(*bench){pause("pool/workers")}, now: true, says: "is drained", drains: true},
		"another pool is paused":              {change: []func(*bench){pause("pool/managers")}, says: "is being drained"},
		"it is paused":                        {change: []func(*bench){label(swarm.LabelPaused)}, says: "is paused, and swarmd leaves it alone", fails: true},
		"it is protected, and nobody acts":    {change: []func(*bench){label(swarm.LabelProtected), stopped}, says: "is protected, and swarmd leaves it alone", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := &bench{node: swarm.Node{ID: "n1", Hostname: "worker-1", Spec: swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Active,
				Labels: map[string]string{swarm.LabelCluster: "web", swarm.LabelPool: "workers"}}}}
			b.state = ledger.State{Exists: true, Lease: ledger.Lease{Holder: "m1/x", Epoch: 3}, Revisions: []ledger.Revision{{Number: 1, Data: []byte(accepted)}}}
			b.state.Ledger.Revision = 1
			for _, change := range c.change {
				change(b)
			}
			cluster := Cluster{Name: "web", Swarm: b, Store: b, By: "ana", Now: c.now}
			said, err := cluster.Drain(t.Context(), "worker-1")
			if err != nil {
				said = err.Error()
			}
			if !strings.Contains(said, c.says) || (err != nil) != c.fails || (b.written == nil) != c.fails {
				t.Fatalf("%s: %v, written %+v", said, err, b.written)
			}
			if c.fails {
				return
			}
			if _, asked := b.written.Maintained(); !asked || (b.written.Availability == swarm.Drain) != c.drains {
				t.Errorf("written %+v", b.written)
			}
			again, err := cluster.Drain(t.Context(), "worker-1")
			if waits := strings.Contains(again, "to be drained already, by ana, and nobody does it now"); err != nil || waits != (b.idle != nil && !c.drains) {
				t.Errorf("again: %s, %v", again, err)
			}
		})
	}
}
