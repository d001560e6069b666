package execute_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func diff(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
}

func TestIntentsAreOneWriteBeforeTheCallsAndAnswersOneAfterThem(t *testing.T) {
	b := newBench(t)
	b.put(t, func(*ledger.Ledger) {})
	rs := b.run(t.Context(), create("a"), create("b"), create("c"))
	diff(t, []string{"create/a done", "create/b done", "create/c done"}, outcomes(rs))
	slices.Sort(b.calls[1:4])
	diff(t, []string{"ledger", "create web-workers-a", "create web-workers-b", "create web-workers-c", "ledger"}, b.calls)
	for i, op := range b.ledger(t).Ops {
		if op.DropletID != 100+i || op.Kind != ledger.Create || op.Epoch != epoch || op.Pool != "workers" {
			t.Fatalf("operation %+v", op)
		}
	}
}

// TestAnAnswerAboutAnothersDropletIsNotWrittenDown: the operation stays open, and its droplet is found by its tag.
func TestAnAnswerAboutAnothersDropletIsNotWrittenDown(t *testing.T) {
	b := newBench(t)
	b.put(t, func(*ledger.Ledger) {})
	b.hijack = true
	diff(t, []string{"create/a unknown"}, outcomes(b.run(t.Context(), create("a"))))
	if ops := b.ledger(t).Ops; len(ops) != 1 || ops[0].DropletID != 0 {
		t.Errorf("operations %+v", ops)
	}
}

func TestWhatBecomesOfACreate(t *testing.T) {
	cases := []struct {
		name    string
		at      string
		kind    apierr.Kind
		outcome execute.Outcome
		open    bool
	}{
		{"lost answer", "create web-workers-a", apierr.Unknown, execute.Unknown, true},
		{"cut", "create web-workers-a", apierr.Unavailable, execute.Unknown, true},
		{"invalid", "create web-workers-a", apierr.Invalid, execute.Refused, false},
		{"no room", "create web-workers-a", apierr.Capacity, execute.Refused, false},
		{"rate limit", "create web-workers-a", apierr.RateLimited, execute.Refused, false},
		{"no token", "user-data web-workers-a", apierr.Unavailable, execute.Refused, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.broken[c.at] = fault(c.kind)
			rs := b.run(t.Context(), create("a"))
			if rs[0].Outcome != c.outcome || rs[0].Err == nil {
				t.Fatalf("%+v", rs[0])
			}
			if open := len(b.ledger(t).Ops) == 1; open != c.open {
				t.Fatalf("operation open: %v", open)
			}
			if n := strings.Count(strings.Join(b.calls, ","), "create web"); n > 1 {
				t.Fatalf("%d creates were sent", n)
			}
		})
	}
}

func TestWithoutTheIntentNothingIsSent(t *testing.T) {
	cases := map[string]func(*bench){
		"the store is unsure":    func(b *bench) { b.Before(func(string) error { return fault(apierr.Unknown) }) },
		"the store has no head":  func(b *bench) { b.Before(func(string) error { return fault(apierr.NoLeader) }) },
		"the lease is lost":      func(b *bench) { b.loseLease() },
		"another holder came in": func(b *bench) { b.config.Ledger = fenced{b.store} },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			spoil(b)
			b.exec = execute.New(b.config)
			rs := b.run(t.Context(), create("a"), step("node", plan.CloseOp{OpID: "opx"}))
			for _, c := range b.calls {
				if strings.HasPrefix(c, "create") {
					t.Fatalf("calls %v", b.calls)
				}
			}
			if rs[0].Outcome != execute.Refused {
				t.Fatalf("%+v", rs[0])
			}
		})
	}
}

// fenced is a ledger whose lease another swarmd has taken.
type fenced struct{ *ledger.Store }

func (f fenced) Update(ctx context.Context, change func(*ledger.Ledger) error) (ledger.Ledger, error) {
	if _, err := f.Store.Update(ctx, func(l *ledger.Ledger) error { l.Epoch = epoch + 1; return nil }); err != nil {
		return ledger.Ledger{}, err
	}
	return f.Store.Update(ctx, change)
}

