// Package execute turns the steps of a plan into calls: independent ones side by side, each after what it must come after. It decides
// when and in which order to call, and what an answer means; never what to do or whether it is right.
//
// A step ends in one of four outcomes. Done and Refused are certain; Unknown means that the call may have had its effect, which only
// looking again can tell, so nothing is repeated here; Dropped means that it was never tried, because a step before it was not done or the plan had
// become too old.
// Each write first asks whether the lease is held and the plan is young enough. Each call that creates, changes or destroys a machine
// comes after its intent was written to the ledger by compare-and-swap, under the epoch of the lease.
package execute

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// MaxAge is how old the look may be that a plan is based on; what is left of an older plan is dropped.
const MaxAge = 60 * time.Second

// ErrLate is in the error of a step that was dropped because the plan was too old when its turn came. That says nothing about the step.
var ErrLate = errors.New("it was not reached in time")

// linger is how long a call in flight may go on after the run was cancelled, so that its outcome is known.
const linger = 6 * time.Second

// Droplets is what is done to machines.
type Droplets interface {
	CreateDroplet(ctx context.Context, d cloud.CreateDroplet) (cloud.Droplet, error)
	DeleteDroplet(ctx context.Context, id int) error
	Shutdown(ctx context.Context, id int) (cloud.Action, error)
	PowerOff(ctx context.Context, id int) (cloud.Action, error)
	PowerOn(ctx context.Context, id int) (cloud.Action, error)
	PowerCycle(ctx context.Context, id int) (cloud.Action, error)
	Resize(ctx context.Context, id int, size string) (cloud.Action, error)
	TagDroplet(ctx context.Context, id int, tag string) error
}

// Nodes is what is done to nodes.
type Nodes interface {
	UpdateNode(ctx context.Context, id string, version uint64, spec swarm.NodeSpec) error
	RemoveNode(ctx context.Context, id string) error
}

// Tokens is what is done to join tokens.
type Tokens interface {
	RotateWorkerToken(ctx context.Context, version uint64, spec json.RawMessage) error
}

// Services is what is done to services.
type Services interface {
	CreateService(ctx context.Context, spec swarm.ServiceSpec) (string, error)
	UpdateService(ctx context.Context, id string, version uint64, spec swarm.ServiceSpec) error
	RelabelService(ctx context.Context, id string, version uint64, labels map[string]string) error // and nothing else of it
	RemoveService(ctx context.Context, id string) error
	ResolveImage(ctx context.Context, ref string, login swarm.Login) (swarm.Pin, error)
}

// Networks is what is done to networks.
type Networks interface {
	CreateNetwork(ctx context.Context, spec swarm.NetworkSpec) (string, error)
	RemoveNetwork(ctx context.Context, id string) error
}

// Objects is what is done to configs and secrets of the stack.
type Objects interface {
	CreateConfig(ctx context.Context, name string, labels map[string]string, data []byte) (string, error)
	UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error
	DropConfig(ctx context.Context, id string) error
	SecretIs(ctx context.Context, id, name string, labels map[string]string, value []byte) (bool, error) // whether it has the value; the labels are those that it has
	RelabelSecret(ctx context.Context, id string, version uint64, name string, labels map[string]string) error
	CreateSecret(ctx context.Context, name string, labels map[string]string, data []byte) (string, error)
	RemoveSecret(ctx context.Context, id string) error
}

// Ledger is where intents are written. See ledger.Store.Update.
type Ledger interface {
	Update(ctx context.Context, change func(*ledger.Ledger) error) (ledger.Ledger, error)
}

