package plan_test

import (
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The file may change while a roll-out runs that the engine then takes back: what failed is what was rolled out, not what is wanted now.
func TestARollBackBlamesWhatWasRolledOut(t *testing.T) {
	m := grown(t, 1, 1)
	both(wants(service("app", "app:2", 4)), state(swarm.RollbackCompleted))(m)
	whole, wanted := m.input().Stack.Services[0].Labels[swarm.LabelHash], template(m.input().Stack.Services[0])
	for text, want := range map[string]string{"": wanted, "another@0?": "another", "another@0": wanted, wanted + "@0?": wanted, whole + "@0?": wanted} {
		m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered(text)}
		p := plan.Compute(m.input())
		if len(p.Steps) != 1 || p.Steps[0].Action != (plan.RecordRollout{Service: "web_app", RollOut: remembered(want + "@1")}) {
			t.Errorf("remembered %q: %+v", text, p.Steps)
		}
	}
}

// What is rolled out next was written down, and could not be sent: the roll-back that still shows is the one before.
func TestARollBackIsNotBlamedOnWhatWasNeverSent(t *testing.T) {
	m := grown(t, 1, 1)
	both(wants(rollsBack(service("app", "app:2", 4))), state(swarm.RollbackCompleted))(m)
	for _, hash := range []string{template(m.input().Stack.Services[0]), m.input().Stack.Services[0].Labels[swarm.LabelHash]} {
		m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered(hash + "@1?")}
		if got := ids(plan.Compute(m.input())); !slices.Equal(got, []string{"service/web_app"}) {
			t.Errorf("%s: %v", hash, got)
		}
	}
}

// What is written over a running roll-out is refused where the engine takes that one back meanwhile. Which of the two it was shows in what the
// engine has gone back to.
func TestARollBackBlamesTheOneOfTwoThatWasTakenBack(t *testing.T) {
	m := grown(t, 1, 1)
	both(wants(rollsBack(service("app", "app:2", 4))), state(swarm.Updating))(m)
	under, underWhole := template(live(m).Spec), live(m).Spec.Labels[swarm.LabelHash]
	wanted := template(m.input().Stack.Services[0])
	p := plan.Compute(m.input())
	if value := p.Steps[0].Action.(plan.RecordRollout).RollOut; value.String() != wanted+"@1?"+under {
		t.Fatalf("%q is written down over a roll-out of %q", value, under)
	}
	state(swarm.RollbackCompleted)(m)
	for over, want := range map[string]string{under: wanted, underWhole: wanted, "another": "another"} {
		m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered(wanted + "@0?" + over)}
		if p := plan.Compute(m.input()); len(p.Steps) != 1 || p.Steps[0].Action != (plan.RecordRollout{Service: "web_app", RollOut: remembered(want + "@1")}) {
			t.Errorf("over %q: %+v", over, p.Steps)
		}
	}
}

// What the engine may take back is written down before, once, for so many services that the ledger keeps room for operations.
func TestWhatMayBeTakenBackIsWrittenDownFirst(t *testing.T) {
	m := grown(t, 1, 1)
	wants(rollsBack(service("app", "app:2", 4)))(m)
	hash := template(m.input().Stack.Services[0])
	p := plan.Compute(m.input())
	if len(p.Steps) != 2 || p.Steps[0].Action != (plan.RecordRollout{Service: "web_app", RollOut: remembered(hash + "@1?")}) || !slices.Equal(p.Steps[1].After, []string{"try/web_app"}) {
		t.Errorf("%+v", p.Steps)
	}
	m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered(hash + "@1?")}
	if p := plan.Compute(m.input()); len(p.Steps) != 1 || len(p.Steps[0].After) > 0 {
		t.Errorf("again: %+v", p.Steps)
	}
}

// A list that is empty for once takes no memory of what failed with it.
func TestAnEmptyListForgetsNoFailure(t *testing.T) {
	m := grown(t, 1, 1)
	m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered("h@1"), "web_gone": remembered("h@1")}
	m.services, m.tasks = map[string]*swarm.Service{}, nil
	if got := ids(plan.Compute(m.input())); !slices.Equal(got, []string{"service/web_app", "forget/web_gone"}) {
		t.Errorf("%v", got)
	}
}
