package file

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"

	"github.com/swarmd/swarmd/pkg/spec"
)

// lintPlacement warns of a service for whose tasks the file has no machine. It reports whether there is one.
func (w *walker) lintPlacement(f *serviceFacts, s *spec.Spec) bool {
	if n, replicated := f.replicas(); replicated && n == 0 {
		return false
	}
	at := f.node.get("deploy", "placement", "constraints")
	if len(s.Pools) == 0 { // the nodes are another cluster's, and only the swarm knows them
		if f.placed().contradicts() {
			w.warn(at, excluding)
		}
		return false
	}
	if w.lintLabels(f, s) {
		return false
	}
	switch {
	case f.placed().contradicts():
		w.warn(at, excluding)
	case len(active(s, nil)) == 0:
		w.warn(f.node, "no pool is active: Swarm starts no task on a drained node")
	case len(active(s, f)) > 0:
		return true
	case len(f.satisfying(s)) > 0:
		w.warn(at, "the pools that satisfy the constraints are drained or empty: no task starts")
	default:
		w.warn(at, "no pool satisfies all constraints: unless a node gets labels by hand, no task starts")
	}
	return false
}

const excluding = "the constraints exclude each other: no node can satisfy all of them, and no task starts"

// lintLabels warns of node labels that no pool gives, and reports whether there were any.
func (w *walker) lintLabels(f *serviceFacts, s *spec.Spec) bool {
	at, found := f.node.get("deploy", "placement", "constraints"), false
	for _, c := range f.constraints() {
		label, ok := strings.CutPrefix(c.key, "node.labels.")
		if !ok || !c.equal || strings.HasPrefix(label, "swarmd.") || given(s, label, c.value) {
			continue
		}
		found = true
		w.warn(at, "no pool has the label %s=%s: unless a node gets it by hand, no task starts", quote(label), quote(c.value))
	}
	return found
}

func given(s *spec.Spec, label, value string) bool {
	for _, p := range s.Pools {
		if v, ok := p.Labels[label]; ok && strings.EqualFold(v, value) && p.Count > 0 {
			return true
		}
	}
	return false
}

// contradicts reports whether no node can satisfy the constraints.
func (p *placement) contradicts() bool {
	for key, values := range p.only {
		if key == "node.ip" {
			continue // a value may be a network
		}
		if len(values) > 1 {
			return true
		}
		for value := range values {
			if p.never[key][value] {
				return true
			}
		}
	}
	return p.never["node.role"]["manager"] && p.never["node.role"]["worker"]
}

// active are the pools whose nodes take tasks, of the service if there is one.
func active(s *spec.Spec, f *serviceFacts) []spec.Pool {
	pools := s.Pools
	if f != nil {
		pools = f.satisfying(s)
	}
	return slices.DeleteFunc(slices.Clone(pools), func(p spec.Pool) bool { return p.Availability != "active" || p.Count == 0 })
}

// satisfying are the pools whose nodes can satisfy the service's constraints, as far as the file knows a node: by its role and labels.
func (f *serviceFacts) satisfying(s *spec.Spec) []spec.Pool {
	if f.fitting == nil {
		all := f.constraints()
		f.fitting = slices.DeleteFunc(slices.Clone(s.Pools), func(p spec.Pool) bool { return !satisfies(p, all) })
	}
	return f.fitting
}

func satisfies(p spec.Pool, all []compare) bool {
	for _, c := range all {
		value := p.Role
		if label, ok := strings.CutPrefix(c.key, "node.labels."); ok && !strings.HasPrefix(label, "swarmd.") {
			value = p.Labels[label]
		} else if !strings.EqualFold(c.key, "node.role") {
			continue
		}
		if strings.EqualFold(value, c.value) != c.equal {
			return false
		}
	}
	return true
}

