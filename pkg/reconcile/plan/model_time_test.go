package plan_test

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// step lets time pass and everything happen that was due.
func (m *model) step(dt time.Duration) {
	m.now = m.now.Add(dt)
	for _, d := range m.machines() {
		m.age(d)
	}
	for _, s := range m.services {
		m.roll(s)
	}
	m.schedule()
}

func (m *model) age(d *machine) {
	since := func(t time.Time) time.Duration {
		if t.IsZero() {
			return -1
		}
		return m.now.Sub(t)
	}
	if d.droplet != nil && d.droplet.Status == cloud.StatusNew && since(d.created) >= bootTime {
		d.droplet.Status = cloud.StatusActive
	}
	if d.droplet != nil && d.droplet.Status == cloud.StatusActive && d.node == nil && d.stopAt.IsZero() && !d.neverUp && since(d.created) >= joinTime {
		m.join(d)
	}
	if d.droplet != nil && d.droplet.Status == cloud.StatusActive && !d.deaf && since(d.stopAt) >= stopTime {
		m.switchOff(d)
	}
	if d.node == nil {
		return
	}
	if since(d.offAt) >= downTime {
		d.node.State = swarm.NodeDown
		if d.node.Manager != nil {
			d.node.Manager.Reachability = "unreachable"
		}
	}
	if since(d.onAt) >= bootTime {
		m.boot(d)
	}
	if since(d.roleAt) >= roleTime && (d.node.Manager != nil) != (d.node.Spec.Role == swarm.Manager) {
		m.changeRole(d)
	}
}

func (m *model) join(d *machine) {
	d.node = &swarm.Node{
		ID: fmt.Sprintf("n%d", d.droplet.ID), Version: 1, Hostname: d.droplet.Name, State: swarm.NodeReady, Addr: d.droplet.PrivateIPv4,
		Spec: swarm.NodeSpec{Role: swarm.Worker, Availability: swarm.Drain, Labels: map[string]string{"theirs": "kept"}}, Created: m.now,
		EngineLabels: map[string]string{swarm.LabelDroplet: strconv.Itoa(d.droplet.ID)},
	}
	m.sees(d)
}

// changeRole follows the wish; if the leader goes, another manager leads.
func (m *model) changeRole(d *machine) {
	d.node.Version++
	if d.node.Spec.Role == swarm.Manager {
		d.node.Manager = &swarm.ManagerStatus{Reachability: "reachable"}
		return
	}
	led := d.node.Manager.Leader
	d.node.Manager = nil
	for _, o := range m.machines() {
		if led && o.node != nil && o.node.Manager != nil {
			o.node.Manager.Leader, led = true, false
		}
	}
}

// roll ends a roll-out: a bad specification is rolled back.
func (m *model) roll(s *swarm.Service) {
	if s.Update != swarm.Updating || m.now.Sub(s.Updated) < updateTime {
		return
	}
	s.Version++
	s.Updated = m.now
	if m.badHash != "" && s.Spec.Labels[swarm.LabelHash] == m.badHash {
		s.Spec, s.Update, s.UpdateMessage = m.old[s.Spec.Name], swarm.RollbackCompleted, "task failed"
		return
	}
	s.Update = swarm.Completed
}

// schedule keeps each service's tasks: none on drained or lost nodes, spread over the rest.
func (m *model) schedule() {
	m.tasks = slices.DeleteFunc(m.tasks, func(t swarm.Task) bool {
		return !slices.ContainsFunc(m.machines(), func(d *machine) bool { return d.node != nil && d.node.ID == t.NodeID })
	})
	for i := range m.tasks {
		t := &m.tasks[i]
		if t.DesiredState == "running" && (!m.fit(t.NodeID, swarm.Pause) || m.serviceOf(*t) == nil) {
			t.DesiredState, t.Updated = "shutdown", m.now
		}
		switch due := m.now.Sub(t.Updated) >= taskTime; {
		case due && t.DesiredState == "shutdown" && t.State == "running" && !m.lost(t.NodeID):
			t.State, t.Updated = "shutdown", m.now
		case due && t.State == "preparing":
			t.State, t.Updated = "running", m.now
		}
	}
	for _, d := range m.stack.Services {
		if s := m.services[d.Name]; s != nil {
			m.scale(s)
		}
	}
}

func (m *model) serviceOf(t swarm.Task) *swarm.Service {
	for _, s := range m.services {
		if s.ID == t.ServiceID {
			return s
		}
	}
	return nil
}

// fit reports whether a node takes tasks; or keeps those that it has, if one of that availability does.
func (m *model) fit(node string, too swarm.Availability) bool {
	for _, d := range m.machines() {
		if d.node != nil && d.node.ID == node {
			return (d.node.Spec.Availability == swarm.Active || d.node.Spec.Availability == too) && d.node.State == swarm.NodeReady
		}
	}
	return false
}

func (m *model) lost(node string) bool { return m.node(node).node.State == swarm.NodeDown }

func (m *model) scale(s *swarm.Service) {
	load, on := map[string]int{}, map[string]int{} // tasks by node: all, and this service's
	var have []int
	for i, t := range m.tasks {
		if t.DesiredState == "running" {
			load[t.NodeID]++
			if t.ServiceID == s.ID {
				have, on[t.NodeID] = append(have, i), on[t.NodeID]+1
			}
		}
	}
	for len(have) > int(s.Spec.Replicas()) { // from a node that has most
		last := 0
		for i, t := range have {
			if on[m.tasks[t].NodeID] >= on[m.tasks[have[last]].NodeID] {
				last = i
			}
		}
		t := &m.tasks[have[last]]
		t.DesiredState, t.Updated = "shutdown", m.now
		on[t.NodeID]--
		have = slices.Delete(have, last, last+1)
	}
	for n := len(have); n < int(s.Spec.Replicas()); n++ {
		best := ""
		for _, d := range m.machines() {
			if d.node != nil && m.fit(d.node.ID, swarm.Active) && (best == "" || cmp.Or(on[d.node.ID]-on[best], load[d.node.ID]-load[best]) < 0) {
				best = d.node.ID
			}
		}
		if best == "" {
			return
		}
		load[best], on[best] = load[best]+1, on[best]+1
		m.seq++
		m.tasks = append(m.tasks, swarm.Task{ID: fmt.Sprintf("task%d", m.seq), ServiceID: s.ID, NodeID: best, Slot: n + 1, State: "preparing",
			DesiredState: "running", Updated: m.now})
	}
}
