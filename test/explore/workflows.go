package explore

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// Workflows are all that can be explored.
func Workflows() []Workflow {
	all := append(machineWorkflows(), serviceWorkflows()...)
	return slices.Concat(all, troubleWorkflows(), replaceWorkflows(), launchWorkflows(), quorumWorkflows(), editWorkflows(), swarmWorkflows(), storeWorkflows(), foreignWorkflows(), worldWorkflows(), handsWorkflows(), resizeWorkflows(), hostWorkflows()[:1], applyWorkflows(),
		rolloutWorkflows(), outcomeWorkflows(), surgeWorkflows(), objectWorkflows(), takeOverWorkflows(), jobWorkflows(), stackWorkflows(), portWorkflows(), protectWorkflows(), registryWorkflows(), bootstrapWorkflows(), destroyWorkflows())
}

// machineWorkflows change how many machines there are.
func machineWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	return []Workflow{
		{Name: "first-file", Sparse: 2, About: "the first manager reads its first file", Fresh: true, Start: file{managers: 1, workers: 1, services: web}},
		{Name: "grow-managers", Sparse: 2, About: "1 → 3 managers", Start: file{managers: 1}, Play: edits(file{managers: 3})},
		{Name: "shrink-managers", Sparse: 3, About: "3 → 1 managers, a swarmd on each", Start: file{managers: 3}, Several: true, Play: edits(file{managers: 1})},
		{Name: "add-worker", About: "a worker more", Start: file{managers: 1, workers: 1, services: web},
			Play: edits(file{managers: 1, workers: 2, services: web})},
		{Name: "remove-worker", Sparse: 2, About: "a worker less, drained first", Start: file{managers: 1, workers: 2, services: web},
			Play: edits(file{managers: 1, workers: 1, services: web})},
		{Name: "pages", Sparse: 2, About: "the list of droplets has several pages while it changes", Start: file{managers: 1, workers: 3}, Pages: 2,
			Play: edits(file{managers: 1, workers: 2})},
		{Name: "grow-shrink", Sparse: 3, About: "an edit taken back in the middle", Start: file{managers: 1, workers: 1},
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 3})
				r.wait(2 * time.Second)
				r.edit(file{managers: 1, workers: 1, labels: "{ zone: a }"})
			}},
		{Name: "holder-leaves", Sparse: 3, About: "the lease holder's own manager is removed by an edit", Start: file{managers: 1}, Several: true,
			Play: func(r *run) {
				r.edit(file{managers: 0, next: 1})
				r.confirm()
			}},
		{Name: "watched-file", About: "the file on the first manager's disk is saved again", Start: file{managers: 1, workers: 1},
			Play: func(r *run) { r.save(file{managers: 1, workers: 1, labels: "{ zone: c }"}) }},
		{Name: "restart", Sparse: 2, About: "swarmd starts again beside a file that is older than what was applied", Start: file{managers: 1, workers: 1},
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 2})
				r.wait(10 * time.Second)
				if p := r.actors.living(r.only); p != nil { // nil: a fault was quicker, and the next one has not started
					p.kill()
				}
			}},
		{Name: "labels", About: "labels and availability of a pool change", Start: file{managers: 1, workers: 2, labels: "{ zone: a }"}, Small: true,
			Play: edits(file{managers: 1, workers: 2, labels: "{ zone: b, disk: ssd }"})},
		{Name: "two-swarmds", About: "three managers with a swarmd on each; a worker more", Start: file{managers: 3, workers: 1}, Several: true,
			Play: edits(file{managers: 3, workers: 2})},
		{Name: "elsewhere", Sparse: 2, About: "the acting swarmd dies and another manager's goes on", Start: file{managers: 3, workers: 2}, Several: true,
			Play: func(r *run) {
				r.edit(file{managers: 3, workers: 1})
				r.wait(time.Second)
				r.strikeHolder()
			}},
	}
}

