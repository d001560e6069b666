package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// poolCounts are what the pools want and have, sorted by name.
func (v *view) poolCounts() []PoolCount {
	var out []PoolCount
	for i := range v.in.Spec.Pools {
		out = append(out, v.poolCount(&v.in.Spec.Pools[i]))
	}
	out = append(out, v.orphanedCounts()...)
	slices.SortFunc(out, func(a, b PoolCount) int { return strings.Compare(a.Pool, b.Pool) })
	return out
}

func (v *view) poolCount(p *spec.Pool) PoolCount {
	c := PoolCount{Pool: p.Name, Role: p.Role, Desired: p.Count, Monthly: float64(p.Count) * v.in.Prices[p.Size], PriceUnknown: p.Count > 0 && !v.priced(p.Size)}
	c.ManyDown = Crowded(Crowd(v.in.World.Machines, p.Name))
	for _, m := range v.machines {
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
func asWanted(m machine) bool {
	return m.class == ready && m.isManager() == (m.pool.Role == "manager") && m.wantsManager() == m.isManager() &&
		m.Node.Spec.Availability == m.availability()
}

// orphanedCounts counts the machines of pools that the file no longer has. They stay, and so does what they cost.
func (v *view) orphanedCounts() []PoolCount {
	byPool := map[string]PoolCount{}
	for _, m := range v.machines {
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
	for _, name := range slices.Sorted(maps.Keys(byPool)) {
		out = append(out, byPool[name])
	}
	return out
}

// countedBy are the specifications by which the services are counted: the stack's, or what they are while what they should be is not known.
func (v *view) countedBy() []swarm.ServiceSpec {
	if !v.outdated() {
		return v.in.Stack.Services
	}
	var out []swarm.ServiceSpec
	for _, s := range v.in.World.Services {
		if v.ours(s.Spec.Labels) {
			out = append(out, s.Spec)
		}
	}
	return out
}

// serviceCount is what a service wants and has; live is nil if there is none of ours.
func (v *view) serviceCount(want swarm.ServiceSpec) (c ServiceCount, live *swarm.Service) {
	live = v.liveService(want.Name)
	if live == nil || !v.belongs(*live) {
		return ServiceCount{Service: want.Name, Image: imageOf(want), Desired: int(want.Replicas()) + want.Completions(), Job: want.Mode.Job()}, nil
	}
	defer func() { c.Protected = protectedBy(live.Spec.Labels[swarm.LabelProtected]) }()
	if want.Mode.Job() {
		if c = v.tallyJob(want, *live); c.Completed < c.Desired {
			c.Error = v.taskError(*live)
		}
		return c, live
	}
	c = v.tally(want, *live)
	if c.Running < c.Desired || c.Running != c.Desired && c.Surge == 0 {
		c.Error = v.taskError(*live)
	}
	return c, live
}

// imageOf is the image as the file has it.
func imageOf(s swarm.ServiceSpec) string { return cmp.Or(s.Labels[swarm.LabelImage], s.Image) }

// tally counts the tasks of a live service against what a specification wants. A global service wants one on each node that fits and takes tasks; the
// tasks that there are do not say it, since one that waits to be restarted is not asked to run. On one node more than one runs for a moment, when the
// new one starts first.
func (v *view) tally(want swarm.ServiceSpec, live swarm.Service) ServiceCount {
	c := ServiceCount{Service: want.Name, Image: imageOf(want), Desired: int(want.Replicas()), Update: live.Update}
	running := v.runningTasks(live)
	c.Running, c.Runs = len(running), otherImages(want, running)
	for _, t := range running {
		if moving(live) && !t.Created.Before(live.UpdateStarted) {
			c.Updated++
		}
	}
	if surge, ok := live.Spec.Surge(); ok {
		c.Surge = int(surge.Tasks)
	}
	if want.Mode == swarm.Global {
		want = want.Pinned(live.Spec.Pin()) // the file has none
		c.Desired, c.Running = v.everywhere(want, perNode(running))
	}
	return c
}

// otherImages are the images that the running tasks are of, the most frequent first; "" if all are of the one that is wanted.
func otherImages(want swarm.ServiceSpec, running []swarm.Task) string {
	count, others := map[string]int{}, false
	asked, wanted := want.Pin().Digest, imageOf(want)
	for _, t := range running {
		reference, digest, _ := strings.Cut(t.Image, "@")
		image := wanted
		switch {
		case t.Image == "":
			continue
		case reference != want.Image:
			image, others = reference, true
		case asked != "" && digest != "" && digest != asked:
			image, others = t.Image, true
		}
		count[image]++
	}
	if !others {
		return ""
	}
	images := slices.SortedFunc(maps.Keys(count), func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b)) })
	if len(images) == 1 {
		return images[0]
	}
	for i, image := range images {
		images[i] = fmt.Sprintf("%d of %s", count[image], image)
	}
	return strings.Join(images, ", ")
}

// runningTasks are the service's tasks that run on nodes that are ready.
func (v *view) runningTasks(live swarm.Service) []swarm.Task {
	return v.tasksOf(live, func(t swarm.Task) bool { return t.Runs() && v.nodeReady(t.NodeID) })
}

// perNode is how many of the tasks each node has, by its id.
func perNode(tasks []swarm.Task) map[string]int {
	on := make(map[string]int, len(tasks))
	for _, t := range tasks {
		on[t.NodeID]++
	}
	return on
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
