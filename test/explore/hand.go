package explore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/swarmd/swarmd/internal/sem"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// laptop is where a person runs commands that are no swarmd: bootstrap and destroy. What is kept there outlives each of them.
type laptop struct {
	run     *run
	name    string
	ran     int // commands, so far
	records records
}

// hand is one run of such a command: its calls are held, fail and are cut short as a swarmd's are.
type hand struct {
	*process
	laptop  *laptop
	command string
	out     http.RoundTripper // to the cloud
	then    func()            // what comes of it when it has succeeded
	err     error             // once it has ended
}

func (r *run) laptop(name string) *laptop {
	return &laptop{run: r, name: name, records: records{rng: newSeeded(r.plan.Seed, name+" records")}}
}

// begin starts a command that goes on until it ends or is killed.
func (l *laptop) begin(command string, do func(*hand) error) *hand {
	r := l.run
	l.ran++
	p := &process{began: time.Now(), name: fmt.Sprintf("%s-%s#%d", command, l.name, l.ran), machine: l.name, cluster: r.cluster, ended: make(chan struct{}), logs: &logbook{}}
	p.ctx, p.cancel = context.WithCancel(sem.WithOrder(context.Background(), gate{r.scheduler, p}.lock))
	h := &hand{process: p, laptop: l, command: command}
	h.out = r.mutant.wire(wire{r.scheduler, p, r.world.Transport(), nil})
	r.actors.hands = append(r.actors.hands, h)
	r.scheduler.remark("%s starts", p.name)
	go func() {
		defer close(p.ended)
		if h.err = do(h); p.isDead() {
			h.err = errors.Join(errDead, h.err)
		}
	}()
	return h
}

// over reports whether the command has ended or was killed.
func (h *hand) over() bool {
	select {
	case <-h.ended:
		return true
	default:
		return false
	}
}

// cloud is the command's client of the cloud.
func (h *hand) cloud() (*digitalocean.Client, error) {
	r := h.laptop.run
	return digitalocean.New(digitalocean.Options{Token: r.world.Token(), Transport: h.out, Jitter: newSeeded(r.plan.Seed, h.name+" cloud").float})
}

// engine is the command's client of the engine on a machine, by name or address.
func (h *hand) engine(machine string) (*docker.Client, error) {
	r := h.laptop.run
	out := r.mutant.wire(wire{r.scheduler, h.process, r.world.TransportFrom(machine), nil})
	return docker.New(docker.Options{HTTP: &http.Client{Transport: out}, Jitter: newSeeded(r.plan.Seed, h.name+" "+machine).float})
}

// repeat runs a command on each laptop, at the same time, until it succeeds there, as people do who are told to run it again.
func (r *run) repeat(command string, do func(*hand) error, on ...*laptop) {
	var err error
	hands := make([]*hand, len(on))
	for began := time.Now(); time.Since(began) < convergeWithin || time.Since(r.faults.last) < convergeWithin; r.actors.elapse(tick) {
		done := 0
		for i, l := range on {
			switch h := hands[i]; {
			case h == nil || h.over() && h.err != nil:
				if hands[i] = l.begin(command, do); h != nil {
					err = h.err
				}
			case h.over():
				if done++; h.then != nil {
					h.then()
					h.then = nil
				}
			}
		}
		if done == len(on) || r.broken {
			return
		}
	}
	r.stop(command, "it has not succeeded within %s: %v", convergeWithin, err)
}

// handOf returns the command whose process that is, nil for a swarmd's.
func (c *actors) handOf(p *process) *hand {
	for _, h := range c.hands {
		if h.process == p {
			return h
		}
	}
	return nil
}