// serviceWorkflows change what runs.
func serviceWorkflows() []Workflow {
	roll := ", update_config: { parallelism: 1, delay: 1s, monitor: 2s, order: start-first, failure_action: %s }"
	one, two := file{managers: 1, services: rolled("app", "nginx:1.27", 3, roll, "rollback")}, file{managers: 1, services: rolled("app", "nginx:1.28", 3, roll, "rollback")}
	bad, paused := rolled("app", brokenImage, 3, roll, "rollback"), rolled("app", brokenImage, 3, roll, "pause")
	return []Workflow{
		{Name: "create-service", About: "a service more", Start: file{managers: 1}, Small: true, Play: edits(file{managers: 1, services: service("app", "nginx:1.27", 2, "")})},
		{Name: "remove-service", About: "a service less", Start: one, Small: true, Play: func(r *run) {
			r.edit(file{managers: 1})
			r.confirm()
		}},
		{Name: "scale-service", About: "2 → 5 replicas", Start: file{managers: 1, services: service("app", "nginx:1.27", 2, "")}, Small: true,
			Play: edits(file{managers: 1, services: service("app", "nginx:1.27", 5, "")})},
		{Name: "rolling-update", Sparse: 2, About: "an image changes, start-first", Start: one, Play: edits(two)},
		{Name: "failed-update", About: "an image that dies; the engine takes it back", Start: one, Image: brokenImage, Held: []string{plan.GuardRolledBack},
			Play: edits(file{managers: 1, services: bad})},
		{Name: "paused-update", Sparse: 3, About: "a roll-out that pauses, then a better file", Start: one,
			Play: func(r *run) {
				r.edit(file{managers: 1, services: paused})
				r.wait(12 * time.Second)
				r.edit(two)
			}},
		{Name: "edit-in-roll-out", Sparse: 2, About: "the file changes again in the middle of a roll-out", Start: one,
			Play: func(r *run) {
				r.edit(two)
				r.wait(2 * time.Second)
				r.edit(file{managers: 1, services: rolled("app", "nginx:1.29", 4, roll, "rollback")})
			}},
		{Name: "edit-in-roll-back", Sparse: 3, About: "a better file while a bad roll-out is under way that the engine then takes back", Start: one,
			Play: func(r *run) {
				r.edit(file{managers: 1, services: bad})
				r.wait(time.Second)
				r.edit(two)
			}},
		{Name: "bad-edit", Sparse: 2, About: "a file with faults changes nothing; the next good one does", Start: one,
			Play: func(r *run) {
				r.badEdit()
				r.wait(5 * time.Second)
				r.edit(two)
			}},
	}
}

// troubleWorkflows are those in which machines die.
func troubleWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	start := file{managers: 1, workers: 2, services: web}
	return []Workflow{
		{Name: "vanished-droplet", About: "somebody deletes a worker's droplet: another one takes its place", Start: start,
			Play: func(r *run) { r.person().remove("workers") }},
		{Name: "vanished-manager", About: "somebody deletes one of three managers' droplets: another one takes its place", Start: file{managers: 3, workers: 1}, Several: true, Sparse: 4,
			Play: func(r *run) { r.person().remove("managers") }},
		{Name: "vanished-holder", About: "somebody deletes the acting swarmd's machine and a worker's at once: another swarmd acts, and both are replaced", Start: file{managers: 3, workers: 3, services: web}, Several: true, Sparse: 12,
			Play: func(r *run) {
				r.person().removeHolder()
				r.person().remove("workers")
			}},
		{Name: "dead-node", About: "a worker's power fails: it is powered on again", Start: start,
			Play: func(r *run) { r.person().unplug("workers") }},
		{Name: "dead-manager", Sparse: 3, About: "one manager of three is down when a file wants one only", Start: file{managers: 3}, Several: true,
			Play: func(r *run) {
				r.person().unplug("managers")
				r.wait(8 * time.Second)
				r.edit(file{managers: 1})
			}},
		{Name: "thin-quorum", Sparse: 3, About: "a manager is down when a file takes the two others: held until it is back", Start: file{managers: 2, next: 1}, Several: true,
			Play: func(r *run) {
				back := r.person().cut("next")
				r.wait(8 * time.Second)
				r.edit(file{managers: 0, next: 1})
				r.confirm()
				r.wait(6 * time.Second)
				back()
			}},
		{Name: "hung", About: "a worker's engine ends and its machine runs on: its power is cycled", Start: start, Sparse: 4,
			Play: func(r *run) {
				if err := r.world.CrashEngine(r.lastOf("workers")); err != nil {
					r.violate("harness", "hung: %v", err)
				}
				r.faults.last = time.Now()
			}},
		{Name: "half-down", About: "two of three workers are cut off for seven minutes: nothing is done to them", Start: file{managers: 1, workers: 3, services: web}, NoCycle: true, Sparse: long,
			Play: func(r *run) {
				p := r.person()
				last := p.cut("workers")
				other := p.cutOff(r.firstOf("workers"))
				r.wait(7 * time.Minute)
				last()
				other()
			}},
		{Name: "back-again", About: "a worker's power fails and comes back", Start: start,
			Play: func(r *run) {
				back := r.person().unplug("workers")
				r.wait(20 * time.Second)
				back()
			}},
	}
}

