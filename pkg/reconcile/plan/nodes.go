package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// ownPrefix begins the labels that are swarmd's bookkeeping: no list of pool labels can name them.
const ownPrefix = "swarmd."

// proposeNodes proposes to bind the nodes that joined, and to put right those of the pools. By an older spec than the accepted one it proposes to bind those
// whose create is open, and nothing else.
func proposeNodes(v *view) []wish {
	var wishes []wish
	var sound []machine
	for _, m := range v.machines {
		created := m.Op != nil && m.Op.Kind == ledger.Create
		switch {
		case m.class == arriving && (created || !v.outdated()):
			wishes = append(wishes, bound(v, m))
		case v.keeps(m):
			if w := v.drift(m); w.code != "" {
				wishes = append(wishes, wish{kind: putRight, object: m.object(), machine: m, write: w})
			} else {
				sound = append(sound, m)
			}
		}
	}
	return append(wishes, proposeRoles(v, sound)...)
}

// bound is a node whose claim and address agree, with its pool's labels. It stays drained until the next look has seen the binding.
func bound(v *view, m machine) wish {
	s := m.Node.Spec
	s.Labels = v.labels(m, m.pool)
	return wish{kind: bind, object: m.object(), machine: m, write: nodeWrite{step: "bind", spec: s, code: WhyBind,
		text: fmt.Sprintf("is taken into pool %s: it is droplet %d at %s", m.pool.Name, m.Droplet.ID, m.Droplet.PrivateIPv4)}}
}

// keeps reports whether the machine's node is to be as the file says.
func (v *view) keeps(m machine) bool {
	switch m.class {
	case ready, down, unknown, dead:
		return !v.outdated()
	}
	return false
}

// drift is what a node becomes whose labels or availability differ, in one write; without a code they do not. The role follows when they are right.
func (v *view) drift(m machine) nodeWrite {
	w := nodeWrite{step: "node", spec: m.Node.Spec}
	var said []string
	if want := v.labels(m, m.pool); !maps.Equal(want, w.spec.Labels) {
		said = append(said, changes(w.spec.Labels, want)...)
		w.spec.Labels, w.code = want, WhyLabels
	}
	if want := m.availability(); w.spec.Availability != want && !m.awaitsRole() {
		text, next, waits := v.sayPutBack(m, want), want, false
		if v.emptiesFor(m) {
			var why string
			next, why, waits = v.drainStep(m)
			text = fmt.Sprintf("availability: %s → %s%s", w.spec.Availability, next, sayDrain(next, why))
		}
		if !waits {
			said = append(said, text)
			w.spec.Availability, w.code = next, WhyAvailability
		}
	}
	w.text = strings.Join(said, ", ")
	return w
}

// sayDrain is the reason of a write on the way to a drain as the end of a sentence.
func sayDrain(next swarm.Availability, why string) string {
	if next == swarm.Pause {
		return ": to be drained, it " + why
	}
	return why
}

// awaitsRole reports whether the node is drained until it is a manager. What it were given as a worker, by a constraint on node.role, would be taken
// from it with its promotion.
func (m machine) awaitsRole() bool {
	return m.pool.Role == "manager" && !m.isManager() && m.Node.Spec.Availability == swarm.Drain
}

// labels returns the node's labels as they should be: ours put right, what swarmd once set and the file no longer has taken away,
// everything else as it is.
func (v *view) labels(m machine, p *spec.Pool) map[string]string {
	out := maps.Clone(m.Node.Spec.Labels)
	if out == nil {
		out = map[string]string{}
	}
	for _, key := range strings.Split(out[swarm.LabelKeys], ",") {
		if !strings.HasPrefix(key, ownPrefix) {
			delete(out, key)
		}
	}
	if _, ok := m.maintained(); !ok {
		delete(out, swarm.LabelMaintenance)
	}
	if u, ok := m.Node.Spec.Unresized(); ok && (!p.ResizeHere || u.Size != p.Size) {
		delete(out, swarm.LabelUnresized)
	}
	maps.Copy(out, p.Labels)
	out[swarm.LabelPool], out[swarm.LabelCluster] = p.Name, v.in.Spec.Cluster
	delete(out, swarm.LabelDrained) // a machine that was adopted since
	setOrDelete(out, swarm.LabelKeys, strings.Join(slices.Sorted(maps.Keys(p.Labels)), ","))
	if m.Binding == world.Bound && m.Droplet == nil {
		return out // what it is bound to, and how, cannot be seen now
	}
	out[swarm.LabelDroplet] = strconv.Itoa(m.Droplet.ID)
	adopted := ""
	if m.Adopted {
		adopted = "true"
	}
	setOrDelete(out, swarm.LabelAdopted, adopted)
	return out
}

func setOrDelete(labels map[string]string, key, value string) {
	if value == "" {
		delete(labels, key)
		return
	}
	labels[key] = value
}

// changes names the labels that differ, sorted.
func changes(from, to map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(to)) {
		if v, ok := from[k]; !ok || v != to[k] {
			out = append(out, "label "+k+"="+to[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[k]; !ok {
			out = append(out, "label "+k+" removed")
		}
	}
	return out
}
