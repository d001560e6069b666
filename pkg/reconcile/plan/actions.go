package plan

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Action is what is done to one object. The set is sealed, and Actions has one of each.
type Action interface {
	About() About
	record() record
}

// About is what is true of every action.
type About struct {
	Name   string // for metrics: "create_droplet"
	Object Ref    // what it is done to, as a hold names it
	Effect Effect // how far it can be undone
}

// Ref names an object: "pool/NAME", "droplet/ID", "node/ID", "service/NAME", "network/NAME", "config/NAME", "secret/NAME", "op/ID", "cluster".
type Ref struct{ Kind, Name string }

func (r Ref) String() string {
	if r.Name == "" {
		return r.Kind
	}
	return r.Kind + "/" + r.Name
}

// Effect is what an action does to the world.
type Effect int

// The effects, from the harmless to what nothing brings back.
const (
	Records  Effect = iota // writes into the ledger, and calls nobody
	Creates                // makes an object
	Changes                // changes one
	Stops                  // takes work from a machine, or its power
	Destroys               // removes one
)

type recorded = []ledger.Change

// record is what an action writes into the ledger, see Step.
type record struct{ before, ifDone, ifRefused recorded }

// NewStep is the step that does the action, with what that writes into the ledger.
func NewStep(id string, a Action, why Reason, after ...string) Step {
	r := a.record()
	return Step{ID: id, After: after, Action: a, Reason: why, Before: r.before, IfDone: r.ifDone, IfRefused: r.ifRefused}
}

// Actions are one of each action, without anything in it.
func Actions() []Action {
	return []Action{CreateDroplet{}, RecordDroplet{}, CloseOp{}, OpenDelete{}, OpenReplace{}, OpenResize{}, RetryLaunch{}, KeepDroplet{}, ForgetKept{}, RecordRollout{}, ShutdownDroplet{}, PowerOffDroplet{}, PowerOnDroplet{}, PowerCycleDroplet{}, ResizeDroplet{}, DeleteDroplet{}, TagDroplet{},
		UpdateNode{}, RemoveNode{}, RotateToken{}, CreateNetwork{}, RemoveNetwork{}, CreateKey{}, CreateConfig{}, RemoveConfig{}, CreateSecret{}, RemoveSecret{}, CreateService{}, UpdateService{}, RemoveService{}, TakeService{}, TakeConfig{}, TakeSecret{}}
}

// ActionNames are their names.
func ActionNames() []string {
	var names []string
	for _, a := range Actions() {
		names = append(names, a.About().Name)
	}
	return names
}

