package execute

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// run is one plan under way. Only the goroutine of Run touches its fields; the others send events.
type run struct {
	e       *Executor
	order   Order
	ctx     context.Context // ends: no further call is sent
	calls   context.Context // ends later: calls in flight are cut
	steps   map[string]plan.Step
	wait    []plan.Step // not begun yet, in the plan's order
	ready   map[string]error
	res     map[string]Result
	events  chan event
	flying  int // goroutines that will send an event
	cloud   int // of these, calls whose answer goes into the ledger
	answers []kept
}

// event is what a goroutine of the run reports.
type event struct {
	result  *Result          // a step ended
	answer  *kept            // and this is to be kept in the ledger
	intents map[string]error // the intents of these steps were written, or not
	cloud   bool             // a call whose answer goes into the ledger has ended
}

// Run executes the plan and returns what became of each step, in the plan's order. It returns when nothing is in flight. When ctx
// ends no further call is sent, and those in flight have some seconds to answer.
func (e *Executor) Run(ctx context.Context, o Order) Results {
	calls, release := clock.Linger(ctx, linger)
	defer release()
	r := &run{e: e, order: o, ctx: ctx, calls: calls, steps: map[string]plan.Step{}, ready: map[string]error{},
		res: map[string]Result{}, events: make(chan event), wait: o.Plan.Steps}
	r.calls = brake.WithPermit(calls, r.permit)
	e.images.enter(o.Revision)
	for _, s := range o.Plan.Steps {
		r.steps[s.ID] = s
	}
	r.begin()
	for r.flying > 0 {
		r.handle(<-r.events)
		r.advance()
	}
	r.dropRest()
	return r.results()
}

// begin writes the intents of all creates and of the ledger steps that wait for nothing in one compare-and-swap, and starts what
// needs no intent.
func (r *run) begin() {
	var first []plan.Step
	for _, s := range r.wait {
		if len(s.Before) > 0 && (len(s.After) == 0 || s.Action.About().Effect == plan.Creates) {
			first = append(first, s)
		}
	}
	r.intend(first)
	r.advance()
}

// handle takes in what a goroutine reports.
func (r *run) handle(ev event) {
	r.flying--
	if ev.cloud {
		r.cloud--
	}
	if ev.answer != nil {
		r.answers = append(r.answers, *ev.answer)
	}
	if ev.result != nil {
		r.end(*ev.result)
	}
	for id, err := range ev.intents {
		r.ready[id] = err
		r.forget(r.steps[id])
	}
}

func (r *run) end(res Result) {
	r.res[res.Step.ID] = res
	r.e.cfg.OnStep(res)
}

// advance starts every step whose predecessors are done, drops those that have one that was not, and writes down the answers of the
// cloud once none is outstanding. A dropped step can drop others, so it goes on until nothing moves.
func (r *run) advance() {
	for moved := true; moved; {
		moved = false
		var rest, intents []plan.Step
		for _, s := range r.wait {
			switch r.state(s) {
			case stateWait:
				rest = append(rest, s)
			case stateDrop:
				r.drop(s, "a step before it was not done")
				moved = true
			case stateIntend:
				intents = append(intents, s)
				rest = append(rest, s)
			case stateGo:
				r.start(s)
				moved = true
			}
		}
		r.wait = rest
		r.intend(intents)
	}
	r.conclude()
}

type state int

const (
	stateWait   state = iota
	stateDrop         // a predecessor was not done
	stateIntend       // it may go once its intent is written
	stateGo
)

func (r *run) state(s plan.Step) state {
	for _, id := range s.After {
		res, ended := r.res[id]
		if _, exists := r.steps[id]; !exists || ended && res.Outcome != Done {
			return stateDrop
		}
		if !ended {
			return stateWait
		}
	}
	if len(s.Before) == 0 {
		return stateGo
	}
	err, asked := r.ready[s.ID]
	switch {
	case !asked:
		return stateIntend
	case errors.Is(err, errPending):
		return stateWait
	}
	return stateGo
}

// errPending stands for an intent that is being written.
var errPending = errors.New("intent not written yet")

// intend writes the intents of the steps in one compare-and-swap.
func (r *run) intend(steps []plan.Step) {
	if len(steps) == 0 {
		return
	}
	for _, s := range steps {
		r.ready[s.ID] = errPending
	}
	r.flying++
	go func() { r.events <- event{intents: r.e.writeIntents(r, steps)} }()
}

// start sends the step's call, or ends it if its intent was all there is to it.
func (r *run) start(s plan.Step) {
	err := r.ready[s.ID]
	if err != nil {
		r.end(intentFailed(s, err))
		return
	}
	if recordOnly(s) {
		r.end(result(s, nil))
		return
	}
	writes := answered(s)
	r.flying++
	if writes {
		r.cloud++
	}
	go func() {
		res, n := r.e.call(r, s)
		r.events <- event{result: &res, answer: n, cloud: writes}
	}()
}

// intentFailed: without its intent a call is not sent, so it surely had no effect; only a step that is nothing but a ledger write can
// be unknown.
func intentFailed(s plan.Step, err error) Result {
	res := result(s, err)
	if res.Outcome == Unknown && !recordOnly(s) {
		res.Outcome = Refused
	}
	return res
}

// conclude writes what the cloud answered: ids of created droplets, creates and shutdowns that were refused. One compare-and-swap.
func (r *run) conclude() {
	if r.cloud > 0 || len(r.answers) == 0 {
		return
	}
	answers := r.answers
	r.answers = nil
	r.flying++
	go func() {
		r.e.writeAnswers(r, answers)
		r.events <- event{}
	}()
}

func (r *run) drop(s plan.Step, why string) {
	r.end(Result{Step: s, Outcome: Dropped, Err: errors.New(why)})
	r.forget(s)
}

// forget takes back what was written for a step that was dropped then.
func (r *run) forget(s plan.Step) {
	err, asked := r.ready[s.ID]
	if asked && err == nil && len(s.IfRefused) > 0 && r.res[s.ID].Outcome == Dropped {
		r.answers = append(r.answers, kept{changes: s.IfRefused})
	}
}

// dropRest ends what can never become ready: steps that wait for each other.
func (r *run) dropRest() {
	for _, s := range r.wait {
		r.end(Result{Step: s, Outcome: Dropped, Err: errors.New("it waits for itself")})
	}
}

func (r *run) results() Results {
	out := make(Results, 0, len(r.order.Plan.Steps))
	for _, s := range r.order.Plan.Steps {
		out = append(out, r.res[s.ID])
	}
	return out
}

// permit is asked right before each write.
func (r *run) permit() error {
	if err := r.ctx.Err(); err != nil {
		return refuse("execute", err)
	}
	if age := time.Since(r.order.At); age > MaxAge {
		return refuse("execute", fmt.Errorf("the plan is %s old: %w", age.Round(time.Second), ErrLate))
	}
	return r.e.cfg.Check()
}
