package explore

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/swarmd/swarmd/internal/sem"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// process is one swarmd on one machine, from its start to its death.
type process struct {
	name     string // MACHINE#N
	machine  string
	cluster  string
	dead     atomic.Bool
	ctx      context.Context
	cancel   context.CancelFunc
	ended    chan struct{} // closed when the loop has returned
	began    time.Time
	died     time.Time
	loop     *reconcile.Loop
	registry *prometheus.Registry
	logs     *logbook
	engine   *docker.Client
	edits    chan []byte
	refused  func(brake string)
	rng      *seeded
}

// seeded is a source of numbers for one process. Its loop and its event stream draw from sources of their own, so that the order in which
// they do does not matter.
type seeded struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newSeeded(seed uint64, name string) *seeded {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails, see hash.Hash
	return &seeded{rng: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

func (s *seeded) float() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64()
}

// opIDs draws operation ids: only as many as a plan here can need, because each costs time.
func (s *seeded) opIDs(int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 12)
	for i := range out {
		var b [16]byte
		for j := range b {
			b[j] = byte('a' + s.rng.IntN(26))
		}
		out[i] = string(b[:])
	}
	return out
}

// logbook is what a process has said.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (p *process) isDead() bool { return p.dead.Load() }

// kill ends the process as kill -9 does: from this moment nothing of it reaches the world.
func (p *process) kill() {
	if !p.dead.Swap(true) {
		p.died = time.Now()
		p.cancel()
	}
}

// gone reports whether the process has ended, by itself or not.
func (p *process) gone() bool {
	select {
	case <-p.ended:
		return true
	default:
		return p.isDead()
	}
}

// origin is what a process is made of and for.
type origin struct {
	cluster, name, machine, token string
	seed                          uint64
	file                          []byte // on the machine's disk, nil if there is none
	wire                          func(*process) http.RoundTripper
	mutant                        Mutant
	explorer                      *Explorer
	conductor                     *conductor
	takeOver                      bool
	refused                       func(brake string)
	clock                         *clock
	visitor                       bool // a person's apply, no node's daemon
}

// start assembles a swarmd as the daemon does and runs it.
func start(o origin) (*process, error) {
	p := &process{began: time.Now(), name: o.name, machine: o.machine, cluster: o.cluster, ended: make(chan struct{}), edits: make(chan []byte), logs: &logbook{},
		rng: newSeeded(o.seed, o.name), refused: o.refused}
	p.ctx, p.cancel = context.WithCancel(sem.WithOrder(context.Background(), gate{o.conductor, p}.lock))
	out := o.mutant.wire(o.wire(p))
	engines, clouds := &o.explorer.engines, &o.explorer.clouds
	if o.mutant.Name != "" {
		engines, clouds = nil, nil // it may change what it reads
	}
	do, err := digitalocean.New(digitalocean.Options{Token: o.token, Transport: out, Jitter: newSeeded(o.seed, o.name+" cloud").float, Common: clouds})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", o.name, err)
	}
	p.engine, err = docker.New(docker.Options{HTTP: &http.Client{Transport: out}, Jitter: newSeeded(o.seed, o.name+" events").float, Common: engines})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", o.name, err)
	}
	p.loop = reconcile.New(p.config(o, do))
	go func() {
		defer close(p.ended)
		_ = p.loop.Run(p.ctx) // it returns no error but when it ends
		p.engine.Close()
		p.kill()
	}()
	return p, nil
}

// config is what cmd/swarmd makes of the same parts.
func (p *process) config(o origin, do *digitalocean.Client) reconcile.Config {
	p.registry = prometheus.NewRegistry()
	var store *ledger.Store
	options := brake.Options{Cluster: o.cluster, Cloud: o.mutant.cloud(do), Engine: o.mutant.engine(p.engine), Refused: o.refused, Parse: o.explorer.parse, Wall: o.clock.now,
		Ledger: func(ctx context.Context) (ledger.Ledger, error) { return store.Load(ctx) }}
	machines, members := brake.New(options)
	store = ledger.NewStore(members, o.cluster)
	boot := booter{o.cluster, machines, members, o.explorer}
	c := reconcile.Config{Cluster: o.cluster, TakeOver: o.takeOver, Store: store, Reads: world.Reads{Cloud: machines, Swarm: members, Ledger: store},
		Elector: ledger.ElectorConfig{Store: store, Identity: identity(members), Instance: o.name, Visitor: o.visitor},
		Execute: execute.Config{Droplets: machines, Nodes: members, Tokens: members, Services: members, Networks: members, Ledger: store, UserData: boot.userData, Gate: gate{o.conductor, p}},
		Parse:   o.explorer.check, Convert: o.explorer.convert,
		Initial: o.file, Edits: p.edits, Source: "file " + o.machine, File: "cluster.yaml", Events: members.Events(p.ctx),
		Log:     zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(p.logs), zap.DebugLevel)),
		Metrics: health.NewMetrics(p.registry, reconcile.Vocabulary("explored")), OpIDs: p.rng.opIDs, Jitter: newSeeded(o.seed, o.name+" loop").float,
		Plan: plan.Compute, Wall: o.clock.now}
	return o.mutant.config(c)
}

// identity asks which node this is.
func identity(members *brake.Swarm) func(context.Context) (swarm.Info, error) {
	return func(ctx context.Context) (swarm.Info, error) {
		return members.Info(context.WithValue(ctx, caller{}, "elector"))
	}
}

// booter renders user-data as the daemon does: the worker token of now, the reachable managers of now.
type booter struct {
	cluster  string
	machines *brake.Cloud
	members  *brake.Swarm
	explorer *Explorer
}

func (b booter) userData(ctx context.Context, d plan.CreateDroplet) (string, error) {
	ctx = context.WithValue(ctx, caller{}, d.Name)
	cluster, err := b.members.Cluster(ctx)
	if err != nil {
		return "", err
	}
	if err := ledger.SameToken(d.Token, cluster.WorkerToken); err != nil {
		return "", err
	}
	nodes, err := b.members.Nodes(ctx)
	if err != nil {
		return "", err
	}
	var managers []string
	for _, n := range nodes {
		if n.Manager != nil && n.Manager.Reachability == "reachable" && n.Addr != "" {
			managers = append(managers, n.Addr)
		}
	}
	networks, err := b.machines.VPCs(ctx)
	if err != nil {
		return "", err
	}
	cidr := "10.0.0.0/8"
	for _, v := range networks {
		if v.Region == d.Region && v.Default {
			cidr = v.IPRange
		}
	}
	return b.explorer.render(userdata.Params{Cluster: b.cluster, Pool: d.Pool, PrivateCIDR: cidr,
		Join: &userdata.Join{Token: cluster.WorkerToken, Managers: managers}})
}
