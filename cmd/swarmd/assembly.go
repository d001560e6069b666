package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// assembly is one swarmd put together: both clients behind the brakes, the store, and what the loop needs of them.
type assembly struct {
	cluster  string
	cloud    *brake.Cloud // nil without a token
	swarm    *brake.Swarm
	store    *ledger.Store
	log      *zap.Logger
	metrics  *health.Metrics
	registry *prometheus.Registry
	prices   prices
	catalog  *digitalocean.Client // nil without a token; for what is asked of it before a file is handed in
	engine   *docker.Client       // for what is asked of it before a file is handed in
	takeOver bool                 // see reconcile.Config

	newCluster bool       // see reconcile.Config
	beginning  *spec.Spec // see reconcile.Config

	denyHostAccess bool // see reconcile.Config
	close          func()
}

// assemble connects to both sides. A missing token leaves the cloud out, unless it is required.
func (a *app) assemble(cluster string, log *zap.Logger, needCloud bool) (*assembly, error) {
	s := &assembly{cluster: cluster, log: log, registry: prometheus.NewRegistry()}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.metrics = health.NewMetrics(s.registry, reconcile.Vocabulary(version))
	droplets, err := a.cloudClient(s.metrics)
	if err != nil && (needCloud || !errors.Is(err, errNoToken)) {
		return nil, err
	}
	engine, closer, err := a.engineClient(s.metrics)
	if err != nil {
		return nil, err
	}
	s.close, s.engine, s.catalog = closer, engine, droplets
	s.join(droplets != nil, brake.Options{Cluster: cluster, Cloud: droplets, Engine: engine})
	return s, nil
}

// assembleFor is assemble for a file that is to be handed in. One without nodes needs no cloud, and none is asked.
func (a *app) assembleFor(want *spec.Spec, b beginFlags) (*assembly, error) {
	s, err := a.assemble(want.Cluster, zap.NewNop(), len(want.Pools) > 0)
	if err != nil {
		return nil, err
	}
	s.takeOver, s.newCluster, s.beginning = b.takeOver, b.newCluster, want
	if len(want.Pools) == 0 {
		s.withoutCloud()
	}
	return s, nil
}

// withoutCloud leaves the cloud alone, of a cluster that owns no machines.
func (s *assembly) withoutCloud() { s.cloud, s.catalog, s.prices.cloud = nil, nil, nil }

// join puts the brakes in front of both sides, and the store behind them.
func (s *assembly) join(withCloud bool, o brake.Options) {
	if !withCloud {
		o.Cloud = nil
	}
	o.Ledger = func(ctx context.Context) (ledger.Ledger, error) { return s.store.Load(ctx) }
	o.Refused = func(name string) { s.log.Error("brake held", zap.String("brake", name)) }
	droplets, engine := brake.New(o)
	s.swarm = engine
	if withCloud {
		s.cloud = droplets
	}
	s.store = ledger.NewStore(engine, s.cluster)
	s.prices.cloud = s.cloud
}

// understands reports, as an error, what the file has that the engine is too old to know: it would refuse, or drop it without a word.
func (s *assembly) understands(ctx context.Context, want *spec.Spec) error {
	stack, err := docker.Convert(want.Cluster, want.Stack)
	if err != nil {
		return err
	}
	lines, err := s.engine.Unknown(ctx, stack)
	if err == nil && len(lines) > 0 {
		return &exitError{code: 1, msg: strings.Join(append(lines, "nothing was changed"), "; ")}
	}
	return err
}

// reads are the sources of a look.
func (s *assembly) reads() world.Reads {
	r := world.Reads{Swarm: s.swarm, Ledger: s.store}
	if s.cloud != nil {
		r.Cloud = s.cloud
	}
	return r
}

