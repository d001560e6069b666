package plan

import (
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// proposeRepairs proposes to replace the machines that are broken, and to remove those that no pool of the file has.
func proposeRepairs(v *view) []wish {
	var wishes []wish
	for _, m := range v.machines {
		w := wish{object: m.object(), machine: m}
		switch {
		case m.class == orphaned && !v.outdated(): // the accepted spec may have the pool
			w.kind, w.object, w.text = emptyPool, "pool/"+m.Pool, "the file has no such pool; set its count to 0 to remove its machines"
		case m.class == dead && !m.Adopted && !v.keptByHand(m) && v.surplusOf(m.pool) > 0: // it is the first to leave
			continue
		case m.class == dead:
			w.kind, w.pool, w.text = replaceDead, m.pool, fmt.Sprintf("its droplet %d does not exist any more", m.dropletID())
		case m.class == overdue, m.class == booting:
			late, is := v.launchWish(m, w)
			if !is {
				continue
			}
			w = late
		case v.replacing(m) != nil && v.replacing(m).Reason == forIll: // its operation says how far that is
			continue
		case m.class == down:
			w.kind, w.text = v.downWish(m)
			if w.kind == replaceIll && v.replacing(m) != nil { // another one comes already
				continue
			}
		default:
			continue
		}
		wishes = append(wishes, w)
	}
	return wishes
}

// downWish is what is wished for a machine that is down: the next rung of the ladder. What its holds say begins with the text.
func (v *view) downWish(m machine) (kind, string) {
	ill, n := v.ill(m), len(v.in.Spec.Policies.Repair.PowerOn)
	switch m.ails() {
	case IsOff:
		if ill.Tries >= n && v.in.Now.Sub(ill.Tried) >= tryShows {
			return replaceIll, fmt.Sprintf("its droplet is off, and powering it on %d times did not start it", n)
		}
		return powerOn, "its droplet is off"
	case Hangs:
		if !ill.Cycled.IsZero() && !ill.Unsure && v.in.Now.Sub(ill.Cycled) >= v.patience(m) {
			return replaceIll, "the node is down"
		}
		return powerCycle, "the node is down"
	}
	return replaceDown, "the node is down, and its droplet is not known: start its machine, or delete its droplet and " + removal(m) + " for a new one"
}

// removal is how a person takes a node that is gone for good out of the swarm.
func removal(m machine) string {
	if m.Node == nil {
		return "nothing more"
	}
	if m.Node.Manages() {
		return "docker node demote and docker node rm " + m.Node.ID
	}
	return "docker node rm " + m.Node.ID
}

// proposeGhosts proposes to remove the nodes that failed joins left behind.
func proposeGhosts(v *view) []wish {
	var wishes []wish
	for _, m := range v.machines {
		if v.ghost(m) {
			wishes = append(wishes, wish{kind: removeGhost, object: m.object(), machine: m,
				text: fmt.Sprintf("it never came up since %s", m.Node.Created.UTC().Format(time.RFC3339))})
		}
	}
	return wishes
}

// ghostGrace is how long a node may be without a host name before it counts as what a failed join left behind.
const ghostGrace = 15 * time.Minute

// ghost reports whether the node is the trace of a machine that asked to join and was never heard of: it has no host name, no claim and no
// binding. Nobody's work can be on it. Some seconds after its join every node looks so.
func (v *view) ghost(m machine) bool {
	n := m.Node
	return m.class == foreign && m.Droplet == nil && m.Of == "" &&
		n.Hostname == "" && n.Manager == nil && n.Spec.Role == swarm.Worker && n.State != swarm.NodeReady && len(n.EngineLabels) == 0 &&
		n.Spec.Labels[swarm.LabelDroplet] == "" && !n.Created.IsZero() && v.in.Now.Sub(n.Created) > ghostGrace && v.tasksOn(n.ID) == 0
}
