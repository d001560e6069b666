package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// strangerGrace is for how long a node must have been a stranger in each look until it is drained.
const strangerGrace = 2 * time.Minute

// drainsPerPass is how many strangers are drained in one pass at most: with a join token anybody makes thousands of them, and each costs a call.
const drainsPerPass = 100

// Strangers returns the ids of the workers that joined since the ledger began and are no machine of the cluster, sorted; none on a view with a
// gap. Whoever has the worker token can make such a node, and the swarm gives it tasks and their secrets. What it claims itself counts for
// nothing; what counts is that it stands at the address of a droplet of ours on which no other node lives.
func Strangers(w world.World, cluster string) []string {
	if len(w.Gaps) > 0 || w.NoDroplets || w.Ledger.Begun.IsZero() {
		return nil
	}
	h, out := homesIn(w, cluster), []string(nil)
	for _, m := range w.Machines {
		if newWorker(m, w.Ledger.Begun) && !h.mayHave(m.Node) {
			out = append(out, m.Node.ID)
		}
	}
	slices.Sort(out)
	return out
}

// newWorker reports whether the machine is a worker that joined since then and that nothing on the managers' side makes one of the cluster. Its
// state and its host name do not matter: both are its own word, and who changes them from look to look must not begin anew each time.
func newWorker(m world.Machine, since time.Time) bool {
	n := m.Node
	return n != nil && !n.Manages() && m.Of == "" && n.Created.After(since) && m.Op == nil && m.Binding != world.Bound && m.Binding != world.Claimed &&
		n.Spec.Labels[swarm.LabelDroplet] == "" && n.Spec.Labels[swarm.LabelPool] == ""
}

// homes are the places where a node of the cluster may stand.
type homes struct {
	unknown bool // a droplet of ours, or of an open create, shows no address yet
	at      map[string][]world.Machine
}

func homesIn(w world.World, cluster string) homes {
	h, placed := homes{at: map[string][]world.Machine{}}, map[string]bool{}
	for _, m := range w.Machines {
		d := m.Droplet
		if d == nil || !m.Owned && !m.Adopted && !world.Owned(cluster, *d) {
			continue
		}
		if d.PrivateIPv4 == "" {
			h.unknown = h.unknown || m.Node == nil
			continue
		}
		placed[fmt.Sprint(d.ID)], placed[d.OpID()] = true, true
		h.at[d.PrivateIPv4] = append(h.at[d.PrivateIPv4], m)
		if d.PublicIPv4 != "" {
			h.at[d.PublicIPv4] = append(h.at[d.PublicIPv4], m)
		}
	}
	h.unknown = h.unknown || slices.ContainsFunc(w.Ledger.Ops, func(op ledger.Op) bool {
		return op.Kind == ledger.Create && !placed[fmt.Sprint(op.DropletID)] && !placed[op.ID]
	})
	return h
}

// mayHave reports whether the node may be that of a droplet of ours. What a failed join leaves behind, which never spoke to a manager, has no address.
func (h homes) mayHave(n *swarm.Node) bool {
	addr := world.Address(*n)
	return h.unknown || addr == "" || slices.ContainsFunc(h.at[addr], func(m world.Machine) bool {
		return m.Node == nil || m.Node.ID == n.ID || m.Node.State != swarm.NodeReady
	})
}

func (v *view) stranger(m machine) bool {
	if m.Node == nil {
		return false
	}
	_, found := slices.BinarySearch(v.strangers, m.Node.ID)
	return found
}

// drainsStrangers reports whether the file wants strangers drained, as far as it can be read.
func (v *view) drainsStrangers() bool {
	return v.in.Spec.Policies.ForeignNodes == spec.DrainNew && !v.outdated()
}

// proposeStrangers proposes to drain each stranger once: the label that goes with it, which no worker can change, says so to whoever acts after this swarmd.
// What a person activates again stays so.
func proposeStrangers(v *view) []wish {
	if !v.drainsStrangers() || v.in.World.NoDroplets {
		return nil
	}
	var wishes []wish
	for _, m := range v.machines {
		if !v.stranger(m) || m.Node.Spec.Availability == swarm.Drain || m.Node.Spec.Labels[swarm.LabelDrained] != "" {
			continue
		}
		s := m.Node.Spec
		s.Availability, s.Labels = swarm.Drain, maps.Clone(s.Labels)
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[swarm.LabelDrained] = v.in.Now.UTC().Format(time.RFC3339)
		wishes = append(wishes, wish{kind: quarantine, object: "cluster", machine: m, write: nodeWrite{step: "quarantine", spec: s, code: WhyForeign,
			text: fmt.Sprintf("node %s joined at %s and is no machine of the cluster", m.Node.ID, joinedAt(m))}})
	}
	return wishes
}

func joinedAt(m machine) string { return m.Node.Created.UTC().Format(time.RFC3339) }

// strangerWhy says for people what a node is that is no machine of the cluster, since when, and what to do.
func (v *view) strangerWhy(m machine) string {
	const what = "is no machine of the cluster"
	n := m.Node
	since := fmt.Sprintf("node %s joined at %s and %s", n.ID, joinedAt(m), what)
	remove := fmt.Sprintf("docker swarm join-token --rotate worker and docker node rm --force %s if it is nobody's", n.ID)
	mine := fmt.Sprintf("docker node update --availability active %s if it is yours, or policies.foreign_nodes: keep", n.ID)
	switch at := n.Spec.Labels[swarm.LabelDrained]; {
	case at != "" && n.Spec.Availability != swarm.Drain:
		return since + "; swarmd drained it at " + at + ", and somebody activated it again: left alone"
	case at != "":
		return since + "; swarmd drained it at " + at + ": " + remove + "; " + mine
	case !v.stranger(m) || !v.drainsStrangers():
		return what + ": left alone"
	case n.Spec.Availability == swarm.Drain:
		return since + ", drained: " + remove
	}
	return fmt.Sprintf("%s; swarmd drains it when it has been so for %s: %s; %s", since, strangerGrace, remove, mine)
}
