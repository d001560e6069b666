package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// Report is what one pass saw, planned and did. It holds no secret.
type Report struct {
	Cluster      string              `json:"cluster"`
	Pass         uint64              `json:"pass"`
	At           time.Time           `json:"at"` // when it ended
	Took         time.Duration       `json:"took_ns"`
	NextLook     time.Time           `json:"next_look"`
	Result       string              `json:"result"`
	Error        string              `json:"error,omitempty"`
	Converged    bool                `json:"converged"`
	HeldOnly     bool                `json:"held_only,omitempty"`   // nothing is left to do or to wait for but holds that a person has to end
	ConvergedAt  time.Time           `json:"converged_at,omitzero"` // when it was so last
	Node         string              `json:"node,omitempty"`        // id of the node whose engine was asked
	Revision     int                 `json:"revision"`              // accepted
	Source       string              `json:"source,omitempty"`      // of the accepted revision
	FileFault    string              `json:"file_fault,omitempty"`  // why the watched file is bad, or cannot be read
	FileUnread   bool                `json:"file_unread,omitempty"` // the watched file cannot be read
	Stale        map[string]int      `json:"stale,omitempty"`       // node id → the older revision that its file is
	Broken       map[string]string   `json:"broken,omitempty"`      // node id → why its file does not count
	Lease        Lease               `json:"lease"`
	Unattended   string              `json:"unattended,omitempty"`    // why nobody acts; "" while somebody does
	NoLeader     string              `json:"no_leader,omitempty"`     // what is lost while the swarm has no leader, and what is done about it
	ServicesOnly bool                `json:"services_only,omitempty"` // the cluster owns none of the swarm's nodes
	Pools        []plan.PoolCount    `json:"pools,omitempty"`
	Services     []plan.ServiceCount `json:"services,omitempty"`
	Nodes        []Node              `json:"nodes,omitempty"`
	Operations   []ledger.Op         `json:"operations,omitempty"`
	Repairs      []Repair            `json:"repairs,omitempty"` // that began or ended in this pass, told by who acts
	Losses       []Loss              `json:"losses,omitempty"`  // the same of losses
	Steps        []Step              `json:"steps,omitempty"`
	Holds        []plan.Hold         `json:"holds,omitempty"`
	HandsOff     []plan.HandsOff     `json:"hands_off,omitempty"` // what a person paused or protected
	Gaps         []world.Gap         `json:"gaps,omitempty"`
	ActingGaps   []world.Gap         `json:"acting_gaps,omitempty"` // of a look: what it could read, and the swarmd that acts could not in its last pass
}

// Lease says who acts.
type Lease struct {
	Holder  string    `json:"holder,omitempty"`
	Name    string    `json:"name,omitempty"` // of the holder's machine, "" if it is none's or is not seen
	Epoch   uint64    `json:"epoch"`
	Held    bool      `json:"held"`             // by the swarmd that reports
	Renewed time.Time `json:"renewed,omitzero"` // when it was seen to be renewed last; a single look has the swarm's word and clock for it
}

// Who is the holder as people name it; "" if there is none.
func (l Lease) Who() string {
	if l.Name == "" && strings.HasPrefix(l.Holder, ledger.OneShotPrefix) {
		return "a swarmd apply (" + l.Holder + ")"
	}
	return cmp.Or(l.Name, l.Holder)
}

// Node is a machine in one line.
type Node struct {
	Name         string    `json:"name"`
	NodeID       string    `json:"node_id,omitempty"`
	DropletID    int       `json:"droplet_id,omitempty"`
	Pool         string    `json:"pool,omitempty"` // "" if it is not the cluster's
	Role         string    `json:"role,omitempty"`
	Class        string    `json:"class,omitempty"`          // how the machine is, see plan.Class; "" without a plan
	Since        time.Time `json:"since,omitzero"`           // when the reporting swarmd first saw it so; zero: it looks for the first time
	SinceAtLeast bool      `json:"since_at_least,omitempty"` // it was so when that swarmd began to look, and may have been before
	State        string    `json:"state"`
	Availability string    `json:"availability,omitempty"`
	Leader       bool      `json:"leader,omitempty"`
	PublicIPv4   string    `json:"public_ipv4,omitempty"` // of the droplet
	Address      string    `json:"address,omitempty"`     // private: what the managers see, else the droplet's
	Size         string    `json:"size,omitempty"`
	Image        string    `json:"image,omitempty"`
	Created      time.Time `json:"created,omitzero"` // the droplet, else the node
	Why          string    `json:"why,omitempty"`
}

// Step is a planned step and what became of it. The outcome is "" if another swarmd is to do it.
type Step struct {
	ID      string          `json:"id"`
	Action  string          `json:"action"`
	Object  string          `json:"object"`
	Reason  string          `json:"reason"`
	Text    string          `json:"text"`
	Outcome execute.Outcome `json:"outcome,omitempty"`
	Error   string          `json:"error,omitempty"`
	Warning string          `json:"warning,omitempty"`
}

// LeftAlone returns the report of a cluster in which nobody acts. It is not converged, because nothing stays as wanted.
func (r Report) LeftAlone(text string, why error) Report {
	if why != nil {
		text += ": " + why.Error()
	}
	r.Unattended, r.Converged = text, false
	switch r.Result {
	case Converged, Progress, Held, Watching:
		r.Result = Unattended
	}
	return r
}

// SawSwarm reports whether the pass saw all of the swarm's side: nodes, services and the ledger.
func (r Report) SawSwarm() bool { return r.looked() && !r.lacks(world.GapDroplets, world.GapRevision) }

// SawAll reports whether the pass saw both sides, all of them.
func (r Report) SawAll() bool { return r.looked() && !r.lacks(world.GapRevision) }

// looked reports whether the pass came to its look at the world. An error before there is a plan may have cost the look.
func (r Report) looked() bool {
	planned := len(r.Pools)+len(r.Services) > 0 // a file has pools, or services only
	return planned || r.Error == ""
}

// lacks reports whether there is a gap besides those named.
func (r Report) lacks(besides ...string) bool {
	return slices.ContainsFunc(r.Gaps, func(g world.Gap) bool { return !slices.Contains(besides, g.What) })
}
