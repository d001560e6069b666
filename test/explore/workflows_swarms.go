package explore

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// besideFrom is the number of the first machine of another swarm that has the cluster's name. Seeded machines alone have operations of five
// letters, so theirs are known by it.
const (
	besideFrom = 1000
	besideOp   = "aabmm" // besideFrom in letters
)

// beside reports whether the operation is of a machine of the other swarm.
func beside(op string) bool { return len(op) == len(besideOp) && op >= besideOp }

// swarmWorkflows are those in which the account has machines that have the cluster's name and are not this swarm's, or not any more.
func swarmWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	return []Workflow{
		{Name: "beside", Sparse: 2, About: "another swarm in the account has the cluster's name: its machines are held; a worker less", Beside: true,
			Start: file{managers: 1, workers: 2, services: web}, Held: []string{plan.GuardIdentity}, Settles: true,
			Play: edits(file{managers: 1, workers: 1, services: web})},
		{Name: "beside-fresh", Sparse: 2, About: "the same, and this swarm's first manager reads its first file", Beside: true, Fresh: true,
			Start: file{managers: 1, workers: 1, services: web}, Held: []string{plan.GuardIdentity}, Settles: true},
		{Name: "restored", Sparse: 2, About: "the swarm is restored from a backup that is older than two of its workers: they are held", Start: file{managers: 1, workers: 1},
			Held: []string{plan.GuardIdentity, plan.GuardRemoved}, Settles: true,
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 3})
				r.grown()
				r.restoreBackup(r.workflow.Start)
			}},
	}
}

// firstMachine is the name of the first machine of the explored swarm.
func (r *run) firstMachine() string {
	for _, d := range r.world.Cloud.Droplets() {
		if !beside(opOf(d)) {
			return d.Name
		}
	}
	return ""
}

// grown waits until the file's machines are all there, whatever holds.
func (r *run) grown() {
	want, err := r.parse(r.want)
	if err != nil {
		r.stop("harness", "%v", err)
	}
	why := ""
	for began := time.Now(); !r.broken && (time.Since(began) < convergeWithin || time.Since(r.faults.last) < convergeWithin); r.actors.elapse(tick) {
		s := r.observe()
		if why = r.machinesDiffer(s, &want.Spec); why == "" && len(s.ledger.Ops) == 0 && len(r.faults.down) == 0 {
			return
		}
	}
	if !r.broken {
		r.stop("converge", "not within %s: %s", convergeWithin, why)
	}
}

// restoreBackup puts the swarm's store back to what it was when only the seeded machines had joined and the file was the accepted one. The
// machines that swarmd has made since run on. Every swarmd starts anew, as after a restored engine.
func (r *run) restoreBackup(f file) {
	if r.broken {
		return
	}
	for _, p := range r.actors.all { // one that a fault has killed must not come back in between, either
		r.actors.away[p.machine] = time.Now().Add(8 * time.Second)
		p.kill()
	}
	r.wait(3 * time.Second)
	for _, d := range r.world.Cloud.Droplets() {
		if poolOf(r.cluster, d) != "" && len(opOf(d)) > len(besideOp) {
			r.check.lost[d.ID] = true
		}
	}
	r.wants(f)
	r.check.wants(f)
	r.faults.last = time.Now()
	for tries := 0; !r.person().forgets() && !r.broken; tries++ {
		if tries == 60 {
			r.stop("harness", "the backup could not be restored")
		}
		r.wait(tick)
	}
	r.scheduler.remark("the swarm is restored from an older backup")
}

// forgets takes the newer nodes and revisions out of the store, and reports whether nothing of them is left.
func (p *person) forgets() bool {
	s, left := p.run.observe(), 0
	ask := func(method, path string, in any) {
		left++
		_ = p.run.world.Ask(method, path, in, nil) // what fails is tried again
	}
	for _, d := range s.droplets {
		if i := s.nodeOn(d); i >= 0 && p.run.check.lost[d.ID] {
			ask(http.MethodDelete, "/nodes/"+s.swarm.Nodes[i].ID+"?force=true", nil)
		}
	}
	for _, o := range p.list("/configs") {
		name, _ := o.Spec["Name"].(string)
		labels, _ := o.Spec["Labels"].(map[string]any)
		switch {
		case name == "swarmd."+p.run.cluster && (labels["swarmd.ledger.revision"] != "1" || labels["swarmd.ledger.credit"] != nil):
			labels["swarmd.ledger.revision"] = "1"
			delete(labels, "swarmd.ledger.credit")
			ask(http.MethodPost, fmt.Sprintf("/configs/%s/update?version=%d", o.ID, o.Version.Index), o.Spec)
		case strings.HasPrefix(name, "swarmd."+p.run.cluster+".spec.") && !strings.HasSuffix(name, ".spec.1"):
			ask(http.MethodDelete, "/configs/"+o.ID, nil)
		}
	}
	return left == 0
}
