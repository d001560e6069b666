package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// findLeaving finds the machines that leave, in the order in which shrink takes them.
func (s *overview) findLeaving() {
	var all []machine
	for i := range s.in.Spec.Pools {
		all = append(all, s.surplus(&s.in.Spec.Pools[i])...)
		all = append(all, s.rolled(&s.in.Spec.Pools[i])...)
	}
	for _, m := range s.machines {
		if m.class == leaving {
			all = append(all, m)
		}
	}
	for _, m := range all {
		if m.Node != nil {
			s.leaving[m.Node.ID] = true
		}
	}
}

// rolled are the pool's machines that are not what the file says, and that accepted edits permit to replace. None is where no other could join.
func (s *overview) rolled(p *spec.Pool) []machine {
	if joinable(s.view, spent{}, wish{pool: p}) != nil {
		return nil
	}
	surplus := s.surplus(p)
	stay := slices.DeleteFunc(s.leavers(p), func(m machine) bool {
		return len(s.drifts(m)) == 0 || slices.ContainsFunc(surplus, func(o machine) bool { return o.dropletID() == m.dropletID() })
	})
	return stay[:min(len(stay), max(s.in.World.Ledger.DeleteBudget-len(surplus), 0))]
}

// surplus are the pool's machines that are picked to leave; those that leave already were said when they were picked.
func (s *overview) surplus(p *spec.Pool) []machine {
	n, picked := s.counted(p.Name)-s.disputed(p)-p.Count, s.leavers(p)
	return picked[:min(max(n, 0), len(picked))]
}

// running are the service's tasks that run or are to.
func (s *overview) running(live swarm.Service) []swarm.Task {
	return s.tasksOf(live, func(t swarm.Task) bool { return t.DesiredState == "running" && !ended(t) })
}

// holders are the pools whose machines can hold the service, sorted.
func (s *overview) holders(want swarm.ServiceSpec) []string {
	out := []string{}
	for i := range s.in.Spec.Pools {
		if p := &s.in.Spec.Pools[i]; p.Count > 0 && ofPool(p) == swarm.Active && want.Fits(s.fresh(p)) {
			out = append(out, p.Name)
		}
	}
	return out
}

// homeless reports whether a service wants tasks, and no pool can hold any. A file without pools has its tasks on the nodes of another cluster.
func (s *overview) homeless(want swarm.ServiceSpec) bool {
	return len(s.in.Spec.Pools) > 0 && len(s.holders(want)) == 0 && (want.Mode == swarm.Global || want.Mode == swarm.GlobalJob || want.Replicas() > 0 || want.Completions() > 0)
}

// wanted is how many tasks a specification asks for once all machines are there.
func (s *overview) wanted(want swarm.ServiceSpec) int {
	if want.Mode == swarm.Replicated {
		return int(want.Replicas())
	}
	if want.Mode == swarm.ReplicatedJob {
		return want.Completions()
	}
	n := 0
	for _, pool := range s.holders(want) {
		n += s.pool(pool).Count
	}
	return n
}

// tasks counts what becomes of a live service's tasks. A change of constraints alone replaces only those that no longer fit (swarmkit,
// manager/orchestrator: IsTaskDirty). Labels and availability of nodes change before the services do: what no longer fits ends at once.
func (s *overview) tasks(want swarm.ServiceSpec, live swarm.Service, diff []string) TaskChange {
	have, wanted := s.running(live), s.wanted(want)
	before := len(have)
	if live.Spec.Mode == swarm.Replicated {
		before = int(live.Spec.Replicas())
	}
	t := TaskChange{Start: max(wanted-before, 0), Stop: max(before-wanted, 0)}
	if swarm.Replaces(diff) && !constraintsAlone(diff) {
		t.Move = min(s.moved(have, live.Spec, live.Spec), wanted)
		t.Restart = min(before, wanted) - t.Move
		return t
	}
	t.Move = min(s.moved(have, live.Spec, want), wanted)
	return t
}

// moved counts the tasks of a service with replicas whose node can hold them now and no longer then. A global one has its tasks where it fits.
func (s *overview) moved(have []swarm.Task, now, then swarm.ServiceSpec) int {
	if then.Mode != swarm.Replicated {
		return 0
	}
	n := 0
	for _, t := range have {
		if s.leaves(t.NodeID, now, then) {
			n++
		}
	}
	return n
}

// leaves reports whether a task has to leave its node: the node fits the specification of now, and not the one of then as it will be then.
func (s *overview) leaves(node string, now, then swarm.ServiceSpec) bool {
	m := s.machine(node)
	return m != nil && now.Fits(*m.Node) && !s.stays(*m, then)
}

// machine is the machine of a node, nil if it is not seen.
func (s *overview) machine(node string) *machine {
	i := slices.IndexFunc(s.machines, func(m machine) bool { return m.Node != nil && m.Node.ID == node })
	if i < 0 {
		return nil
	}
	return &s.machines[i]
}

func constraintsAlone(diff []string) bool {
	return !slices.ContainsFunc(diff, func(line string) bool {
		return swarm.Replaces([]string{line}) && !strings.HasPrefix(line, "TaskTemplate.Placement.Constraints[")
	})
}

// stays reports whether a machine can hold the service once everything is as the file wants it.
func (s *overview) stays(m machine, want swarm.ServiceSpec) bool {
	n := *m.Node
	if m.pool == nil || m.class != ready {
		return !s.leaving[n.ID] && want.Fits(n)
	}
	n.Spec.Labels = s.labels(m, m.pool)
	if n.Manager = nil; m.pool.Role == "manager" {
		n.Manager = &swarm.ManagerStatus{}
	}
	return !s.leaving[n.ID] && m.availability() != swarm.Drain && want.Fits(n)
}

// volumes says what becomes of the volumes of a live service: those that it mounts no more, and those on nodes that its tasks leave. want is nil if the
// service goes.
func (s *overview) volumes(live swarm.Service, want *swarm.ServiceSpec, move int) []VolumeChange {
	var out []VolumeChange
	var kept []string
	if want != nil {
		kept = want.Form().Volumes()
	}
	on := s.nodesOf(live)
	for _, name := range live.Spec.Form().Volumes() {
		stays, goes := []string{}, []string{}
		for _, id := range slices.Sorted(maps.Keys(on)) {
			switch left := !slices.Contains(kept, name) || move > 0 && s.leaves(id, live.Spec, *want); {
			case s.leaving[id]:
				goes = append(goes, on[id])
			case left:
				stays = append(stays, on[id])
			}
		}
		if len(goes) > 0 {
			out = append(out, VolumeChange{Volume: name, What: Remove, Nodes: sorted(goes)})
		}
		if len(stays) > 0 {
			out = append(out, VolumeChange{Volume: name, What: Kept, Nodes: sorted(stays)})
		}
	}
	if want != nil {
		for _, name := range kept {
			if !slices.Contains(live.Spec.Form().Volumes(), name) {
				out = append(out, VolumeChange{Volume: name, What: Create})
			}
		}
	}
	return out
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

// nodesOf are the names of the nodes on which the service's tasks run, by id.
func (s *overview) nodesOf(live swarm.Service) map[string]string {
	out := map[string]string{}
	for _, t := range s.running(live) {
		if m := s.machine(t.NodeID); m != nil {
			out[t.NodeID] = m.name()
		}
	}
	return out
}
