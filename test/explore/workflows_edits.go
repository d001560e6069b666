package explore

import (
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// editWorkflows change what pools are: whose machines are managers, what they are called, where they stand.
func editWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	return []Workflow{
		{Name: "role-edit", Sparse: 3, About: "the managers' pool becomes one of workers, and another one has the managers", Start: file{managers: 3}, Several: true,
			Play: edits(file{managers: 3, demoted: true, next: 3})},
		{Name: "swap-pools", Sparse: 3, About: "two pools change their roles", Start: file{managers: 3, workers: 3}, Several: true,
			Play: edits(file{managers: 3, workers: 3, swapped: true})},
		{Name: "rename-pool", About: "the pool of workers is called otherwise: the old machines are held", Start: file{managers: 1, workers: 1, services: web},
			Held: []string{plan.GuardPoolRemoved}, Settles: true, Play: edits(file{managers: 1, workers: 1, apps: true, services: web})},
		{Name: "move-region", About: "a pool is to be in another region, which the swarm's private network does not reach: nothing is made there, and the file is put right", Start: file{managers: 1, workers: 1, services: web},
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 2, region: "nyc3", services: web})
				r.wait(40 * time.Second)
				r.edit(file{managers: 1, workers: 2, services: web})
			}},
	}
}
