package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// inputMutants know less, or more, than there is.
func inputMutants() []Mutant {
	return []Mutant{
		planner("counts-what-it-sees", "InfraKit: counts against a list that lags", func(in *plan.Input) {
			in.World.Ledger.Ops = slices.DeleteFunc(slices.Clone(in.World.Ledger.Ops), func(op ledger.Op) bool { return op.Kind == ledger.Create })
		}),
		planner("forgets-who-leaves", "P1: forgets an open delete", func(in *plan.Input) {
			in.World.Ledger.Ops = slices.DeleteFunc(slices.Clone(in.World.Ledger.Ops), func(op ledger.Op) bool { return op.Kind == ledger.Delete })
			for i := range in.World.Machines {
				in.World.Machines[i].Op = nil
			}
		}),
		planner("impatient", "V: a create that is not seen at once had no effect", impatient),
		planner("pushes-again", "D28: what failed is pushed again", func(in *plan.Input) {
			in.World.Ledger.Rollouts = nil
			for i := range in.World.Services {
				in.World.Services[i].Update = ""
			}
		}),
		planner("writes-into-roll-out", "T1: writes to a service whose roll-out runs", func(in *plan.Input) {
			for i := range in.World.Services {
				in.World.Services[i].Update = ""
			}
		}),
		planner("all-is-ours", "S1: everything with the tag is the cluster's", func(in *plan.Input) {
			for i := range in.World.Machines {
				if m := &in.World.Machines[i]; m.Droplet != nil && !m.Owned {
					m.Owned, m.Pool, m.Why = true, "workers", ""
				}
			}
		}),
		planner("nobody-is-ours", "trap 9: everything looks foreign", func(in *plan.Input) {
			for i := range in.World.Machines {
				if m := &in.World.Machines[i]; m.Node == nil {
					m.Owned, m.Pool = false, ""
				}
			}
		}),
		planner("its-own-machine-first", "D11: demotes itself", func(in *plan.Input) { in.Holder = "" }),
		planner("all-reachable", "Q6: a manager that is down counts as up", func(in *plan.Input) {
			for i := range in.World.Machines {
				if n := in.World.Machines[i].Node; n != nil && n.Manager != nil {
					n.Manager.Reachability, n.State = "reachable", swarm.NodeReady
				}
			}
		}),
		planner("yesterday", "P8: time stands still", func(in *plan.Input) { in.Now = in.Now.Add(-24 * time.Hour) }),
		planner("tomorrow", "T3: the clock jumped ahead", func(in *plan.Input) { in.Now = in.Now.Add(24 * time.Hour) }),
	}
}

// impatient takes what is not seen for what does not exist, without any grace.
func impatient(in *plan.Input) {
	ops := slices.Clone(in.World.Ledger.Ops)
	for i := range ops {
		ops[i].Deadline = ops[i].Started
	}
	in.World.Ledger.Ops = ops
}

// believed is a mutant whose planner, too, takes what it does not see for gone: either half alone does no harm.
func believed(m Mutant) Mutant {
	m.Config = planner("", "", impatient).Config
	return m
}

// namesake is a mutant whose planner believes the id in an operation, whatever the droplet is called and tagged: either half alone does no harm.
func namesake(m Mutant) Mutant {
	m.Config = planner("", "", func(in *plan.Input) {
		ops := slices.Clone(in.World.Ledger.Ops)
		for i := range ops {
			for _, machine := range in.World.Machines {
				if machine.Droplet != nil && machine.Droplet.ID == ops[i].DropletID && ops[i].Kind == ledger.Create {
					ops[i].Name = machine.Droplet.Name
				}
			}
		}
		in.World.Ledger.Ops = ops
	}).Config
	return m
}

