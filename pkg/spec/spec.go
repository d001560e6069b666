// Package spec is the desired state: its types and its defaults. How it is written down is for file, where it comes from for source, and how to get
// there for the planner. It must import no library: the planner would reach it through here.
package spec

import (
	"slices"
	"strings"
	"time"
)

// Spec is a valid desired state with all defaults filled in, without its services: those are in file.Document.
type Spec struct {
	Version  int
	Cluster  string // owns: names, tags and labels carry it
	Cloud    DigitalOcean
	Pools    []Pool // sorted by name
	Swarmd   Swarmd
	Policies Policies
	Stacks   []Stack // beside the services at the top level; sorted by name

	// HostAccess has, by service as it is named in the swarm, what of the machine makes it root there: "the Docker socket (/run/docker.sock)".
	HostAccess map[string][]string

	// HostWrites has, by service likewise, the folders of the machine that it writes to and that HostAccess does not name. A link that it makes there leads a
	// later bind anywhere, which no look at the file shows.
	HostWrites map[string][]string

	// NoRebalance has the services, by their names in the swarm, whose tasks stay where they are when a node comes: the file says x-swarmd: { rebalance: false } of them.
	NoRebalance map[string]bool

	// Registries has how registries are logged in to, by their hosts as references of images name them: "docker.io", "registry.example:5000".
	Registries map[string]Registry

	// BestEffort has the services that are written with their image's tag alone where its registry does not tell the digest: the file says
	// x-swarmd: { resolve: best-effort } of them.
	BestEffort map[string]bool

	// Protected has the services, by their names in the swarm, that are not removed when the file has them no more: it says x-swarmd: { protect: true } of
	// them, or protect: true of their stack.
	Protected map[string]bool
}

// Stack is a stack of the file, deployed as `docker stack deploy` would under that name. What is in it is in file.Document.
type Stack struct {
	Name  string
	Adopt bool // what runs under its name already is taken over

	Protect bool // none of its services is removed when the file has it no more
}

// ProtectsStack reports whether the file says protect: true of the stack.
func (s *Spec) ProtectsStack(name string) bool {
	return slices.ContainsFunc(s.Stacks, func(o Stack) bool { return o.Name == name && o.Protect })
}

// DigitalOcean has what is common to all droplets of the cluster.
type DigitalOcean struct {
	Region  string   // slug
	Image   string   // slug or decimal id
	SSHKeys []string // fingerprints or decimal ids
	VPC     string   // name or uuid; "" is the region's default
}

// Pool is a number of like nodes.
type Pool struct {
	Name         string
	Role         string // "manager" or "worker"
	Count        int
	Size         string // slug
	Image        string // defaults to Cloud.Image
	Region       string // defaults to Cloud.Region
	VPC          string // Cloud.VPC
	Labels       map[string]string
	Availability string // "active" or "drain"
	RepairOff    bool   // a machine that is off or hangs is left so
	ResizeHere   bool   // a machine of another size gets this one; false: another machine takes its place
	Disruption   Disruption
	Adopt        []int // droplet ids that count in this pool although swarmd did not make them
}

// Disruption bounds when machines are taken from their work without need.
type Disruption struct {
	Windows        []Window // none: at any time
	MaxSurge       int      // so many machines of a pool are replaced at once for what the file says; 0 is 1
	MaxUnavailable int      // so many of a pool may not work, and still one is taken; 0: no limit of its own
}

// Template is what of a pool no machine can become once it is made: who is of another one is replaced.
type Template struct{ Size, Image, Region, VPC string }

// Template returns the pool's.
func (p Pool) Template() Template {
	t := Template{p.Size, p.Image, p.Region, p.VPC}
	if p.ResizeHere {
		t.Size = ""
	}
	return t
}

// Swarmd is what bootstrap puts on the managers.
type Swarmd struct {
	Image  string // "" if none is named
	Memory int64  // bytes that swarmd may have; 512 MiB
}

// Policies bound what swarmd does on its own. Defaults are in defaults.go.
type Policies struct {
	CreateVisible   time.Duration // how long a created droplet may stay out of the list before its create counts as without effect; 5 min
	ActiveTimeout   time.Duration // from create until a droplet is active with a private address; a machine over it is deleted for a new try; 5 min
	LaunchTimeout   time.Duration // from there to joined; the same; 0: see JoinTimeout
	DrainTimeout    time.Duration // how long a drain may take before it is held and reported; 5 min
	ShutdownTimeout time.Duration // how long a clean shutdown may take before the power is cut; 2 min
	ServicesWait    time.Duration // how long after an edit a new service waits for machines that are to come, 0: not at all; 5 min
	MaxCreates      int           // droplets under way at once; 10
	MaxDroplets     int           // of the cluster, those under way included; 0: no limit
	Disruption      Disruption    // of the pools that say nothing else
	MaxMonthlyCost  float64       // of the cluster's droplets, US dollars, those under way included; 0: no limit
	Resync          time.Duration // a full look at least this often; 30 s, at most 1 min

	Repair Repair

	ProgressDeadline time.Duration // since the last new task that came up: a roll-out that is not over then is stuck; 10 min
	Bake             time.Duration // the tasks of a roll-out have to run for at least so long before it has succeeded; 30 s
	KeepRemoved      bool          // services that the file has no more go on running; false

	ForeignNodes      string // what becomes of a worker that joins and is no machine of the cluster: DrainNew or Keep; DrainNew
	RotateWorkerToken bool   // the worker join token is replaced once all machines that were made with it have joined; true
}

// Repair bounds what is done about machines that are broken.
type Repair struct {
	Worker  time.Duration // a worker's node is down: until its power is cycled, and from then until another machine takes its place; 5 min
	Manager time.Duration // the same of a manager; 10 min

	PowerOn []time.Duration // what must have passed since the try before until a machine that is off is powered on; no more tries than these; 0, 1 and 5 min
	Gone    time.Duration   // a droplet does not exist in each look for so long: another machine takes its place; 1 min

	LaunchTries int // so many launches of a pool that fail in a row hold it; 3
	KeepFailed  int // so many machines of a pool that never joined are kept for a look, switched off, for a day; 0
}

// JoinTimeout is how long a machine with the image has from being active to having joined. Where the file does not say it, one that installs Docker at its
// first boot has longer; an image whose name does not say that it brings Docker is one that does not.
func (p Policies) JoinTimeout(image string) time.Duration {
	switch {
	case p.LaunchTimeout > 0:
		return p.LaunchTimeout
	case strings.HasPrefix(image, "docker-"):
		return joinWithDocker
	}
	return joinWithout
}

// ContentKey is where a config of the file's stack has its content, among the extras that Docker's type leaves open.
const ContentKey = "x-swarmd-content"

// SharedKey is where a network of the file's stack says that other stacks use it under its own name, among the extras that Docker's type leaves open.
const SharedKey = "x-swarmd-shared"

// Where a secret of the file's stack has its encrypted text, which value of it is meant, and the unit's credential that is its value.
const (
	SealedKey     = "x-swarmd-sealed"
	SealedOf      = "x-swarmd-key"
	CredentialKey = "x-swarmd-credential"
)

// The values of Policies.ForeignNodes.
const (
	DrainNew = "drain-new" // it is drained once; what was in the swarm before swarmd is left alone
	Keep     = "keep"      // it is reported and left alone
)
