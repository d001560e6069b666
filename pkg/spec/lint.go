package spec

import (
	"strings"

	"github.com/docker/cli/cli/compose/loader"
)

// lint warns of what is valid and seldom meant.
func (w *walker) lint(s *Spec, values map[string]any) {
	networks, volumes := section(values, "networks"), section(values, "volumes")
	for i := range w.services {
		f := &w.services[i]
		w.lintHost(f, s, networks, volumes)
		w.lintPasswords(f)
		w.lintDowntime(f)
		w.lintVolumes(f)
		w.lintPorts(f, s)
		w.lintConstraints(f, s)
	}
}

// replicas is the number of tasks; 1 if none is named. A global service has none of its own.
func (f *serviceFacts) replicas() (n int, replicated bool) {
	deploy := section(f.values, "deploy")
	if str(deploy, "mode") == "global" {
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
	node         *node
	kind, source string
	readOnly     bool
}

func (f *serviceFacts) mounts() []mounted {
	values, _ := f.values["volumes"].([]any)
	var all []mounted
	for i, value := range values {
		at := f.node.get("volumes").items[i]
		switch value := value.(type) {
		case string:
			if v, err := loader.ParseVolume(value); err == nil {
				all = append(all, mounted{at, v.Type, v.Source, v.ReadOnly})
			}
		case map[string]any:
			all = append(all, mounted{at, str(value, "type"), str(value, "source"), value["read_only"] == true})
		}
	}
	return all
}

// networkFields are the networks of a service in the map form.
func (f *serviceFacts) networkFields() []field {
	if n := f.node.child("networks"); n != nil {
		return n.fields
	}
	return nil
}

// lintDowntime warns where an update stops the only task before the next one runs.
func (w *walker) lintDowntime(f *serviceFacts) {
	if n, replicated := f.replicas(); replicated && n == 1 && !f.startFirst() {
		w.warn(f.lintNode(), "one replica, stopped before the next starts: each update is a downtime; use 2 replicas or order: start-first")
	}
}

// lintVolumes warns where the tasks of a service do not see the same data.
func (w *walker) lintVolumes(f *serviceFacts) {
	n, replicated := f.replicas()
	if !replicated {
		return
	}
	for _, m := range f.mounts() {
		switch {
		case m.kind == "tmpfs" || m.source == "":
		case n > 1:
			w.warn(m.node, "%d replicas and a mount on the machine's own disk: tasks on different machines see different data", n)
		case len(f.constraints()) == 0 && m.kind == "volume":
			w.warn(m.node, "nothing ties the service to a machine: a task that moves finds another, empty volume; use placement constraints")
		}
	}
}

// lintPorts warns of host-mode ports, which hold one task per node (Swarm's scheduler leaves the others pending).
func (w *walker) lintPorts(f *serviceFacts, s *Spec) {
	nodes := 0
	for _, p := range s.Pools {
		if p.Availability == "active" {
			nodes += p.Count
		}
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

// lintConstraints warns of node labels that no pool gives.
func (w *walker) lintConstraints(f *serviceFacts, s *Spec) {
	at := f.node.get("deploy", "placement", "constraints")
	for _, c := range f.constraints() {
		label, ok := strings.CutPrefix(c.key, "node.labels.")
		if !ok || !c.equal || strings.HasPrefix(label, "swarmd.") || given(s, label, c.value) {
			continue
		}
		w.warn(at, "no pool has the label %s=%s: unless a node gets it by hand, no task starts", quote(label), quote(c.value))
	}
}

func given(s *Spec, label, value string) bool {
	for _, p := range s.Pools {
		if v, ok := p.Labels[label]; ok && strings.EqualFold(v, value) && p.Count > 0 {
			return true
		}
	}
	return false
}
