package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// machinesComing has a service that is to be created wait for machines of pools that can hold it. Swarm never moves a task to a node that comes later:
// created at once in a new cluster, all tasks would stay on its first manager. The bound counts from the accepted edit, so that a machine that never
// comes, however often it is tried, holds no service for ever.
func machinesComing(v *view, s spent, w wish) *refusal {
	want := w.service.want
	left := v.in.Spec.Policies.ServicesWait - v.in.Now.Sub(v.in.Accepted).Abs()              // one in the future was accepted by a clock that was ahead
	follows := want.Replicas() > 0 || want.Completions() > 0 || want.Mode == swarm.GlobalJob // a global service has its tasks where machines come later, too; a job has not
	if left <= 0 || !follows || !v.dropletsKnown() {
		return nil
	}
	var missing []string
	for i := range v.in.Spec.Pools {
		p := &v.in.Spec.Pools[i]
		if n := v.coming(p, want, s.creates(p.Name)); n > 0 && ofPool(p) == swarm.Active && want.Fits(v.fresh(p)) {
			missing = append(missing, fmt.Sprintf("%d of %d machines of pool %s", n, p.Count, p.Name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	r := warned(GuardGrowing, w.object, fmt.Sprintf("not created yet: it waits for %s, at most until %s (policies.services_wait)",
		strings.Join(missing, " and "), v.in.Now.Add(left).UTC().Format(time.RFC3339)))
	r.progressing, r.requeue = true, min(left, requeueWait)
	return r
}

// coming returns how many machines of the pool are on their way to hold the service: begun, or held back by max_creates. While none is under way,
// as when the cloud refuses them, what is missing does not count; nor does what is down or overdue. This pass creates as many as created says.
func (v *view) coming(p *spec.Pool, want swarm.ServiceSpec, created int) int {
	progressing, filled := v.unseenOf(p.Name)+created, 0
	for _, m := range v.machines {
		switch {
		case m.pool != p || !m.counts():
		case m.class == booting, m.class == arriving, m.class == ready && !holds(m, want):
			progressing++
		default:
			filled++
		}
	}
	if progressing == 0 {
		return 0
	}
	return max(progressing, p.Count-filled)
}

// holds reports whether the machine's node takes tasks of the service now, or a person keeps it from that: then nothing is to come.
func holds(m machine, want swarm.ServiceSpec) bool {
	if _, kept := m.maintained(); kept {
		return true
	}
	return m.Node.Spec.Availability == swarm.Active && want.Fits(*m.Node)
}

// fresh is what a machine of the pool will be as a node, as far as placement goes. All droplets are Linux on x86_64.
func (v *view) fresh(p *spec.Pool) swarm.Node {
	n := swarm.Node{Platform: swarm.Platform{OS: "linux", Architecture: "x86_64"},
		Spec: swarm.NodeSpec{Role: swarm.Role(p.Role), Labels: maps.Clone(p.Labels)}}
	if n.Spec.Labels == nil {
		n.Spec.Labels = map[string]string{}
	}
	n.Spec.Labels[swarm.LabelPool], n.Spec.Labels[swarm.LabelCluster] = p.Name, v.in.Spec.Cluster
	if p.Role == "manager" {
		n.Manager = &swarm.ManagerStatus{}
	}
	return n
}

// together returns what there is to say of a service whose tasks all run on one node though others could hold some: with that node all are lost.
func (v *view) together(c ServiceCount, want swarm.ServiceSpec, live swarm.Service) (text string) {
	if want.Mode != swarm.Replicated || c.Desired < 2 || c.Running != c.Desired || moving(live) {
		return ""
	}
	running := v.runningTasks(live)
	if len(running) == 0 || slices.ContainsFunc(running, func(t swarm.Task) bool { return t.NodeID != running[0].NodeID }) {
		return ""
	}
	on := perNode(running)
	fit, _ := v.everywhere(want, on)
	if fit < 2 {
		return ""
	}
	then := "Swarm moves none of them; the next roll-out spreads them"
	if s := live; v.spreadable(service{base: want, live: &s}) {
		then = "they are spread when nothing else is under way"
	}
	for _, m := range v.machines {
		if m.Node != nil && on[m.Node.ID] > 0 {
			return fmt.Sprintf("%d of %d tasks on one node, %s, and %d nodes fit: %s", c.Running, c.Desired, m.name(), fit, then)
		}
	}
	return ""
}
