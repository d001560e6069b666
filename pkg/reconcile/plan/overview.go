package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Overview is the whole change that a file makes, after all passes, in the file's words. A Plan has the steps of the next pass alone. What becomes
// what it is already is not in it.
type Overview struct {
	Pools    []PoolChange    `json:"pools"`    // sorted by name
	Services []ServiceChange `json:"services"` // sorted by name
	Networks []NetworkChange `json:"networks"` // sorted by name

	TakenOver []TakenOver `json:"taken_over,omitempty"` // first of all, and without a restart; sorted by stack
}

// TakenOver counts what of a stack that was deployed without swarmd becomes the cluster's as it runs. What the file says otherwise is an edit that follows.
type TakenOver struct {
	Stack    string `json:"stack"`
	Services int    `json:"services"`
	Configs  int    `json:"configs"`
	Secrets  int    `json:"secrets"`
	Networks int    `json:"networks"` // they are used as they are

	Differ []SecretDiffers `json:"secrets_differ,omitempty"` // sorted by name
}

// SecretDiffers is a secret that is taken over and has another value than its file, or of which that is not known here.
type SecretDiffers struct {
	Secret  string `json:"secret"`            // as the file names it; of another stack than the cluster's own as Docker does
	Tasks   int    `json:"tasks"`             // that restart afterwards, if it differs
	Unknown string `json:"unknown,omitempty"` // why it is not known; "" if it differs
}

// Accepted is the revision that the file is an edit of: what differs from it is edited, what only the swarm has otherwise was changed by hand. Its
// zero value is that there is none, or that it cannot be read.
type Accepted struct {
	Spec   *spec.Spec
	Stack  swarm.Stack
	Sealed map[string]Sealing // its secrets, as Input has those of the file
}

// What becomes of something.
type What string

// The kinds of a change. Kept is what is written nothing of, and changes since something else does.
const (
	Create What = "create"
	Update What = "update"
	Remove What = "remove"
	Kept   What = "keep"
)

// ServiceChange is what becomes of a service.
type ServiceChange struct {
	Service string         `json:"service"` // as the file names it; of another stack than the cluster's own as Docker does
	Name    string         `json:"name"`    // as Docker names it
	What    What           `json:"what"`
	Missing bool           `json:"missing,omitempty"`  // it is created though the accepted revision has it already: it was removed by hand, or not created yet
	New     *NewService    `json:"new,omitempty"`      // with Create
	Edits   []swarm.Change `json:"edits,omitempty"`    // what the file changes
	Drift   []swarm.Change `json:"drift,omitempty"`    // what somebody changed by hand, and is put back
	Pending []swarm.Change `json:"pending,omitempty"`  // what the accepted revision changed, and is not there yet
	Runs    int            `json:"runs,omitempty"`     // of a job: how many tasks are to complete once it is written
	Tasks   TaskChange     `json:"tasks"`              // what becomes of its tasks
	RollOut string         `json:"roll_out,omitempty"` // how tasks are replaced
	NoPool  bool           `json:"no_pool,omitempty"`  // no pool has machines that can hold it: no task starts
	Back    bool           `json:"back,omitempty"`     // a roll-out is under way that is taken back first
	Volumes []VolumeChange `json:"volumes,omitempty"`

	Stays bool `json:"stays,omitempty"` // with Kept: the file does not have it, and it goes on running all the same
}

// NewService is what a service that is created looks like.
type NewService struct {
	Image    string   `json:"image"`
	Mode     string   `json:"mode"`
	Replicas int      `json:"replicas"` // tasks to begin with; of a global service one on each machine that can hold it
	Ports    []string `json:"ports,omitempty"`
	Networks []string `json:"networks,omitempty"`
	Pools    []string `json:"pools"` // whose machines can hold it; none: no task starts
}

// TaskChange counts tasks.
type TaskChange struct {
	Restart int `json:"restart"` // are replaced by new ones
	Start   int `json:"start"`   // come on top
	Stop    int `json:"stop"`    // go without another one in their place
	Move    int `json:"move"`    // go elsewhere because their machine leaves, is drained, or fits no longer; none of Restart
}

// VolumeChange is what becomes of a named volume: Create, Kept where it stays behind with its data, Remove where it goes with its machine.
type VolumeChange struct {
	Volume string   `json:"volume"` // as Docker names it
	What   What     `json:"what"`
	Nodes  []string `json:"nodes,omitempty"` // where it is
}

