package file

import (
	"cmp"
	"slices"
	"strings"

	"github.com/docker/cli/cli/compose/loader"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// lint warns of what is valid and seldom meant.
func (w *walker) lint(s *spec.Spec) {
	networks, volumes := section(w.values, "networks"), section(w.values, "volumes")
	w.rooms = map[string]room{}
	for _, p := range s.Pools {
		if has, known := roomOf(p.Size); known {
			w.rooms[p.Size] = has
		}
	}
	for i := range w.services {
		f := &w.services[i]
		w.lintHost(f, s, networks, volumes)
		w.lintPasswords(f)
		w.lintDowntime(f)
		w.lintCapabilities(f)
		w.lintJob(f)
		w.lintVolumes(f)
		w.lintStartFirst(f)
		w.lintPorts(f, s)
		w.lintResources(f)
		if w.lintPlacement(f, s) {
			w.lintRoom(f, s)
		}
	}
}

// mode is how many tasks the service has, and whether they end.
func (f *serviceFacts) mode() swarm.Mode {
	return cmp.Or(swarm.Mode(str(section(f.values, "deploy"), "mode")), swarm.Replicated)
}

// replicas is the number of tasks that are always to run; 1 if none is named. A global service has none of its own, and those of a job end.
func (f *serviceFacts) replicas() (n int, replicated bool) {
	deploy := section(f.values, "deploy")
	if mode := f.mode(); mode == swarm.Global || mode.Job() {
		return 0, false
	}
	if n, ok := deploy["replicas"].(int); ok {
		return n, true
	}
	return 1, true
}

func (f *serviceFacts) startFirst() bool {
	return str(section(section(f.values, "deploy"), "update_config"), "order") == "start-first"
}

func (f *serviceFacts) lintNode() *node { return f.node.get("deploy", "replicas") }

func (f *serviceFacts) constraints() []compare {
	var all []compare
	for _, s := range typed[string](section(section(f.values, "deploy"), "placement")["constraints"]) {
		if c, ok := parseConstraint(s); ok {
			all = append(all, c)
		}
	}
	return all
}

// mounted is one mount of a service.
type mounted struct {
	node                 *node
	kind, source, target string
	readOnly             bool
}

// data reports whether the task writes there what outlives it, beside whatever else on the machine has the same mount.
func (m mounted) data() bool {
	return (m.kind == "volume" || m.kind == "bind") && m.source != "" && !m.readOnly && !m.socket()
}

// socket reports whether the mount is a door to a program of the machine. By their names: nobody can look.
func (m mounted) socket() bool { return m.kind == "bind" && strings.HasSuffix(m.source, ".sock") }

func (f *serviceFacts) mounts() []mounted {
	if f.mounted != nil {
		return f.mounted
	}
	values, _ := f.values["volumes"].([]any)
	all := []mounted{}
	for i, value := range values {
		at := f.node.get("volumes").items[i]
		switch value := value.(type) {
		case string:
			if v, err := loader.ParseVolume(value); err == nil {
				all = append(all, mounted{at, v.Type, v.Source, v.Target, v.ReadOnly})
			}
		case map[string]any:
			all = append(all, mounted{at, str(value, "type"), str(value, "source"), str(value, "target"), value["read_only"] == true})
		}
	}
	f.mounted = all
	return all
}

// networkFields are the networks of a service in the map form.
func (f *serviceFacts) networkFields() []field {
	if n := f.node.child("networks"); n != nil {
		return n.fields
	}
	return nil
}

// lintDowntime warns where an update stops the only task before the next one runs. With data of its own that is as it must be: two tasks
// at once would write to it.
func (w *walker) lintDowntime(f *serviceFacts) {
	if n, replicated := f.replicas(); replicated && n == 1 && !f.startFirst() && !slices.ContainsFunc(f.mounts(), mounted.data) {
		w.warn(f.lintNode(), "one replica, stopped before the next starts: each update is a downtime; use 2 replicas or order: start-first")
	}
}

// lintJob warns of a job that never ends, if it fails.
func (w *walker) lintJob(f *serviceFacts) {
	restart := section(section(f.values, "deploy"), "restart_policy")
	if attempts, _ := restart["max_attempts"].(int); !f.mode().Job() || attempts > 0 || str(restart, "condition") == "none" {
		return
	}
	w.warn(f.node.get("deploy", "mode"), "a task of this job that fails is started again for ever, and Swarm keeps each of them: bound it with restart_policy.max_attempts, or with condition: none")
}

// lintVolumes warns where the tasks of a service do not see the same data.
func (w *walker) lintVolumes(f *serviceFacts) {
	n, replicated := f.replicas()
	if !replicated {
		return
	}
	for _, m := range f.mounts() {
		switch {
		case m.kind == "tmpfs" || m.source == "" || m.socket():
		case n > 1 && !strings.Contains(w.volumeNames[m.source], "{{"): // with a template each task has its own
			w.warn(m.node, "%d replicas and a mount on the machine's own disk: tasks on different machines see different data", n)
		case len(f.constraints()) == 0 && m.kind == "volume":
			w.warn(m.node, "nothing ties the service to a machine: a task that moves finds another, empty volume; use placement constraints")
		}
	}
}

// lintStartFirst warns where two tasks write to the same data while one replaces the other.
func (w *walker) lintStartFirst(f *serviceFacts) {
	i := slices.IndexFunc(f.mounts(), mounted.data)
	if i < 0 {
		return
	}
	for _, change := range []string{"update_config", "rollback_config"} {
		if str(section(section(f.values, "deploy"), change), "order") == "start-first" {
			m := f.mounts()[i]
			w.warn(f.node.get("deploy", change, "order"), "start-first runs the new task beside the old one: on one machine both write to %s, which can destroy it; use order: stop-first", shown(m.node, m.source))
		}
	}
}

// lintPorts warns of host-mode ports, which hold one task per node (Swarm's scheduler leaves the others pending).
func (w *walker) lintPorts(f *serviceFacts, s *spec.Spec) {
	nodes := 0
	for _, p := range active(s, f) {
		nodes += p.Count
	}
	if nodes == 0 {
		return // which is told by itself
	}
	for _, p := range f.publications() {
		n, replicated := f.replicas()
		if p.mode != "host" {
			continue
		}
		switch {
		case replicated && n > nodes:
			w.warn(f.lintNode(), "%d replicas on %d nodes, but %s in host mode holds one task per node: the rest stay pending", n, nodes, p)
		case f.startFirst() && (!replicated || n == nodes):
			w.warn(p.node, "start-first needs a node on which %s is free, and there is none: the update would wait for ever", p)
		}
	}
}
