package reconcile

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// pass is one pass: it returns when to look again.
func (l *Loop) pass(ctx context.Context) (again time.Duration) {
	l.number++
	began := time.Now()
	l.recorder.pass(l.number)
	t := l.guarded(ctx)
	if ctx.Err() != nil {
		return 0 // we are stopping: what was cut short is no news
	}
	r := l.report(t, began)
	again = l.pause(r, t.Plan.RequeueAfter)
	if n := t.Results.Late(); n > 0 { // about them nothing is wrong, so nothing is waited for, whatever became of the others
		l.recorder.late(n)
		again = lookPause
	}
	r.NextLook = time.Now().Add(again)
	l.publish(r)
	return again
}

// guarded looks within the deadline of a pass, and survives a panic.
func (l *Loop) guarded(ctx context.Context) (t passResult) {
	ctx, cancel := context.WithTimeout(ctx, passDeadline)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			t.Err = l.panicked(p)
		}
	}()
	return l.look(ctx)
}

// passResult is what a pass came to, for its report and for what the loop does next.
type passResult struct {
	report.Pass
	epoch uint64
}

// look is observe → compute → apply.
func (l *Loop) look(ctx context.Context) passResult {
	settled := l.judge(ctx)
	if l.beginning(settled) {
		settled = nil
	}
	settled = keepFirst(l.unbegun(), settled)
	_, acting := l.elector.Held()
	t := l.decide(ctx, acting)
	l.rescue(ctx, t.World)
	t.Err = keepFirst(settled, t.Err)
	if !t.Planned {
		return t
	}
	if t.Held {
		t.Err = keepFirst(t.Err, l.act(ctx, &t))
	}
	l.lookUp(ctx, t)
	t.Err = keepFirst(t.Err, l.recordFile(ctx, t.World))
	return t
}

// beginning reports whether an offer waits only because the ledger is being made, as at every first start.
func (l *Loop) beginning(err error) bool {
	idle, trouble := l.elector.Idle()
	return apierr.KindOf(err) == apierr.NotFound && l.want.spec == nil && trouble == nil && idle < ledger.RenewPeriod
}

// observe looks at the world with the accepted revision's eyes. If that revision turns out to be another one, and it adopts other machines,
// it looks once more.
func (l *Loop) observe(ctx context.Context, acting bool) (world.World, error) {
	adopt, reads, began := l.want.adopt(), l.reads(acting), time.Now()
	w := world.Observe(ctx, reads, l.cfg.Cluster, adopt)
	if !acting && l.cached.outdated(w.Ledger.Ops, began) {
		w = world.Observe(ctx, reads, l.cfg.Cluster, adopt)
	}
	if known(w, world.GapLedger) && (!l.isWanted(ctx, w.Ledger.Revision) || unopened(l.want.stack)) {
		before := l.want.sha256
		if err := l.load(ctx, w.Ledger.Revision); err != nil && (!isFaulty(err) || l.want.spec == nil) {
			l.want = desired{} // what is accepted is not what we know: do nothing
			return w, l.cfg.Store.Unreadable(w.Ledger.Revision, err)
		} else if err != nil {
			w.Gaps = append(w.Gaps, world.Gap{What: world.GapRevision, Err: fmt.Sprintf("%v; nothing is begun meanwhile, and what is open is finished by revision %d: "+
				"swarmd validate -f FILE, correct it, swarmd apply -f FILE", err, l.want.revision)})
		}
		if l.want.sha256 != before {
			l.memory.refusals = refusals{} // what was wrong may have changed
		}
		if !sameKeys(adopt, l.want.adopt()) || l.asksObjects() && !reads.AskObjects {
			reads.AskObjects = l.asksObjects()
			gaps := w.Gaps
			w = world.Observe(ctx, reads, l.cfg.Cluster, l.want.adopt())
			w.Gaps = append(w.Gaps, slices.DeleteFunc(gaps, func(g world.Gap) bool { return g.What != world.GapRevision })...)
		}
	}
	l.sealer.learn(w, l.cfg.Cluster)
	if l.logins.learn(l.want.spec, w) {
		l.memory.refusals = refusals{} // what a registry refused it may grant now
	}
	return w, nil
}

// vpcs are the private networks of the cloud, where the file names one.
func (l *Loop) vpcs(s *spec.Spec) []cloud.VPC {
	if s == nil {
		return nil
	}
	return l.cfg.VPCs(s.Cloud.VPC)
}

func (l *Loop) compute(w world.World, epoch uint64, good map[string]swarm.ServiceSpec) plan.Plan {
	wall, now := l.cfg.Wall(), time.Now()
	memory := l.memory.told(wall, now)
	memory.Looked = l.lookups.looked(wall.Sub(now))
	return l.cfg.Plan(plan.Input{Now: wall, Spec: l.want.spec, Revision: l.want.revision, Accepted: l.want.accepted, Stack: l.want.stack, World: w, Epoch: epoch,
		Holder: l.elector.Seen().Node(), OpIDs: l.cfg.OpIDs(opIDsPerPlan), Prices: l.cfg.Prices(), Sizes: l.cfg.Sizes(), VPCs: l.vpcs(l.want.spec), Good: good, Blind: l.blind(), Sealed: l.sealer.sealed(l.want.stack, w, l.blind()), Logins: l.logins.seen,
		Memory: memory, DenyHostAccess: l.cfg.DenyHostAccess, Template: l.cfg.Template})
}

// act executes the plan and keeps the lease fresh with what was just read, so that a quiet pass makes one write and no read for it.
func (l *Loop) act(ctx context.Context, t *passResult) error {
	l.memory, t.Plan = l.memory.begin(t.Plan, time.Now(), l.want.spec.Policies.CreateVisible)
	t.Results = l.executor.Run(ctx, execute.Order{Plan: t.Plan, At: t.World.At, Epoch: t.epoch, Revision: t.World.Ledger.Revision})
	l.memory = l.memory.learn(t.Results, time.Now(), l.cfg.Jitter)
	if stepsDown(t.Plan) {
		l.elector.StepDown(ctx, stepDownFor)
		return nil
	}
	return l.elector.Tick(ctx, passDeadline)
}

// stepsDown reports whether another manager's swarmd must act: its machine does not leave, or it can read what this one cannot.
func stepsDown(p plan.Plan) bool {
	return slices.ContainsFunc(p.Holds, func(h plan.Hold) bool { return h.Guard == plan.GuardSelf || h.Guard == plan.GuardNewer })
}

// panicked turns a panic into the pass's error.
func (l *Loop) panicked(p any) error {
	l.cfg.Metrics.Panicked()
	l.recorder.logger().Error("pass panicked", zap.Any(keyError, p), zap.ByteString("stack", debug.Stack()))
	return &apierr.Error{Kind: apierr.Unknown, Op: "pass", Err: fmt.Errorf("panic: %v", p)}
}

func known(w world.World, what string) bool {
	for _, g := range w.Gaps {
		if g.What == what {
			return false
		}
	}
	return true
}

func sameKeys(a, b map[int]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if a[k] != b[k] {
			return false
		}
	}
	return true
}
