package plan

import (
	"fmt"
	"slices"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// reachable reports whether the leader reaches the manager.
func (m member) reachable() bool {
	return m.Node.Manager.Reachability == "reachable" && m.Node.State != swarm.NodeDown
}

// raftSize returns how many managers there are, and how many of them are reachable.
func (v *view) raftSize() (n, reachable int) {
	for _, m := range v.members {
		if m.raft() {
			n++
			if m.reachable() {
				reachable++
			}
		}
	}
	return n, reachable
}

// wanted returns how many managers the file wants.
func (v *view) wanted() int {
	n := 0
	for _, p := range v.in.Spec.Pools {
		if p.Role == "manager" {
			n += p.Count
		}
	}
	return n
}

// membership plans at most one change of the managers' membership; the next waits until it is seen to be done.
func (d *draft) membership() {
	if len(d.promote) == 0 && len(d.demote) == 0 {
		return
	}
	if !d.sees(changeRole) {
		d.holdAll(d.demote, GuardGap, "not demoted on a view with a gap")
		d.holdAll(d.promote, GuardGap, "not promoted on a view with a gap")
		return
	}
	if why := d.othersManagers(); why != "" {
		d.holdAll(append(slices.Clone(d.demote), d.promote...), GuardQuorum, "its role stays: "+why)
		return
	}
	if m, ok := d.changing(); ok {
		d.hold(GuardQuorum, m.object(), "its change of role is under way; one at a time")
		d.wait(lookWait)
		return
	}
	if !d.promoteOne() {
		d.demoteOne()
	}
}

// othersManagers says that another cluster has managers in this swarm, "" if none has. There is one quorum, so two clusters that each count to what
// its own file wants would end it: only the one whose all managers are changes roles.
func (v *view) othersManagers() string {
	for _, m := range v.members {
		if m.Of != "" && (m.raft() || m.managerWish()) {
			return fmt.Sprintf("manager %s is of cluster %s, and only the cluster that has the managers changes roles", m.name(), m.Of)
		}
	}
	return ""
}

func (d *draft) holdAll(ms []member, guard, text string) {
	for _, m := range ms {
		d.hold(guard, m.object(), text)
	}
}

// changing returns a machine whose role and membership differ: a promotion or demotion that is not done. One that leaves and never
// became a member is none: taking its wish back changes no membership.
func (v *view) changing() (member, bool) {
	for _, m := range v.members {
		if m.Node == nil || m.raft() == m.managerWish() || m.class == leaving && !m.raft() {
			continue
		}
		return m, true
	}
	return member{}, false
}

// promoteOne promotes the first candidate if quorum is healthy. Two managers tolerate no failure, and one fails less often than
// two: from an odd number that is to grow by two, it waits for a second candidate.
func (d *draft) promoteOne() bool {
	n, reachable := d.raftSize()
	switch wanted := d.wanted(); {
	case len(d.promote) == 0 || n > wanted:
		d.holdAll(d.promote, GuardQuorum, fmt.Sprintf("there are %d managers, %d wanted", n, wanted))
		return false
	case reachable < n:
		d.holdAll(d.promote, GuardQuorum, fmt.Sprintf("%d of %d managers are reachable: nobody is promoted", reachable, n))
		return false
	case n%2 == 1 && wanted >= n+2 && len(d.promote) < 2:
		d.hold(GuardQuorum, d.promote[0].object(), fmt.Sprintf("waits for a second one to be promoted: %d managers tolerate no more failures than %d", n+1, n))
		return false
	}
	m := d.promote[0]
	s := m.Node.Spec
	s.Role = swarm.Manager
	d.write("promote", m, s, WhyPromote, fmt.Sprintf("becomes a manager; %d of %d so far", n, d.wanted()))
	return true
}

func (d *draft) demoteOne() {
	for _, m := range d.demote {
		if why := d.mayDemote(m); why != "" {
			d.hold(GuardQuorum, m.object(), why)
			continue
		}
		s := m.Node.Spec
		s.Role = swarm.Worker
		d.write("demote", m, s, WhyDemote, "stops being a manager")
		return
	}
}

// mayDemote says why the membership of a manager must stay, "" if it may go: the others are all reachable, a majority of what
// is now agrees, a majority of what is left is reachable, and one that is reachable itself leaves as many as are wanted, which must be known.
func (v *view) mayDemote(m member) string {
	if !m.raft() {
		return ""
	}
	if why := v.othersManagers(); why != "" {
		return why
	}
	n, reachable := v.raftSize()
	left := reachable
	if m.reachable() {
		left--
	}
	switch {
	case n == 1:
		return "it is the last manager"
	case left < n-1:
		return fmt.Sprintf("%d of the %d other managers are reachable", left, n-1)
	case reachable < n/2+1:
		return fmt.Sprintf("%d of %d managers are reachable: no quorum", reachable, n)
	case m.reachable() && v.outdated():
		return "how many managers are wanted is not known while the accepted revision cannot be read"
	case m.reachable() && left < v.wanted():
		return fmt.Sprintf("%d managers are wanted, and there are %d: it waits until another one took its place", v.wanted(), n)
	}
	return ""
}

// managerMayLeave decides whether a manager pool's machine may begin to leave: one at a time, and one that is needed waits until
// another took its place.
func (d *draft) managerMayLeave(m member) bool {
	if d.managerLeaves() {
		d.wait(lookWait)
		return false
	}
	why := d.mayDemote(m)
	if why != "" {
		d.hold(GuardQuorum, m.object(), "may not leave: "+why)
	}
	return why == ""
}

// managerLeaves reports whether the leave of a manager is open, or begun by this plan.
func (d *draft) managerLeaves() bool {
	for _, op := range d.deletes {
		if p := d.pool(op.Pool); p != nil && p.Role == "manager" {
			return true
		}
	}
	for _, s := range d.steps {
		if a, ok := s.Action.(OpenDelete); ok && d.pool(a.Pool).Role == "manager" {
			return true
		}
	}
	return false
}