// NetworkChange is what becomes of a network. Swarm cannot change one: an Update is held.
type NetworkChange struct {
	Network string         `json:"network"` // as the file names it
	Name    string         `json:"name"`    // as Docker names it
	What    What           `json:"what"`
	Fields  []swarm.Change `json:"fields,omitempty"`
}

// OverviewOf is the whole change of the input that the plan was made for. It is as pure as Compute.
func OverviewOf(in Input, p Plan, was Accepted) Overview {
	if in.Spec == nil {
		return Overview{}
	}
	s := overview{view: survey(in), plan: p, was: was, leaving: map[string]bool{}}
	s.findLeaving()
	return Overview{Pools: s.poolChanges(), Services: s.serviceChanges(), Networks: s.networkChanges(), TakenOver: s.takenOver()}
}

// overview is an Overview in the making.
type overview struct {
	*view
	plan    Plan
	was     Accepted
	leaving map[string]bool // node ids of machines that are to leave, or that leave already
}

// short is a name of the cluster's own stack as the file has it; one of another stack is whole.
func (s *overview) short(name string) string { return strings.TrimPrefix(name, s.in.Spec.Cluster+"_") }

func (s *overview) serviceChanges() []ServiceChange {
	out := []ServiceChange{}
	add := func(c ServiceChange, changes bool) {
		if changes {
			out = append(out, c)
		}
	}
	for _, want := range s.in.Stack.Services {
		switch live := s.liveService(want.Name); {
		case live == nil:
			add(s.created(want), true)
		case live.Spec.Mode.Job() && s.belongs(*live):
			c := s.job(want, asOurs(*live, s.in.Spec.Cluster))
			add(c, c.What != Kept)
		case s.ours(live.Spec.Labels):
			c := s.updated(want, *live)
			add(c, c.What != Kept || c.Tasks != TaskChange{} || len(c.Volumes) > 0)
		case s.view.takesOver(want.Labels, live.Spec.Labels):
			c := s.updated(s.withOtherSecrets(want), asOurs(*live, s.in.Spec.Cluster))
			add(c, c.What != Kept)
		}
	}
	for _, live := range s.in.World.Services {
		if s.leftOver(live) && (live.Spec.Labels[swarm.LabelProtected] != "" || s.in.Spec.Policies.KeepRemoved) {
			add(ServiceChange{Service: s.short(live.Spec.Name), Name: live.Spec.Name, What: Kept, Stays: true}, true)
		} else if s.leftOver(live) {
			c := ServiceChange{Service: s.short(live.Spec.Name), Name: live.Spec.Name, What: Remove, Tasks: TaskChange{Stop: len(s.running(live))}}
			c.Volumes = s.volumes(live, nil, 0)
			add(c, true)
		}
	}
	slices.SortFunc(out, func(a, b ServiceChange) int { return strings.Compare(a.Service, b.Service) })
	return out
}

func (s *overview) created(want swarm.ServiceSpec) ServiceChange {
	made := NewService{Image: imageOf(want), Mode: string(want.Mode), Replicas: s.wanted(want), Pools: s.holders(want)}
	for _, c := range swarm.ServiceChanges(want.Form(), nil) {
		if c.Key == "ports" {
			made.Ports = strings.Split(c.To, ", ")
		}
	}
	for _, n := range want.Networks {
		made.Networks = append(made.Networks, s.short(n))
	}
	c := ServiceChange{Service: s.short(want.Name), Name: want.Name, What: Create, Missing: s.accepted(want.Name) != nil, New: &made, Tasks: TaskChange{Start: made.Replicas},
		NoPool: s.homeless(want)}
	if want.Mode.Job() {
		c.Runs, c.Tasks = made.Replicas, TaskChange{}
	}
	for _, name := range want.Form().Volumes() {
		if !slices.ContainsFunc(s.in.World.Services, func(o swarm.Service) bool { return slices.Contains(o.Spec.Form().Volumes(), name) }) {
			c.Volumes = append(c.Volumes, VolumeChange{Volume: name, What: Create})
		}
	}
	return c
}

// job is what becomes of a job that lives. What is not of an edit stays as it is.
func (s *overview) job(want swarm.ServiceSpec, live swarm.Service) ServiceChange {
	c := ServiceChange{Service: s.short(want.Name), Name: want.Name, What: Kept, NoPool: s.homeless(want)}
	diff := swarm.Diff(want.Form(), live.Spec.Form())
	if !(service{base: want, want: want, live: &live, diff: diff}).edited() {
		return c
	}
	c.What, c.Runs = Update, s.wanted(want)
	s.attribute(&c, swarm.ServiceChanges(want.Form(), live.Spec.Form()), want, live)
	return c
}

