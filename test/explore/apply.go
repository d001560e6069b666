package explore

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// applyWorkflows have a person who runs apply: a swarmd of no machine, which acts while no other one does.
func applyWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	start, grown := file{managers: 1, workers: 1, services: web}, file{managers: 1, workers: 2, services: service("app", "nginx:1.28", 2, "")}
	return []Workflow{
		{Name: "apply", About: "a person applies a file and follows it beside the acting swarmd", Start: start, Sparse: 8,
			Play: func(r *run) { r.apply(grown) }},
		{Name: "apply-alone", About: "the acting swarmd is dead for a minute: what was applied is made true by apply itself, and swarmd goes on from there", Start: start, Sparse: 8,
			Play: func(r *run) {
				r.strikeHolder()
				r.apply(grown)
			}},
	}
}

// apply is a person's `swarmd apply -f FILE`, begun anew when it dies.
func (r *run) apply(f file) {
	if r.broken {
		return
	}
	r.wants(f)
	r.check.wants(f)
	r.faults.last = time.Now()
	for began := time.Now(); time.Since(began) < convergeWithin || time.Since(r.faults.last) < convergeWithin; {
		p := r.actors.startApply()
		if p == nil || r.broken {
			return
		}
		err := r.actors.follow(p, f.yaml(r.cluster))
		p.retire()
		if err == nil || r.tookBack() { // what the engine took back because of a fault does not become true
			r.scheduler.remark("apply ends: %v", err)
			return
		}
		r.scheduler.remark("%s has not seen it become true", p.name)
		r.wait(2 * tick)
	}
	if !r.broken {
		r.stop("accept", "what was applied did not become true within %s", convergeWithin)
	}
}

// way is the machine whose engine people reach.
func (r *run) way() string {
	if r.workflow.Empty {
		return r.only
	}
	return r.firstMachine()
}

// startApply starts a swarmd that is no machine's own. It reaches the engines as the first manager does.
func (c *actors) startApply() *process {
	r := c.run
	name := fmt.Sprintf("apply#%d", c.before+len(c.all)+1)
	p, err := start(origin{cluster: r.cluster, name: name, machine: "laptop", token: r.world.Token(), seed: r.plan.Seed, explorer: r.explorer, scheduler: r.scheduler, mutant: r.mutant,
		takeOver: r.workflow.Beside, refused: func(b string) { r.braked(name, b) }, clock: c.clock("laptop"), secret: r.secret, oneShot: true, convert: r.adopting(r.explorer.convert),
		wire: func(p *process) http.RoundTripper {
			return wire{r.scheduler, p, r.world.TransportFrom(r.way()), r.recorded}
		}})
	if err != nil {
		r.violate("harness", "%v", err)
		return nil
	}
	r.scheduler.remark("%s starts", name)
	c.all = append(c.all, p)
	return p
}

// follow submits the file and waits until it is true, as `swarmd apply` does.
func (c *actors) follow(p *process, file []byte) error {
	p.begun()
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		n, err := p.loop.Submit(ctx, file, "apply operator")
		if err == nil {
			_, err = p.loop.Await(ctx, n, nil)
		}
		ended <- err
	}()
	for {
		select {
		case err := <-ended:
			return err
		case <-time.After(tick):
			c.run.step()
		}
	}
}
