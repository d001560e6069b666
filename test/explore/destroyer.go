package explore

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/destroy"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

// destroyWithin is how long one destroy goes on by itself, and goneFor how long nothing may come back when one has finished.
const (
	destroyWithin = 10 * time.Minute
	goneFor       = 3 * time.Minute
)

// destroyWorkflows end a cluster, or begin to.
func destroyWorkflows() []Workflow {
	web := service("app", "nginx:1.27", 2, "")
	start, grown := file{managers: 1, workers: 1, services: web}, file{managers: 1, workers: 2, services: web}
	return []Workflow{
		{Name: "destroy", About: "a cluster is destroyed while swarmd makes a worker more", Start: start, Sparse: 16,
			Play: func(r *run) {
				r.edit(grown)
				r.wait(tick)
				r.destroy()
			}},
		{Name: "destroy-refused", About: "the token may not delete: destroy ends early and swarmd goes on, if need be by --resume; a worker more", Start: start, Sparse: 2,
			Play: func(r *run) {
				if r.refusedDestroy(); r.ended || r.broken {
					return
				}
				clear(r.check.doomed)
				r.edit(grown)
			}},
	}
}

// refusedDestroy is one that may not delete, after which its person lets swarmd go on, or finishes it where a fault let a machine go all the same.
func (r *run) refusedDestroy() {
	r.begins(forbidden(deleteDroplet))
	for h := r.laptop("laptop").begin("destroy", (*hand).destroy); !h.over() && !r.broken; {
		r.actors.elapse(tick)
	}
	r.ends(forbidden(deleteDroplet))
	for id := range r.check.doomed {
		if d, _ := r.world.Cloud.Droplet(id); !d.Deleted.IsZero() {
			r.destroy()
			return
		}
	}
	if ledger.Halted(r.observe().ledger.Epoch) { // else it has lifted the fence itself
		r.repeat("resume", (*hand).resume, r.laptop("desktop"))
	}
}

// destroy is a person's `swarmd destroy -f FILE`, begun anew when it dies. Nothing of the cluster comes back.
func (r *run) destroy() {
	if r.broken {
		return
	}
	r.repeat("destroy", (*hand).destroy, r.laptop("laptop"))
	r.ended = true
	for began := time.Now(); time.Since(began) < goneFor && !r.broken; r.actors.elapse(tick) {
		for _, d := range r.world.Cloud.Droplets() {
			if poolOf(r.cluster, d) != "" {
				r.stop("gone", "%s is there %s after a destroy that has finished", d.Name, time.Since(began))
			}
		}
	}
}

// prepared is the command as cmd/swarmd makes it.
func (h *hand) prepared() (*destroy.Run, error) {
	r := h.laptop.run
	api, err := h.cloud()
	if err != nil {
		return nil, err
	}
	want, err := r.wanted()
	if err != nil {
		return nil, err
	}
	return &destroy.Run{Spec: &want.Spec, File: "cluster.yaml", Cloud: api, Connect: h.connect, Records: &h.laptop.records, Save: r.check.confirmed,
		Forget: func() error { return nil }, Say: func(string, ...any) {}, Redact: func(s string) string { return s }}, nil
}

// connect reaches the engine that DOCKER_HOST names.
func (h *hand) connect() (destroy.Manager, error) {
	r := h.laptop.run
	swarmd, err := app.New(app.Options{Cluster: r.cluster, Version: "explored", Log: zap.NewNop(),
		Engine: func(access.Observe) (*docker.Client, func(), error) {
			engine, err := h.engine(r.only)
			if err != nil {
				return nil, nil, err
			}
			return engine, engine.Close, nil
		},
		Seams: app.Seams{Parse: r.explorer.check, Refused: func(b string) { r.braked(h.name, b) }}})
	if err != nil {
		return destroy.Manager{}, err
	}
	return destroy.Manager{Swarm: swarmd.Swarm, Store: swarmd.Store, Close: swarmd.Close}, nil
}

// destroy deletes what its person has been shown.
func (h *hand) destroy() error {
	ctx, cancel := context.WithTimeout(h.ctx, destroyWithin)
	defer cancel()
	d, err := h.prepared()
	if err != nil {
		return err
	}
	doomed, err := d.Choose(ctx, "")
	if err != nil {
		return err
	}
	return d.Sweep(ctx, doomed)
}

// resume is destroy --resume.
func (h *hand) resume() error {
	d, err := h.prepared()
	if err != nil {
		return err
	}
	return d.Resume(h.ctx)
}

// confirmed takes in what a person has been shown and has confirmed: it may go, and nothing else.
func (c *checks) confirmed(d destroy.Doomed) (string, error) {
	c.run.scheduler.sync()
	defer c.run.scheduler.sync()
	for _, m := range d.Droplets {
		if !c.doomed[m.ID] {
			c.doomed[m.ID] = true
			c.allowed++
		}
	}
	return "the list", nil
}

// dooms judges what destroy sends: the confirmed machines go, by id, and the ledger is halted or goes on.
func (c *checks) dooms(s *state, t *ticket) {
	switch id := dropletIn(t.path); {
	case t.method == http.MethodDelete && t.sign.Call == deleteDroplet && c.doomed[id] && t.query == "":
	case t.method == http.MethodPost && s.configs[objectIn(t.path)] == "swarmd."+c.run.cluster:
	case t.method == http.MethodPost && s.configs[objectIn(t.path)] != "" && c.meansLedger(t): // told a wrong id: the engine changes no config's name
	default:
		c.run.violate("foreign", "%s calls %s %s?%s", t.proc.name, t.method, t.path, t.query)
	}
}

// meansLedger reports whether the call writes the ledger, whatever object it is sent to.
func (c *checks) meansLedger(t *ticket) bool {
	var in struct{ Name string }
	return strings.HasPrefix(t.path, "/configs/") && json.Unmarshal(t.body, &in) == nil && in.Name == "swarmd."+c.run.cluster
}
