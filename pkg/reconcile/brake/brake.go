// Package brake is a thin layer in front of both SDKs that no mistake of the planner or the executor passes. It decides nothing
// that should be done; it refuses what must not be: a droplet that is not the cluster's, more deletes than accepted edits permit and
// one in an hour, a stop for a resize of a machine that is not drained, the loss of a manager that quorum needs or the accepted revision wants, calls beyond the API budget. It knows no plan: it
// judges by the answers that passed through it, by looks of its own, by the ledger and the accepted revision.
//
// A refusal is an *apierr.Error of Kind Braked, and nothing was sent. When a look that a brake needs fails, the call is refused too.
package brake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/swarmd/swarmd/internal/sem"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The brakes, as Options.Refused is told of them.
const (
	Ownership = "ownership" // the droplet is not the cluster's, or not this swarm's
	Deletes   = "deletes"   // no open operation, or more than is permitted
	Quorum    = "quorum"    // the managers would lose their majority, or be fewer than wanted
	Calls     = "calls"     // the API budget is spent
	View      = "view"      // a look that is needed failed
	Joined    = "joined"    // a node that is not down stands on the droplet: it has to leave the swarm first
	HandsOff  = "hands-off" // a person has paused or protected the machine, or the service is protected
	Lethal    = "lethal"    // engines would die of the write, or the swarm would lose its settings
	Sealed    = "sealed"    // a service would get what stands for an encrypted variable in place of its value
)

// All returns the names of the brakes.
func All() []string {
	return []string{Ownership, Deletes, Quorum, Calls, View, Joined, HandsOff, Lethal, Sealed}
}

// CloudAPI is the cloud's side as the adapter offers it.
type CloudAPI interface {
	Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error)
	Droplet(ctx context.Context, id int) (cloud.Droplet, error)
	CreateDroplet(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error)
	TagDroplet(ctx context.Context, id int, tag string) error
	DeleteDroplet(ctx context.Context, id int) error
	Shutdown(ctx context.Context, id int) (cloud.Action, error)
	PowerOff(ctx context.Context, id int) (cloud.Action, error)
	PowerOn(ctx context.Context, id int) (cloud.Action, error)
	PowerCycle(ctx context.Context, id int) (cloud.Action, error)
	Resize(ctx context.Context, id int, size string) (cloud.Action, error)
	Action(ctx context.Context, dropletID, actionID int) (cloud.Action, error)
	Sizes(ctx context.Context) ([]cloud.Size, error)
	Account(ctx context.Context) (cloud.Account, error)
	VPCs(ctx context.Context) ([]cloud.VPC, error)
}

// Engine is the swarm's side as the adapter offers it. What is not in it cannot be reached through the brakes: no init, leave or
// forced removal.
type Engine interface {
	Info(ctx context.Context) (swarm.Info, error)
	Cluster(ctx context.Context) (swarm.Cluster, error)
	Nodes(ctx context.Context) ([]swarm.Node, error)
	Peers(ctx context.Context) ([]swarm.Peer, error)
	Services(ctx context.Context) ([]swarm.Service, error)
	Tasks(ctx context.Context) ([]swarm.Task, error)
	TasksOn(ctx context.Context, nodes []string) ([]swarm.Task, error)
	TasksEnded(ctx context.Context, services []string) ([]swarm.Task, error)
	Networks(ctx context.Context) ([]swarm.Network, error)
	Configs(ctx context.Context, prefix string) ([]swarm.Config, error)
	AllConfigs(ctx context.Context) ([]swarm.Config, error)
	AllSecrets(ctx context.Context) ([]swarm.Secret, error)
	CreateSecret(ctx context.Context, name string, labels map[string]string, data []byte) (string, error)
	RemoveSecret(ctx context.Context, id string) error
	SecretIs(ctx context.Context, id, name string, labels map[string]string, value []byte) (bool, error)
	RelabelSecret(ctx context.Context, id string, version uint64, name string, labels map[string]string) error
	RelabelService(ctx context.Context, id string, version uint64, labels map[string]string) error
	UpdateNode(ctx context.Context, id string, version uint64, spec swarm.NodeSpec) error
	RemoveNode(ctx context.Context, id string) error
	RotateWorkerToken(ctx context.Context, version uint64, spec json.RawMessage) error
	CreateService(ctx context.Context, spec swarm.ServiceSpec) (string, error)
	UpdateService(ctx context.Context, id string, version uint64, spec swarm.ServiceSpec) error
	RemoveService(ctx context.Context, id string) error
	CreateNetwork(ctx context.Context, spec swarm.NetworkSpec) (string, error)
	RemoveNetwork(ctx context.Context, id string) error
	CreateConfig(ctx context.Context, name string, labels map[string]string, data []byte) (string, error)
	UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error
	RemoveConfig(ctx context.Context, id string) error
	ResolveImage(ctx context.Context, ref string, login swarm.Login) (swarm.Pin, error)
	Events(ctx context.Context) <-chan struct{}
}