type (
	// CreateDroplet creates one droplet.
	CreateDroplet struct {
		OpID, Pool, Name, Region, Size, Image, VPC string
		SSHKeys, Tags                              []string
		Deadline                                   time.Time
		JoinWithin                                 time.Duration // how long its machine waits for what it needs to join
		Token                                      string        // ledger.Fingerprint of the worker token that its user-data is to carry
	}
	// RecordDroplet writes the id of a created droplet, found by its op tag, into its operation.
	RecordDroplet struct {
		OpID      string
		DropletID int
	}
	// CloseOp removes an operation from the ledger: its droplet joined, or it had no effect, or its droplet is gone.
	CloseOp struct {
		OpID    string
		Outcome string // "joined", "no_effect", "gone", "recovered", "needless"
		Failed  string // the pool's template, if it is a launch that failed; "": it is none
	}
	// RetryLaunch begins to delete a machine that never joined, and ends its create.
	RetryLaunch struct {
		OpID, Pool, Name string
		DropletID        int
		CreateID         string // "": it was kept for a look, and its create is closed long since
		Template         string // of the pool: the launch counts as failed; "": it does not
		Keep             bool   // it is switched off and kept for a look
		Most             int    // how many of these an hour has
	}
	// KeepDroplet ends the delete of a machine that is kept for a look.
	KeepDroplet struct {
		OpID      string
		DropletID int
	}
	// ForgetKept ends that a machine is kept, since it is gone or has joined.
	ForgetKept struct{ DropletID int }
	// OpenDelete begins to remove a machine, before its drain.
	OpenDelete struct {
		OpID, Pool, Name, NodeID string
		DropletID                int
		Budgeted                 bool
		Repair                   bool // it is of the hour's repairs
		Most                     int  // of a repair: how many of them an hour has
	}
	// OpenReplace begins to have another machine take the place of one that stays until then.
	OpenReplace struct {
		OpID, Pool, Name, NodeID, Reason string
		DropletID                        int
	}
	// OpenResize begins to resize a machine in place, before its drain.
	OpenResize struct {
		OpID, Pool, Name, NodeID, From, To string
		DropletID                          int
	}
	// ResizeDroplet gives the machine of an open Resize operation, which is off, another size. It is asked for once.
	ResizeDroplet struct {
		OpID      string
		DropletID int
		Size      string
	}
	// UpdateNode replaces a node's spec at a version: bind, label, activate, drain, promote, demote.
	UpdateNode struct {
		NodeID  string
		Version uint64
		Spec    swarm.NodeSpec
	}
	// RemoveNode removes a node that is down from the swarm, without force.
	RemoveNode struct{ NodeID string }
	// ShutdownDroplet asks the machine of an open Delete or Resize operation to shut down.
	ShutdownDroplet struct {
		OpID      string
		DropletID int
	}
	// RecordRollout sets Ledger.Rollouts[Service], what was rolled out last and whether it failed; its zero value removes the entry.
	RecordRollout struct {
		Service string
		RollOut ledger.RollOut
	}
	// PowerOffDroplet cuts its power, after a shutdown that was not followed.
	PowerOffDroplet struct{ DropletID int }
	// PowerOnDroplet starts a droplet that is off: one that was not switched off here, or the machine of an open Resize operation.
	PowerOnDroplet struct {
		DropletID int
		OpID      string // "": no operation switched it off
	}
	// PowerCycleDroplet switches a droplet off and on whose node is down.
	PowerCycleDroplet struct{ DropletID int }
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
	// RotateToken has the swarm replace its worker join token.
	RotateToken struct {
		Version uint64
		Spec    json.RawMessage // of the swarm at that version, see swarm.Cluster
	}
	// CreateNetwork, RemoveNetwork: networks of the stack.
	CreateNetwork struct{ Spec swarm.NetworkSpec }
	RemoveNetwork struct{ ID, Name string }
	// CreateKey makes the key with which the names of secrets are made.
	CreateKey struct{}
	// CreateConfig, RemoveConfig, CreateSecret, RemoveSecret: configs and secrets of the stack. The value of a secret is read when it is made, and must
	// be the one that the name is of.
	CreateConfig struct{ Spec swarm.ConfigSpec }
	RemoveConfig struct{ ID, Name string }
	CreateSecret struct {
		Name string
		Spec swarm.SecretSpec
	}
	RemoveSecret struct{ ID, Name string }
	// CreateService, UpdateService, RemoveService: services of the stack. ResolveImage asks for the image's digest first, as a create always does;
	// BestEffort goes on without one where the registry does not tell it.
	CreateService struct {
		Spec       swarm.ServiceSpec
		BestEffort bool
	}
	UpdateService struct {
		ID           string
		Version      uint64
		Spec         swarm.ServiceSpec
		ResolveImage bool
		BestEffort   bool
		Changes      []swarm.Change // what it makes of the live one, for people
	}
	RemoveService struct{ ID, Name string }
	// TakeService, TakeConfig, TakeSecret write the cluster's labels onto what was deployed without swarmd, and nothing else. Whether a secret has the value of
	// the file is asked of the engine first, and is in the labels then.
	TakeService struct {
		ID, Name string
		Version  uint64
		Labels   map[string]string // all of them
	}
	TakeConfig struct {
		ID, Name string
		Version  uint64
		Labels   map[string]string
	}
	TakeSecret struct {
		ID, Name    string
		Version     uint64
		Was, Labels map[string]string
		Spec        swarm.SecretSpec
		Hashed      string // what swarmd would call one with the value of the file, as it was seen
	}
)

func ofDroplet(id int) Ref { return Ref{"droplet", strconv.Itoa(id)} }

func writes(before ...ledger.Change) record { return record{before: before} }

