package explore

import (
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// surged judges a service that swarmd has written with more tasks than its file says: only one whose tasks can move gets any, for an operation only when
// its node takes no new tasks, and to be spread only when a node has less than its share.
func (c *checks) surged(s *state, old, v api.Service) {
	owner, _, more := strings.Cut(v.Spec.Labels[swarm.LabelSurge], ":")
	if !more {
		return
	}
	if box := v.Spec.TaskTemplate.ContainerSpec; len(box.Mounts) > 0 {
		c.run.violate("surged", "service %s has data on its machines, and gets a task more", v.Spec.Name)
	}
	if owner == swarm.SurgeSpread {
		// One that has them already is written for something else, and keeps them. What a fault did since the nodes were read, nobody could know.
		if v.Spec.Labels[swarm.LabelSurge] != old.Spec.Labels[swarm.LabelSurge] && !uneven(s, v) && !c.harmed() {
			c.run.violate("surged", "service %s is spread, and it is even", v.Spec.Name)
		}
		return
	}
	node, byHand := strings.CutPrefix(owner, swarm.SurgeDrain)
	if op := s.ledger.ByID(owner); op != nil {
		node = op.NodeID
	} else if !byHand {
		c.run.violate("surged", "service %s gets tasks for operation %s, which is not open", v.Spec.Name, owner)
		return
	}
	for _, n := range s.swarm.Nodes {
		if n.ID == node && n.Spec.Availability == api.NodeAvailabilityActive {
			c.run.violate("surged", "service %s gets tasks, and the node that is to be emptied takes them too", v.Spec.Name)
		}
	}
}

// perNode is how many of a service's tasks run on each node that is ready and takes tasks. One with constraints has them on the workers.
func perNode(s *state, v api.Service) map[string]int {
	out, p := map[string]int{}, v.Spec.TaskTemplate.Placement
	for _, n := range s.swarm.Nodes {
		fits := p == nil || len(p.Constraints) == 0 || n.Spec.Role == api.NodeRoleWorker
		if fits && n.Status.State == api.NodeStateReady && n.Spec.Availability == api.NodeAvailabilityActive {
			out[n.ID] = 0
		}
	}
	for _, t := range s.swarm.Tasks {
		if _, ready := out[t.NodeID]; ready && t.ServiceID == v.ID && t.Status.State == api.TaskStateRunning && t.DesiredState == api.TaskStateRunning {
			out[t.NodeID]++
		}
	}
	return out
}

// uneven reports whether a worker has less than its fair share of the tasks that the service has without what it has more.
func uneven(s *state, v api.Service) bool {
	on, total := perNode(s, v), 0
	for _, n := range on {
		total += n
	}
	for _, n := range on {
		if n < total/len(on) {
			return true
		}
	}
	return false
}

// whole: by swarmd's hand never fewer tasks run of a service whose tasks can move than any file wanted. What a fault stops is not by its hand.
func (c *checks) whole(s *state) {
	if !c.run.workflow.Surges || !c.run.isArmed || c.harmed() {
		return
	}
	for _, v := range s.swarm.Services {
		if v.Spec.Name != c.run.cluster+"_app" {
			continue
		}
		if n := s.running(v.ID); n < 6 {
			c.run.violate("whole", "service %s: %d of 6 tasks run", v.Spec.Name, n)
		}
	}
}

// harmed reports whether a fault has stopped tasks, a clock has said that what is waited for takes too long, an engine has told a lie in good form, or a
// person has had a hand in it.
func (c *checks) harmed() bool {
	return slices.ContainsFunc([]Kind{EngineDown, LeaderChange, Human, Jump, ClockAhead, ClockBack, ClockDay, OtherIDs, Fewer, OtherStates},
		func(k Kind) bool { return c.run.out.Injected[k] > 0 })
}

// leftSurge says what of a service is not as the file says although all is over: it has more tasks for something, or they are uneven.
func (r *run) leftSurge(s *state, v api.Service) string {
	if label := v.Spec.Labels[swarm.LabelSurge]; label != "" {
		return "service " + v.Spec.Name + " still has tasks for " + label
	}
	if r.workflow.Even && !r.check.harmed() && strings.HasSuffix(v.Spec.Name, "_app") && uneven(s, v) {
		return "service " + v.Spec.Name + " is uneven"
	}
	return ""
}
