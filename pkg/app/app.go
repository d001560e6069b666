// Package app is one swarmd put together: clients → brakes → store → loop → HTTP. The daemon, people's commands, the explorer and the tests of a
// whole swarmd all get theirs here, so that what is explored is what ships. It decides what is joined to what, and what a droplet boots with. It
// must not decide what is done; what differs from one swarmd to another is in Options and Role.
package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/spec/source"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// Options is what a swarmd is made of. What is not marked optional is required.
type Options struct {
	Cluster string
	Version string // of swarmd, for its metrics
	Log     *zap.Logger

	// Cloud makes the client of the cloud's API. Without one, nil and no error, droplets are left alone. Optional: nil makes none.
	Cloud func(access.Observe) (*digitalocean.Client, error)
	// Engine makes the client of the engine, and returns what ends it.
	Engine func(access.Observe) (*docker.Client, func(), error)

	Credentials string                 // see reconcile.Config
	Identity    func() ([]byte, error) // see reconcile.Config
	Own         source.Own             // see reconcile.Config

	Seams
}

// App is a swarmd without its loop. It has called nobody yet.
type App struct {
	Cluster string
	Cloud   *brake.Cloud // nil: droplets are left alone
	Swarm   *brake.Swarm
	Store   *ledger.Store
	Metrics *prometheus.Registry

	Catalog *digitalocean.Client // for what is asked of the cloud before a file is handed in; nil where Cloud is
	Engine  *docker.Client       // the same of the engine

	options  Options
	health   *health.Metrics
	prices   prices
	networks networks
	end      func()
}

// New puts a swarmd together. The error is one of making the clients, as they return it.
func New(o Options) (*App, error) {
	a := &App{Cluster: o.Cluster, Metrics: prometheus.NewRegistry(), options: o}
	a.health = health.NewMetrics(a.Metrics, report.NewVocabulary(o.Version))
	var err error
	if o.Cloud != nil {
		if a.Catalog, err = o.Cloud(a.health.Caller("cloud")); err != nil {
			return nil, err
		}
	}
	if a.Engine, a.end, err = o.Engine(a.health.Caller("swarm")); err != nil {
		return nil, err
	}
	a.join()
	return a, nil
}

// join puts the brakes in front of both sides, and the store behind them.
func (a *App) join() {
	o := a.options
	b := brake.Options{Cluster: a.Cluster, Engine: o.engine(a.Engine), Parse: o.brakeParser(), Wall: o.Wall,
		Ledger:  func(ctx context.Context) (ledger.Ledger, error) { return a.Store.Load(ctx) },
		Refused: a.refused}
	if a.Catalog != nil {
		b.Cloud = o.cloud(a.Catalog)
	}
	machines, members := brake.New(b)
	if a.Swarm = members; a.Catalog != nil {
		a.Cloud = machines
	}
	a.Store = ledger.NewStore(members, a.Cluster)
	a.prices.cloud, a.networks.cloud = a.Cloud, a.Cloud
}

func (a *App) refused(name string) {
	a.options.Log.Error("brake held", zap.String("brake", name))
	if a.options.Refused != nil {
		a.options.Refused(name)
	}
}

// WithoutCloud leaves the cloud alone, for a cluster that owns no machines. It must be called before anything is asked.
func (a *App) WithoutCloud() {
	a.Cloud, a.Catalog, a.prices.cloud, a.networks.cloud = nil, nil, nil, nil
}

// OwnsNothing reports whether the cluster has no nodes of its own, by its ledger; begins is the answer where there is none or it cannot be read.
func (a *App) OwnsNothing(ctx context.Context, begins bool) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if st, err := a.Store.Look(ctx); err == nil && st.Exists {
		return st.Ledger.ServicesOnly
	}
	return begins
}

// Close ends the engine's client.
func (a *App) Close() { a.end() }

// Role is what a loop is told: as whom it acts, and whose file it follows. All of it is optional.
type Role struct {
	Instance string // tells this process from an earlier one on the same node; "": at random
	OneShot  bool   // a person's command and no node's daemon: it acts while nobody else does

	TakeOver       bool // see reconcile.Config
	DenyHostAccess bool // see reconcile.Config
	NewCluster     bool // see reconcile.Config
	Confirmed      bool // the same

	Beginning *spec.Spec // see reconcile.Config

	Acting func(context.Context) report.Report // the same

	File   File
	Events <-chan struct{} // of the engine, see brake.Swarm
}

// File is a file that is a source of revisions, see reconcile.Config.
type File struct {
	Path    string
	Source  string // for people
	Initial []byte
	Edits   <-chan []byte
	Unread  <-chan error
}

// Loop returns a loop on this swarmd. It sends nothing before it runs or looks.
func (a *App) Loop(r Role) *reconcile.Loop {
	c := a.config(r)
	if a.options.Config != nil {
		c = a.options.Config(c)
	}
	return reconcile.New(c)
}

func (a *App) config(r Role) reconcile.Config {
	o := a.options
	var parser file.Parser
	var converter docker.Converter
	c := reconcile.Config{
		Cluster: a.Cluster, Store: a.Store, Reads: world.Reads{Swarm: a.Swarm, Ledger: a.Store, Objects: a.Swarm},
		TakeOver: r.TakeOver, DenyHostAccess: r.DenyHostAccess, NewCluster: r.NewCluster, Confirmed: r.Confirmed, Beginning: r.Beginning,
		Elector: ledger.ElectorConfig{Store: a.Store, Identity: a.Swarm.Info, Instance: r.Instance, OneShot: r.OneShot},
		Execute: execute.Config{Nodes: a.Swarm, Tokens: a.Swarm, Services: a.Swarm, Networks: a.Swarm, Objects: a.Swarm, Ledger: a.Store, UserData: a.userData},
		Parse:   parser.Parse,
		Convert: func(d *file.Document) (swarm.Stack, error) {
			return converter.ConvertFile(&d.Spec, d.Stack, d.Composed)
		},
		Prices: a.Prices, Peers: a.Swarm.Peers, Sizes: a.Sizes, VPCs: a.VPCs,
		Initial: r.File.Initial, Edits: r.File.Edits, Unread: r.File.Unread, Source: r.File.Source, File: r.File.Path, Events: r.Events, Acting: r.Acting,
		Log: o.Log, Metrics: a.health, OpIDs: o.OpIDs, Jitter: o.Jitter, Wall: o.Wall, Plan: plan.Compute, ReadSecret: o.ReadSecret, Credentials: o.Credentials, Identity: o.Identity, Own: o.Own, Template: userdata.Template,
	}
	if r.Instance == "" {
		c.Elector.Instance = reconcile.RandomOpIDs(1)[0][:5]
	}
	if o.Parse != nil {
		c.Parse = o.Parse
	}
	if o.Convert != nil {
		c.Convert = o.Convert
	}
	if a.Cloud != nil {
		c.Reads.Cloud, c.Execute.Droplets = a.Cloud, droplets{a.Cloud}
	}
	return c
}
