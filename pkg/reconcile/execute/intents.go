package execute

import (
	"fmt"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// recordOnly reports whether what is written into the ledger is all there is to the step.
func recordOnly(s plan.Step) bool { return s.Action.About().Effect == plan.Records }

// answered reports whether the call's answer is written down.
func answered(s plan.Step) bool { return len(s.IfDone)+len(s.IfRefused) > 0 }

// writeIntents writes what comes before the calls of the steps in one compare-and-swap and returns each step's error.
func (e *Executor) writeIntents(r *run, steps []plan.Step) map[string]error {
	var errs map[string]error
	now := e.cfg.Wall()
	_, err := e.update(r, "intents", func(l *ledger.Ledger) error {
		errs = map[string]error{}
		if err := r.permit(); err != nil {
			return err
		}
		if err := l.Fence(r.order.Epoch); err != nil {
			return err
		}
		if l.Revision != r.order.Revision {
			err := fmt.Errorf("the plan follows revision %d, and revision %d is accepted", r.order.Revision, l.Revision)
			return &apierr.Error{Kind: apierr.Conflict, Op: "write ledger", Err: err}
		}
		for _, s := range steps { // one that is refused is so alone: others end operations, and make room
			errs[s.ID] = l.Apply(ledger.Moment{Now: now, Epoch: r.order.Epoch}, s.Before...)
		}
		return nil
	})
	if err != nil {
		errs = map[string]error{}
		for _, s := range steps {
			errs[s.ID] = fmt.Errorf("write intent: %w", err)
		}
	}
	return errs
}

func (e *Executor) update(r *run, what string, change func(*ledger.Ledger) error) (ledger.Ledger, error) {
	release, err := e.cfg.Limiter.Acquire(r.calls, "ledger/"+what)
	if err != nil {
		return ledger.Ledger{}, err
	}
	defer release()
	return e.cfg.Ledger.Update(r.calls, change)
}

// kept is what is to be kept of a call's answer.
type kept struct {
	changes []ledger.Change
	droplet int // that was created
	refused apierr.Kind
}

// writeAnswers keeps the answers. If it fails nothing is lost: the droplet is found by its op tag, an operation without effect closes at
// its deadline, a shutdown that was not asked for ends in a power cut, and a rotation that was refused is asked for again.
func (e *Executor) writeAnswers(r *run, answers []kept) {
	_, _ = e.update(r, "answers", func(l *ledger.Ledger) error {
		if err := l.Fence(r.order.Epoch); err != nil {
			return err
		}
		for _, n := range answers {
			_ = l.Apply(ledger.Moment{Now: e.cfg.Wall(), Epoch: r.order.Epoch, Droplet: n.droplet, Refused: n.refused}, n.changes...)
		}
		return nil
	})
}