// Options of the brakes.
type Options struct {
	Cluster string
	Cloud   CloudAPI // nil: there is no cloud, the Cloud returned must not be used
	Engine  Engine   // nil: there is no swarm yet or any more; only the droplets in Destroy can be stopped or deleted
	// Ledger reads the ledger from the store. nil: only the droplets in Destroy can be deleted.
	Ledger func(context.Context) (ledger.Ledger, error)
	// Destroy has the ids that a person has confirmed to destroy: no operation, count or quorum holds them. Ownership still does.
	Destroy []int
	// Adopted has the ids of machines that swarmd did not make and a person has confirmed to destroy all the same.
	Adopted []int
	// Parse reads the accepted revision; nil: file.Parse.
	Parse Parser
	// Refused is told each time a brake refused a call, by its name. May be nil.
	Refused func(brake string)
	// Wall is what the clock on the wall says, which the ledger's times are by; nil: time.Now.
	Wall func() time.Time
}

// brakes is what both sides share.
type brakes struct {
	opts Options

	turn *sem.Mutex // whoever has it may look and then do what cannot be undone

	mu        sync.Mutex
	seen      map[int]sighting      // by droplet id
	created   map[int]string        // droplets made through these brakes: id → name
	nodes     map[string]swarm.Node // as last listed
	swarm     swarm.Cluster         // as it was last seen
	protected map[string]string     // the services that were protected when they were listed last: id → name
	disrupted map[string]time.Time  // manager → when it was demoted or stopped through these brakes
	minute    window
	hour      window
	deletes   deleteLog
}

// New puts the brakes in front of both sides.
func New(o Options) (*Cloud, *Swarm) {
	if o.Refused == nil {
		o.Refused = func(string) {}
	}
	if o.Parse == nil {
		o.Parse = parse
	}
	if o.Wall == nil {
		o.Wall = time.Now
	}
	b := &brakes{
		opts: o, turn: sem.New(), seen: map[int]sighting{}, created: map[int]string{},
		disrupted: map[string]time.Time{}, minute: window{size: time.Minute, most: cloud.CallsPerMinute}, hour: window{size: time.Hour, most: cloud.CallsPerHour},
	}
	return &Cloud{brakes: b}, &Swarm{engine: o.Engine, brakes: b}
}

// refuse is a brake's refusal.
func (b *brakes) refuse(brake, side, op, format string, args ...any) error {
	b.opts.Refused(brake)
	return &apierr.Error{Kind: apierr.Braked, Side: side, Op: op, Err: fmt.Errorf(format, args...)}
}

// takeTurn waits until nobody else is between a look and the act that follows from it.
func (b *brakes) takeTurn(ctx context.Context, side, op, of string) (done func(), err error) {
	if err := b.turn.Lock(ctx, op+" "+of); err != nil {
		return nil, &apierr.Error{Kind: apierr.Braked, Side: side, Op: op, Err: fmt.Errorf("waiting for its turn: %w", err)}
	}
	return b.turn.Unlock, nil
}

// mayHaveHappened reports whether a write with this result had an effect or might have had one.
func mayHaveHappened(err error) bool { return err == nil || !apierr.KindOf(err).Refused() }

var (
	errNoEngine = errors.New("there is no swarm to look at")
	errNoLeader = errors.New("no node of the list leads the swarm: the list is not whole")
)

// look lists the nodes, now. An engine that answers has a leader, which is a node: a list without one, an empty one first of all, shows
// nothing.
func (b *brakes) look(ctx context.Context) ([]swarm.Node, error) {
	if b.opts.Engine == nil {
		return nil, errNoEngine
	}
	nodes, err := b.opts.Engine.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(nodes, func(n swarm.Node) bool { return n.Leads() }) {
		return nil, errNoLeader
	}
	b.observeNodes(nodes)
	return nodes, nil
}

func (b *brakes) observeNodes(nodes []swarm.Node) {
	seen := make(map[string]swarm.Node, len(nodes))
	for _, n := range nodes {
		seen[n.ID] = n
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes = seen
}
