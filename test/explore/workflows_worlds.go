package explore

import (
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// long thins out the single faults of workflows that go on for minutes.
const long = 80

// worldWorkflows are those in which a part of the world is out of order for minutes: a side, a token, a machine's network, a clock.
func worldWorkflows() []Workflow {
	all := append(outageWorkflows(), tokenWorkflows()...)
	all = append(all, cutOffWorkflows()...)
	return append(all, clockWorkflows()...)
}

// outageWorkflows have one side fail in the middle of something.
func outageWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	roll := ", update_config: { parallelism: 1, delay: 1s, monitor: 2s, order: start-first, failure_action: %s }"
	start := file{managers: 1, workers: 2, services: web}
	return []Workflow{
		{Name: "no-cloud-grow", About: "the cloud's API fails for four minutes while a pool grows", Start: file{managers: 1, workers: 1, services: web}, Sparse: long,
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 3, services: web})
				r.creating()
				r.during(outage(sim.SideCloud), 4*time.Minute)
			}},
		{Name: "no-engines-grow", About: "no engine answers for two minutes while a pool grows", Start: file{managers: 1, workers: 1, services: web}, Sparse: long,
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 3, services: web})
				r.creating()
				r.during(outage(sim.SideDocker), 2*time.Minute)
			}},
		{Name: "no-engines-roll", About: "no engine answers for two minutes in a roll-out, on each of three managers", Several: true, Sparse: long,
			Start: file{managers: 3, services: rolled("app", "nginx:1.27", 3, roll, "rollback")},
			Play: func(r *run) {
				r.edit(file{managers: 3, services: rolled("app", "nginx:1.28", 3, roll, "rollback")})
				r.wait(2 * time.Second)
				r.during(outage(sim.SideDocker), 2*time.Minute)
			}},
		{Name: "no-cloud-shrink", About: "the cloud's API fails for ten minutes while a machine leaves and another one's power fails and comes back", Start: start, Sparse: long,
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 1, services: web})
				r.creating()
				back := r.person().unplug("workers")
				r.during(outage(sim.SideCloud), 10*time.Minute)
				back()
			}},
	}
}

// tokenWorkflows have the cloud refuse what it took before.
func tokenWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	start, grown := file{managers: 1, workers: 1, services: web}, file{managers: 1, workers: 3, services: web}
	return []Workflow{
		{Name: "token-revoked", About: "the token is revoked for ten minutes in the middle of a create; a service is edited meanwhile", Start: start, Sparse: long,
			Play: func(r *run) {
				r.edit(grown)
				r.creating()
				r.during(revoked(), 5*time.Minute)
				r.edit(file{managers: 1, workers: 3, services: service("app", "nginx:1.27", 3, "")})
				r.during(revoked(), 5*time.Minute)
			}},
		{Name: "no-creates", About: "the token may not create for four minutes", Start: start, Sparse: long,
			Play: func(r *run) {
				r.edit(grown)
				r.during(forbidden(createDroplet), 4*time.Minute)
			}},
		{Name: "no-deletes", About: "the token may not delete for four minutes", Start: file{managers: 1, workers: 2, services: web}, Sparse: long,
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 1, services: web})
				r.during(forbidden(deleteDroplet), 4*time.Minute)
			}},
	}
}

// cutOffWorkflows have a machine that the others do not reach for minutes, and that comes back as if nothing had been.
func cutOffWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	return []Workflow{
		{Name: "worker-cut-off", About: "a worker is cut off for three minutes while another one is to be made", Start: file{managers: 1, workers: 2, services: web}, Sparse: long, NoCycle: true,
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 3, services: web})
				r.cutOff(r.lastOf("workers"), 3*time.Minute)
			}},
		{Name: "leaver-cut-off", About: "the worker that leaves is cut off for three minutes", Start: file{managers: 1, workers: 2, services: web}, Sparse: long,
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 1, services: web})
				r.creating()
				r.cutOff(r.lastOf("workers"), 3*time.Minute)
			}},
		{Name: "manager-cut-off", About: "one of three managers is cut off for three minutes, and the acting swarmd's after it", Start: file{managers: 3, workers: 1}, Several: true, Sparse: long,
			Play: func(r *run) {
				r.edit(file{managers: 3, workers: 2})
				r.cutOff(r.lastOf("managers"), 3*time.Minute)
				if p := r.actors.holder(); p != nil {
					r.edit(file{managers: 3, workers: 1})
					r.cutOff(p.machine, 3*time.Minute)
				}
			}},
		{Name: "shrink-cut-off", About: "a manager is cut off for two minutes when a file takes two of three away", Start: file{managers: 3}, Several: true, Sparse: long,
			Play: func(r *run) {
				r.edit(file{managers: 1})
				r.cutOff(r.lastOf("managers"), 2*time.Minute)
			}},
	}
}

// clockWorkflows have a clock that is wrong for minutes on the machine of the acting swarmd.
func clockWorkflows() []Workflow {
	start := file{managers: 3, workers: 1}
	return []Workflow{
		{Name: "clock-ahead", About: "the acting swarmd's clock steps a quarter of an hour ahead while creates are open of which it heard nothing, and back", Start: start,
			Several: true, Sparse: long, Play: stepped(16 * time.Minute)},
		{Name: "clock-behind", About: "it steps a day back", Start: start, Several: true, Sparse: long, Play: stepped(-24 * time.Hour)},
		{Name: "clock-day", About: "it is a day ahead before a pool grows, and set right when one shrinks", Start: start, Several: true, Sparse: long,
			Play: func(r *run) {
				machine := r.actingOn()
				r.actors.clock(machine).set(24*time.Hour, 0)
				r.edit(file{managers: 3, workers: 3})
				r.misset(machine, 24*time.Hour, 0, 30*time.Second)
				r.edit(file{managers: 1, workers: 1})
			}},
		{Name: "clock-runs-off", About: "it gains a quarter of a minute each minute", Start: start, Several: true, Sparse: long,
			Play: func(r *run) {
				r.edit(file{managers: 3, workers: 3})
				r.misset(r.actingOn(), 0, 0.25, 3*time.Minute)
				r.edit(file{managers: 1, workers: 1})
			}},
	}
}

// stepped has the acting swarmd's clock step in the middle of creates, stay so while machines leave, and step back.
func stepped(ahead time.Duration) func(*run) {
	return func(r *run) {
		machine := r.actingOn()
		r.begins(unanswered())
		r.edit(file{managers: 3, workers: 3})
		r.creating()
		r.misset(machine, ahead, 0, time.Minute)
		r.ends(unanswered())
		r.misset(machine, ahead, 0, 10*time.Second)
		r.actors.clock(machine).set(ahead, 0)
		r.edit(file{managers: 1, workers: 1})
		r.misset(machine, ahead, 0, 40*time.Second)
	}
}

// actingOn is the machine of the acting swarmd, or of the first one that was started.
func (r *run) actingOn() string {
	if p := r.actors.holder(); p != nil {
		return p.machine
	}
	return r.actors.all[0].machine
}

// lastOf is the name of the pool's newest machine.
func (r *run) firstOf(pool string) string {
	for _, d := range r.world.Cloud.Droplets() {
		if poolOf(r.cluster, d) == pool {
			return d.Name
		}
	}
	return ""
}

func (r *run) lastOf(pool string) string {
	d, _ := r.world.Cloud.Droplet(r.person().last(pool))
	return d.Name
}
