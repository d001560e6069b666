package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// settle is how long after a write a service's state is not believed: the roll-out that the write begins shows a moment later.
const settle = 2 * time.Second

// patience is how long a service that is short of tasks is looked at often; after that, the usual resync does.
const patience = 10 * time.Minute

// count fills in what the pools and services want and have.
func (d *draft) count() {
	for i := range d.in.Spec.Pools {
		d.poolsSum = append(d.poolsSum, d.poolCount(&d.in.Spec.Pools[i]))
	}
	d.poolsSum = append(d.poolsSum, d.orphanedCounts()...)
	slices.SortFunc(d.poolsSum, func(a, b PoolCount) int { return strings.Compare(a.Pool, b.Pool) })
	if d.serviceGap() {
		return
	}
	if d.outdated() {
		d.countLive()
		return
	}
	for _, want := range d.in.Stack.Services {
		d.svcSum = append(d.svcSum, d.serviceCount(want))
	}
}

// countLive counts the services by what they are: what they should be is not known.
func (d *draft) countLive() {
	for _, s := range d.in.World.Services {
		if d.ours(s.Spec.Labels) {
			d.svcSum = append(d.svcSum, d.serviceCount(s.Spec))
		}
	}
}

func (v *view) poolCount(p *spec.Pool) PoolCount {
	c := PoolCount{Pool: p.Name, Role: p.Role, Desired: p.Count, Monthly: float64(p.Count) * v.in.Prices[p.Size], PriceUnknown: p.Count > 0 && !v.priced(p.Size)}
	for _, m := range v.members {
		if m.Pool != p.Name {
			continue
		}
		if m.Droplet != nil && m.class != foreign {
			c.MonthlyBefore += v.in.Prices[m.Droplet.Size]
			c.PriceUnknown = c.PriceUnknown || !v.priced(m.Droplet.Size)
		}
		if m.counts() {
			c.Have++
		}
		if asWanted(m) {
			c.Ready++
		}
	}
	return c
}

// priced reports whether the size's price is known. One that is not is no price of 0.
func (v *view) priced(size string) bool {
	_, known := v.in.Prices[size]
	return known
}

// asWanted reports whether a machine is all that its pool wants: bound, ready, of the right role and availability.
func asWanted(m member) bool {
	return m.class == ready && m.raft() == (m.pool.Role == "manager") && m.managerWish() == m.raft() &&
		m.Node.Spec.Availability == m.availability()
}

// orphanedCounts counts the machines of pools that the file no longer has. They stay, and so does what they cost.
func (v *view) orphanedCounts() []PoolCount {
	byPool := map[string]PoolCount{}
	for _, m := range v.members {
		if m.class != orphaned {
			continue
		}
		c := byPool[m.Pool]
		c.Pool, c.Have = m.Pool, c.Have+1
		if m.Droplet != nil {
			c.MonthlyBefore += v.in.Prices[m.Droplet.Size]
			c.PriceUnknown = c.PriceUnknown || !v.priced(m.Droplet.Size)
		}
		c.Monthly = c.MonthlyBefore
		byPool[m.Pool] = c
	}
	var out []PoolCount
	for _, c := range byPool {
		out = append(out, c)
	}
	return out
}

func (d *draft) serviceCount(want swarm.ServiceSpec) ServiceCount {
	live := d.liveService(want.Name)
	if live == nil || !d.ours(live.Spec.Labels) {
		return ServiceCount{Service: want.Name, Image: imageOf(want), Desired: int(want.Replicas)}
	}
	c := d.tally(want, *live)
	if c.Running != c.Desired {
		c.Error = d.taskError(*live)
	}
	d.progress(c, *live)
	d.holdShort(c, want, *live)
	d.together(c, want, *live)
	return c
}

