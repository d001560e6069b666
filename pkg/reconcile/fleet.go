package reconcile

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// fleetPace is how old the list of droplets may be in a pass of the acting swarmd that has nothing to do with machines. Services in trouble ask for
// a pass every two seconds or so, without an end, and the account's limit is 5,000 calls an hour.
const fleetPace = 30 * time.Second

// fleet is the cloud as the acting swarmd sees it. While the machines rest, its answers are kept for a while. No step on a machine is based on a
// kept answer.
type fleet struct {
	*cachedCloud
	rests bool   // the last look found nothing to do with machines
	nodes string // what the nodes were like when the list was read
}

// begin prepares a look. A full one comes at least as often as the resync.
func (f *fleet) begin(resync time.Duration) {
	f.pace = min(fleetPace, resync)
	if !f.rests || !time.Now().Before(f.stale()) {
		f.forget()
	}
}

// rested takes in what came of a look that began then, and reports whether it may be acted on. It may not if the list was kept and the
// machines do not rest: then the list is forgotten, and the look has to be repeated.
func (f *fleet) rested(w world.World, p plan.Plan, began time.Time) bool {
	seen := known(w, world.GapLedger) && known(w, world.GapNodes) && known(w, world.GapDroplets)
	f.rests = seen && len(w.Ledger.Ops) == 0 && !aboutMachines(p)
	nodes := nodesAre(w)
	if f.keptBefore(began) && !(f.rests && f.nodes == nodes) {
		f.forget()
		return false
	}
	f.nodes = nodes
	return true
}

// stale is when the list is too old for any pass.
func (f *fleet) stale() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.list.at.Add(f.pace)
}

// keptBefore reports whether there is a list that is older than that.
func (f *fleet) keptBefore(began time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.list.at.IsZero() && f.list.at.Before(began)
}

// aboutMachines reports whether a step of the plan is about anything but services, their networks and the worker token.
func aboutMachines(p plan.Plan) bool {
	for _, s := range p.Steps {
		switch s.Action.About().Object.Kind {
		case "service", "network", "cluster":
		default:
			return true
		}
	}
	return false
}

// nodesAre is a text that is another one when a node came, went or changed.
func nodesAre(w world.World) string {
	var b strings.Builder
	for _, m := range w.Machines {
		if n := m.Node; n != nil {
			fmt.Fprintln(&b, n.ID, n.Version, n.State, n.Addr, n.Manager)
		}
	}
	return b.String()
}

// decide looks and plans. Who acts looks once more if the plan must not be based on a list of droplets that was kept.
func (l *Loop) decide(ctx context.Context, acting bool) passResult {
	if !acting {
		l.fleet.rests = false // somebody else acts: when this one does again, it knows nothing
		return l.see(ctx, false)
	}
	l.fleet.begin(l.want.resync())
	began := time.Now()
	t := l.see(ctx, true)
	if t.Planned && !l.fleet.rested(t.World, t.Plan, began) {
		began = time.Now()
		if t = l.see(ctx, true); t.Planned {
			l.fleet.rested(t.World, t.Plan, began)
		}
	}
	return t
}

// see is observe → compute.
func (l *Loop) see(ctx context.Context, acting bool) (t passResult) {
	began := time.Now()
	t.World, t.Err = l.observe(ctx, acting)
	if t.Err != nil || l.want.spec == nil {
		return t
	}
	l.memory, t.World = l.memory.see(t.World, look{wall: l.cfg.Wall(), began: began, ended: time.Now(), acting: acting, want: l.want.spec})
	t.epoch, t.Held = l.elector.Held()
	t.Held = t.Held && acting // the lease was won meanwhile: what was seen is a follower's view, the next pass acts
	good, err := l.good(ctx, l.want.stack, t.World)
	if err != nil {
		t.Err = err
		return t
	}
	t.Plan, t.Planned = l.compute(t.World, t.epoch, good), true
	l.memory.rolls = l.memory.rolls.learn(t.Plan.Services)
	return t
}