func (a CreateDroplet) About() About { return About{"create_droplet", Ref{"pool", a.Pool}, Creates} }
func (a CreateDroplet) record() record {
	return record{before: recorded{ledger.OpenCreate{OpID: a.OpID, Pool: a.Pool, Name: a.Name, Deadline: a.Deadline, Token: a.Token}},
		ifDone: recorded{ledger.Created{OpID: a.OpID}}, ifRefused: recorded{ledger.CancelCreate{OpID: a.OpID, Token: a.Token}}}
}

func (a RecordDroplet) About() About { return About{"record_droplet", ofDroplet(a.DropletID), Records} }
func (a RecordDroplet) record() record {
	return writes(ledger.RecordDroplet{OpID: a.OpID, DropletID: a.DropletID})
}

func (a CloseOp) About() About { return About{"close_op", Ref{"op", a.OpID}, Records} }
func (a CloseOp) record() record {
	switch {
	case a.Failed != "":
		return writes(ledger.FailLaunch{OpID: a.OpID, Template: a.Failed}, ledger.CloseOp{OpID: a.OpID})
	case a.Outcome == "joined":
		return writes(ledger.Launched{OpID: a.OpID}, ledger.CloseOp{OpID: a.OpID})
	}
	return writes(ledger.CloseOp{OpID: a.OpID})
}

func (a RetryLaunch) About() About { return About{"retry_launch", ofDroplet(a.DropletID), Records} }
func (a RetryLaunch) record() record {
	changes := recorded{ledger.OpenDelete{OpID: a.OpID, Pool: a.Pool, Name: a.Name, DropletID: a.DropletID, Repair: true, Keep: a.Keep, Most: a.Most}}
	if a.Template != "" {
		changes = append(changes, ledger.FailLaunch{OpID: a.CreateID, Template: a.Template})
	}
	if a.CreateID != "" {
		changes = append(changes, ledger.CloseOp{OpID: a.CreateID})
	}
	return writes(changes...)
}

func (a KeepDroplet) About() About   { return About{"keep_droplet", ofDroplet(a.DropletID), Records} }
func (a KeepDroplet) record() record { return writes(ledger.KeepDroplet{OpID: a.OpID}) }

func (a ForgetKept) About() About   { return About{"forget_kept", ofDroplet(a.DropletID), Records} }
func (a ForgetKept) record() record { return writes(ledger.ForgetKept{DropletID: a.DropletID}) }

func (a OpenDelete) About() About { return About{"open_delete", ofDroplet(a.DropletID), Records} }
func (a OpenDelete) record() record {
	return writes(ledger.OpenDelete{OpID: a.OpID, Pool: a.Pool, Name: a.Name, NodeID: a.NodeID, DropletID: a.DropletID,
		Budgeted: a.Budgeted, Repair: a.Repair, Most: a.Most})
}

func (a OpenReplace) About() About   { return About{"open_replace", ofDroplet(a.DropletID), Records} }
func (a OpenReplace) record() record { return writes(ledger.OpenReplace(a)) }

func (a RecordRollout) About() About {
	return About{"record_rollout", Ref{"service", a.Service}, Records}
}
func (a RecordRollout) record() record {
	return writes(ledger.SetRollout(a))
}

func (a ShutdownDroplet) About() About {
	return About{"shutdown_droplet", ofDroplet(a.DropletID), Stops}
}
func (a ShutdownDroplet) record() record {
	return record{before: recorded{ledger.AskShutdown{DropletID: a.DropletID}}, ifRefused: recorded{ledger.NotAsked{DropletID: a.DropletID}}}
}

func (a PowerOffDroplet) About() About {
	return About{"power_off_droplet", ofDroplet(a.DropletID), Stops}
}
func (a PowerOffDroplet) record() record { return writes(ledger.CutPower{DropletID: a.DropletID}) }

// About of a machine that is on its way back names the operation: what else was refused on the droplet must not delay it.
func (a PowerOnDroplet) About() About {
	if a.OpID != "" {
		return About{"power_on_droplet", Ref{"op", a.OpID}, Changes}
	}
	return About{"power_on_droplet", ofDroplet(a.DropletID), Changes}
}
func (a PowerOnDroplet) record() record {
	if a.OpID == "" {
		return record{}
	}
	return writes(ledger.BeginReturn{OpID: a.OpID})
}

