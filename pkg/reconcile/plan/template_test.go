package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// tookBack is a cluster that runs four tasks of app:1, wants as many of app:2, and whose engine has taken that back; the ledger has it under the hash.
func tookBack(t *testing.T, hash func(swarm.ServiceSpec) string) *model {
	t.Helper()
	m := grown(t, 1, 1)
	next := rollsBack(service("app", "app:2", 4))
	both(wants(next), state(swarm.RollbackCompleted), failed(hash(next), "1"))(m)
	return m
}

// What failed is scaled as what runs is: the same service of the same revision, with another number.
func TestWhatRunsIsScaledWhereTheEditFailed(t *testing.T) {
	m := tookBack(t, template)
	was := live(m).Spec
	wants(rollsBack(service("app", "app:2", 6)))(m)
	a := written(t, m)
	if a.Spec.Image != "app:1" || a.Spec.Replicas() != 6 || a.Spec.Pin().Digest != was.Pin().Digest || a.ResolveImage || a.Spec.Labels[swarm.LabelScaled] != "4" {
		t.Errorf("%+v", a)
	}
	for _, label := range []string{swarm.LabelHash, swarm.LabelRevision} {
		if a.Spec.Labels[label] != was.Labels[label] || was.Labels[label] == "" {
			t.Errorf("%s: %q, was %q", label, a.Spec.Labels[label], was.Labels[label])
		}
	}
	if !slices.Equal(a.Changes, []swarm.Change{{Key: "deploy.replicas", From: "4", To: "6"}}) {
		t.Errorf("%+v", a.Changes)
	}
	m.updateService(a)
	m.step(time.Minute)
	m.step(time.Minute)
	if p := plan.Compute(m.input()); len(p.Steps) > 0 || !slices.Equal(holds(p), []string{"rolled-back service/web_app"}) {
		t.Errorf("%v, %v", ids(p), holds(p))
	}
	live(m).Update, live(m).Spec.Labels[swarm.LabelFailed] = "", "task: it broke (on n1)" // a scale clears what the engine said
	if p := plan.Compute(m.input()); len(p.Holds) != 1 || !strings.Contains(p.Holds[0].Text, "taken back: task: it broke (on n1); change") {
		t.Errorf("it does not say why: %+v", p.Holds)
	}
	delete(live(m).Spec.Labels, swarm.LabelFailed)
	wants(rollsBack(service("app", "app:3", 6)))(m)
	if p := plan.Compute(m.input()); len(p.Steps) != 2 || p.Steps[1].Action.(plan.UpdateService).Spec.Labels[swarm.LabelGood] != "1/"+was.Labels[swarm.LabelHash]+"/sha256:app:1" {
		t.Errorf("scaled it is not what was good: %+v", p.Steps)
	}
	wants(rollsBack(service("app", "app:2", 4)))(m)
	if a := written(t, m); a.Spec.Replicas() != 4 || a.Spec.Labels[swarm.LabelScaled] != "" || !a.Spec.AsWritten() {
		t.Errorf("scaled back: %+v", a)
	}
}

// What a swarmd before has noted by the hash of the whole form holds for a newer one, which notes it by its template: then an edit of the replicas pushes nothing.
func TestWhatAVersionBeforeHasNotedIsNotPushed(t *testing.T) {
	m := tookBack(t, func(s swarm.ServiceSpec) string { return s.Labels[swarm.LabelHash] })
	p := plan.Compute(m.input())
	if len(p.Steps) != 1 || p.Steps[0].Action != (plan.RecordRollout{Service: "web_app", RollOut: remembered(template(m.stack.Services[0]) + "@1")}) || len(p.Holds) != 1 ||
		!strings.HasPrefix(p.Holds[0].Text, "this specification was rolled out and taken back") {
		t.Fatalf("%+v, %v", p.Steps, holds(p))
	}
	m.ledger.Rollouts["web_app"] = p.Steps[0].Action.(plan.RecordRollout).RollOut
	if p := plan.Compute(m.input()); len(p.Steps) > 0 || len(p.Holds) != 1 {
		t.Errorf("noted twice: %+v", p.Steps)
	}
	wants(rollsBack(service("app", "app:2", 6)))(m)
	if a := written(t, m); a.Spec.Image != "app:1" || a.Spec.Replicas() != 6 {
		t.Errorf("%+v", a)
	}
}