// planMutants decide wrongly.
func planMutants() []Mutant {
	return []Mutant{
		planned("one-too-many", "surge: each create is planned twice", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.CreateDroplet); ok {
					a.OpID = in.OpIDs[len(in.OpIDs)-1-i%4]
					a.Name = in.Spec.Cluster + "-" + a.Pool + "-" + a.OpID[:5]
					a.Tags = []string{cloud.ClusterTag(in.Spec.Cluster), cloud.OpTag(a.OpID)}
					p.Steps = append(p.Steps, plan.NewStep(s.ID+"-again", a, s.Reason))
				}
			}
		}),
		planned("no-intent-to-delete", "write-ahead: deletes without an operation", dropSteps(func(a plan.Action) bool { _, ok := a.(plan.OpenDelete); return ok })),
		planned("operations-stay-open", "S5: operations are not closed", dropSteps(func(a plan.Action) bool { _, ok := a.(plan.CloseOp); return ok })),
		planned("nodes-stay", "D15: nodes of deleted machines stay in the swarm", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.RemoveNode); ok {
					p.Steps[i] = plan.NewStep(s.ID, deleteOf(in, a.NodeID), s.Reason, s.After...)
				}
			}
		}),
		planned("deletes-while-up", "S7: deletes a machine that was not shut down", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.ShutdownDroplet); ok {
					p.Steps[i] = plan.NewStep(s.ID, plan.DeleteDroplet(a), s.Reason, s.After...)
				}
			}
		}),
		planned("acts-twice", "C24: another action on a droplet whose last one is in progress", func(_ plan.Input, p *plan.Plan) {
			for _, s := range p.Steps {
				if a, ok := s.Action.(plan.ShutdownDroplet); ok {
					p.Steps = append(p.Steps, plan.NewStep(s.ID+"-again", plan.PowerOffDroplet{DropletID: a.DropletID}, plan.Reason{}, s.ID))
				}
			}
		}),
		planned("starts-what-leaves", "A3: powers on what was shut down to be deleted", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if m.Droplet != nil && m.Droplet.Status == cloud.StatusOff && m.Op != nil && m.Op.Kind == ledger.Delete {
					p.Steps = append([]plan.Step{plan.NewStep("power-on/"+m.Droplet.Name, plan.PowerOnDroplet{DropletID: m.Droplet.ID}, plan.Reason{})}, p.Steps...)
				}
			}
		}),
		planned("never-cycles", "A3: a machine that hangs is left hanging", dropSteps(func(a plan.Action) bool { _, ok := a.(plan.PowerCycleDroplet); return ok })),
		planned("cycles-what-is-down", "A3: cycles the power of all that is down, at once", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if how, _ := plan.Ails(m); how == plan.Hangs && m.Pool == "workers" {
					p.Steps = addStep(p.Steps, "cycle/"+m.Droplet.Name, plan.PowerCycleDroplet{DropletID: m.Droplet.ID})
				}
			}
		}),
		planned("replaces-what-is-down", "A3: replaces a machine that exists, because its node is down", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if how, id := plan.Ails(m); how == plan.Hangs && m.Op == nil && m.Pool == "workers" {
					p.Steps = addStep(p.Steps, "leave/"+m.Droplet.Name, plan.OpenDelete{OpID: in.OpIDs[0], Pool: m.Pool, Name: m.Droplet.Name, DropletID: id, NodeID: m.Node.ID})
				}
			}
		}),
		planned("leaves-gone", "A3: a machine whose droplet is gone is not replaced", dropSteps(func(a plan.Action) bool { _, ok := a.(plan.OpenDelete); return ok })),
		planned("leaves-off", "A3: a machine that is off stays off", dropSteps(func(a plan.Action) bool { _, ok := a.(plan.PowerOnDroplet); return ok })),
		planned("never-off", "C27: a shutdown that is not followed is left at that", dropSteps(func(a plan.Action) bool { _, ok := a.(plan.ShutdownDroplet); return ok })),
	}
}