// lintRoom warns of tasks for which the pools have no room, whatever else runs there.
func (w *walker) lintRoom(f *serviceFacts, s *spec.Spec) {
	pools := active(s, f)
	nodes := 0
	for _, p := range pools {
		nodes += p.Count
	}
	n, replicated := f.replicas()
	most, bounded := section(section(f.values, "deploy"), "placement")["max_replicas_per_node"].(int)
	if replicated && bounded && most > 0 && n > most*nodes {
		w.warn(f.lintNode(), "%d replicas, but %s for it and %d at most on each: the rest stay pending", n, counted(nodes, "node"), most)
	}
	w.lintMemory(f, pools, n, replicated)
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// lintMemory compares what a service reserves with what the pools' sizes have. A machine keeps some memory for itself, so a task that reserves
// all of it never fits. A size that is not understood may hold anything.
func (w *walker) lintMemory(f *serviceFacts, pools []spec.Pool, n int, replicated bool) {
	asked := f.resources("reservations")
	if asked == (room{}) {
		return
	}
	at := f.node.get("deploy", "resources", "reservations")
	fit, sizes := 0, []string{}
	for _, p := range pools {
		has, known := w.rooms[p.Size]
		if !known {
			return
		}
		fit += p.Count * has.times(asked)
		if !slices.Contains(sizes, p.Size) {
			sizes = append(sizes, p.Size)
		}
	}
	switch {
	case fit == 0:
		w.warn(at, "no machine has as much: the pools for it are of size %s; no task starts", strings.Join(sizes, ", "))
	case replicated && n > fit:
		w.warn(at, "%d replicas that reserve as much each, and the pools for it have room for %d: the rest stay pending", n, fit)
	}
}

// room is memory in bytes and processors in thousandths.
type room struct{ memory, cpu int64 }

// times is how often the other fits.
func (r room) times(other room) int {
	n := int64(maxReplicas)
	if other.memory > 0 {
		n = min(n, (r.memory-1)/other.memory)
	}
	if other.cpu > 0 {
		n = min(n, r.cpu/other.cpu)
	}
	return int(n)
}

// resources are the service's limits or reservations; what is not named is 0.
func (f *serviceFacts) resources(key string) room {
	values := section(section(section(f.values, "deploy"), "resources"), key)
	var r room
	if size, err := units.RAMInBytes(str(values, "memory")); err == nil {
		r.memory = size
	}
	if n, err := strconv.ParseFloat(str(values, "cpus"), 64); err == nil {
		r.cpu = int64(n * 1000)
	}
	return r
}

// roomOf reads a size's slug: s-2vcpu-4gb, m-2vcpu-16gb, and c-4, whose processors have 2 GB each.
func roomOf(size string) (room, bool) {
	if m := regexp.MustCompile(`^[a-z0-9_]+-(\d+)vcpu-(\d+)(gb|mb)(-|$)`).FindStringSubmatch(size); m != nil {
		cpu, err1 := strconv.ParseInt(m[1], 10, 32)
		memory, err2 := strconv.ParseInt(m[2], 10, 32)
		if m[3] == "gb" {
			memory <<= 10
		}
		return room{memory << 20, cpu * 1000}, err1 == nil && err2 == nil
	}
	if m := regexp.MustCompile(`^c-(\d+)$`).FindStringSubmatch(size); m != nil {
		cpu, err := strconv.ParseInt(m[1], 10, 32)
		return room{cpu << 31, cpu * 1000}, err == nil
	}
	return room{}, false
}

// RoomOf is what a machine of the size has: bytes of memory and thousandths of processors. Of a slug that does not say, nothing is known.
func RoomOf(size string) (memory, cpu int64, known bool) {
	r, known := roomOf(size)
	return r.memory, r.cpu, known
}

// lintResources warns of reservations above the limit: the scheduler keeps them free, and the task may never use them.
func (w *walker) lintResources(f *serviceFacts) {
	limit, asked := f.resources("limits"), f.resources("reservations")
	for key, over := range map[string]bool{
		"memory": limit.memory > 0 && asked.memory > limit.memory,
		"cpus":   limit.cpu > 0 && asked.cpu > limit.cpu,
	} {
		if over {
			w.warn(f.node.get("deploy", "resources", "reservations", key), "more is reserved than the limit lets a task use: the rest is kept free on its machine for nothing")
		}
	}
}
