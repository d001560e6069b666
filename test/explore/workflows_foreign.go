package explore

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// foreignWorkflows are those in which somebody has the worker join token, or replaces it.
func foreignWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	return []Workflow{
		{Name: "rogues", Sparse: 5, About: "two machines of nobody join with a leaked token while a worker is made; a person activates one again",
			Start: file{managers: 1, workers: 1, services: web},
			Play: func(r *run) {
				r.wait(plan.VerdictGrace) // nobody is judged before
				r.person().leak(2)
				r.edit(file{managers: 1, workers: 2, services: web})
				r.quarantined(2)
				r.person().welcome()
			}},
		{Name: "rotated-by-hand", Sparse: 5, About: "a person replaces the worker token while a machine boots, and deletes the machine, as advised", Start: file{managers: 1, workers: 1},
			Play: func(r *run) {
				r.edit(file{managers: 1, workers: 2})
				r.wait(tick)
				r.person().rotate()
				r.clear()
			}},
	}
}

const rogue = "rogue"

// isRogue reports whether the node is one of those that joined with a leaked token.
func isRogue(n api.Node) bool { return strings.HasPrefix(n.Description.Hostname, rogue) }

// leak has so many machines join that nobody made. Their engines claim droplets of nobody.
func (p *person) leak(n int) {
	truth, _ := p.run.world.Swarm.Glance()
	for i := range n {
		name := fmt.Sprintf("%s-%d", rogue, i)
		err := p.run.world.Intrude(truth.Tokens.Worker, name, fmt.Sprintf("203.0.113.%d", i+1), map[string]string{swarm.LabelDroplet: itoa(i + 1)})
		p.run.scheduler.remark("%s joins: %v", name, err)
	}
	p.run.faults.last = time.Now()
}

// quarantined waits until so many rogues are there and drained.
func (r *run) quarantined(n int) {
	why := ""
	for began := time.Now(); !r.broken && (time.Since(began) < convergeWithin || time.Since(r.faults.last) < convergeWithin); r.actors.elapse(tick) {
		s := r.observe()
		seen := len(slices.DeleteFunc(slices.Clone(s.swarm.Nodes), func(n api.Node) bool { return !isRogue(n) }))
		if why = r.foreignDiffers(s); why == "" && seen == n {
			return
		}
	}
	if !r.broken {
		r.stop("converge", "not within %s: %s", convergeWithin, why)
	}
}

// welcome activates the first rogue again.
func (p *person) welcome() {
	for range 60 {
		for _, o := range p.list("/nodes") {
			if p.run.welcome == "" && p.run.isRogue(o.ID) {
				p.run.welcome = o.ID
			}
			if o.ID == p.run.welcome && o.Spec["Availability"] != "active" {
				o.Spec["Availability"] = "active"
				p.update("nodes", o)
				p.run.faults.last = time.Now()
				return
			}
		}
		p.run.wait(tick)
	}
}

func (r *run) isRogue(id string) bool {
	truth, _ := r.world.Swarm.Glance()
	for _, n := range truth.Nodes {
		if n.ID == id {
			return isRogue(n)
		}
	}
	return false
}

// rotate replaces the worker token, as docker swarm join-token --rotate does.
func (p *person) rotate() {
	for range 60 {
		if p.run.broken {
			return
		}
		var s api.Swarm
		err := p.run.world.Ask(http.MethodGet, "/swarm", nil, &s)
		if err == nil {
			p.run.check.byHand = true
			err = p.run.world.Ask(http.MethodPost, fmt.Sprintf("/swarm/update?version=%d&rotateWorkerToken=true", s.Version.Index), s.Spec, nil)
		}
		p.run.scheduler.remark("a person replaces the worker token: %v", err)
		p.run.faults.last = time.Now()
		if err == nil {
			return
		}
		p.run.wait(tick)
	}
}

// strandedFor is how long a machine has had no node when the person deletes it.
const strandedFor = 12 * time.Second

// clear has the person delete each machine that does not join, until all have.
func (r *run) clear() {
	alone := map[int]time.Time{}
	for range 120 {
		if r.wait(tick); r.broken {
			return
		}
		s, missing := r.observe(), 0
		for _, d := range s.droplets {
			if poolOf(r.cluster, d) == "" || s.nodeOn(d) >= 0 {
				delete(alone, d.ID)
				continue
			}
			missing++
			if alone[d.ID].IsZero() {
				alone[d.ID] = s.at
			} else if s.at.Sub(alone[d.ID]) > strandedFor {
				r.check.gone[d.ID] = true
				r.person().ask(http.MethodDelete, "/v2/droplets/"+itoa(d.ID), nil)
				r.faults.last = time.Now()
			}
		}
		if missing == 0 && !s.ledger.Creates() {
			return
		}
	}
}

// foreignDiffers says what of the rogues and of the worker token is not as it should be.
func (r *run) foreignDiffers(s *state) string {
	for _, n := range s.swarm.Nodes {
		if want := n.ID != r.welcome; isRogue(n) && (n.Spec.Availability == api.NodeAvailabilityDrain) != want {
			return fmt.Sprintf("%s is %s, and a person activated %q", n.Description.Hostname, n.Spec.Availability, r.welcome)
		}
	}
	if !s.ledger.Creates() && s.ledger.Handed > 0 && s.ledger.Token == ledger.Fingerprint(s.swarm.Tokens.Worker) {
		return "the worker token is still the one that was handed out"
	}
	return ""
}
