package reconcile

import (
	"context"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

// Look is one look at everything, for people: the report of a pass that executes nothing. Run must not be running.
func (l *Loop) Look(ctx context.Context) report.Report {
	began := time.Now()
	l.number++
	t := l.guarded(ctx)
	r := l.report(t, began)
	st, err := l.cfg.Store.Look(ctx)
	if err != nil {
		return r.LeftAlone("whether anybody acts cannot be seen", err)
	}
	r.Lease = report.Lease{Holder: st.Lease.Holder, Name: report.MachineName(t.World, st.Lease.Node()), Epoch: st.Lease.Epoch, Renewed: st.Renewed}
	if why := l.cfg.Store.Unattended(ctx, st, r.Lease.Who()); why != nil {
		r = r.LeftAlone(idle(st), why)
	}
	return r
}

// idle says that nobody acts, and for how long as far as the swarm's clock and ours agree.
func idle(st ledger.State) string {
	age := time.Since(st.Renewed)
	if st.Renewed.IsZero() || age < time.Second || st.Lease.Holder != "" && age < ledger.LeaseDuration {
		return "nobody acts"
	}
	return "nobody has acted for " + age.Round(time.Second).String()
}

// Meaning is what the file would mean as an edit of the accepted one, see plan.Meaning, and whether it is an older one. Run must not be running.
func (l *Loop) Meaning(ctx context.Context, data []byte) ([]string, error) {
	d, _, err := l.parse("the file", data)
	if err != nil {
		return nil, err
	}
	st, err := l.cfg.Store.Look(ctx)
	if err != nil {
		return nil, err
	}
	return append(undoes(st, data), l.meaning(st.History(), &d.Spec)...), nil
}

// undoes says that the file is one that was accepted before: who hands in what an older checkout has does not mean to undo what others did since.
func undoes(st ledger.State, data []byte) []string {
	verdict, older := ledger.Judge(ledger.AtStart, data, st.Ledger.Revision, st.Revisions)
	accepted, ok := st.Revision(st.Ledger.Revision)
	if verdict != ledger.Stale || !ok {
		return nil
	}
	return []string{fmt.Sprintf("this is the file of revision %d again: it undoes what was accepted since, at last revision %d (%s); swarmd history shows it", older, accepted.Number, accepted.Source)}
}

// Preview is the plan as it would be if the file were the accepted revision, the whole change that it makes, and the world that both were made for.
// It writes nothing. data is what the file is read from: the accepted one again is no next revision. Run must not be running.
func (l *Loop) Preview(ctx context.Context, d *file.Document, data []byte) (plan.Plan, plan.Overview, world.World, error) {
	in, accepted, err := l.foreseen(ctx, d, data)
	if err != nil {
		return plan.Plan{}, plan.Overview{}, in.World, err
	}
	was, err := l.older(ctx, accepted)
	if err != nil {
		return plan.Plan{}, plan.Overview{}, in.World, err
	}
	p := plan.Compute(in)
	before := plan.Accepted{Spec: was.spec, Stack: was.stack, Sealed: l.sealer.sealed(was.stack, in.World, true)}
	return p, plan.OverviewOf(in, p, before), in.World, nil
}

// foreseen is what the next pass would decide by if the file were the accepted revision, and the number of the one that is.
func (l *Loop) foreseen(ctx context.Context, d *file.Document, data []byte) (in plan.Input, accepted int, err error) {
	stack, err := l.convert(d)
	if err != nil {
		return plan.Input{}, 0, err
	}
	st, err := l.cfg.Store.Look(ctx)
	if err != nil {
		return plan.Input{}, 0, err
	}
	if err := fits(st.Ledger, &d.Spec); err != nil {
		return plan.Input{}, 0, err
	}
	accepted = st.Ledger.Revision
	if unopened(stack) {
		was, err := l.older(ctx, accepted)
		if err != nil {
			return plan.Input{}, 0, err
		}
		stack = withoutIdentity(stack, was.stack)
	}
	want := desired{spec: &d.Spec, stack: stack, revision: accepted + 1}
	if verdict, n := ledger.Judge(ledger.Edit, data, accepted, st.Revisions); verdict == ledger.Same {
		want.revision = n
	}
	reads := l.cfg.Reads
	reads.AskObjects = true
	w := world.Observe(ctx, reads, l.cfg.Cluster, want.adopt())
	w.Ledger.DeleteBudget = l.budget(st.History(), &d.Spec).Onto(w.Ledger.DeleteBudget) // what accepting this file would permit
	if l.cfg.Confirmed {
		w.Ledger.Confirmed = want.revision
	}
	l.memory.creates, w.Ledger.Ops = l.memory.creates.age(w.Ledger.Ops, l.cfg.Wall(), time.Now(), d.Policies.CreateVisible)
	good, err := l.good(ctx, stack, w)
	if err != nil {
		return plan.Input{World: w}, 0, err
	}
	l.sealer.learn(w, l.cfg.Cluster)
	l.sealer.registries = d.Registries
	return plan.Input{Blind: true, Good: good, Sealed: l.sealer.sealed(stack, w, true), Compared: l.compared(ctx, stack, w), Now: l.cfg.Wall(), Spec: &d.Spec, Revision: want.revision, Accepted: l.cfg.Wall(), Stack: stack, World: w, Epoch: st.Lease.Epoch,
		Holder: st.Lease.Node(), OpIDs: l.cfg.OpIDs(opIDsPerPlan), Prices: l.cfg.Prices(), Sizes: l.cfg.Sizes(), VPCs: l.vpcs(&d.Spec), DenyHostAccess: l.cfg.DenyHostAccess, Template: l.cfg.Template}, accepted, nil
}