// edits plays files one after the other, without waiting in between.
func edits(files ...file) func(*run) {
	return func(r *run) {
		for _, f := range files {
			r.edit(f)
		}
	}
}

func workflowNamed(name string) (Workflow, bool) {
	w, ok := workflowsByName()[name]
	return w, ok
}

// workflowsByName are all, once: to write them down for each plan costs as much as a dozen of its calls.
var workflowsByName = sync.OnceValue(func() map[string]Workflow {
	all := map[string]Workflow{}
	for _, w := range append(Workflows(), specials()...) {
		all[w.Name] = w
	}
	return all
})

// brokenImage is one whose containers die.
const brokenImage = "broken:1"

// images that do not run.
func (r *run) images() {
	r.outcomeImages()
	r.privateImages()
	r.world.Swarm.SetImage(brokenImage, dockerd.Image{CrashAfter: 300 * time.Millisecond})
}

// save changes the file on the first manager's disk. A swarmd that watches it is told; one that starts later finds it.
func (r *run) save(f file) {
	if r.broken {
		return
	}
	r.wants(f)
	r.check.wants(f)
	r.faults.last = time.Now()
	r.actors.files[r.only] = f.yaml(r.cluster)
	if p := r.actors.living(r.only); p != nil {
		go func() {
			select {
			case p.edits <- f.yaml(r.cluster):
			case <-p.ctx.Done():
			}
		}()
	}
}

// strikeHolder kills the acting swarmd for longer than the lease.
func (r *run) strikeHolder() {
	if p := r.actors.holder(); p != nil && !r.broken {
		r.actors.away[p.machine] = time.Now().Add(awayFor)
		r.scheduler.remark("%s is killed", p.name)
		p.kill()
	}
}

// badEdit hands a file with faults to every swarmd.
func (r *run) badEdit() {
	if r.broken {
		return
	}
	bad := append(r.want.yaml(r.cluster), "nonsense: { replcias: 3 }\n"...)
	for _, p := range r.actors.all {
		if p.gone() {
			continue
		}
		if n, err := r.actors.offer(p, bad); err == nil {
			r.violate("bad-file", "%s took a file with faults as revision %d", p.name, n)
		}
	}
}

func (r *run) person() *person { return &r.faults.people }

// remove deletes the pool's last droplet in the cloud's web interface.
func (p *person) remove(pool string) { p.removeDroplet(p.last(pool)) }

// removeHolder is remove of the machine whose swarmd acts.
func (p *person) removeHolder() {
	holder := p.run.actors.holder()
	if holder == nil {
		return // a fault has just ended it
	}
	for _, d := range p.run.world.Cloud.Droplets() {
		if d.Name == holder.machine {
			p.removeDroplet(d.ID)
		}
	}
}

func (p *person) removeDroplet(d int) {
	p.run.check.gone[d] = true
	p.ask(http.MethodDelete, "/v2/droplets/"+itoa(d), nil)
	p.run.faults.last = time.Now()
}

// unplug cuts the power of the pool's last machine, and returns what puts it back.
func (p *person) unplug(pool string) (back func()) {
	d, _ := p.run.world.Cloud.Droplet(p.last(pool))
	return p.unplugged(d.Name)
}

// unplugged is unplug of the machine of that name.
func (p *person) unplugged(name string) (back func()) {
	if err := p.run.world.KillMachine(name); err != nil {
		p.run.violate("harness", "unplug: %v", err)
	}
	p.run.scheduler.remark("the power of %s fails", name)
	p.run.faults.last = time.Now()
	return func() {
		if err := p.run.world.ReviveMachine(name); err != nil {
			p.run.violate("harness", "unplug: %v", err)
		}
		p.run.faults.last = time.Now()
	}
}

// cut takes the pool's last machine off the network, and returns what puts it back.
func (p *person) cut(pool string) (back func()) {
	d, _ := p.run.world.Cloud.Droplet(p.last(pool))
	return p.cutOff(d.Name)
}

func (p *person) cutOff(machine string) (back func()) {
	set := func(off bool) {
		if err := p.run.world.CutOff(machine, off); err != nil {
			p.run.violate("harness", "cut: %v", err)
		}
		p.run.faults.last = time.Now()
	}
	set(true)
	p.run.scheduler.remark("%s is cut off", machine)
	return func() { set(false) }
}

// last returns the pool's newest droplet.
func (p *person) last(pool string) int {
	id := 0
	for _, d := range p.run.world.Cloud.Droplets() {
		if poolOf(p.run.cluster, d) == pool {
			id = d.ID
		}
	}
	return id
}
