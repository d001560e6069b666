// Package ledger keeps what must survive in the swarm's own Raft store, as Docker configs: the ledger (open operations, the
// number of the accepted revision, what the brakes count), the revisions (each accepted file) and the lease. Labels change by
// compare-and-swap on the object's version; data never changes. It decides nothing about machines or services.
package ledger

import (
	"errors"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// OpKind is what an operation does to a droplet.
type OpKind string

// The kinds of operation.
const (
	Create OpKind = "create"
	Delete OpKind = "delete" // written when a machine is picked to leave, before its drain; closed when its droplet is gone
	Resize OpKind = "resize" // written when a machine is picked to be resized in place, before its drain; closed when it takes tasks again

	// Replace is written when another machine is to take the place of one that is still there. While it is open, its pool has one machine more; it ends
	// in the machine's Delete, or without effect.
	Replace OpKind = "replace"
)

// Op is an open operation: the intent that is written before the call.
type Op struct {
	ID        string    `json:"id"` // random, [a-z]{16}; the first five letters end the droplet's name
	Kind      OpKind    `json:"kind"`
	Pool      string    `json:"pool"`
	Name      string    `json:"name"`                 // of the droplet
	DropletID int       `json:"droplet_id,omitempty"` // 0 until known
	NodeID    string    `json:"node_id,omitempty"`    // with Delete: the node that leaves, "" if it never joined
	Epoch     uint64    `json:"epoch"`                // the lease epoch of the writer
	Started   time.Time `json:"started"`
	Deadline  time.Time `json:"deadline,omitzero"` // with Create: until when it may stay unseen
	Budgeted  bool      `json:"credit,omitempty"`  // with Delete: of the delete budget; false, and no repair: the free delete of its hour
	Repair    bool      `json:"repair,omitempty"`  // with Delete: of the hour's repairs; of its retries if no node was ever on it
	Keep      bool      `json:"keep,omitempty"`    // with Delete: it is switched off and kept for a look, see Kept
	Shutdown  time.Time `json:"shutdown,omitzero"` // with Delete or Resize: when a clean shutdown was asked for; zero: not yet
	Reason    string    `json:"reason,omitempty"`  // with Replace: why; the planner alone makes and reads it
	From      string    `json:"from,omitempty"`    // with Resize: the size that the machine had
	To        string    `json:"to,omitempty"`      // with Resize: the size that it is to get
	Phase     Phase     `json:"phase,omitempty"`   // with Resize
	Phased    time.Time `json:"phased,omitzero"`   // with Resize: when the phase was begun last; of Returning: when it was powered on, zero: not yet
	Returned  time.Time `json:"returned,omitzero"` // with Resize: when Returning was begun first
	Failed    string    `json:"failed,omitempty"`  // with Resize: why it keeps the size that it had; "": nothing is against it
}

// Ledger is what is open. It is one Docker config's labels, at most MaxBytes.
type Ledger struct {
	Revision     int               // number of the accepted revision; 0: none yet
	Ops          []Op              // sorted by ID
	DeleteBudget int               // the delete budget: deletes that accepted edits permit and that were not begun yet
	FreeDeletes  []time.Time       // when deletes outside of the budget were begun in the last hour
	Repairs      []time.Time       // when repairs were begun in the last hour: deletes of what is gone or down, see RepairsAnHour
	Retries      []time.Time       // the same of machines that never joined, see RetriesAnHour
	Stale        map[string]int    // holder → number of the older revision that its own file equals
	Broken       map[string]string // holder → why its own file does not count: faults, or it cannot be read; one short line
	ClusterID    string            // the swarm's id when the ledger was made: another one is another swarm
	Epoch        uint64            // of the lease under which the holder writes here: an older holder's write is refused

	// Rollouts has, by service name, the template that is being rolled out, or whose roll-out failed or was rolled back: that one is not written again.
	Rollouts map[string]RollOut

	Confirmed int // number of the revision whose many removals a person has confirmed; 0: of none

	// Pauses has what swarmd leaves alone because a person said so, by object: "cluster", "pool/NAME" or "service/NAME". Those that have ended count for
	// nothing, and go with the next write.
	Pauses map[string]swarm.HandsOff

	// Launches has, by pool, the launches that failed in a row.
	Launches map[string]Launch
	// Kept are the machines that never joined and are kept for a look, switched off. They are sorted by droplet.
	Kept []Kept

	// ServicesOnly is of a cluster that was begun in a swarm without owning any of its nodes. It stays so: whoever acts for it touches no node.
	ServicesOnly bool

	Token  string    // Fingerprint of the worker join token that was current when a create was opened last; "": none was opened yet
	Handed int       // creates that were opened with that token, less those that surely made no droplet; above 0 a droplet may have it
	Rotate uint64    // version of the swarm at which that token's rotation was begun last; while it has that version, the rotation may still come
	Newer  []string  // labels of a newer swarmd, sorted: they are kept as they are, and who cannot read them must do nothing; known after Decode, never encoded
	Begun  time.Time // when the ledger was made, by the managers' clock; known in what a Store returns from a look, never encoded
}

// Creates reports whether a create is open.
func (l Ledger) Creates() bool {
	return slices.ContainsFunc(l.Ops, func(op Op) bool { return op.Kind == Create })
}

// HandOut keeps that a droplet may be made with a token, of which the fingerprint is given; "" says nothing.
func (l *Ledger) HandOut(print string) {
	if print == "" {
		return
	}
	if l.Token != print {
		l.Token, l.Handed = print, 0
	}
	l.Handed++
}

// TakeBack keeps that a create that was opened with the token surely made no droplet.
func (l *Ledger) TakeBack(print string) {
	if l.Token == print && l.Handed > 0 {
		l.Handed--
	}
}

// Fingerprint stands for a join token, 48 bits of its hash: enough to tell one from the next, too little to guess one from. That of "" is "".
func Fingerprint(token string) string {
	if token == "" {
		return ""
	}
	return fingerprint([]byte(token))
}

// SameToken returns an error of kind Conflict unless the token is the one of the fingerprint. A token that is handed out and is not the ledger's would
// stay current for ever.
func SameToken(print, token string) error {
	if Fingerprint(token) == print {
		return nil
	}
	return failed("look at the worker token", apierr.Conflict, errors.New("it was replaced since the create was planned"))
}

// Revision is an accepted file.
type Revision struct {
	Number   int
	Data     []byte
	SHA256   string // hex, of Data
	Source   string // where it came from, for people: "apply ana@laptop", "file host:/etc/swarmd/cluster.yaml"
	Accepted time.Time
	Past     []Past // the accepted revisions before it, as far as they are remembered

	Failed map[string]string // by service: the template of a roll-out that had failed when this one was accepted, see RollOut.Template
}

// Lease says who acts.
type Lease struct {
	Holder  string // "NODEID/instance"; "" if released
	Epoch   uint64 // grows with each change of holder
	Renewed uint64 // grows with each renewal; a watcher compares, the clock of the holder counts for nothing
	Version uint64 // of the config object: what the next compare-and-swap must name
}
