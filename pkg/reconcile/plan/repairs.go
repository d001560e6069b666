package plan

import (
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
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
		case m.class == dead:
			w.kind, w.text = replaceDead, fmt.Sprintf("its droplet %d does not exist any more; %s makes room for a new one", m.dropletID(), removal(m))
		case (m.class == overdue || m.class == booting) && v.outrun(m):
			w.kind, w.text = retryLaunch, m.name()+outrunWhy
		case m.class == overdue:
			w.kind, w.text = retryLaunch, fmt.Sprintf("%s did not join within %s: /var/log/swarmd-join.log on it says why; delete the droplet by hand for a new try",
				m.name(), v.in.Spec.Policies.LaunchTimeout)
		case m.class == down && m.Again == "": // of another one, what is to be done is said of the node that it is now
			w.kind, w.text = replaceDown, downWhy(m)
		default:
			continue
		}
		wishes = append(wishes, w)
	}
	return wishes
}

func downWhy(m machine) string {
	if m.Droplet != nil && m.Droplet.Status == cloud.StatusOff {
		return "its droplet is off, and swarmd does not start it: power it on, or delete it and " + removal(m) + " for a new one"
	}
	return "the node is down, and swarmd does not replace it yet: start its machine, or delete its droplet and " + removal(m) + " for a new one"
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