func TestStepsAfterOneThatWasNotDoneAreDropped(t *testing.T) {
	b := newBench(t)
	b.broken["create network n"] = fault(apierr.Invalid)
	rs := b.run(t.Context(),
		step("service", plan.CreateService{Spec: swarm.ServiceSpec{Name: "s", Image: "i:1"}}, "net"),
		step("net", plan.CreateNetwork{Spec: swarm.NetworkSpec{Name: "n"}}),
		create("a", "service"),
		step("other", plan.RemoveService{ID: "x"}),
		step("lost", plan.RemoveService{ID: "y"}, "no such step"),
		step("one", plan.RemoveService{ID: "1"}, "two"),
		step("two", plan.RemoveService{ID: "2"}, "one"))
	diff(t, []string{"service dropped", "net refused", "create/a dropped", "other done", "lost dropped", "one dropped", "two dropped"}, outcomes(rs))
	if l := b.ledger(t); len(l.Ops) != 0 {
		t.Fatalf("the intent of a create that was never sent stays open: %+v", l.Ops)
	}
}

func TestDropletsAreStoppedAndDeletedOnlyUnderAnOpenDelete(t *testing.T) {
	b := newBench(t)
	b.put(t, func(l *ledger.Ledger) {
		l.Ops = []ledger.Op{{ID: "opd", Kind: ledger.Delete, DropletID: 7, Epoch: 1}, {ID: "opc", Kind: ledger.Create, DropletID: 8}}
	})
	var steps []plan.Step
	for _, id := range []int{7, 8, 9, 0} {
		steps = append(steps, step(fmt.Sprint("shutdown/", id), plan.ShutdownDroplet{OpID: "opd", DropletID: id}),
			step(fmt.Sprint("power/", id), plan.PowerOffDroplet{DropletID: id}),
			step(fmt.Sprint("delete/", id), plan.DeleteDroplet{OpID: "opd", DropletID: id}))
	}
	rs := b.run(t.Context(), steps...)
	if rs.Count(execute.Done) != 3 || rs.Count(execute.Refused) != 9 {
		t.Fatal(outcomes(rs))
	}
	sent := slices.DeleteFunc(slices.Clone(b.calls), func(c string) bool { return c == "ledger" })
	slices.Sort(sent)
	diff(t, []string{"delete 7", "power off 7", "shutdown 7"}, sent)
	if op := b.ledger(t).Ops[1]; op.ID != "opd" || op.Epoch != epoch || op.Shutdown.IsZero() {
		t.Fatalf("the operation does not show who acts: %+v", op)
	}
}

func TestRefusedShutdownIsNotTakenForOne(t *testing.T) {
	b := newBench(t)
	b.put(t, func(l *ledger.Ledger) { l.Ops = []ledger.Op{{ID: "opd", Kind: ledger.Delete, DropletID: 7}} })
	b.broken["shutdown 7"] = fault(apierr.Busy)
	b.run(t.Context(), step("s", plan.ShutdownDroplet{OpID: "opd", DropletID: 7}))
	if op := b.ledger(t).Ops[0]; !op.Shutdown.IsZero() {
		t.Fatalf("%+v", op)
	}
}

func TestDeletesSpendWhatIsPermitted(t *testing.T) {
	open := func(id int, budgeted bool) plan.Step {
		return step(fmt.Sprint("open/", id), plan.OpenDelete{OpID: fmt.Sprint("op", id), DropletID: id, NodeID: "n", Pool: "workers", Budgeted: budgeted})
	}
	b := newBench(t)
	b.put(t, func(l *ledger.Ledger) { l.DeleteBudget = 1 })
	again := open(1, true)
	again.ID = "again/1"
	rs := b.run(t.Context(), open(1, true), open(2, true), open(3, false), open(4, false), again)
	diff(t, []string{"open/1 done", "open/2 refused", "open/3 done", "open/4 refused", "again/1 refused"}, outcomes(rs))
	l := b.ledger(t)
	if l.DeleteBudget != 0 || len(l.FreeDeletes) != 1 || len(l.Ops) != 2 {
		t.Fatalf("%+v", l)
	}
	if n := len(b.calls); n != 1 {
		t.Fatalf("%d writes, want all in one", n)
	}
	b.put(t, func(l *ledger.Ledger) { l.FreeDeletes = []time.Time{time.Now().Add(-61 * time.Minute)} })
	if rs := b.run(t.Context(), open(5, false)); rs[0].Outcome != execute.Done {
		t.Fatalf("an hour is over: %v", rs[0].Err)
	}
}

