package explore

import (
	"net/http"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// image is what all machines are made of.
const image = "docker-20-04"

// launchWorkflows have machines that are made and never join, or late, and one that leaves the swarm by a person's hand.
func launchWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	start := file{managers: 1, workers: 1, services: web, quick: true}
	grown := file{managers: 1, workers: 2, services: web, quick: true}
	keeps := file{managers: 1, workers: 1, services: web, quick: true, keep: 1}
	return []Workflow{
		{Name: "launch-failure", About: "a droplet never becomes active: it is deleted, and another one is made", Start: start, Sparse: 2 * long,
			Play: func(r *run) {
				r.world.StallBoots(1, 0, 0)
				r.edit(grown)
				r.wait(10 * time.Minute)
			}},
		{Name: "late-launch", About: "a droplet becomes active just in time, and its machine takes long to join", Start: start, Sparse: long,
			Play: func(r *run) {
				r.world.StallBoots(1, 55*time.Second, 40*time.Second)
				r.edit(grown)
				r.wait(time.Minute)
			}},
		{Name: "join-failure", About: "no machine of an image joins: three tries, then the pool is held, and the last one is kept", Start: keeps, Sparse: 8 * long, Broken: true,
			Held: []string{plan.GuardLaunchFailed},
			Play: func(r *run) {
				r.world.BreakImage(image, true)
				r.edit(file{managers: 1, workers: 2, services: web, quick: true, seldom: true, keep: 1})
				r.wait(18 * time.Minute)
				r.edit(file{managers: 1, workers: 2, services: web, quick: true, keep: 1})
			}},
		{Name: "join-mended", About: "the same, and then it is mended and the file edited: it is tried at once, and what was kept is deleted", Start: keeps, Sparse: 8 * long, Broken: true,
			Play: func(r *run) {
				r.world.BreakImage(image, true)
				r.edit(file{managers: 1, workers: 2, services: web, quick: true, seldom: true, keep: 1})
				r.wait(19 * time.Minute)
				r.world.BreakImage(image, false)
				r.edit(grown)
			}},
		{Name: "half-parted", About: "the network falls into two for seven minutes, a manager and both workers away from the others: nothing is done to them",
			Start: file{managers: 3, workers: 2, services: web}, Several: true, NoCycle: true, Sparse: 2 * long,
			Play: func(r *run) {
				r.split(r.lastOf("managers"), r.firstOf("workers"), r.lastOf("workers"))
				r.wait(7 * time.Minute)
				r.split()
			}},
		{Name: "node-taken-out", About: "a person takes a worker's node out of the swarm by force while its machine lives: it is left alone", Start: start, Sparse: long,
			Held: []string{plan.GuardRemoved},
			Play: func(r *run) {
				r.forceOut("workers")
				r.wait(3 * time.Minute)
			}},
		{Name: "joined-anew", About: "a worker leaves the swarm and joins again as another node: it is left alone, and taken in when the old one is removed", Start: start, Sparse: long,
			NoCycle: true,
			Play: func(r *run) {
				old := r.rejoin("workers")
				r.wait(6 * time.Minute)
				r.takeOut(old)
			}},
	}
}

// split parts the network, see sim.World.
func (r *run) split(names ...string) {
	if err := r.world.Split(names...); err != nil {
		r.scheduler.remark("the network is not parted: %v", err) // a fault was quicker
	}
	r.faults.last = time.Now()
}

// forceOut takes the node of the pool's last machine out of the swarm, while its engine runs.
func (r *run) forceOut(pool string) {
	e := r.world.Engine(r.lastOf(pool))
	if e == nil {
		return // a fault was quicker
	}
	r.takeOut(e.NodeID() + "?force=true")
}

// takeOut has a person remove a node from the swarm.
func (r *run) takeOut(node string) {
	if err := r.world.Ask(http.MethodDelete, "/nodes/"+node, nil, nil); err != nil {
		r.scheduler.remark("a person: DELETE /nodes/%s: %v", node, err)
	}
	r.faults.last = time.Now()
}

// rejoin has the pool's last machine leave the swarm and join it again. It returns the id of the node that it was.
func (r *run) rejoin(pool string) string {
	name := r.lastOf(pool)
	e := r.world.Engine(name)
	if e == nil {
		return ""
	}
	old := e.NodeID()
	if err := r.world.Rejoin(name, r.observe().swarm.Tokens.Worker); err != nil {
		r.violate("harness", "rejoin: %v", err)
	}
	r.faults.last = time.Now()
	return old
}
