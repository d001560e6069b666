package explore

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// trip is a transport with another idea of what to send.
type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// wires makes a mutant of the transport.
func wires(name, incident string, send func(next http.RoundTripper, r *http.Request) (*http.Response, error)) Mutant {
	return Mutant{Name: name, Incident: incident, Wire: func(next http.RoundTripper) http.RoundTripper {
		return trip(func(r *http.Request) (*http.Response, error) { return send(next, r) })
	}}
}

// oddCloud is the cloud's client with some calls replaced.
type oddCloud struct {
	brake.CloudAPI
	list   func(context.Context, string) ([]cloud.Droplet, error)
	get    func(context.Context, int) (cloud.Droplet, error)
	create func(context.Context, cloud.CreateDroplet) (cloud.Droplet, error)
}

func (o oddCloud) Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error) {
	if o.list == nil {
		return o.CloudAPI.Droplets(ctx, tag)
	}
	return o.list(ctx, tag)
}

func (o oddCloud) Droplet(ctx context.Context, id int) (cloud.Droplet, error) {
	if o.get == nil {
		return o.CloudAPI.Droplet(ctx, id)
	}
	return o.get(ctx, id)
}

func (o oddCloud) CreateDroplet(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
	if o.create == nil {
		return o.CloudAPI.CreateDroplet(ctx, r)
	}
	return o.create(ctx, r)
}

// clouds makes a mutant of the cloud's client.
func clouds(name, incident string, odd func(real brake.CloudAPI) oddCloud) Mutant {
	return Mutant{Name: name, Incident: incident, Seams: app.Seams{BesideCloud: func(c brake.CloudAPI) brake.CloudAPI {
		o := odd(c)
		o.CloudAPI = c
		return o
	}}}
}

// oddEngine is the engine's client with some calls replaced.
type oddEngine struct {
	brake.Engine
	nodes    func(context.Context) ([]swarm.Node, error)
	services func(context.Context) ([]swarm.Service, error)
	tasks    func(context.Context) ([]swarm.Task, error)
	tasksOn  func(context.Context, []string) ([]swarm.Task, error)
	configs  func(context.Context, string) ([]swarm.Config, error)
	node     func(context.Context, string, uint64, swarm.NodeSpec) error
	service  func(context.Context, string, uint64, swarm.ServiceSpec) error
	config   func(context.Context, string, uint64, map[string]string) error
	rotate   func(context.Context, uint64, json.RawMessage) error
}

func (o oddEngine) RotateWorkerToken(ctx context.Context, version uint64, spec json.RawMessage) error {
	if o.rotate == nil {
		return o.Engine.RotateWorkerToken(ctx, version, spec)
	}
	return o.rotate(ctx, version, spec)
}

func (o oddEngine) Nodes(ctx context.Context) ([]swarm.Node, error) {
	if o.nodes == nil {
		return o.Engine.Nodes(ctx)
	}
	return o.nodes(ctx)
}

func (o oddEngine) Services(ctx context.Context) ([]swarm.Service, error) {
	if o.services == nil {
		return o.Engine.Services(ctx)
	}
	return o.services(ctx)
}

func (o oddEngine) Tasks(ctx context.Context) ([]swarm.Task, error) {
	if o.tasks == nil {
		return o.Engine.Tasks(ctx)
	}
	return o.tasks(ctx)
}

func (o oddEngine) TasksOn(ctx context.Context, nodes []string) ([]swarm.Task, error) {
	if o.tasksOn == nil {
		return o.Engine.TasksOn(ctx, nodes)
	}
	return o.tasksOn(ctx, nodes)
}

func (o oddEngine) Configs(ctx context.Context, prefix string) ([]swarm.Config, error) {
	if o.configs == nil {
		return o.Engine.Configs(ctx, prefix)
	}
	return o.configs(ctx, prefix)
}

func (o oddEngine) UpdateNode(ctx context.Context, id string, version uint64, spec swarm.NodeSpec) error {
	if o.node == nil {
		return o.Engine.UpdateNode(ctx, id, version, spec)
	}
	return o.node(ctx, id, version, spec)
}

func (o oddEngine) UpdateService(ctx context.Context, id string, version uint64, spec swarm.ServiceSpec) error {
	if o.service == nil {
		return o.Engine.UpdateService(ctx, id, version, spec)
	}
	return o.service(ctx, id, version, spec)
}

func (o oddEngine) UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error {
	if o.config == nil {
		return o.Engine.UpdateConfig(ctx, id, version, labels)
	}
	return o.config(ctx, id, version, labels)
}

// engines makes a mutant of the engine's client.
func engines(name, incident string, odd func(real brake.Engine) oddEngine) Mutant {
	return Mutant{Name: name, Incident: incident, Seams: app.Seams{BesideEngine: func(e brake.Engine) brake.Engine {
		o := odd(e)
		o.Engine = e
		return o
	}}}
}

// seeing makes a mutant whose nodes look different.
func seeing(name, incident string, change func(*swarm.Node)) Mutant {
	return engines(name, incident, func(real brake.Engine) oddEngine {
		return oddEngine{nodes: func(ctx context.Context) ([]swarm.Node, error) {
			all, err := real.Nodes(ctx)
			for i := range all {
				change(&all[i])
			}
			return all, err
		}}
	})
}

// planner makes a mutant of what the planner is given.
func planner(name, incident string, change func(*plan.Input)) Mutant {
	return Mutant{Name: name, Incident: incident, Seams: app.Seams{Config: func(c reconcile.Config) reconcile.Config {
		c.Plan = func(in plan.Input) plan.Plan {
			change(&in)
			return plan.Compute(in)
		}
		return c
	}}}
}

// planned makes a mutant of what the planner returns.
func planned(name, incident string, change func(plan.Input, *plan.Plan)) Mutant {
	return Mutant{Name: name, Incident: incident, Seams: app.Seams{Config: func(c reconcile.Config) reconcile.Config {
		c.Plan = func(in plan.Input) plan.Plan {
			p := plan.Compute(in)
			if in.Spec != nil {
				change(in, &p)
			}
			return p
		}
		return c
	}}}
}

// configured makes a mutant of the loop's parts.
func configured(name, incident string, change func(*reconcile.Config)) Mutant {
	return Mutant{Name: name, Incident: incident, Seams: app.Seams{Config: func(c reconcile.Config) reconcile.Config {
		change(&c)
		return c
	}}}
}

// ledgerFunc is an execute.Ledger.
type ledgerFunc func(context.Context, func(*ledger.Ledger) error) (ledger.Ledger, error)

// Update changes the ledger, or not.
func (f ledgerFunc) Update(ctx context.Context, change func(*ledger.Ledger) error) (ledger.Ledger, error) {
	return f(ctx, change)
}

var _ execute.Ledger = ledgerFunc(nil)