// config is the loop's, without its sources of files.
func (s *assembly) config(instance string, visitor bool) reconcile.Config {
	var parser spec.Parser
	var converter docker.Converter
	c := reconcile.Config{
		Cluster:  s.cluster,
		Store:    s.store,
		Reads:    s.reads(),
		TakeOver: s.takeOver,

		NewCluster: s.newCluster,
		Beginning:  s.beginning,

		DenyHostAccess: s.denyHostAccess,

		Elector: ledger.ElectorConfig{Store: s.store, Identity: s.swarm.Info, Instance: instance, Visitor: visitor},
		Execute: execute.Config{Nodes: s.swarm, Tokens: s.swarm, Services: s.swarm, Networks: s.swarm, Ledger: s.store, UserData: s.userData},
		Parse:   parser.Parse,
		Convert: func(s *spec.Spec) (swarm.Stack, error) { return converter.Convert(s.Cluster, s.Stack) },
		Prices:  s.prices.now,
		Log:     s.log,
		Metrics: s.metrics,
	}
	if s.cloud != nil {
		c.Execute.Droplets = droplets{s.cloud}
	}
	return c
}

// droplets is the cloud as the executor sees it: a network may be named, the API wants its uuid.
type droplets struct{ *brake.Cloud }

func (d droplets) CreateDroplet(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
	if r.VPC != "" {
		network, err := vpcOf(ctx, d.Cloud, r.VPC, r.Region)
		if err != nil {
			return cloud.Droplet{}, &apierr.Error{Kind: apierr.Invalid, Side: "cloud", Op: "find network", Err: err}
		}
		r.VPC = network.UUID
	}
	return d.Cloud.CreateDroplet(ctx, r)
}

// userData renders what a droplet boots with, at the moment it is created: the worker token of now, the managers of now.
func (s *assembly) userData(ctx context.Context, d plan.CreateDroplet) (string, error) {
	cluster, err := s.swarm.Cluster(ctx)
	if err != nil {
		return "", err
	}
	if err := ledger.SameToken(d.Token, cluster.WorkerToken); err != nil {
		return "", err
	}
	nodes, err := s.swarm.Nodes(ctx)
	if err != nil {
		return "", err
	}
	var managers []string
	for _, n := range nodes {
		if n.Manager != nil && n.Manager.Reachability == "reachable" && n.Addr != "" {
			managers = append(managers, n.Addr)
		}
	}
	network, err := vpcOf(ctx, s.cloud, d.VPC, d.Region)
	if err != nil {
		return "", err
	}
	return userdata.Render(userdata.Params{Cluster: s.cluster, Pool: d.Pool, PrivateCIDR: network.IPRange,
		Join: &userdata.Join{Token: cluster.WorkerToken, Managers: managers}})
}

// networks lists private networks.
type networks interface {
	VPCs(ctx context.Context) ([]cloud.VPC, error)
}

// vpcOf returns the network with the name or uuid; for "" the region's default.
func vpcOf(ctx context.Context, c networks, want, region string) (cloud.VPC, error) {
	all, err := c.VPCs(ctx)
	if err != nil {
		return cloud.VPC{}, err
	}
	return pickVPC(all, want, region)
}

// pickVPC is vpcOf of those that are known.
func pickVPC(all []cloud.VPC, want, region string) (cloud.VPC, error) {
	for _, v := range all {
		if v.Region == region && (want == "" && v.Default || want != "" && (v.UUID == want || v.Name == want)) {
			return v, nil
		}
	}
	if want == "" {
		return cloud.VPC{}, fmt.Errorf("region %s has no default VPC: name one in cloud.digitalocean.vpc", region)
	}
	return cloud.VPC{}, fmt.Errorf("there is no VPC %q in region %s", want, region)
}

// prices keeps what sizes cost. It is asked on the loop's way and must not wait: a stale list is fetched beside it.
type prices struct {
	cloud *brake.Cloud

	mu    sync.Mutex
	known map[string]float64
	asked time.Time
}

// now returns what is known, US dollars a month by size, and has it fetched when it is a day old.
func (p *prices) now() map[string]float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cloud != nil && time.Since(p.asked) > 24*time.Hour {
		p.asked = time.Now()
		go p.fetch()
	}
	return p.known
}

func (p *prices) fetch() {
	if p.cloud == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	sizes, err := p.cloud.Sizes(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.asked = time.Now().Add(time.Hour - 24*time.Hour) // try again in an hour
		return
	}
	p.known = make(map[string]float64, len(sizes))
	for _, s := range sizes {
		p.known[s.Slug] = s.PriceMonthly
	}
}
