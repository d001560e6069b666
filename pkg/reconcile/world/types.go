// Package world observes both sides and joins them: which droplet is which node, and which of them are the cluster's. It sorts,
// it keeps every failed read as a gap, it decides nothing.
package world

import (
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Gap is a part of the world that could not be read. Nothing destructive is planned on a view with one.
type Gap struct {
	What string      `json:"what"`           // "droplets", "nodes", "services", "tasks", "networks", "ledger", "cluster"
	Err  string      `json:"error"`          // redacted, for people
	Kind apierr.Kind `json:"kind,omitempty"` // of a call that failed
}

// Binding says how sure it is that a droplet is a node.
type Binding string

// The bindings.
const (
	Bound        Binding = "bound"        // the manager-side node label says so; the droplet is nil if it is gone or no cloud was looked at
	Claimed      Binding = "claimed"      // claim and private address agree and nobody else is bound or claims it: may be bound
	Contradicted Binding = "contradicted" // claims disagree or are duplicated: hold and report
	Unaddressed  Binding = "unaddressed"  // one node claims a droplet whose address the cloud does not show yet: wait
)

// Machine is a droplet, a node, or both.
type Machine struct {
	Droplet *cloud.Droplet // nil: a node without a droplet of the cluster
	Node    *swarm.Node    // nil: not joined
	Binding Binding        // "" unless both are set or the claims contradict
	Pool    string         // "" if not ours
	Owned   bool           // the droplet is this swarm's: made for the cluster, and bound or claimed by a node here, or an operation is open on it
	Adopted bool
	Of      string     // the other cluster that the node's label swarmd.cluster names, "" if it names none
	Again   string     // bound to a node that is down, while the droplet's engine has joined anew: that one's node id
	Removed bool       // this swarm's by its tag, while no node here is on it: somebody took its node out of the swarm
	Missing bool       // bound, and a GET of the droplet said that it does not exist
	Op      *ledger.Op // the open operation on it, if any; a Delete hides a Create
	Why     string     // with Contradicted or a foreign droplet: the sentence for people
}

// World is one look at everything, sorted. Same reads, same value.
type World struct {
	At         time.Time // of the first read
	Self       swarm.Info
	Cluster    swarm.Cluster
	Ledger     ledger.Ledger
	Machines   []Machine       // sorted by droplet id, then node id
	Services   []swarm.Service // all of them, sorted by name
	Tasks      []swarm.Task    // that run, are to run, or are removed, and all of the nodes that are to leave; sorted by service, slot, node, id
	Failed     []swarm.Task    // of each service of the cluster that lacks tasks, the one that failed last, as far as that could be read; sorted as Tasks
	Networks   []swarm.Network // sorted by name
	Configs    []swarm.Config  // if Reads.AskObjects: all but those of swarmd's stores, and the cluster's key; sorted by name
	Secrets    []swarm.Secret  // likewise
	Gaps       []Gap           // sorted by What
	Gone       []int           // droplet ids that the ledger, a binding, a claim or the file names and of which a GET said "not found"; sorted
	NoDroplets bool            // the swarm is looked at without a cloud (no token): droplet steps are held
}