// Config is what an Executor needs. All but Login, Limiter, Parallel, OnStep and Wall is required; Droplets and UserData may be nil when plans have no
// droplet steps, Objects, NewKey and Seal when they have none of configs and secrets.
type Config struct {
	Droplets Droplets
	Nodes    Nodes
	Tokens   Tokens
	Services Services
	Networks Networks
	Objects  Objects
	Ledger   Ledger

	NewKey   func() (name string, key []byte)                                // the cluster's key, at random, and what it is called
	Seal     func(s swarm.SecretSpec) (name string, value []byte, err error) // reads a secret's value, and says what it is called with that
	Login    func(registry string) (l swarm.Login, mark string, err error)   // reads what a registry is shown, see swarm.MarkLogin; nil: none is shown anything
	UserData func(context.Context, plan.CreateDroplet) (string, error)       // fetches the worker token at use time, and fails if it is not the step's
	Check    func() error                                                    // the lease check before each write
	Limiter  Limiter                                                         // nil: at most Parallel calls at once
	Parallel int                                                             // 0: 8
	OnStep   func(Result)                                                    // told each result as it comes; one at a time; may be nil
	Wall     func() time.Time                                                // what the clock on the wall says, which the ledger's times are by; nil: time.Now
}

// Executor executes one plan at a time. It remembers nothing between runs but the digests of images.
type Executor struct {
	cfg    Config
	images images
}

// New returns an executor.
func New(cfg Config) *Executor {
	if cfg.Parallel <= 0 {
		cfg.Parallel = 8
	}
	if cfg.Limiter == nil {
		cfg.Limiter = make(limit, cfg.Parallel)
	}
	if cfg.Login == nil {
		cfg.Login = func(string) (swarm.Login, string, error) { return swarm.Login{}, "", nil }
	}
	if cfg.OnStep == nil {
		cfg.OnStep = func(Result) {}
	}
	if cfg.Wall == nil {
		cfg.Wall = time.Now
	}
	return &Executor{cfg: cfg}
}

// Order is a plan and what it was made from.
type Order struct {
	Plan     plan.Plan
	At       time.Time // of the first read of the world
	Epoch    uint64    // of the lease
	Revision int       // that the plan follows: an image is resolved once per revision
}

// Outcome is what became of a step.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // surely without effect
	Unknown Outcome = "unknown" // look again
	Dropped Outcome = "dropped" // never tried
)

// Outcomes are all of them.
func Outcomes() []Outcome { return []Outcome{Done, Refused, Unknown, Dropped} }

// Result is what became of one step.
type Result struct {
	Step    plan.Step
	Outcome Outcome
	Kind    apierr.Kind // "" when done
	Err     error       // nil when done; redacted by the adapters
	Warning string      // for people: done, but not as one would wish
	Took    time.Duration
}

// Results are in the order of the plan's steps.
type Results []Result

// Late returns how many steps were not reached in time.
func (rs Results) Late() int {
	n := 0
	for _, r := range rs {
		if errors.Is(r.Err, ErrLate) {
			n++
		}
	}
	return n
}

// Count returns how many steps had the outcome.
func (rs Results) Count(o Outcome) int {
	n := 0
	for _, r := range rs {
		if r.Outcome == o {
			n++
		}
	}
	return n
}

// result classifies an error. Of a lost compare-and-swap or an unsent call it is certain that nothing happened.
func result(s plan.Step, err error) Result {
	r := Result{Step: s, Outcome: Done, Kind: apierr.KindOf(err), Err: err}
	switch {
	case err == nil:
	case errors.Is(err, ErrLate):
		r.Outcome = Dropped
	case r.Kind.Refused():
		r.Outcome = Refused
	default:
		r.Outcome = Unknown
	}
	return r
}

// Limiter lets calls through. Acquire blocks until the call may be sent; release is called when its answer is there. Tests put a limiter here
// that holds the calls and picks their order.
type Limiter interface {
	Acquire(ctx context.Context, step string) (release func(), err error)
}

// limit lets as many calls through at once as it has room.
type limit chan struct{}

func (l limit) Acquire(ctx context.Context, _ string) (func(), error) {
	select {
	case l <- struct{}{}:
		return func() { <-l }, nil
	case <-ctx.Done():
		return nil, refuse("wait for a free call", ctx.Err())
	}
}

// refuse is an error of our own about a call that was not sent.
func refuse(op string, err error) error {
	return &apierr.Error{Kind: apierr.Braked, Op: op, Err: err}
}
