package swarm

import (
	"maps"
	"strconv"
	"strings"
	"time"
)

// Surge is how many tasks a service has for a while beyond what its file says, and what for. It is in the service's label LabelSurge, "FOR:TASKS",
// which is written in one update with the replicas: who sees them sees whose they are, and when nobody owns them any more they go.
type Surge struct {
	For   string // the id of an open operation that empties a node, SurgeDrain with a node's id, or SurgeSpread
	Tasks uint64
}

// SurgeSpread is what a surge is for that spreads a service's tasks over the nodes. No operation has such an id.
const SurgeSpread = "spread"

// SurgeDrain and a node's id are what a surge is for that empties a node which a person, or the file, wants drained. No operation has such an id.
const SurgeDrain = "drain-"

// String is the label's value.
func (s Surge) String() string { return s.For + ":" + strconv.FormatUint(s.Tasks, 10) }

// Surge reads the label. What somebody else wrote there is nobody's.
func (s ServiceSpec) Surge() (surge Surge, ok bool) {
	label := s.Labels[LabelSurge]
	if label == "" {
		return Surge{}, false
	}
	owner, tasks, _ := strings.Cut(label, ":")
	n, err := strconv.ParseUint(tasks, 10, 32)
	return Surge{owner, n}, err == nil && owner != ""
}

// Surged is the specification with the surge. It stays the one of its revision and its hash, see Scaled.
func (s ServiceSpec) Surged(by Surge) ServiceSpec {
	out := s.Scaled(s.Replicas() + by.Tasks)
	out.Labels = relabelled(out.Labels, LabelSurge, by.String())
	return out
}

// ScaledAs is the specification with another one's replicas and its surge.
func (s ServiceSpec) ScaledAs(other ServiceSpec) ServiceSpec {
	out := s.Scaled(other.Replicas())
	for _, key := range []string{LabelSurge, LabelSpread} {
		out.Labels = relabelled(out.Labels, key, other.Labels[key])
	}
	return out
}

// relabelled is a copy of the labels with that one; an empty value takes it away.
func relabelled(labels map[string]string, key, value string) map[string]string {
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	if labels[key] = value; value == "" {
		delete(labels, key)
	}
	return labels
}

// Anchored says why a service cannot have a task more for a while, so that another one ends where it is: as the end of a sentence that begins with the
// service. "" if it can.
func (s ServiceSpec) Anchored() string {
	form := s.Form()
	switch {
	case s.Mode != Replicated:
		return "is not replicated"
	case mounts(form):
		return "has data on its machines"
	case hostMode(s.Ports):
		return "has a port of its machines"
	case slotted(form):
		return "has the slot of its tasks in its specification"
	case s.Replicas() < 2 && form["UpdateConfig.Order"] != "start-first":
		return "has one task, and its update_config.order is not start-first"
	}
	return ""
}

// OnMachine reports whether a task has anything of its machine mounted, which follows it to no other one.
func (s ServiceSpec) OnMachine() bool { return mounts(s.Form()) }

// mounts reports whether a task has anything of its machine mounted. What is in memory is the task's own.
func mounts(f Form) bool {
	for _, mount := range elementsOf(f, "TaskTemplate.ContainerSpec.Mounts[") {
		if mount["Type"] != "tmpfs" {
			return true
		}
	}
	return false
}

func hostMode(ports []Port) bool {
	for _, p := range ports {
		if p.Mode == "host" {
			return true
		}
	}
	return false
}

// slotted reports whether a template asks for the number of a task's slot: a task more would be one that nobody knows.
func slotted(f Form) bool {
	for _, value := range f {
		if strings.Contains(value, "{{") && strings.Contains(value, ".Task.Slot") {
			return true
		}
	}
	return false
}

// StopGrace is how long a task of the service may take to stop before it is killed.
func (s ServiceSpec) StopGrace() time.Duration {
	n, err := strconv.ParseInt(s.Form()["TaskTemplate.ContainerSpec.StopGracePeriod"], 10, 64)
	if err != nil {
		return 0 // the adapter fills in the engine's default
	}
	return time.Duration(n)
}

// MaxPerNode is how many tasks of the service a node may have; 0: any number.
func (s ServiceSpec) MaxPerNode() int {
	n, err := strconv.Atoi(s.Form()["TaskTemplate.Placement.MaxReplicas"])
	if err != nil {
		return 0 // there is no such field
	}
	return n
}

// Preferred reports whether the service says over what its tasks are spread: where the engine puts a new one then depends on more than on the tasks
// that each node has.
func (s ServiceSpec) Preferred() bool { return has(s.Form(), "TaskTemplate.Placement.Preferences") }
