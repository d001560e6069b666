package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// rolling begins a roll-out of app:2 over four tasks of app:1 that all run, and looks again after a while: so many new tasks run, and so many wait
// with the engine's error.
func rolling(t *testing.T, running, waiting int, after time.Duration) *model {
	t.Helper()
	m := grown(t, 1, 1)
	wants(service("app", "app:2", 4))(m)
	m.pass()
	s := live(m)
	for i := range running + waiting {
		task := swarm.Task{ID: "new" + string(rune('a'+i)), ServiceID: s.ID, NodeID: m.tasks[0].NodeID, Slot: i + 1, State: "running",
			DesiredState: "running", Image: "app:2@sha256:app:2", Created: m.now, Updated: m.now}
		if i >= running {
			task.NodeID, task.State, task.Err = "", "pending", "no suitable node (scheduling constraints not satisfied on 2 nodes)"
		}
		m.tasks = append(m.tasks, task)
	}
	m.now = m.now.Add(after)
	return m
}

// written is the one write to the service that the next pass plans.
func written(t *testing.T, m *model) plan.UpdateService {
	t.Helper()
	p := plan.Compute(m.input())
	var all []plan.UpdateService
	for _, s := range p.Steps {
		if a, ok := s.Action.(plan.UpdateService); ok {
			all = append(all, a)
		}
	}
	if len(all) != 1 {
		t.Fatalf("steps %v, holds %v", ids(p), holds(p))
	}
	return all[0]
}

func TestANewerEditSupersedesAStuckRollOutByTwoWrites(t *testing.T) {
	for _, state := range []swarm.UpdateState{swarm.Updating, swarm.Paused} {
		m := rolling(t, 0, 1, time.Minute)
		live(m).Update = state
		wants(service("app", "app:3", 4))(m)
		a := written(t, m)
		if a.Spec.Image != "app:1" || a.Spec.Pin().Digest != "sha256:app:1" || a.ResolveImage || !a.Spec.Override.Restored {
			t.Fatalf("%s: first %+v", state, a.Spec)
		}
		m.pass() // it is put back
		m.step(time.Second)
		if p := plan.Compute(m.input()); len(p.Steps) > 0 || !slices.Equal(holds(p), []string{"rollout service/web_app"}) {
			t.Errorf("%s: while it is put back: %v %v", state, ids(p), holds(p))
		}
		m.tasks = slices.DeleteFunc(m.tasks, func(t swarm.Task) bool { return t.State == "pending" })
		m.step(updateTime)
		if a := written(t, m); a.Spec.Image != "app:3" {
			t.Errorf("%s: then %+v", state, a.Spec)
		}
		m.pass()
		if p := live(m).Previous; p.Image != "app:1" {
			t.Errorf("%s: the engine would go back to %s", state, p.Image)
		}
	}
}

func TestANewerEditGoesStraightOverAHealthyRollOut(t *testing.T) {
	m := rolling(t, 2, 0, time.Minute)
	wants(service("app", "app:3", 4))(m)
	if a := written(t, m); a.Spec.Image != "app:3" || a.Spec.Labels[swarm.LabelGood] != live(m).Spec.Labels[swarm.LabelGood] || a.Spec.Labels[swarm.LabelGood] == "" {
		t.Errorf("%+v", a.Spec)
	}
	m.tasks[len(m.tasks)-1].State = "failed"
	if a := written(t, m); a.Spec.Image != "app:1" {
		t.Errorf("with a task that failed: %+v", a.Spec)
	}
}

// The engine's previous specification is lost when a person scales the service: then the revision has it.
func TestWhatWasGoodIsFoundWithoutTheEnginesMemory(t *testing.T) {
	m := rolling(t, 0, 1, time.Minute)
	bad := live(m).Spec
	live(m).Previous = &bad
	byHand("Mode.Replicated.Replicas", "5")(m)
	lost := plan.LostGood(swarm.Stack{}, []swarm.Service{*live(m)}, nil)
	if len(lost) != 1 || lost["web_app"] != 1 {
		t.Fatalf("%v", lost)
	}
	wants(service("app", "app:3", 4))(m)
	in := m.input()
	in.Good = map[string]swarm.ServiceSpec{"web_app": service("app", "app:1", 4)}
	for i := range in.World.Tasks {
		if in.World.Tasks[i].State == "running" {
			in.World.Tasks[i].Image = "app:1@sha256:app:1"
		}
	}
	p := plan.Compute(in)
	if len(p.Steps) != 1 {
		t.Fatalf("%v %v", ids(p), holds(p))
	}
	if a := p.Steps[0].Action.(plan.UpdateService); a.Spec.Image != "app:1" || a.Spec.Pin().Digest != "sha256:app:1" || a.Spec.Labels[swarm.LabelRevision] != "1" {
		t.Errorf("%+v", a.Spec)
	}
	in.Good["web_app"] = service("app", "app:0", 4) // another specification by that number: a store that was begun anew
	if a := plan.Compute(in).Steps[0].Action.(plan.UpdateService); a.Spec.Image != "app:3" {
		t.Errorf("%+v", a.Spec)
	}
}