func TestLedgerSteps(t *testing.T) {
	b, h := newBench(t), ledger.RollOut{Template: "h", Version: 2, Failed: true}
	b.put(t, func(l *ledger.Ledger) {
		l.Ops = []ledger.Op{{ID: "opa", Kind: ledger.Create}, {ID: "opb", Kind: ledger.Create, DropletID: 4}}
		l.Rollouts = map[string]ledger.RollOut{"old": ledger.RollOut{Template: "x", Version: 1, Failed: true}}
	})
	rs := b.run(t.Context(), step("record", plan.RecordDroplet{OpID: "opa", DropletID: 3}), step("close", plan.CloseOp{OpID: "opb"}),
		step("closed already", plan.CloseOp{OpID: "opz"}), step("nobody's", plan.RecordDroplet{OpID: "opz", DropletID: 9}),
		step("failed", plan.RecordRollout{Service: "app", RollOut: h}), step("forgiven", plan.RecordRollout{Service: "old"}))
	diff(t, []string{"record done", "close done", "closed already done", "nobody's refused", "failed done", "forgiven done"}, outcomes(rs))
	l := b.ledger(t)
	diff(t, []ledger.Op{{ID: "opa", Kind: ledger.Create, DropletID: 3}}, l.Ops)
	diff(t, map[string]ledger.RollOut{"app": h}, l.Rollouts)
}

func TestOldPlanIsDroppedAndALostLeaseStopsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.latency = 40 * time.Second
		rs := b.run(t.Context(), step("1", plan.RemoveService{ID: "1"}), step("2", plan.RemoveService{ID: "2"}, "1"), step("3", plan.RemoveService{ID: "3"}, "2"))
		diff(t, []string{"1 done", "2 done", "3 dropped"}, outcomes(rs)) // 80 s
		if rs.Late() != 1 || !errors.Is(rs[2].Err, execute.ErrLate) {
			t.Errorf("%d late: %+v", rs.Late(), rs[2])
		}
		b.latency = time.Second
		time.AfterFunc(1500*time.Millisecond, b.loseLease)
		rs = b.run(t.Context(), step("1", plan.RemoveService{ID: "1"}), step("2", plan.RemoveService{ID: "2"}, "1"), step("3", plan.RemoveService{ID: "3"}, "2"))
		diff(t, []string{"1 done", "2 done", "3 refused"}, outcomes(rs))
	})
}

func TestACreateThatIsLateLeavesNoOperation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.latency = 70 * time.Second
		b.config.Parallel = 1
		b.exec = execute.New(b.config)
		rs := b.run(t.Context(), create("a"), create("b"))
		if done, late := rs.Count(execute.Done), rs.Late(); done != 1 || late != 1 || rs.Count(execute.Dropped) != 1 {
			t.Fatalf("%d done, %d late: %+v", done, late, rs)
		}
		if ops := b.ledger(t).Ops; len(ops) != 1 || ops[0].DropletID == 0 {
			t.Errorf("open: %+v", ops)
		}
	})
}

func TestNoImageIsAskedForWhenItIsTooLateToUseIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.latency = 70 * time.Second
		rs := b.run(t.Context(), step("1", plan.RemoveService{ID: "1"}), step("s", plan.CreateService{Spec: swarm.ServiceSpec{Name: "s", Image: "i:1"}}, "1"))
		diff(t, []string{"1 done", "s dropped"}, outcomes(rs))
		diff(t, []string{"remove service 1"}, b.calls)
	})
}

func TestStopLetsTheCallInFlightEndAndSendsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.latency = 2 * time.Second
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		rs := b.run(ctx, create("a"), step("2", plan.RemoveService{ID: "2"}, "create/a"))
		diff(t, []string{"create/a done", "2 refused"}, outcomes(rs))
		if op := b.ledger(t).Ops[0]; op.DropletID != 100 {
			t.Fatalf("the answer was not kept: %+v", op)
		}
	})
}

func TestAtMostEightCallsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.latency = time.Second
		var steps []plan.Step
		for i := range 20 {
			steps = append(steps, step(fmt.Sprint(i), plan.RemoveService{ID: fmt.Sprint(i)}))
		}
		began := time.Now()
		rs := b.run(t.Context(), steps...)
		if rs.Count(execute.Done) != 20 || b.most != 8 || time.Since(began) != 3*time.Second {
			t.Fatalf("%d done, %d at once, in %s", rs.Count(execute.Done), b.most, time.Since(began))
		}
	})
}

