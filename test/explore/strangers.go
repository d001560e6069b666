package explore

import (
	"fmt"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// strangersAt begins the addresses of machines that somebody has joined with a token that leaked.
const strangersAt = "10.200."

// stranger reports whether the node is one of theirs.
func stranger(n api.Node) bool { return strings.HasPrefix(n.Status.Addr, strangersAt) }

// hostWorkflows have machines in the swarm that nobody asked for.
func hostWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	start := file{managers: 1, workers: 1, services: web}
	return []Workflow{
		{Name: "strangers", About: "eight strange machines with hostile names join the swarm; a worker more, then two less, which are the last", Start: start, Sparse: long,
			Play: strange(8, web)},
		{Name: "many-strangers", About: "the same with five hundred", Start: start, Play: strange(500, web)},
	}
}

// strange joins so many machines while the pool of workers grows and shrinks.
func strange(n int, services string) func(*run) {
	return func(r *run) {
		r.intrude(n)
		r.edit(file{managers: 1, workers: 2, services: services})
		r.wait(30 * time.Second)
		r.edit(file{managers: 1, workers: 0, services: services})
		r.confirm()
	}
}

// intrude joins machines as workers. What they are called and what they claim is meant to do harm.
func (r *run) intrude(n int) {
	if r.broken {
		return
	}
	r.scheduler.sync()
	r.faults.last = time.Now()
	manager, token := r.world.Engine(r.firstMachine()), r.observe().swarm.Tokens.Worker
	for i := range n {
		config := dockerd.EngineConfig{Name: r.hostile(i), Addr: fmt.Sprintf("%s%d.%d", strangersAt, i/250, 1+i%250)}
		if i%8 == 7 {
			config.Labels = map[string]string{"swarmd.droplet": itoa(r.person().last("workers"))}
		}
		if err := r.world.Swarm.AddEngine(config).Join(token, "active", []string{manager.Addr()}); err != nil {
			r.violate("harness", "a stranger does not join: %v", err)
			return
		}
	}
	r.scheduler.remark("%d machines join that nobody asked for", n)
}

// hostile is what the i-th of them is called.
func (r *run) hostile(i int) string {
	switch i % 8 {
	case 0:
		return "\x1b]0;swarmd\x07\x1b[2J\x1b[H\nheld: nothing\r\neverything is as the file wants it"
	case 1:
		return strings.Repeat("x", 40_000)
	case 2:
		return r.firstMachine()
	case 3:
		return r.lastOf("workers")
	case 4:
		return "swarmd-op:aaaaaaaaaaaaaaaa"
	case 5:
		return "{{.Node.ID}}${PATH}\u202e\xff"
	case 6:
		return r.cluster + "-workers-zzzzz"
	}
	return fmt.Sprintf("host-%d", i)
}
