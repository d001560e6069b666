package explore

import (
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim/docean"
)

// larger is a size with more of everything.
const larger = "s-2vcpu-4gb"

// resizeWorkflows have machines get another size in place.
func resizeWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	workers := file{managers: 1, workers: 2, services: web, sizes: [2]string{"", larger}}
	return []Workflow{
		{Name: "resize-workers", About: "two workers are resized in place, one after the other", Start: file{managers: 1, workers: 2, services: web}, Sparse: 8, NoCycle: true,
			Play: edits(workers)},
		{Name: "resize-managers", About: "three managers with a swarmd on each are resized in place, the acting one's machine last", Start: file{managers: 3}, Several: true, Sparse: 20, NoCycle: true,
			Play: edits(file{managers: 3, sizes: [2]string{larger, ""}})},
		{Name: "resize-only-manager", About: "the only manager is not resized in place", Start: file{managers: 1, workers: 1, services: web}, Held: []string{plan.GuardQuorum}, Sparse: 4,
			Play: edits(file{managers: 1, workers: 1, services: web, sizes: [2]string{larger, ""}})},
		{Name: "resize-no-room", About: "the cloud has no room for a worker's size at first: it keeps its own, and gets the other one later", Start: file{managers: 1, workers: 1, services: web},
			Sparse: 20, NoCycle: true,
			Play: func(r *run) {
				r.world.Cloud.SetFate(docean.NoRoom)
				r.edit(file{managers: 1, workers: 1, services: web, sizes: [2]string{"", larger}})
				r.wait(45 * time.Second)
				r.world.Cloud.SetFate(docean.Resized)
				r.faults.last = time.Now()
			}},
	}
}