// mixed is a plan with two chains and a fan.
func mixed() []plan.Step {
	return []plan.Step{create("a"), create("b"), step("close", plan.CloseOp{OpID: "x"}, "bind"),
		step("bind", plan.UpdateNode{NodeID: "n", Version: 4}), step("net", plan.CreateNetwork{Spec: swarm.NetworkSpec{Name: "n"}}),
		step("s1", plan.CreateService{Spec: swarm.ServiceSpec{Name: "s1", Image: "i@sha256:0"}}, "net"),
		step("s2", plan.CreateService{Spec: swarm.ServiceSpec{Name: "s2", Image: "i@sha256:0"}}, "net"),
		step("rm", plan.RemoveNetwork{ID: "o"}, "s1", "s2")}
}

func TestAnyOrderThatALimiterDrawsKeepsWhatMustComeFirst(t *testing.T) {
	orders := map[string]bool{}
	for seed := range uint64(60) {
		var passed [2][]string
		for turn := range passed {
			synctest.Test(t, func(t *testing.T) {
				b, g := newBench(t), newDrawn(seed)
				b.config.Limiter = g
				b.exec = execute.New(b.config)
				done := make(chan struct{})
				var rs execute.Results
				go func() { rs = b.run(t.Context(), mixed()...); close(done) }()
				g.drive(done)
				if rs.Count(execute.Done) != len(mixed()) {
					t.Fatal(outcomes(rs))
				}
				passed[turn] = g.passed
			})
		}
		diff(t, passed[0], passed[1])
		inOrder(t, passed[0], "net", "s1", "rm")
		inOrder(t, passed[0], "net", "s2", "rm")
		inOrder(t, passed[0], "ledger/intents", "create/a", "ledger/answers")
		inOrder(t, passed[0], "ledger/intents", "create/b", "ledger/answers")
		orders[strings.Join(passed[0], " ")] = true
	}
	if len(orders) < 40 {
		t.Fatalf("only %d orders of 60 seeds", len(orders))
	}
}

func inOrder(t *testing.T, passed []string, names ...string) {
	t.Helper()
	last := -1
	for _, n := range names {
		i := slices.Index(passed, n)
		if i <= last {
			t.Fatalf("%s at %d, not after %d: %v", n, i, last, passed)
		}
		last = i
	}
}

func TestResultsAreToldAsTheyCome(t *testing.T) {
	b := newBench(t)
	var told []string
	b.config.OnStep = func(r execute.Result) { told = append(told, r.Step.ID) }
	b.exec = execute.New(b.config)
	b.run(t.Context(), mixed()...)
	if len(told) != len(mixed()) {
		t.Fatalf("told %v", told)
	}
}

func TestPanicInACallIsThatStepsAlone(t *testing.T) {
	b := newBench(t)
	b.config.Networks = nil // calling it panics
	b.exec = execute.New(b.config)
	rs := b.run(t.Context(), step("net", plan.RemoveNetwork{ID: "n"}), step("svc", plan.RemoveService{ID: "s"}))
	diff(t, []string{"net unknown", "svc done"}, outcomes(rs))
}

func TestEveryActionIsListedNamedAndExecuted(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../plan/actions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var written, listed, names []string
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "About" {
			written = append(written, "plan."+fn.Recv.List[0].Type.(*ast.Ident).Name)
		}
	}
	for _, a := range plan.Actions() {
		about := a.About()
		listed, names = append(listed, fmt.Sprintf("%T", a)), append(names, about.Name)
		if about.Name == "" || about.Object.Kind == "" {
			t.Errorf("%T is %+v", a, about)
		}
		s := step("x", a)
		if about.Effect == plan.Records && len(s.Before) == 0 {
			t.Errorf("%T does nothing", a)
		}
		b := newBench(t)
		b.put(t, func(l *ledger.Ledger) { l.DeleteBudget = 1 })
		if rs := b.run(t.Context(), s); rs[0].Err != nil && strings.Contains(rs[0].Err.Error(), "no such action") {
			t.Errorf("the executor does not know %T", a)
		}
	}
	slices.Sort(written)
	slices.Sort(listed)
	diff(t, written, listed)
	slices.Sort(names)
	if n := len(slices.Compact(names)); n != len(listed) {
		t.Errorf("%d names for %d actions", n, len(listed))
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	b := newBench(t)
	cause := errors.New("the cause")
	b.broken["remove service 1"] = &apierr.Error{Kind: apierr.Precondition, Op: "remove service", Err: cause}
	rs := b.run(t.Context(), step("1", plan.RemoveService{ID: "1"}))
	if !errors.Is(rs[0].Err, cause) || rs[0].Kind != apierr.Precondition {
		t.Fatalf("%+v", rs[0])
	}
}
