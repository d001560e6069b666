package explore

import (
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// handsWorkflows have a person say what swarmd is to leave alone, and the swarm lose its leader.
func handsWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	return []Workflow{
		{Name: "paused-dead-node", About: "the cluster is paused, a worker's power fails, the file is edited; when a person resumes it all is done", Sparse: 12,
			Start: file{managers: 1, workers: 2, services: web},
			Play: func(r *run) {
				r.person().pause(true)
				r.wait(viewAge)
				r.person().unplug("workers")
				r.edit(file{managers: 1, workers: 2, services: service("app", "nginx:1.27", 3, ""), labels: "{ zone: b }"})
				r.wait(30 * time.Second)
				r.person().pause(false)
			}},
		{Name: "protected", About: "a worker is protected when two of three are to leave: it stays", Sparse: 7, Start: file{managers: 1, workers: 3, services: web},
			Play: func(r *run) {
				r.person().protect(r.lastOf("workers"))
				r.edit(file{managers: 1, workers: 1, services: web})
			}},
		{Name: "volume-attached", About: "a volume is attached to a worker when two of three are to leave: it stays, and leaves with the pool when it is detached", Sparse: 7,
			Start: file{managers: 1, workers: 3, services: web},
			Play: func(r *run) {
				d := r.named(r.lastOf("workers"))
				r.person().attach(d, "vol-data")
				r.edit(file{managers: 1, workers: 1, services: web})
				r.wait(2 * viewAge)
				r.person().attach(d)
				r.edit(file{managers: 1, workers: 0, services: web})
				r.wait(20 * time.Second) // the last one is held until somebody says that it is meant
				r.confirm()
			}},
		{Name: "leader-lost", About: "another manager leads, all nodes are unknown and a worker's power fails: nobody is judged for a minute, then it is powered on", Several: true, Sparse: 12,
			Start: file{managers: 3, workers: 2, services: web},
			Play: func(r *run) {
				r.wait(graceAfterStart)
				r.person().unplug("workers")
				r.faults.moveLeader(r.firstOf("managers"))
				r.scheduler.sync()
			}},
	}
}

// pause is swarmd pause, and swarmd resume. It is said until a manager takes it.
func (p *person) pause(on bool) {
	key := "swarmd.ledger.paused." + ledger.PausedCluster
	p.insists(func() bool {
		for _, o := range p.list("/configs") {
			labels, _ := o.Spec["Labels"].(map[string]any)
			if o.Spec["Name"] != ledger.Name(p.run.cluster) || labels == nil {
				continue
			}
			if delete(labels, key); on {
				labels[key] = swarm.HandsOff{Since: time.Now(), By: "ana"}.String()
			}
			p.update("configs", o)
		}
		_, paused := p.run.observe().ledger.Pauses[ledger.PausedCluster]
		return paused == on
	})
	if h := &p.run.check.hands; on {
		h.paused = time.Now()
	} else {
		h.paused, h.resumed = time.Time{}, time.Now()
	}
	p.run.faults.last = time.Now()
}

// attach sets which volumes a droplet has, as in the web interface.
func (p *person) attach(droplet int, volumes ...string) {
	if !p.run.world.Cloud.Attach(droplet, volumes...) {
		p.run.violate("harness", "droplet %d is gone", droplet)
	}
	p.run.check.hands.attached = time.Now()
	p.run.faults.last = time.Now()
}

// protect is swarmd protect.
func (p *person) protect(machine string) {
	droplet := p.run.named(machine)
	p.insists(func() bool {
		for _, o := range p.list("/nodes") {
			labels, _ := o.Spec["Labels"].(map[string]any)
			if labels[swarm.LabelDroplet] == itoa(droplet) {
				labels[swarm.LabelProtected] = swarm.HandsOff{Since: time.Now(), By: "ana"}.String()
				p.update("nodes", o)
			}
		}
		for _, n := range p.run.observe().swarm.Nodes {
			if _, ok := n.Spec.Labels[swarm.LabelProtected]; ok {
				return true
			}
		}
		return false
	})
	p.run.check.hands.protected = time.Now()
}

// insists does something until it is so.
func (p *person) insists(do func() bool) {
	for range 120 {
		if p.run.broken || do() {
			return
		}
		p.run.wait(tick)
	}
	p.run.violate("harness", "a person is not heard")
}

// named is the droplet's id, 0 if there is none.
func (r *run) named(machine string) int {
	for _, d := range r.world.Cloud.Droplets() {
		if d.Name == machine {
			return d.ID
		}
	}
	return 0
}