// orderMutants do it too early, or all at once.
func orderMutants() []Mutant {
	return []Mutant{
		planned("no-grace", "D15: collects nodes that are still joining", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if m.Node != nil && m.Node.State != swarm.NodeReady && m.Node.Manager == nil && m.Binding != world.Bound {
					p.Steps = append(p.Steps, plan.NewStep("collect/"+m.Node.ID, plan.RemoveNode{NodeID: m.Node.ID}, plan.Reason{}))
				}
			}
		}),
		planned("all-promotions-at-once", "Q3: promotes everybody in one pass", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if m.Pool == "managers" && m.Node != nil && m.Binding == world.Bound && m.Node.Spec.Role == swarm.Worker {
					s := m.Node.Spec
					s.Role = swarm.Manager
					p.Steps = addStep(p.Steps, "promote/"+m.Node.ID, plan.UpdateNode{NodeID: m.Node.ID, Version: m.Node.Version, Spec: s})
				}
			}
		}),
		planned("all-demotions-at-once", "Docker for AWS 81: managers leave side by side", func(in plan.Input, p *plan.Plan) {
			if !slices.ContainsFunc(in.World.Ledger.Ops, func(op ledger.Op) bool { return op.Kind == ledger.Delete }) {
				return
			}
			for _, m := range in.World.Machines {
				if m.Node != nil && m.Node.Manager != nil && !m.Node.Manager.Leader && m.Node.Spec.Role == swarm.Manager && m.Node.ID != in.Holder {
					s := m.Node.Spec
					s.Role = swarm.Worker
					p.Steps = addStep(p.Steps, "demote/"+m.Node.ID, plan.UpdateNode{NodeID: m.Node.ID, Version: m.Node.Version, Spec: s})
				}
			}
		}),
		planned("skips-the-drain", "V7: a machine leaves without a drain", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				if a, ok := s.Action.(plan.UpdateNode); ok && strings.HasPrefix(s.ID, "drain/") {
					for _, op := range in.World.Ledger.Ops {
						if op.NodeID == a.NodeID {
							p.Steps[i] = plan.NewStep(s.ID, plan.ShutdownDroplet{OpID: op.ID, DropletID: op.DropletID}, s.Reason, s.After...)
						}
					}
				}
			}
		}),
	}
}

// excessMutants do too much.
func excessMutants() []Mutant {
	return []Mutant{
		planned("of-another-pool", "blast radius: picks a machine of a pool that has none too many", func(in plan.Input, p *plan.Plan) {
			for i, s := range p.Steps {
				a, ok := s.Action.(plan.OpenDelete)
				if !ok {
					continue
				}
				for _, m := range in.World.Machines {
					if m.Owned && m.Pool != a.Pool && m.Node != nil {
						a.DropletID, a.Name, a.NodeID, a.Pool = m.Droplet.ID, m.Droplet.Name, m.Node.ID, m.Pool
						p.Steps[i] = plan.NewStep(fmt.Sprint("leave/", m.Droplet.ID), a, s.Reason)
						return
					}
				}
			}
		}),
		planned("never-rests", "L1: writes although all is as wanted", func(in plan.Input, p *plan.Plan) {
			for _, m := range in.World.Machines {
				if p.Converged && m.Node != nil && m.Binding == world.Bound {
					p.Steps = append(p.Steps, plan.NewStep("again/"+m.Node.ID, plan.UpdateNode{NodeID: m.Node.ID, Version: m.Node.Version, Spec: m.Node.Spec}, plan.Reason{}))
				}
			}
		}),
	}
}

func dropSteps(drop func(plan.Action) bool) func(plan.Input, *plan.Plan) {
	return func(_ plan.Input, p *plan.Plan) {
		p.Steps = slices.DeleteFunc(p.Steps, func(s plan.Step) bool { return drop(s.Action) })
	}
}

func addStep(steps []plan.Step, id string, a plan.Action) []plan.Step {
	if slices.ContainsFunc(steps, func(s plan.Step) bool { return s.ID == id }) {
		return steps
	}
	return append(steps, plan.NewStep(id, a, plan.Reason{}))
}

// deleteOf is the delete of the machine that a node is on.
func deleteOf(in plan.Input, nodeID string) plan.Action {
	for _, op := range in.World.Ledger.Ops {
		if op.NodeID == nodeID && op.Kind == ledger.Delete {
			return plan.DeleteDroplet{OpID: op.ID, DropletID: op.DropletID}
		}
	}
	return plan.RemoveNode{NodeID: nodeID}
}

