package plan

import (
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// reachable reports whether the leader reaches the manager.
func (m machine) reachable() bool {
	return m.Node.Manager.Reachability == "reachable" && m.Node.State != swarm.NodeDown
}

// raftNumbers count the managers: those that there are, those of them that are reachable, and how many the file wants.
type raftNumbers struct{ have, reachable, wanted int }

func (v *view) countManagers() (n raftNumbers) {
	for _, m := range v.machines {
		if m.isManager() {
			n.have++
			if m.reachable() {
				n.reachable++
			}
		}
	}
	for _, p := range v.in.Spec.Pools {
		if p.Role == "manager" {
			n.wanted += p.Count + v.surge(p.Name)
		}
	}
	return n
}

// othersManagers says that another cluster has managers in this swarm, "" if none has. There is one quorum, so two clusters that each count to what
// its own file wants would end it: only the one whose all managers are changes roles.
func (v *view) othersManagers() string {
	for _, m := range v.machines {
		if m.Of != "" && (m.isManager() || m.wantsManager()) {
			return fmt.Sprintf("manager %s is of cluster %s, and only the cluster that has the managers changes roles", m.name(), m.Of)
		}
	}
	return ""
}

// changing returns a machine whose role and membership differ: a promotion or demotion that is not done. One that leaves and never
// became a member is none: taking its wish back changes no membership.
func (v *view) changing() (machine, bool) {
	for _, m := range v.machines {
		if m.Node == nil || m.isManager() == m.wantsManager() || m.class == leaving && !m.isManager() {
			continue
		}
		return m, true
	}
	return machine{}, false
}

// proposeRoles proposes whose role changes: who is to be a manager, and who must stop being one, those of open operations first. Of the others only
// those are asked whose nodes are as wanted otherwise.
func proposeRoles(v *view, sound []machine) []wish {
	var promotes, demotes []wish
	for _, op := range v.deletes {
		if m, stage := op.stage(v); stage == deleteDemote {
			demotes = append(demotes, demotion(m))
		}
	}
	for _, m := range sound {
		switch manager := m.pool.Role == "manager"; {
		case manager && !m.wantsManager() && !m.isManager() && m.class == ready:
			promotes = append(promotes, v.promotion(m))
		case !manager && (m.wantsManager() || m.isManager()) && m.Node.ID == v.in.Holder:
			demotes = append(demotes, wish{kind: stepDown, object: m.object(), machine: m,
				text: "is no machine of a manager pool, and holds the lease: another manager must demote it"})
		case !manager && m.wantsManager():
			demotes = append(demotes, demotion(m))
		case m.isManager() != m.wantsManager():
			demotes = append(demotes, wish{kind: settleRole, object: m.object(), machine: m})
		}
	}
	for i := range promotes {
		promotes[i].n = len(promotes)
	}
	return append(promotes, demotes...)
}

func (v *view) promotion(m machine) wish {
	s := m.Node.Spec
	s.Role = swarm.Manager
	return wish{kind: promote, object: m.object(), machine: m, unfinished: true, requeue: requeueWait, write: nodeWrite{step: "promote", spec: s, code: WhyPromote,
		text: fmt.Sprintf("becomes a manager; %d of %d so far", v.raft.have, v.raft.wanted)}}
}

func demotion(m machine) wish {
	s := m.Node.Spec
	s.Role = swarm.Worker
	return wish{kind: demote, object: m.object(), machine: m, write: nodeWrite{step: "demote", spec: s, code: WhyDemote, text: "stops being a manager"}}
}

// otherClusters leaves all roles alone while another cluster has managers in the swarm.
func otherClusters(v *view, _ spent, w wish) *refusal {
	why := v.othersManagers()
	if why == "" {
		return nil
	}
	return blocked(GuardQuorum, w.object, "its role stays: "+why)
}

// roleChanges has one change of the managers' membership follow the other: the next waits until it is seen to be done.
func roleChanges(v *view, _ spent, _ wish) *refusal {
	m, ok := v.changing()
	if !ok {
		return nil
	}
	r := blocked(GuardQuorum, m.object(), "its change of role is under way; one at a time")
	r.progressing, r.requeue = true, requeueWait
	return r
}

// oneRole permits one change of role in a pass.
func oneRole(_ *view, s spent, _ wish) *refusal {
	if s.count(promote, demote) == 0 {
		return nil
	}
	return &refusal{}
}

// enoughManagers promotes nobody when there are too many managers already.
func enoughManagers(v *view, _ spent, w wish) *refusal {
	if v.raft.have <= v.raft.wanted {
		return nil
	}
	return blocked(GuardQuorum, w.object, fmt.Sprintf("there are %d managers, %d wanted", v.raft.have, v.raft.wanted))
}

// allReachable promotes nobody while a manager is lost: one more makes the majority larger.
func allReachable(v *view, _ spent, w wish) *refusal {
	if v.raft.reachable == v.raft.have {
		return nil
	}
	return blocked(GuardQuorum, w.object, fmt.Sprintf("%d of %d managers are reachable: nobody is promoted", v.raft.reachable, v.raft.have))
}

// inPairs has managers grow by two: two tolerate no failure, and one fails less often than two. From an odd number that is to grow by two, the first
// waits for a second candidate.
func inPairs(v *view, _ spent, w wish) *refusal {
	n := v.raft.have
	if n%2 == 0 || v.raft.wanted < n+2 || w.n > 1 {
		return nil
	}
	return blocked(GuardQuorum, w.object, fmt.Sprintf("waits for a second one to be promoted: %d managers tolerate no more failures than %d", n+1, n))
}

// quorum keeps a manager whom the others need.
func quorum(v *view, _ spent, w wish) *refusal {
	why := v.mayDemote(w.machine)
	if why == "" {
		return nil
	}
	return blocked(GuardQuorum, w.object, why)
}

// mayDemote says why the membership of a manager must stay, "" if it may go: a majority of what is now agrees, and a majority of what is left is
// reachable; of one that is reachable itself the others all are, and they are as many as are wanted, which must be known. One that is lost weighs on the
// majority as long as it is a member, so of two that are lost the first may go.
func (v *view) mayDemote(m machine) string {
	if !m.isManager() {
		return ""
	}
	if why := v.othersManagers(); why != "" {
		return why
	}
	n, reachable, wanted := v.raft.have, v.raft.reachable, v.raft.wanted
	left := reachable
	if m.reachable() {
		left--
	}
	switch {
	case n == 1:
		return "it is the last manager"
	case m.reachable() && left < n-1, left < (n-1)/2+1:
		return fmt.Sprintf("%d of the %d other managers are reachable", left, n-1)
	case reachable < n/2+1:
		return fmt.Sprintf("%d of %d managers are reachable: no quorum", reachable, n)
	case m.reachable() && v.outdated():
		return "how many managers are wanted is not known while the accepted revision cannot be read"
	case m.reachable() && left < wanted:
		return fmt.Sprintf("%d managers are wanted, and there are %d: it waits until another one took its place", wanted, n)
	}
	return ""
}

// managerLeaves reports whether the leave of a manager is open, or begun by this plan.
func (v *view) managerLeaves(s spent) bool {
	for _, op := range v.deletes {
		if p := v.pool(op.Pool); p != nil && p.Role == "manager" {
			return true
		}
	}
	return slices.ContainsFunc(s.leaving(), func(g grant) bool { return g.pool.Role == "manager" })
}