func (s *overview) updated(want swarm.ServiceSpec, live swarm.Service) ServiceChange {
	c := ServiceChange{Service: s.short(want.Name), Name: want.Name, What: Kept, NoPool: s.homeless(want)}
	live.Spec = unsurged(live.Spec)
	changed := swarm.ServiceChanges(want.Form(), live.Spec.Form())
	s.attribute(&c, changed, want, live)
	s.attributeProtection(&c)
	if len(changed)+len(c.Edits)+len(c.Pending) > 0 {
		c.What = Update
	}
	diff := swarm.Diff(want.Form(), live.Spec.Form())
	c.Tasks = s.tasks(want, live, diff)
	if c.Tasks.Restart > 0 {
		c.RollOut = want.Form().RollOut()
	}
	c.Back = slices.ContainsFunc(s.plan.Steps, func(st Step) bool {
		a, ok := st.Action.(UpdateService)
		return ok && a.ID == live.ID && st.Reason.Code == WhySuperseded
	})
	c.Volumes = s.volumes(live, &want, c.Tasks.Move)
	return c
}

// staysWith reports whether a service that goes on running all the same uses the network.
func (s *overview) staysWith(network string) bool {
	return s.protectedUser(network) || s.in.Spec.Policies.KeepRemoved && s.keptUser(network)
}

// attribute says of each field why it changes. A hand has been at a specification that is not what its hash says; what the accepted revision wants of it as
// the file does is put back then. Where nobody has, the accepted revision is not there yet.
func (s *overview) attribute(c *ServiceChange, changed []swarm.Change, want swarm.ServiceSpec, live swarm.Service) {
	before := s.accepted(want.Name)
	if before == nil {
		c.Edits = changed
		return
	}
	edited := map[string]bool{}
	for _, e := range swarm.ServiceChanges(want.Form(), before.Form()) {
		edited[e.Key] = true
	}
	byHand := !live.Spec.AsWritten() && live.Spec.Labels[swarm.LabelFailed] == "" // swarmd has put that back itself
	for _, f := range changed {
		switch {
		case edited[f.Key]:
			c.Edits = append(c.Edits, f)
		case byHand:
			c.Drift = append(c.Drift, f)
		default:
			c.Pending = append(c.Pending, f)
		}
	}
}

// attributeProtection says the same of whether the service is protected.
func (s *overview) attributeProtection(c *ServiceChange) {
	for _, of := range s.services {
		switch changed := of.protectChange(); {
		case of.want.Name != c.Name:
		case s.was.Spec == nil || s.was.Spec.Protected[c.Name] != s.in.Spec.Protected[c.Name]:
			c.Edits = append(c.Edits, changed...)
		default:
			c.Pending = append(c.Pending, changed...)
		}
	}
}

// accepted is what the accepted revision wants of a service, nil if it has none of the name.
func (s *overview) accepted(name string) *swarm.ServiceSpec {
	i := slices.IndexFunc(s.was.Stack.Services, func(o swarm.ServiceSpec) bool { return o.Name == name })
	if i < 0 {
		return nil
	}
	sealed := s.sealedOf(s.was.Stack.Services[i], s.was.Stack, s.was.Sealed)
	if live := s.liveService(name); live != nil {
		sealed = sealed.Beside(live.Spec)
	}
	return &sealed
}

func (s *overview) networkChanges() []NetworkChange {
	out := []NetworkChange{}
	for _, want := range s.in.Stack.Networks {
		live := s.liveNetwork(want.Name)
		if live == nil {
			out = append(out, NetworkChange{Network: s.short(want.Name), Name: want.Name, What: Create})
			continue
		}
		if fields := swarm.NetworkChanges(s.besideLive(want, *live).Form, live.Spec.Form); len(fields) > 0 && s.usable(want, live) {
			out = append(out, NetworkChange{Network: s.short(want.Name), Name: want.Name, What: Update, Fields: fields})
		}
	}
	for _, live := range s.in.World.Networks {
		wanted := slices.ContainsFunc(s.in.Stack.Networks, func(w swarm.NetworkSpec) bool { return w.Name == live.Spec.Name })
		if !wanted && s.ours(live.Spec.Labels) && !s.staysWith(live.Spec.Name) {
			out = append(out, NetworkChange{Network: s.short(live.Spec.Name), Name: live.Spec.Name, What: Remove})
		}
	}
	slices.SortFunc(out, func(a, b NetworkChange) int { return cmp.Compare(a.Network, b.Network) })
	return out
}