func (a OpenResize) About() About { return About{"open_resize", ofDroplet(a.DropletID), Records} }
func (a OpenResize) record() record {
	return writes(ledger.OpenResize{OpID: a.OpID, Pool: a.Pool, Name: a.Name, NodeID: a.NodeID, DropletID: a.DropletID, From: a.From, To: a.To})
}

func (a ResizeDroplet) About() About { return About{"resize_droplet", ofDroplet(a.DropletID), Changes} }
func (a ResizeDroplet) record() record {
	return record{before: recorded{ledger.BeginResize{OpID: a.OpID}}, ifRefused: recorded{ledger.NotResized{OpID: a.OpID}}}
}

func (a PowerCycleDroplet) About() About {
	return About{"power_cycle_droplet", ofDroplet(a.DropletID), Stops}
}
func (PowerCycleDroplet) record() record { return record{} }

func (a DeleteDroplet) About() About {
	return About{"delete_droplet", ofDroplet(a.DropletID), Destroys}
}
func (a DeleteDroplet) record() record { return writes(ledger.GoOnDelete{DropletID: a.DropletID}) }

func (a TagDroplet) About() About { return About{"tag_droplet", ofDroplet(a.DropletID), Changes} }
func (TagDroplet) record() record { return record{} }

func (a UpdateNode) About() About { return About{"update_node", Ref{"node", a.NodeID}, Changes} }
func (UpdateNode) record() record { return record{} }

func (a RemoveNode) About() About { return About{"remove_node", Ref{"node", a.NodeID}, Destroys} }
func (RemoveNode) record() record { return record{} }

func (RotateToken) About() About { return About{"rotate_token", Ref{Kind: "cluster"}, Changes} }
func (a RotateToken) record() record {
	return record{before: recorded{ledger.BeginRotation{Version: a.Version}}, ifRefused: recorded{ledger.NotRotated{Version: a.Version}}}
}

func (a CreateNetwork) About() About {
	return About{"create_network", Ref{"network", a.Spec.Name}, Creates}
}
func (CreateNetwork) record() record { return record{} }

func (a RemoveNetwork) About() About {
	return About{"remove_network", Ref{"network", a.Name}, Destroys}
}
func (RemoveNetwork) record() record { return record{} }

func (a CreateService) About() About {
	return About{"create_service", Ref{"service", a.Spec.Name}, Creates}
}
func (CreateService) record() record { return record{} }

func (a UpdateService) About() About {
	return About{"update_service", Ref{"service", a.Spec.Name}, Changes}
}
func (UpdateService) record() record { return record{} }

func (a RemoveService) About() About {
	return About{"remove_service", Ref{"service", a.Name}, Destroys}
}
func (RemoveService) record() record { return record{} }

func (CreateKey) About() About   { return About{"create_key", Ref{Kind: "cluster"}, Creates} }
func (CreateKey) record() record { return record{} }

func (a CreateConfig) About() About {
	return About{"create_config", Ref{"config", a.Spec.Name}, Creates}
}
func (CreateConfig) record() record { return record{} }

func (a RemoveConfig) About() About {
	return About{"remove_config", Ref{"config", a.Name}, Destroys}
}
func (RemoveConfig) record() record { return record{} }

func (a CreateSecret) About() About {
	return About{"create_secret", Ref{"secret", a.Name}, Creates}
}
func (CreateSecret) record() record { return record{} }

func (a RemoveSecret) About() About {
	return About{"remove_secret", Ref{"secret", a.Name}, Destroys}
}
func (RemoveSecret) record() record { return record{} }

func (a TakeService) About() About { return About{"take_service", Ref{"service", a.Name}, Changes} }
func (TakeService) record() record { return record{} }

func (a TakeConfig) About() About { return About{"take_config", Ref{"config", a.Name}, Changes} }
func (TakeConfig) record() record { return record{} }

func (a TakeSecret) About() About { return About{"take_secret", Ref{"secret", a.Name}, Changes} }
func (TakeSecret) record() record { return record{} }
