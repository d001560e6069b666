package execute_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is an executor with both sides faked.
type bench struct {
	*ledgertest.Objects
	store  *ledger.Store
	config execute.Config
	exec   *execute.Executor

	mu      sync.Mutex
	calls   []string
	broken  map[string]error
	hijack  bool // creates are answered with another's droplet
	latency time.Duration
	flying  int
	most    int // calls in flight at once
	lease   error
	specs   []swarm.ServiceSpec
}

const epoch = 3

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{Objects: ledgertest.New(), broken: map[string]error{}}
	b.store = ledger.NewStore(b.Objects, "web")
	if err := b.store.Create(t.Context(), "swarm1", epoch); err != nil {
		t.Fatal(err)
	}
	b.put(t, func(l *ledger.Ledger) { l.Revision = 1 })
	b.config = execute.Config{Droplets: b, Nodes: b, Tokens: b, Services: b, Networks: b, Ledger: b.store, Check: b.check,
		UserData: func(_ context.Context, c plan.CreateDroplet) (string, error) {
			return "#cloud-config", b.broken["user-data "+c.Name]
		}}
	b.exec = execute.New(b.config)
	b.Before(func(call string) error {
		if call != "list" {
			b.record("ledger")
		}
		return nil
	})
	return b
}

func (b *bench) check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lease
}

func (b *bench) loseLease() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lease = fault(apierr.Conflict)
}

func fault(kind apierr.Kind) error {
	return &apierr.Error{Kind: kind, Op: "call", Err: errors.New("it is broken")}
}

func (b *bench) record(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, what)
}

func (b *bench) call(format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	b.record(what)
	b.mu.Lock()
	b.flying++
	b.most = max(b.most, b.flying)
	b.mu.Unlock()
	time.Sleep(b.latency)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flying--
	return b.broken[what]
}