// holdShort names what the engine says against a service that lacks tasks, once they had time to come up. A roll-out says it itself.
func (d *draft) holdShort(c ServiceCount, want swarm.ServiceSpec, live swarm.Service) {
	if moving(live) || d.in.Now.Sub(live.Updated) < time.Minute {
		return
	}
	switch {
	case c.Error != "":
		d.hold(GuardTasks, "service/"+want.Name, "tasks are missing: "+c.Error)
	case want.Mode == swarm.Global && c.Desired == 0 && len(want.Constraints) > 0:
		d.hold(GuardTasks, "service/"+want.Name, "no node fits its constraints ("+strings.Join(want.Constraints, ", ")+"): correct them, or the nodes' labels")
	}
}

// imageOf is the image as the file has it.
func imageOf(s swarm.ServiceSpec) string { return cmp.Or(s.Labels[swarm.LabelImage], s.Image) }

// tally counts the tasks of a live service against what a specification wants. A global service wants one on each node that fits and takes tasks; the
// tasks that there are do not say it, since one that waits to be restarted is not asked to run. On one node more than one runs for a moment, when the
// new one starts first.
func (v *view) tally(want swarm.ServiceSpec, live swarm.Service) ServiceCount {
	c := ServiceCount{Service: want.Name, Image: imageOf(want), Desired: int(want.Replicas), Update: live.Update}
	running, on := v.runningTasks(live)
	c.Running = len(running)
	for _, t := range running {
		if moving(live) && !t.Created.Before(live.UpdateStarted) {
			c.Updated++
		}
	}
	if want.Mode == swarm.Global {
		want.Platforms = live.Spec.Platforms // the file has none
		c.Desired, c.Running = v.everywhere(want, on)
	}
	return c
}

// runningTasks are the service's tasks that run on nodes that are ready, and how many of them each node has, by its id.
func (v *view) runningTasks(live swarm.Service) (running []swarm.Task, on map[string]int) {
	on = map[string]int{}
	running = v.tasksOf(live, func(t swarm.Task) bool { return t.Runs() && v.nodeReady(t.NodeID) })
	for _, t := range running {
		on[t.NodeID]++
	}
	return running, on
}

// everywhere counts the nodes that a global service wants a task on, and those of them that have one. A paused node keeps the task that it has.
func (v *view) everywhere(want swarm.ServiceSpec, on map[string]int) (desired, running int) {
	for _, m := range v.in.World.Machines {
		n := m.Node
		if n == nil || n.State != swarm.NodeReady || !want.Fits(*n) {
			continue
		}
		if n.Spec.Availability != swarm.Active && (n.Spec.Availability != swarm.Pause || on[n.ID] == 0) {
			continue
		}
		desired++
		if on[n.ID] > 0 {
			running++
		}
	}
	return desired, running
}

func (v *view) nodeReady(id string) bool { return v.readyNodes[id] }

// progress says whether a service is still on its way, and how soon to look at it.
func (d *draft) progress(c ServiceCount, live swarm.Service) {
	age := d.in.Now.Sub(live.Updated)
	fresh := live.Update != swarm.Completed && age < settle && age > -time.Minute
	if !fresh && !moving(live) && c.Running == c.Desired {
		return
	}
	d.underway = true
	switch {
	case age < time.Minute:
		d.lookIn(time.Second)
	case age < patience:
		d.lookIn(lookWait)
	}
}

// converged: nothing to do, nothing blocked, nothing under way, everything wanted is there and running.
func (v *view) converged(b *builder) bool {
	if len(b.steps) > 0 || b.underway || !v.complete() || v.outdated() || len(v.in.World.Ledger.Ops) > 0 {
		return false
	}
	if slices.ContainsFunc(b.holds, func(h Hold) bool { return h.Blocking }) {
		return false
	}
	return !slices.ContainsFunc(b.poolsSum, func(c PoolCount) bool { return c.Have != c.Desired || c.Ready != c.Desired }) &&
		!slices.ContainsFunc(b.svcSum, func(c ServiceCount) bool { return c.Running != c.Desired })
}
