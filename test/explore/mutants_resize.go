package explore

import (
	"bytes"
	"io"
	"net/http"
	"slices"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// resizeMutants resize machines in place wrongly.
func resizeMutants() []Mutant {
	return []Mutant{
		planned("stays-off-after-a-resize", "terraform: a droplet whose resize fails is left off", dropSteps(func(a plan.Action) bool {
			on, ok := a.(plan.PowerOnDroplet)
			return ok && on.OpID != ""
		})),
		planned("stops-before-it-writes", "B1: a phase is written after its call", func(_ plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if _, ok := s.Action.(plan.ShutdownDroplet); ok {
					p.Steps[i].Before, p.Steps[i].IfDone = nil, s.Before
				}
			}
		}),
		planned("asks-for-a-size-again", "B1: a resize whose answer is not known is repeated", func(in plan.Input, p *plan.Plan) {
			for _, op := range in.World.Ledger.Ops {
				if op.Kind == ledger.Resize && op.Phase == ledger.Resizing {
					p.Steps = append(p.Steps, plan.Step{ID: "size/" + op.ID, Action: plan.ResizeDroplet{OpID: op.ID, DropletID: op.DropletID, Size: op.To}})
				}
			}
		}),
		allAtOnce(),
		planned("resizes-without-a-drain", "V7: a machine is stopped that carries tasks", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.UpdateNode); ok && a.Spec.Availability == swarm.Drain {
					for _, op := range in.World.Ledger.Ops {
						if op.Kind == ledger.Resize && op.NodeID == a.NodeID {
							p.Steps[i] = plan.NewStep(s.ID, plan.ShutdownDroplet{OpID: op.ID, DropletID: op.DropletID}, s.Reason)
						}
					}
				}
			}
		}),
		planned("starts-what-is-resized", "MCM: a machine that is updated in place is judged ill", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if m.Droplet != nil && m.Droplet.Status == cloud.StatusOff && m.Op != nil && m.Op.Kind == ledger.Resize {
					p.Steps = append([]plan.Step{plan.NewStep("power-on/"+m.Droplet.Name, plan.PowerOnDroplet{DropletID: m.Droplet.ID}, plan.Reason{})}, p.Steps...)
				}
			}
		}),
		planner("resizes-its-own-machine", "D11: the acting swarmd stops the machine that it runs on", func(in *plan.Input) { in.Holder = "" }),
		wires("grows-the-disk", "B1: disk: true, which nothing takes back", func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			body, err := slurp(r)
			if err != nil {
				return nil, err
			}
			changed := bytes.Replace(body, []byte(`"disk":false`), []byte(`"disk":true`), 1)
			if len(body) > 0 {
				r = r.Clone(r.Context())
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
			}
			return next.RoundTrip(r)
		}),
	}
}

// allAtOnce resizes the machines of a pool side by side: it writes each one's name for its pool, since the ledger takes one of a pool.
func allAtOnce() Mutant {
	m := planned("resizes-all-at-once", "B1: the machines of a pool are resized side by side", func(in plan.Input, p *plan.Plan) {
		for i, m := range in.World.Machines {
			for _, pool := range in.Spec.Pools {
				if pool.ResizeHere && m.Pool == pool.Name && m.Op == nil && m.Node != nil && m.Droplet != nil && m.Droplet.Size != pool.Size {
					p.Steps = addStep(p.Steps, "at-once/"+itoa(m.Droplet.ID), plan.OpenResize{OpID: in.OpIDs[i%len(in.OpIDs)], Pool: m.Droplet.Name, Name: m.Droplet.Name,
						NodeID: m.Node.ID, DropletID: m.Droplet.ID, From: m.Droplet.Size, To: pool.Size})
				}
			}
		}
	})
	inner := m.Config
	m.Config = func(c reconcile.Config) reconcile.Config {
		c = inner(c)
		next := c.Plan
		c.Plan = func(in plan.Input) plan.Plan {
			ops := slices.Clone(in.World.Ledger.Ops)
			for i := range ops {
				if ops[i].Kind == ledger.Resize {
					ops[i].Pool = "workers"
				}
			}
			in.World.Ledger.Ops = ops
			return next(in)
		}
		return c
	}
	return m
}
