package plan

import (
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
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
	Memory   Memory
	Epoch    uint64   // of the lease under which the plan will be executed
	Holder   string   // node id of the lease holder's machine, "" if it is not a node: that machine leaves last
	OpIDs    []string // fresh random ids, more than any plan needs

	// Good has, by service, what a revision says of it: for those that LostGood names.
	Good map[string]swarm.ServiceSpec

	// Sealed has what is known of the stack's secrets here, by their names without hash.
	Sealed map[string]Sealing

	// Blind is that somebody else executes the plan, who may open the variables that are not opened here.
	Blind bool

	// Compared has, by their names without hash, what is known here of the secrets that ToCompare returns. An Overview alone tells of it.
	Compared map[string]Compared

	// Logins has what is known here of the file's registries, by their hosts.
	Logins map[string]Login

	Template int // the version of what machines are made by now, see userdata.Template; 0: nobody is told of older ones

	Sizes  map[string]cloud.Size // on offer, by slug; empty: not known yet
	VPCs   []cloud.VPC           // the cloud's private networks, where the file names one; empty: not known yet
	Prices map[string]float64    // US dollars a month by size slug; a size that is not in it has no known price

	DenyHostAccess bool // services that Spec.HostAccess names are neither created nor changed
}

// Plan is what to do now, what is not done and why, and when to look again.
type Plan struct {
	Steps        []Step // in a stable order; After says what must wait for what
	Holds        []Hold // sorted by Guard, then Object
	Pools        []PoolCount
	Services     []ServiceCount
	Classes      []Class       // of the machines, in the order of World.Machines
	HandsOff     []HandsOff    // sorted by Object
	RequeueAfter time.Duration // from Input.Now; 0: the usual resync
	RequeueIdle  time.Duration // the same for who takes none of the steps: what is under way besides them
	Progressing  bool          // something is not as wanted yet, and nothing holds it
	Converged    bool          // nothing to do, nothing blocked, nothing under way, everything wanted is there and running
}

// Step is one action with its reason, and what it writes into the ledger: before its call, so that who takes over knows of it, and because of the
// call's answer. See NewStep.
type Step struct {
	ID     string   // stable within the plan: "create/web-workers-abcde"
	After  []string // ids of steps that must be done first; a step whose predecessor was not done is dropped
	Action Action
	Reason Reason

	Before    []ledger.Change // without it the call is not sent
	IfDone    []ledger.Change
	IfRefused []ledger.Change // if the call surely had no effect, or was not sent
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

	// ManyDown says that so many of its machines are down at once that none has its power cycled, see Crowded.
	ManyDown bool `json:"many_down,omitempty"`

	// PriceUnknown says that a size of the pool's, wanted or there, has no known price. Both sums leave it out.
	PriceUnknown bool `json:"price_unknown,omitempty"`
}

// Whole reports whether a service has all that it wants: as many tasks as the file says run, or those of a job are complete.
func (c ServiceCount) Whole() bool {
	if c.Job {
		return c.Completed >= c.Desired
	}
	return c.Running == c.Desired && c.Surge == 0
}

// ServiceCount is what a service of ours wants and has. Running counts tasks whose state and desired state are running on a node that is ready.
type ServiceCount struct {
	Service   string            `json:"service"`
	Image     string            `json:"image,omitempty"` // as the file has it
	Runs      string            `json:"runs,omitempty"`  // what its running tasks are of, where that is not all Image: "web:1.1", "3 of web:1.1, 2 of web:1.2"
	Desired   int               `json:"desired"`         // as the file says
	Job       bool              `json:"job,omitempty"`   // its tasks are to end: Desired says how many are to complete
	Surge     int               `json:"surge,omitempty"` // how many more it has for a while, so that a node can be drained or tasks be spread
	Running   int               `json:"running"`
	Completed int               `json:"completed,omitempty"` // of a job: tasks of its present run that are complete
	Updated   int               `json:"updated,omitempty"`   // during a roll-out: those of them that are of the new specification
	Update    swarm.UpdateState `json:"update,omitempty"`
	RollOut   RollOut           `json:"roll_out,omitzero"`
	Error     string            `json:"error,omitempty"` // what the engine says of the newest task that waits or failed, while some are missing

	// Protected is in whose word it is not removed when the file has it no more: "the file says so", or a person's. "": it is.
	Protected string `json:"protected,omitempty"`
}
