// Package swarm has the words for the swarm: nodes, services, tasks, networks, configs. It knows no SDK; the adapter is
// pkg/swarm/docker. Failed calls are *apierr.Error.
package swarm

import (
	"encoding/json"
	"time"
)

// Role is what a node is asked to be. The membership is Node.Manager.
type Role string

// The roles.
const (
	Manager Role = "manager"
	Worker  Role = "worker"
)

// Availability of a node for tasks.
type Availability string

// The availabilities.
const (
	Active Availability = "active"
	Pause  Availability = "pause"
	Drain  Availability = "drain"
)

// NodeState is what the leader thinks of a node. Unknown and Disconnected are not Down: every node is Unknown for some seconds
// after a change of leader.
type NodeState string

// The states of a node.
const (
	NodeReady        NodeState = "ready"
	NodeDown         NodeState = "down"
	NodeUnknown      NodeState = "unknown"
	NodeDisconnected NodeState = "disconnected"
)

// NodeSpec is the part of a node that managers set. An update replaces all of it.
type NodeSpec struct {
	Name         string
	Role         Role
	Availability Availability
	Labels       map[string]string
}

// ManagerStatus is a node's Raft membership as the leader sees it.
type ManagerStatus struct {
	Leader       bool
	Reachability string // "reachable", "unreachable", "unknown"
	Addr         string // host:port
}

// Node is a machine that joined the swarm.
type Node struct {
	ID            string
	Version       uint64
	Spec          NodeSpec
	Hostname      string // "" for the ghost of a failed join
	State         NodeState
	Message       string
	Addr          string         // the address the managers see, private
	Manager       *ManagerStatus // nil: not a Raft member
	Platform      Platform
	EngineVersion string
	EngineLabels  map[string]string // the worker's word: a claim, never a proof
	CPUs          float64
	MemoryBytes   int64
	Created       time.Time
	Updated       time.Time // the last write to it, by whomever; zero: not known
}

// Leads reports whether the node is the managers' leader.
func (n *Node) Leads() bool { return n.Manager != nil && n.Manager.Leader }

// Manages reports whether the node is a manager or is asked to be one: the role is the wish, the membership what is true.
func (n *Node) Manages() bool { return n.Manager != nil || n.Spec.Role == Manager }

// The labels that swarmd sets or reads. All else on an object is somebody's own and is preserved.
const (
	LabelDroplet     = "swarmd.droplet"     // engine label: the claim; node label: the binding. Decimal droplet id
	LabelPool        = "swarmd.pool"        // node label
	LabelTemplate    = "swarmd.template"    // engine label: the version of what made the machine, see userdata.Template; none: the first
	LabelAdopted     = "swarmd.adopted"     // node label "true" on a machine that was adopted, not made
	LabelKeys        = "swarmd.keys"        // node label: comma-separated names of the pool labels that swarmd set and may remove
	LabelCluster     = "swarmd.cluster"     // on services, networks, configs of ours; node label: the cluster whose machine it is
	LabelHash        = "swarmd.hash"        // on services and networks: hash of the wanted normal form
	LabelRevision    = "swarmd.revision"    // on services: the revision that wrote it
	LabelScaled      = "swarmd.scaled"      // on services: how many replicas the form has that the hash is of; swarmd has scaled it since, see Scaled
	LabelGood        = "swarmd.good"        // on services: what ran whole before, and is gone back to; see Good
	LabelFailed      = "swarmd.failed"      // on services: what the roll-out said that failed, and that was put back; for people
	LabelUnpinned    = "swarmd.unpinned"    // on services: since when the registry does not tell the image's digest, RFC 3339; it is asked again
	LabelLogin       = "swarmd.login"       // on services: which login to its image's registry it was written with last, see MarkLogin
	LabelSurge       = "swarmd.surge"       // on services: how many tasks it has beyond what the file says, and what for, see Surge
	LabelSpread      = "swarmd.spread"      // on services: when its tasks were spread over the nodes last, RFC 3339; not again soon
	LabelComponent   = "swarmd.component"   // on swarmd's own service: "swarmd". Never part of the stack
	LabelDrained     = "swarmd.drained"     // node label: when swarmd drained the node, because it was no machine of the cluster; it does so once
	LabelReplace     = "swarmd.replace"     // node label: a person asked for another machine; when and who, for people
	LabelMaintenance = "swarmd.maintenance" // node label: a person keeps the node drained, see Maintenance
	LabelPaused      = "swarmd.paused"      // node label: a person has swarmd leave the node alone, see HandsOff
	LabelProtected   = "swarmd.protected"   // node label: a person has swarmd never take the machine away, see HandsOff; on services: ProtectedByFile, or a person's word likewise
	LabelUnresized   = "swarmd.unresized"   // node label: its machine could not be resized in place, see Unresized
	LabelRecipient   = "swarmd.recipient"   // on the secret with swarmd's age identity: the public key, to which files are encrypted
	LabelVersionOf   = "swarmd.version-of"  // on configs and secrets of the stack: the name without the hash of the content, which all its versions have
	LabelStandsFor   = "swarmd.stands-for"  // on a secret that was taken over: the name that swarmd had given one with the value of the file; none: its value is another one
	LabelTemplates   = "swarmd.templates"   // on configs and secrets of the stack: the driver that fills in the templates of the content for each task
	LabelNamespace   = "com.docker.stack.namespace"
	LabelImage       = "com.docker.stack.image"
)

// Mode of a service.
type Mode string

// The modes.
const (
	Replicated    Mode = "replicated"
	Global        Mode = "global"
	ReplicatedJob Mode = "replicated-job"
	GlobalJob     Mode = "global-job"
)

