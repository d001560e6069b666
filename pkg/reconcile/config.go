package reconcile

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/spec/source"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Config is what a Loop needs. What is not marked optional is required.
type Config struct {
	Cluster string
	Store   *ledger.Store
	Reads   world.Reads // its Ledger is the Store

	// TakeOver lets the ledger begin although droplets of a cluster of this name are there that are none of the swarm's nodes: a person said so.
	TakeOver bool

	// NewCluster lets a cluster begin that owns none of the swarm's nodes, beside those that do: a person said so.
	NewCluster bool

	// Confirmed has a preview take it that the file's removals are confirmed, see ledger.Confirm.
	Confirmed bool

	// Beginning is the file at hand, for what a cluster that has no ledger yet would be; optional.
	Beginning *spec.Spec

	// DenyHostAccess holds services that would be root on the machines, see spec.Spec's HostAccess.
	DenyHostAccess bool

	// Elector's Changed, Begin and Wall and Execute's Check, OnStep and Wall are set by New.
	Elector ledger.ElectorConfig
	Execute execute.Config

	// Parse and Convert are called by one goroutine at a time.
	Parse   func(name string, data []byte) (*file.Document, []file.Fault, error) // its warnings, and all faults in one error, with positions in name
	Convert func(*file.Document) (swarm.Stack, error)
	Sizes   func() map[string]cloud.Size   // optional: those on offer, by slug; must answer at once
	VPCs    func(named string) []cloud.VPC // optional: the cloud's private networks, of which the file names one; must answer at once
	Prices  func() map[string]float64      // optional: US dollars a month by size; must answer at once

	Initial []byte        // optional: the file as it was at start
	Edits   <-chan []byte // optional: the file, each time it was saved since
	Unread  <-chan error  // optional: why the file cannot be read, nil when it can be again
	Source  string        // of the file, for people: "file host:/etc/swarmd/cluster.yaml"
	File    string        // path of the file, which its faults are told with
	Events  <-chan struct{}

	Log     *zap.Logger
	Metrics *health.Metrics
	OpIDs   func(n int) []string // optional: random operation ids
	Jitter  func() float64       // optional: numbers in [0,1) that spread repetitions in time; a run that is to be replayed sets it

	// ReadSecret reads the file of a secret, or of a registry's password, beside this swarmd; optional: the file system.
	ReadSecret func(path string) ([]byte, error)

	Credentials string                 // the folder with the unit's credentials; "": there are none
	Template    int                    // see plan.Input
	Own         source.Own             // what of the files beside this swarmd no service or registry may have
	Identity    func() ([]byte, error) // reads the age identities, see sealed.ReadIdentities; optional: there are none

	// Acting asks the swarmd that acts for its last report, for who only follows it; optional. Its zero value is that none answered.
	Acting func(ctx context.Context) report.Report

	// Peers are the managers as the engine knows them, also without a leader; optional.
	Peers func(ctx context.Context) ([]swarm.Peer, error)

	// Wall is what the clock on the wall says, which anybody may set; optional: time.Now.
	Wall func() time.Time

	// Plan makes the decision; optional: plan.Compute. It must be a function of its argument alone.
	Plan func(plan.Input) plan.Plan
}

// The paces of the loop.
const (
	debounce     = 30 * time.Millisecond // events come in bursts
	eventPause   = time.Second           // between passes that only events ask for
	lookPause    = time.Second           // between passes in any case, unless something happens: the cloud's limit is 250 calls a minute
	watchPace    = time.Minute           // full look of a swarmd that does not act
	followPace   = 2 * time.Second       // the same while somebody waits for convergence
	defaultPace  = 30 * time.Second      // full look before a file is known
	passDeadline = 90 * time.Second
	stepDownFor  = 2 * time.Minute // how long the lease is left to others when this machine leaves
	opIDsPerPlan = 128
)

// RandomOpIDs returns n random operation ids, [a-z]{16}.
func RandomOpIDs(n int) []string {
	out := make([]string, n)
	for i := range out {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		for j := range b {
			b[j] = 'a' + b[j]%26
		}
		out[i] = string(b[:])
	}
	return out
}

// desired is the accepted revision as a plan wants it.
type desired struct {
	revision int
	sha256   string // hex, of its content
	source   string
	accepted time.Time
	spec     *spec.Spec
	stack    swarm.Stack
}

// adopt returns droplet id → pool of the machines that the file adopts.
func (d desired) adopt() map[int]string {
	out := map[int]string{}
	if d.spec == nil {
		return out
	}
	for _, p := range d.spec.Pools {
		for _, id := range p.Adopt {
			out[id] = p.Name
		}
	}
	return out
}

// resync is how often there is a full look at least.
func (d desired) resync() time.Duration {
	if d.spec == nil || d.spec.Policies.Resync <= 0 {
		return defaultPace
	}
	return min(d.spec.Policies.Resync, time.Minute)
}

// revisionName is what the faults of an accepted revision are told with: the file that it was is long another one.
func revisionName(n int) string { return fmt.Sprintf("revision %d", n) }