// A person scales the service just before the file changes: what the file said before is good all the same, and is remembered.
func TestWhatAPersonScaledIsStillGood(t *testing.T) {
	m := grown(t, 1, 1)
	said := live(m).Spec
	byHand("Mode.Replicated.Replicas", "9")(m)
	wants(service("app", "app:2", 4))(m)
	in := m.input()
	lost := plan.LostGood(in.Stack, []swarm.Service{*live(m)}, nil)
	if len(lost) != 1 || lost["web_app"] != 1 {
		t.Fatalf("%v", lost)
	}
	in.Good = map[string]swarm.ServiceSpec{"web_app": said}
	if a := plan.Compute(in).Steps[0].Action.(plan.UpdateService); !strings.HasPrefix(a.Spec.Labels[swarm.LabelGood], "1/"+said.Labels[swarm.LabelHash]+"/") {
		t.Errorf("%v", a.Spec.Labels)
	}
	in.Good = nil
	if a := plan.Compute(in).Steps[0].Action.(plan.UpdateService); a.Spec.Labels[swarm.LabelGood] != "" {
		t.Errorf("without its revision: %v", a.Spec.Labels)
	}
	if lost := plan.LostGood(swarm.Stack{}, []swarm.Service{*live(m)}, nil); len(lost) != 0 {
		t.Errorf("%v is read where nothing is rolled out", lost)
	}
}

// What a person restarted by force is no roll-out of the file's: what was good before that file is not gone back to.
func TestARestartByForceIsNotGoneBackFrom(t *testing.T) {
	m := rolling(t, 0, 1, time.Minute)
	same := live(m).Spec
	live(m).Previous = &same
	for i := range m.tasks {
		m.tasks[i].Image = "app:2@sha256:app:2"
	}
	wants(service("app", "app:3", 4))(m)
	in := m.input()
	in.Good = map[string]swarm.ServiceSpec{"web_app": service("app", "app:1", 4)}
	if a := plan.Compute(in).Steps[0].Action.(plan.UpdateService); a.Spec.Image != "app:3" {
		t.Errorf("%+v", a.Spec)
	}
}

func TestARollOutWithoutProgressIsNamed(t *testing.T) {
	m := rolling(t, 1, 1, 9*time.Minute)
	if p := plan.Compute(m.input()); len(p.Holds) != 0 {
		t.Fatalf("after nine minutes: %v", holds(p))
	}
	m.now = m.now.Add(time.Minute)
	p := plan.Compute(m.input())
	if !slices.Equal(holds(p), []string{"rollout-stuck service/web_app"}) || !strings.Contains(p.Holds[0].Text, "no suitable node (scheduling") {
		t.Fatalf("after ten: %+v", p.Holds)
	}
	wants(service("app", "app:2", 6))(m)
	if p := plan.Compute(m.input()); slices.Contains(ids(p), "failed/web_app") {
		t.Errorf("a clock alone says so, which may have jumped: %v", ids(p))
	}
	m.memory.Tries = map[string]plan.Try{"web_app": {Still: 10 * time.Minute}}
	p = plan.Compute(m.input())
	if a, ok := p.Steps[len(p.Steps)-1].Action.(plan.UpdateService); !ok || !slices.Equal(ids(p), []string{"failed/web_app", "service/web_app"}) || a.Spec.Image != "app:1" {
		t.Errorf("what ran before is put back, also where a scale waits: %v %+v", ids(p), a.Spec)
	}
	live(m).Spec.Delay = time.Hour
	if p := plan.Compute(m.input()); slices.Contains(holds(p), "rollout-stuck service/web_app") {
		t.Errorf("the file asks for an hour between two tasks: %v", holds(p))
	}
}

// The engine may say nothing of a roll-out that it has given up.
func TestARollOutThatStoppedWithoutAWordIsNamed(t *testing.T) {
	m := rolling(t, 1, 0, 10*time.Minute)
	live(m).Update = ""
	for i := range 4 {
		m.tasks[i].Image = "app:1@sha256:app:1"
	}
	if p := plan.Compute(m.input()); !slices.Equal(holds(p), []string{"rollout-stuck service/web_app"}) || !strings.Contains(p.Holds[0].Text, "4 tasks run another image") {
		t.Errorf("%+v", p.Holds)
	}
}

func TestAPausedRollOutIsNotResumedByAScale(t *testing.T) {
	m := rolling(t, 1, 0, time.Minute)
	live(m).Update = swarm.Paused
	wants(service("app", "app:2", 6))(m)
	p := plan.Compute(m.input())
	if a, ok := p.Steps[len(p.Steps)-1].Action.(plan.UpdateService); !ok || a.Spec.Image != "app:1" || a.Spec.Replicas() != 4 {
		t.Errorf("what ran before is put back: %v %+v", ids(p), a.Spec)
	}
	live(m).Previous = nil // nobody knows what that was
	if p := plan.Compute(m.input()); len(p.Steps) > 0 || !slices.Equal(holds(p), []string{"rollout-paused service/web_app"}) {
		t.Errorf("%v %v", ids(p), holds(p))
	}
}

func TestUpdatedTasksAreCounted(t *testing.T) {
	m := rolling(t, 2, 1, time.Second)
	if c := plan.Compute(m.input()).Services[0]; c.Updated != 2 || c.Desired != 4 {
		t.Errorf("%+v", c)
	}
}

// A roll-back that does not end is not ended by what it takes back.
func TestWhatIsBeingTakenBackIsNotPushedAgain(t *testing.T) {
	m := rolling(t, 0, 1, time.Hour)
	live(m).Update = swarm.RollbackStarted
	bad := rollsBack(service("app", "app:3", 4))
	wants(bad)(m)
	m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered(bad.Labels[swarm.LabelHash] + "@1?")}
	if p := plan.Compute(m.input()); len(p.Steps) > 0 || !slices.Equal(holds(p), []string{"rolled-back service/web_app", "rollout-stuck service/web_app"}) {
		t.Errorf("%v %v", ids(p), holds(p))
	}
	m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered("another@1?")}
	if a := written(t, m); a.Spec.Image != "app:3" {
		t.Errorf("%+v", a.Spec)
	}
}
