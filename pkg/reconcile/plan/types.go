package plan

import (
	"encoding/json"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Input is everything the decision depends on.
type Input struct {
	Now      time.Time
	Spec     *spec.Spec
	Revision int       // number of the revision that Spec is
	Accepted time.Time // when it was; zero: not known, long ago
	Stack    swarm.Stack
	World    world.World
	Epoch    uint64   // of the lease under which the plan will be executed
	Holder   string   // node id of the lease holder's machine, "" if it is not a node: that machine leaves last
	OpIDs    []string // fresh random ids, more than any plan needs

	// Good has, by service, what a revision says of it: for those that LostGood names.
	Good map[string]swarm.ServiceSpec

	Prices    map[string]float64       // US dollars a month by size slug; a size that is not in it has no known price
	Strangers map[string]time.Duration // by node id: for how long it has been one of Strangers in each look
	NotBefore map[string]time.Time     // by pool: no create before, because the last one was refused, by the cloud or the ledger

	DenyHostAccess bool // services that Spec.HostAccess names are neither created nor changed
}

// Plan is what to do now, what is not done and why, and when to look again.
type Plan struct {
	Steps     []Step // in a stable order; After says what must wait for what
	Holds     []Hold // sorted by Guard, then Object
	Pools     []PoolCount
	Services  []ServiceCount
	LookAgain time.Duration // from Input.Now; 0: the usual resync
	LookIdly  time.Duration // the same for who takes none of the steps: what is under way besides them
	Underway  bool          // something is not as wanted yet, and nothing holds it
	Converged bool          // nothing to do, nothing blocked, nothing under way, everything wanted is there and running
}

// Step is one action with its reason.
type Step struct {
	ID     string   // stable within the plan: "create/web-workers-abcde"
	After  []string // ids of steps that must be done first; a step whose predecessor was not done is dropped
	Action Action
	Reason Reason
}

// Reason is why: a bounded code for metrics, a sentence for people.
type Reason struct {
	Code string
	Text string
}

// Hold is something that is not done, and the guard that says so.
type Hold struct {
	Guard    string `json:"guard"`  // bounded set, see guards.go
	Object   string `json:"object"` // "pool/workers", "node/NAME", "service/NAME", "droplet/ID", "cluster"
	Text     string `json:"text"`
	Blocking bool   `json:"blocking"`        // the desired state is not reached because of it; a note about something foreign does not block
	Final    bool   `json:"final,omitempty"` // it does not pass by itself: a person has to do something
}

// PoolCount is what a pool wants and has.
type PoolCount struct {
	Pool          string  `json:"pool"`
	Role          string  `json:"role"`
	Desired       int     `json:"desired"`
	Have          int     `json:"have"`           // droplets that count
	Ready         int     `json:"ready"`          // joined, bound, ready, right role and availability
	MonthlyBefore float64 `json:"monthly_before"` // US dollars
	Monthly       float64 `json:"monthly"`

	// PriceUnknown says that a size of the pool's, wanted or there, has no known price. Both sums leave it out.
	PriceUnknown bool `json:"price_unknown,omitempty"`
}

// ServiceCount is what a service of ours wants and has. Running counts tasks whose state and desired state are running on a node that is ready.
type ServiceCount struct {
	Service string            `json:"service"`
	Image   string            `json:"image,omitempty"` // as the file has it
	Desired int               `json:"desired"`
	Running int               `json:"running"`
	Updated int               `json:"updated,omitempty"` // during a roll-out: those of them that are of the new specification
	Update  swarm.UpdateState `json:"update,omitempty"`
	Error   string            `json:"error,omitempty"` // what the engine says of the newest task that waits or failed, while some are missing
}

// Action is a sealed set: the executor's one switch knows them all.
type Action interface{ action() }

type (
	// CreateDroplet writes an intent into the ledger, then creates one droplet.
	CreateDroplet struct {
		OpID, Pool, Name, Region, Size, Image, VPC string
		SSHKeys, Tags                              []string
		Deadline                                   time.Time
		Token                                      string // ledger.Fingerprint of the worker token that its user-data is to carry
	}
	// RecordDroplet writes the id of a created droplet, found by its op tag, into its operation.
	RecordDroplet struct {
		OpID      string
		DropletID int
	}
	// CloseOp removes an operation from the ledger: its droplet joined, or it had no effect, or its droplet is gone.
	CloseOp struct {
		OpID    string
		Outcome string // "joined", "no_effect", "gone"
	}
	// OpenDelete writes the intent to remove a machine, before its drain.
	OpenDelete struct {
		OpID, Pool, Name, NodeID string
		DropletID                int
		Credit                   bool
	}
	// UpdateNode replaces a node's spec at a version: bind, label, activate, drain, promote, demote.
	UpdateNode struct {
		NodeID  string
		Version uint64
		Spec    swarm.NodeSpec
	}
	// RemoveNode removes a node that is down from the swarm, without force.
	RemoveNode struct{ NodeID string }
	// ShutdownDroplet writes the moment into the machine's Delete operation (Op.Shutdown), then asks the machine to shut down.
	ShutdownDroplet struct {
		OpID      string
		DropletID int
	}
	// RecordRollout sets Ledger.Rollouts[Service], what was rolled out last and whether it failed; an empty Value removes the entry.
	RecordRollout struct{ Service, Value string }
	// PowerOffDroplet cuts its power, after a shutdown that was not followed.
	PowerOffDroplet struct{ DropletID int }
	// DeleteDroplet deletes the machine of an open Delete operation.
	DeleteDroplet struct {
		OpID      string
		DropletID int
	}
	// TagDroplet tags a machine with the id of the swarm that it is in.
	TagDroplet struct {
		DropletID int
		SwarmID   string
	}
	// RotateToken writes the version into Ledger.Rotate, unless a create is open, then has the swarm replace its worker join token.
	RotateToken struct {
		Version uint64
		Spec    json.RawMessage // of the swarm at that version, see swarm.Cluster
	}
	// CreateNetwork, RemoveNetwork: networks of the stack.
	CreateNetwork struct{ Spec swarm.NetworkSpec }
	RemoveNetwork struct{ ID, Name string }
	// CreateService, UpdateService, RemoveService: services of the stack. ResolveImage asks for the image's digest first.
	CreateService struct{ Spec swarm.ServiceSpec }
	UpdateService struct {
		ID           string
		Version      uint64
		Spec         swarm.ServiceSpec
		ResolveImage bool
		Diff         []string // "path: old → new", for people
	}
	RemoveService struct{ ID, Name string }
)

func (CreateDroplet) action()   {}
func (RecordDroplet) action()   {}
func (CloseOp) action()         {}
func (OpenDelete) action()      {}
func (UpdateNode) action()      {}
func (RemoveNode) action()      {}
func (ShutdownDroplet) action() {}
func (PowerOffDroplet) action() {}
func (RecordRollout) action()   {}
func (DeleteDroplet) action()   {}
func (TagDroplet) action()      {}
func (RotateToken) action()     {}
func (CreateNetwork) action()   {}
func (RemoveNetwork) action()   {}
func (CreateService) action()   {}
func (UpdateService) action()   {}
func (RemoveService) action()   {}