// Job reports whether tasks of the mode run once, to their end. Whatever is written to a job, be it a label, makes the engine run it again, and so does
// nothing else (swarmkit, manager/controlapi: UpdateService; seen on 26.1.5).
func (m Mode) Job() bool { return m == ReplicatedJob || m == GlobalJob }

// Form is a specification in normal form: field path → value, both as text. Engine defaults are filled in, names stand for ids,
// order that does not matter is sorted, the image has no digest. Two specifications mean the same if their forms are equal.
type Form map[string]string

// Port is a published port.
type Port struct {
	Published uint32
	Target    uint32
	Protocol  string // "tcp", "udp", "sctp"
	Mode      string // "host", "ingress"
}

// ServiceSpec is a service's specification: what a file or an engine says of it, and what is bent of that. What is compared, and what the adapter
// sends to the engine, are both of the two together: see Form, Replicas and Pin.
type ServiceSpec struct {
	Name        string
	Labels      map[string]string
	Image       string // reference without digest
	Registry    string // the host of the registry that the image is in: "docker.io", "registry.example:5000"
	Mode        Mode
	Constraints []string // of its placement, as written
	Networks    []string // names
	Configs     []string // names, of those that tasks find as files; sorted
	Secrets     []string // likewise; until Sealed those of the file's are named without their hash
	Ports       []Port
	RollsBack   bool          // the engine takes a roll-out that fails back by itself
	Delay       time.Duration // between two tasks of a roll-out
	Monitor     time.Duration // for so long after its start a task that fails counts against a roll-out
	Base        Base
	Override    Override
	Login       Login // what the engine shows the registry; no specification that was read has one

	// Unopened is why encrypted variables of its environment have no value here, for people; "" if all have. Such a one is never written: it has what
	// stands for them.
	Unopened string
}

// UpdateState of a service's roll-out. "" means none has run since the last write.
type UpdateState string

// The states of a roll-out.
const (
	Updating          UpdateState = "updating"
	Paused            UpdateState = "paused"
	Completed         UpdateState = "completed"
	RollbackStarted   UpdateState = "rollback_started"
	RollbackPaused    UpdateState = "rollback_paused"
	RollbackCompleted UpdateState = "rollback_completed"
)

// Service is a live service.
type Service struct {
	ID            string
	Version       uint64
	Spec          ServiceSpec
	Update        UpdateState
	UpdateMessage string
	UpdateStarted time.Time    // when the roll-out began; zero without one
	UpdateEnded   time.Time    // when the engine called it completed or gone back; zero before
	Previous      *ServiceSpec // what the engine would go back to, while a roll-out has not completed; nil else
	Keeps         []string     // names of configs and secrets that the specification before refers to, whatever became of the roll-out; sorted
	Iteration     uint64       // of a job: how often it was run before; each write to it runs it once more
	Created       time.Time
	Updated       time.Time
}

// Task is one run of a service on a node.
type Task struct {
	ID           string
	ServiceID    string
	NodeID       string // "" while pending
	Slot         int    // 0 for a global service
	State        string // as the engine names it: "new" … "running", "complete", "shutdown", "failed", "rejected", "remove", "orphaned"
	DesiredState string
	Message      string
	Err          string
	Cause        Cause // why it does not run, "" if its words do not tell
	Image        string
	Job          bool   // it is to end by itself
	Iteration    uint64 // of its job
	Created      time.Time
	Updated      time.Time
}

// Runs reports whether the task runs and is meant to.
func (t Task) Runs() bool { return t.State == "running" && t.DesiredState == "running" }

// Failed reports whether the task's run ended by itself or never began. Of a service's task "complete" is a failure too: its container ended. A job's
// is what it is for.
func (t Task) Failed() bool {
	switch t.State {
	case "failed", "rejected", "orphaned":
		return true
	case "complete":
		return !t.Job
	}
	return false
}

// Completed reports whether the task of a job has done its work.
func (t Task) Completed() bool { return t.Job && t.State == "complete" }

// NetworkSpec is a network's specification.
type NetworkSpec struct {
	Name   string
	Labels map[string]string
	Form   Form
	Raw    json.RawMessage
}

// Network is a live network of swarm scope.
type Network struct {
	ID   string
	Spec NetworkSpec
}

// Stack is what the file's services become, those at its top level and those of all its stacks: everything named, labelled and in normal form, sorted by
// name. Of which stack an object is its labels say, see StackOf.
type Stack struct {
	Namespace string   // of the services at the top level: the cluster's name
	Adopt     []string // the stacks of which the file says adopt: true, sorted, see Adopts
	Services  []ServiceSpec
	Networks  []NetworkSpec
	Configs   []ConfigSpec // sorted by name
	Secrets   []SecretSpec // sorted by name
}

// Config is a Docker config used as a record of the store: its data never changes, its labels change by compare-and-swap on Version.
type Config struct {
	ID      string
	Version uint64
	Name    string
	Labels  map[string]string
	Data    []byte
	Created time.Time
	Updated time.Time // when its labels changed last
}

// Cluster is the swarm as a whole. Its join token is a secret.
type Cluster struct {
	ID          string
	Version     uint64
	WorkerToken string          `json:"-"`
	Spec        json.RawMessage `json:"-"` // whole, as the engine sends it; opaque: an update that leaves out a part of it resets that part
}

// Info is the engine that answers: which node it is, whether it is a manager.
type Info struct {
	NodeID        string
	NodeAddr      string
	ClusterID     string // "" if not part of a swarm
	ControlAvail  bool   // this engine is a manager
	LocalState    string // "inactive", "pending", "active", "error", "locked"
	EngineVersion string
}

// Peer is a manager as an engine knows it that is one, also while the swarm has no leader.
type Peer struct {
	NodeID string
	Addr   string // host:port
}
