package explore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// liarName is the planner that lies. It is no mutant that must be caught: whatever it asks for, the brakes must refuse.
const liarName = "liar"

// braked are the invariants that the brakes keep by themselves, whatever is planned.
var braked = []string{"foreign", "blast-radius", "quorum", "budget", "secrets"}

// liarWorkflows are those in which there is much to lose.
var liarWorkflows = []string{"grow-managers", "shrink-managers", "remove-worker", "two-swarmds", "elsewhere", "beside", "restored"}

// liar plans what is right and, besides, does a few things that nothing asked for, past the executor: any droplet's end, any node's demotion or
// removal, an operation in the ledger that no edit permits. It does so while it holds the lease: what keeps it from acting without is not the brakes.
func liar() Mutant {
	return configured(liarName, "S1, S6, Q1, K4: a planner that asks for anything", func(c *reconcile.Config) {
		machine, _, _ := strings.Cut(c.Elector.Instance, "#")
		c.Plan = func(in plan.Input) plan.Plan {
			rng := rand.New(rand.NewPCG(in.Epoch, uint64(in.Now.UnixNano())))
			for range rng.IntN(4) {
				if n := len(in.World.Machines); holds(in, machine) {
					lie(rng, c.Execute, in.World.Machines[rng.IntN(n)])
				}
			}
			return plan.Compute(in)
		}
	})
}

// holds reports whether the swarmd on the machine holds the lease, as far as it knows.
func holds(in plan.Input, machine string) bool {
	return slices.ContainsFunc(in.World.Machines, func(m world.Machine) bool {
		return m.Node != nil && m.Node.ID == in.Holder && m.Droplet != nil && strings.HasSuffix(m.Droplet.Name, machine)
	})
}

// lie does one thing that nothing asked for. Whether it is refused is the brakes' affair.
func lie(rng *rand.Rand, to execute.Config, m world.Machine) {
	ctx := context.Background()
	if m.Droplet != nil {
		id := m.Droplet.ID
		switch rng.IntN(6) {
		case 0, 1:
			_ = to.Droplets.DeleteDroplet(ctx, id)
		case 2:
			_, _ = to.Droplets.Shutdown(ctx, id)
		case 3:
			_, _ = to.Droplets.PowerOff(ctx, id)
		case 4:
			_, _ = to.Ledger.Update(ctx, func(l *ledger.Ledger) error {
				l.Ops = append(l.Ops, ledger.Op{ID: fmt.Sprintf("lie%013d", rng.IntN(1e9)), Kind: ledger.Delete, Pool: m.Pool, Name: m.Droplet.Name,
					DropletID: id, Budgeted: rng.IntN(2) == 0, Started: time.Now()})
				return nil
			})
			_ = to.Droplets.DeleteDroplet(ctx, id)
		}
	}
	if m.Node == nil {
		return
	}
	s := m.Node.Spec
	s.Role, s.Availability = swarm.Worker, swarm.Drain
	switch rng.IntN(4) {
	case 0:
		_ = to.Nodes.RemoveNode(ctx, m.Node.ID)
	case 1, 2:
		_ = to.Nodes.UpdateNode(ctx, m.Node.ID, m.Node.Version, s)
	}
}

// liars are n runs in which the planner lies. What it asks for is mostly refused, so nothing has to come true; but nothing may be lost
// that the brakes keep.
func (c *Campaign) liars(n int) []Plan {
	var plans []Plan
	for i := range n {
		plans = append(plans, Plan{Workflow: liarWorkflows[i%len(liarWorkflows)], Seed: c.Seed + uint64(i), Mutant: liarName})
	}
	return plans
}