func (b *bench) CreateDroplet(_ context.Context, d cloud.CreateDroplet) (cloud.Droplet, error) {
	err := b.call("create %s", d.Name)
	if err != nil {
		return cloud.Droplet{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	made := cloud.Droplet{ID: 100 + int(d.Name[len(d.Name)-1]-'a'), Name: d.Name, Tags: d.Tags}
	if b.hijack {
		made.Name, made.Tags = "database", nil
	}
	return made, nil
}

func (b *bench) DeleteDroplet(_ context.Context, id int) error { return b.call("delete %d", id) }

func (b *bench) Shutdown(_ context.Context, id int) (cloud.Action, error) {
	return cloud.Action{}, b.call("shutdown %d", id)
}

func (b *bench) TagDroplet(_ context.Context, id int, tag string) error {
	return b.call("tag %d %s", id, tag)
}

func (b *bench) PowerOn(_ context.Context, id int) (cloud.Action, error) {
	return cloud.Action{}, b.call("power on %d", id)
}

func (b *bench) PowerCycle(_ context.Context, id int) (cloud.Action, error) {
	return cloud.Action{}, b.call("power cycle %d", id)
}

func (b *bench) Resize(_ context.Context, id int, size string) (cloud.Action, error) {
	return cloud.Action{}, b.call("resize %d to %s", id, size)
}

func (b *bench) PowerOff(_ context.Context, id int) (cloud.Action, error) {
	return cloud.Action{}, b.call("power off %d", id)
}

func (b *bench) UpdateNode(_ context.Context, id string, version uint64, _ swarm.NodeSpec) error {
	return b.call("update node %s at %d", id, version)
}

func (b *bench) RotateWorkerToken(_ context.Context, version uint64, spec json.RawMessage) error {
	return b.call("rotate at %d with %s", version, spec)
}

func (b *bench) RemoveNode(_ context.Context, id string) error { return b.call("remove node %s", id) }

func (b *bench) CreateService(_ context.Context, s swarm.ServiceSpec) (string, error) {
	b.mu.Lock()
	b.specs = append(b.specs, s)
	b.mu.Unlock()
	return "id", b.call("create service %s", s.Name)
}

func (b *bench) UpdateService(_ context.Context, id string, version uint64, s swarm.ServiceSpec) error {
	b.mu.Lock()
	b.specs = append(b.specs, s)
	b.mu.Unlock()
	return b.call("update service %s at %d", id, version)
}

func (b *bench) RelabelService(_ context.Context, id string, version uint64, labels map[string]string) error {
	return b.call("relabel service %s at %d: %v", id, version, labels)
}

func (b *bench) RemoveService(_ context.Context, id string) error {
	return b.call("remove service %s", id)
}

func (b *bench) ResolveImage(_ context.Context, ref string, _ swarm.Login) (swarm.Pin, error) {
	if err := b.call("resolve %s", ref); err != nil {
		return swarm.Pin{}, err
	}
	return swarm.Pin{Digest: "sha256:d1", Platforms: []swarm.Platform{{OS: "linux", Architecture: "amd64"}}}, nil
}

func (b *bench) CreateNetwork(_ context.Context, s swarm.NetworkSpec) (string, error) {
	return "id", b.call("create network %s", s.Name)
}

func (b *bench) RemoveNetwork(_ context.Context, id string) error {
	return b.call("remove network %s", id)
}

// run executes the steps now, under the lease, for revision 1.
func (b *bench) run(ctx context.Context, steps ...plan.Step) execute.Results {
	return b.exec.Run(ctx, execute.Order{Plan: plan.Plan{Steps: steps}, At: time.Now(), Epoch: epoch, Revision: 1})
}

func (b *bench) ledger(t *testing.T) ledger.Ledger {
	t.Helper()
	l, err := b.store.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (b *bench) put(t *testing.T, change func(*ledger.Ledger)) {
	t.Helper()
	if _, err := b.store.Update(context.Background(), func(l *ledger.Ledger) error { change(l); return nil }); err != nil {
		t.Fatal(err)
	}
	b.calls = nil
}

// step makes a step whose id is its first argument.
func step(id string, a plan.Action, after ...string) plan.Step {
	return plan.NewStep(id, a, plan.Reason{Code: "test", Text: "because"}, after...)
}

func create(letter string, after ...string) plan.Step {
	return step("create/"+letter, plan.CreateDroplet{OpID: "op" + letter, Pool: "workers", Name: "web-workers-" + letter,
		Deadline: time.Now().Add(5 * time.Minute)}, after...)
}

func outcomes(rs execute.Results) []string {
	var out []string
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%s %s", r.Step.ID, r.Outcome))
	}
	return out
}

// drawn is a limiter that holds every call and lets them through one by one, in an order that a seed draws.
type drawn struct {
	mu     sync.Mutex
	parked []parked
	rand   *rand.Rand
	passed []string
}

type parked struct {
	step string
	open chan struct{}
}

func newDrawn(seed uint64) *drawn {
	return &drawn{rand: rand.New(rand.NewPCG(seed, 1))}
}

func (g *drawn) Acquire(ctx context.Context, step string) (func(), error) {
	p := parked{step, make(chan struct{})}
	g.mu.Lock()
	g.parked = append(g.parked, p)
	g.mu.Unlock()
	select {
	case <-p.open:
		return func() {}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// drive lets a call through again and again until done is closed.
func (g *drawn) drive(done <-chan struct{}) {
	for {
		synctest.Wait()
		select {
		case <-done:
			return
		default:
		}
		g.mu.Lock()
		slices.SortStableFunc(g.parked, func(a, b parked) int { return strings.Compare(a.step, b.step) })
		i := g.rand.IntN(len(g.parked))
		p := g.parked[i]
		g.parked = slices.Delete(g.parked, i, i+1)
		g.passed = append(g.passed, p.step)
		g.mu.Unlock()
		close(p.open)
	}
}
