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
	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
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
	edits    chan []byte
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

// begun waits until the process has sent its first calls. Whether its first pass has a file that comes at the instant of its start is the Go runtime's
// choice otherwise.
func (p *process) begun() {
	if p.began.Equal(time.Now()) {
		time.Sleep(time.Microsecond)
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
	scheduler                     *scheduler
	takeOver                      bool
	refused                       func(brake string)
	clock                         *clock
	secret                        *atomic.Value
	oneShot                       bool // a person's apply, no node's daemon
	convert                       func(*specfile.Document) (swarm.Stack, error)
}

// start puts a swarmd together as the daemon does and runs it.
func start(o origin) (*process, error) {
	p := &process{began: time.Now(), name: o.name, machine: o.machine, cluster: o.cluster, ended: make(chan struct{}), edits: make(chan []byte), logs: &logbook{},
		rng: newSeeded(o.seed, o.name)}
	p.ctx, p.cancel = context.WithCancel(sem.WithOrder(context.Background(), gate{o.scheduler, p}.lock))
	swarmd, err := app.New(p.options(o))
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", o.name, err)
	}
	p.registry = swarmd.Metrics
	p.loop = swarmd.Loop(app.Role{Instance: o.name, OneShot: o.oneShot, TakeOver: o.takeOver, Events: swarmd.Swarm.Events(p.ctx),
		File: app.File{Path: "cluster.yaml", Source: "file " + o.machine, Initial: o.file, Edits: p.edits}})
	go func() {
		defer close(p.ended)
		_ = swarmd.Run(p.ctx, p.loop, app.Page{}) // it returns no error but when it ends
		swarmd.Close()
		p.kill()
	}()
	return p, nil
}

// options are the daemon's, with transports of our own, and all that a run draws or reads from the plan's seed and the explorer's cache.
func (p *process) options(o origin) app.Options {
	out := o.mutant.wire(o.wire(p))
	engines, clouds := &o.explorer.engines, &o.explorer.clouds
	if o.mutant.Name != "" {
		engines, clouds = nil, nil // it may change what it reads
	}
	return app.Options{Cluster: o.cluster, Version: "explored",
		Log: zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(p.logs), zap.DebugLevel)),
		Cloud: func(observe access.Observe) (*digitalocean.Client, error) {
			return digitalocean.New(digitalocean.Options{Token: o.token, Transport: out, Jitter: newSeeded(o.seed, o.name+" cloud").float, Common: clouds, Observe: observe})
		},
		Engine: func(observe access.Observe) (*docker.Client, func(), error) {
			c, err := docker.New(docker.Options{HTTP: &http.Client{Transport: out}, Jitter: newSeeded(o.seed, o.name+" events").float, Common: engines, Observe: observe})
			if err != nil {
				return nil, nil, err
			}
			return c, c.Close, nil
		},
		Identity: func() ([]byte, error) { return []byte(explorersIdentity), nil },
		Seams: o.mutant.into(app.Seams{Wall: o.clock.now, Jitter: newSeeded(o.seed, o.name+" loop").float, OpIDs: p.rng.opIDs, ReadSecret: func(string) ([]byte, error) { return []byte(o.secret.Load().(string)), nil },
			Parse: o.explorer.check, Convert: o.convert, Render: o.explorer.render, Price: noPrices, Offer: offer,
			Refused: o.refused, Config: func(c reconcile.Config) reconcile.Config { return p.ordered(c, gate{o.scheduler, p}) }}),
	}
}

// noPrices: they are asked for beside the loop, and would come in an order that the seed does not decide.
func noPrices() map[string]float64 { return nil }

// offer is what the simulated cloud has, which it says to whoever asks.
var offer = sync.OnceValue(func() map[string]cloud.Size {
	out := map[string]cloud.Size{}
	for _, s := range docean.DefaultSizes() {
		out[s.Slug] = cloud.Size{Slug: s.Slug, VCPUs: s.VCPUs, MemoryMB: s.MemoryMB, DiskGB: s.DiskGB, Regions: docean.AllRegions(), Available: !s.Unavailable}
	}
	return out
})

// ordered has the executor's steps wait for their turn, and says whose calls are whose where two are the same in everything else.
func (p *process) ordered(c reconcile.Config, turns execute.Limiter) reconcile.Config {
	identity, boot := c.Elector.Identity, c.Execute.UserData
	c.Elector.Identity = func(ctx context.Context) (swarm.Info, error) {
		return identity(context.WithValue(ctx, caller{}, "elector"))
	}
	c.Execute.UserData = func(ctx context.Context, d plan.CreateDroplet) (string, error) {
		return boot(context.WithValue(ctx, caller{}, d.Name), d)
	}
	c.Execute.Limiter = turns
	return c
}
