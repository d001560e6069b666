package execute_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// One bad image rolls back every service of a big file at once. That must not fill the ledger: nothing could be created, deleted or
// closed any more.
func TestFailuresOfManyServicesLeaveRoomForOperations(t *testing.T) {
	b := newBench(t)
	b.put(t, func(l *ledger.Ledger) { l.Ops = []ledger.Op{{ID: "opz", Kind: ledger.Create}} })
	var steps []plan.Step
	for i := range 400 {
		name := fmt.Sprintf("minitwit_service%d", i)
		steps = append(steps, step("failed/"+name, plan.RecordRollout{Service: name, RollOut: ledger.RollOut{Template: "0123456789abcdef", Version: 1234567, Failed: true}}))
	}
	steps = append(steps, step("close", plan.CloseOp{OpID: "opz"}), create("a"))
	rs := b.run(t.Context(), steps...)
	for _, r := range rs[400:] {
		if r.Outcome != execute.Done {
			t.Errorf("%s: %s, %v", r.Step.ID, r.Outcome, r.Err)
		}
	}
	l := b.ledger(t)
	if n := len(l.Rollouts); n != ledger.MaxRollouts || rs.Count(execute.Refused) != 400-n || l.Size() > ledger.MaxBytes*3/4 {
		t.Errorf("%d failures are remembered, %d refused, %d bytes", n, rs.Count(execute.Refused), l.Size())
	}
}

// Operations grow after they were opened: with a droplet's id, with the moment of a shutdown.
func TestOpenOperationsLeaveRoomForWhatFollows(t *testing.T) {
	b := newBench(t)
	b.put(t, func(l *ledger.Ledger) { l.DeleteBudget = 99 })
	var open, shut []plan.Step
	for i := range 99 {
		op := fmt.Sprintf("abcdefghijklmn%02d", i)
		open = append(open, step(fmt.Sprint("leave/", i), plan.OpenDelete{OpID: op, DropletID: 500_000_000 + i, NodeID: "0123456789012345678901234",
			Pool: "workers", Name: "minitwit-workers-abcde", Budgeted: true}))
		shut = append(shut, step(fmt.Sprint("shutdown/", i), plan.ShutdownDroplet{OpID: op, DropletID: 500_000_000 + i}))
	}
	opened := b.run(t.Context(), open...).Count(execute.Done)
	if opened != ledger.MaxOps {
		t.Fatalf("%d of 99 opened", opened)
	}
	if n := b.run(t.Context(), shut...).Count(execute.Done); n != opened {
		t.Errorf("%d of %d were asked to shut down", n, opened)
	}
}

// An edit that was accepted after the look must not be acted against: it may have taken back what the plan is about to begin.
func TestAPlanOfAnEarlierRevisionOpensNothing(t *testing.T) {
	b := newBench(t)
	b.put(t, func(l *ledger.Ledger) { l.Revision, l.DeleteBudget = 2, 1 })
	rs := b.run(t.Context(), step("leave", plan.OpenDelete{OpID: "opd", DropletID: 7, Budgeted: true}), create("a"))
	for _, r := range rs {
		if r.Outcome != execute.Refused || r.Kind != apierr.Conflict {
			t.Errorf("%s: %s %s", r.Step.ID, r.Outcome, r.Kind)
		}
	}
	if l := b.ledger(t); len(l.Ops) != 0 || l.DeleteBudget != 1 || len(b.calls) != 0 {
		t.Errorf("%+v, %v", l, b.calls)
	}
	rs = b.exec.Run(t.Context(), execute.Order{Plan: plan.Plan{Steps: []plan.Step{create("a")}}, At: time.Now(), Epoch: epoch, Revision: 2})
	if rs[0].Outcome != execute.Done {
		t.Errorf("the plan of the accepted revision: %v", rs[0].Err)
	}
}
