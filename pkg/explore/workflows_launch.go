package explore

import (
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
		{Name: "launch-failure", About: "a droplet never becomes active: it is deleted, and another one is made", Start: start, Sparse: long,
			Play: func(r *run) {
				r.world.StallBoots(1, 0)
				r.edit(grown)
				r.wait(10 * time.Minute)
			}},
		{Name: "late-launch", About: "a droplet becomes active just in time, and its machine joins", Start: start, Sparse: long,
			Play: func(r *run) {
				r.world.StallBoots(1, 55*time.Second)
				r.edit(grown)
				r.wait(time.Minute)
			}},
		{Name: "join-failure", About: "no machine of an image joins: three tries, then the pool is held, and the last one is kept", Start: keeps, Sparse: long, Broken: true,
			Held: []string{plan.GuardLaunchFailed},
			Play: func(r *run) {
				r.world.BreakImage(image, true)
				r.edit(file{managers: 1, workers: 2, services: web, quick: true, keep: 1})
				r.wait(18 * time.Minute)
			}},
		{Name: "join-mended", About: "the same, and then it is mended and the file edited: it is tried at once, and what was kept is deleted", Start: keeps, Sparse: long, Broken: true,
			Play: func(r *run) {
				r.world.BreakImage(image, true)
				r.edit(file{managers: 1, workers: 2, services: web, quick: true, keep: 1})
				r.wait(19 * time.Minute)
				r.world.BreakImage(image, false)
				r.edit(grown)
			}},
	}
}