// partMutants put the parts together wrongly.
func partMutants() []Mutant {
	return []Mutant{
		configured("no-intent", "write-ahead: the ledger is not written", func(c *reconcile.Config) {
			c.Execute.Ledger = ledgerFunc(func(ctx context.Context, change func(*ledger.Ledger) error) (ledger.Ledger, error) {
				l, err := c.Store.Load(ctx)
				if err != nil {
					return l, err
				}
				return l, change(&l)
			})
		}),
		configured("same-id", "S4: operation ids that are not random", func(c *reconcile.Config) {
			c.OpIDs = func(int) []string {
				return []string{"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb", "cccccccccccccccc", "dddddddddddddddd"}
			}
		}),
		configured("stale-file-wins", "design: a file at start is an edit", func(c *reconcile.Config) {
			if c.Initial == nil {
				return
			}
			edits, initial, more := make(chan []byte, 1), c.Initial, c.Edits
			edits <- initial
			_ = more
			c.Initial, c.Edits = nil, edits
		}),
		configured("no-placement", "engines-rollouts: every manager's engine dies of an update without a placement", withoutPlacement),
		configured("takes-any-file", "S2: a file with faults is taken for what can be read of it", func(c *reconcile.Config) {
			parse := c.Parse
			c.Parse = func(name string, data []byte) (*specfile.Document, []specfile.Fault, error) {
				s, warnings, err := parse(name, data)
				if err == nil {
					return s, warnings, nil
				}
				text, _, _ := strings.Cut(string(data), "nonsense:")
				return parse(name, []byte(text))
			}
		}),
	}
}

// withoutPlacement takes the placement out of what is sent. The stack is the explorer's, so it is copied.
func withoutPlacement(c *reconcile.Config) {
	convert := c.Convert
	c.Convert = func(s *specfile.Document) (swarm.Stack, error) {
		stack, err := convert(s)
		stack.Services = slices.Clone(stack.Services)
		for i := range stack.Services {
			var sent map[string]any
			s := &stack.Services[i]
			if json.Unmarshal(s.Base.Raw(), &sent) == nil {
				delete(sent["TaskTemplate"].(map[string]any), "Placement")
				raw, _ := json.Marshal(sent) // what was read as JSON can be written as such
				s.Base = swarm.NewBase(s.Form(), raw, s.Pin())
			}
		}
		return stack, err
	}
}

// secretMutants say what must not be said.
func secretMutants() []Mutant {
	return []Mutant{
		configured("token-in-user-data", "K5: a secret in user-data", func(c *reconcile.Config) {
			render := c.Execute.UserData
			c.Execute.UserData = func(ctx context.Context, d plan.CreateDroplet) (string, error) {
				text, err := render(ctx, d)
				return text + "\n# dop_v1_simulated\n", err
			}
		}),
		configured("token-in-log", "X5: a secret in the log", func(c *reconcile.Config) {
			render := c.Execute.UserData
			c.Execute.UserData = func(ctx context.Context, d plan.CreateDroplet) (string, error) {
				text, err := render(ctx, d)
				c.Log.Info("rendered", zap.String("user_data", text))
				return text, err
			}
		}),
		configured("token-in-report", "K5: a secret in the status", func(c *reconcile.Config) { c.Source = "file with dop_v1_simulated" }),
		configured("token-in-metrics", "X7: a secret in a metric's label", func(c *reconcile.Config) { c.Metrics.Step("dop_v1_simulated", "done") }),
	}
}

// blindMutants do not know what they should.
func blindMutants() []Mutant {
	return []Mutant{
		configured("no-join", "D19: machines that do not know whom to join", func(c *reconcile.Config) {
			c.Execute.UserData = func(context.Context, plan.CreateDroplet) (string, error) { return "#cloud-config\n", nil }
		}),
		configured("looks-once", "L1: sees the world as it was at the first look", func(c *reconcile.Config) {
			var first *world.World
			inner := c.Plan
			c.Plan = func(in plan.Input) plan.Plan {
				if first == nil && in.Spec != nil {
					w := in.World
					first = &w
				}
				if first != nil {
					revision := in.World.Ledger.Revision
					in.World = *first
					in.World.Ledger.Revision = revision
				}
				return inner(in)
			}
		}),
	}
}
