package explore

import (
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// replaceWorkflows have a machine that exists replaced by another one, which comes first.
func replaceWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	return []Workflow{
		{Name: "roll-workers", About: "another image for two workers: each is replaced, the new one first", Start: file{managers: 1, workers: 2, services: web}, Sparse: 4,
			Play: edits(file{managers: 1, workers: 2, services: web, workersImage: otherImage})},
		{Name: "roll-managers", About: "another image for all: three managers become four and three again, three times", Start: file{managers: 3}, Several: true, Sparse: 20,
			Play: edits(file{managers: 3, image: otherImage})},
		{Name: "roll-only-manager", About: "another image for the only manager: one becomes two and one again", Start: file{managers: 1, services: web}, Several: true, Sparse: 4,
			Play: edits(file{managers: 1, services: web, image: otherImage})},
		{Name: "roll-and-back", About: "another image, and the old one again before the first new machine is there", Start: file{managers: 1, workers: 2, services: web}, Sparse: 4,
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 2, services: web, workersImage: otherImage})
				r.replacing()
				r.edit(file{managers: 1, workers: 2, services: web})
			}},
		{Name: "asked-for-another", About: "a person asks for another machine", Start: file{managers: 1, workers: 2, services: web}, Sparse: 4,
			Play: func(r *run) { r.person().askReplace("workers") }},
		{Name: "hung-for-good", About: "a worker is cut off for good, and its power cycled in vain: another machine takes its place", Start: file{managers: 1, workers: 3, services: web, hasty: true}, Sparse: long,
			Play: func(r *run) { r.person().cut("workers") }},
		{Name: "manager-for-good", About: "the same of one of three managers", Start: file{managers: 3, hasty: true}, Several: true, Sparse: long,
			Play: func(r *run) { r.person().cut("managers") }},
		{Name: "hung-and-back", About: "a worker that is being replaced comes back before the other one is there", Start: file{managers: 1, workers: 3, services: web, hasty: true}, Sparse: long,
			Play: func(r *run) {
				machine := r.lastOf("workers")
				r.person().cut("workers")
				r.replacing()
				_ = r.world.CutOff(machine, false) // it may have left meanwhile
				r.faults.last = time.Now()
			}},
	}
}

// replacing waits until a replacement is open. A fault may have the machine be replaced otherwise.
func (r *run) replacing() {
	for range 600 {
		if r.broken || slices.ContainsFunc(r.observe().ledger.Ops, func(op ledger.Op) bool { return op.Kind == ledger.Replace }) {
			return
		}
		r.wait(time.Second)
	}
}

// otherImage is the one that pools are rolled to.
const otherImage = "debian-12-x64"

// askReplace has a person ask for another machine in the place of the pool's newest.
func (p *person) askReplace(pool string) {
	d, _ := p.run.world.Cloud.Droplet(p.last(pool))
	for _, o := range p.list("/nodes") {
		labels, _ := o.Spec["Labels"].(map[string]any)
		if labels[swarm.LabelDroplet] == itoa(d.ID) {
			labels[swarm.LabelReplace] = "now ann"
			p.update("nodes", o)
			p.run.check.asked[d.ID] = true
		}
	}
}
