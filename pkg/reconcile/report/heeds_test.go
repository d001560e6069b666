package report_test

import (
	"fmt"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/execute"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestALookHeedsWhatTheActingOneHolds: what the look would do and the acting swarmd holds is held, and nothing else is.
func TestALookHeedsWhatTheActingOneHolds(t *testing.T) {
	lease := report.Lease{Holder: "n1/x", Epoch: 4}
	acts := lease
	acts.Held = true
	hold := func(guard, object string) plan.Hold { return plan.Hold{Guard: guard, Object: object, Blocking: true} }
	step := func(object string) report.Step { return report.Step{Object: object} }
	for name, c := range map[string]struct {
		look, acting report.Report
		want         string
	}{
		"held": {report.Report{Steps: []report.Step{step("service/a"), step("service/b")}}, report.Report{Holds: []plan.Hold{hold("registry", "service/a")}},
			"steps service/b, holds registry service/a"},
		"held by several guards": {report.Report{Steps: []report.Step{step("service/a")}, Holds: []plan.Hold{hold("surge", "pool/w")}},
			report.Report{Holds: []plan.Hold{hold("registry", "service/a"), hold("backoff", "service/a")}}, "steps , holds surge pool/w registry service/a backoff service/a"},
		"two of a pool are missing": {report.Report{Steps: []report.Step{step("pool/w"), step("pool/w")}}, report.Report{Holds: []plan.Hold{hold("backoff", "pool/w")}},
			"steps , holds backoff pool/w"},
		"nothing is to be done": {report.Report{}, report.Report{Holds: []plan.Hold{hold("registry", "service/a")}}, "steps , holds "},
		"known": {report.Report{Steps: []report.Step{step("service/a")}, Holds: []plan.Hold{hold("rolled-back", "service/a")}},
			report.Report{Holds: []plan.Hold{hold("rolled-back", "service/a")}}, "steps service/a, holds rolled-back service/a"},
		"it does it": {report.Report{Steps: []report.Step{step("service/a")}}, report.Report{Steps: []report.Step{step("service/a")}, Holds: []plan.Hold{hold("registry", "service/a")}},
			"steps service/a, holds "},
		"it has just tried": {report.Report{Steps: []report.Step{{ID: "a", Object: "service/a"}}},
			report.Report{Steps: []report.Step{{ID: "a", Object: "service/a", Outcome: execute.Refused, Error: "no"}}}, "steps service/a refused no, holds "},
		"done by the look itself": {report.Report{Steps: []report.Step{{Object: "service/a", Outcome: execute.Refused}}}, report.Report{Holds: []plan.Hold{hold("registry", "service/a")}},
			"steps service/a refused , holds "},
		"a note": {report.Report{Steps: []report.Step{step("service/a")}}, report.Report{Holds: []plan.Hold{{Guard: "registry", Object: "service/a"}}}, "steps service/a, holds "},
		"another revision": {report.Report{Revision: 2, Steps: []report.Step{step("service/a")}}, report.Report{Revision: 1, Holds: []plan.Hold{hold("registry", "service/a")}},
			"steps service/a, holds "},
	} {
		c.look.Lease, c.acting.Lease = lease, acts
		if got := stepsAndHolds(c.look.Heeds(c.acting)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
		c.acting.Lease.Epoch--
		if got, want := stepsAndHolds(c.look.Heeds(c.acting)), stepsAndHolds(c.look); got != want {
			t.Errorf("%s, of one that acted before: %s, want %s", name, got, want)
		}
	}
}

func stepsAndHolds(r report.Report) string {
	text := "steps "
	for _, s := range r.Steps {
		if text += s.Object; s.Outcome != "" {
			text += fmt.Sprintf(" %s %s", s.Outcome, s.Error)
		}
	}
	text += ", holds "
	for i, h := range r.Holds {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%s %s", h.Guard, h.Object)
	}
	return text
}

// TestALookTellsWhatTheActingOneCannotRead: a token that was revoked is the acting swarmd's trouble alone, while who looks has another.
func TestALookTellsWhatTheActingOneCannotRead(t *testing.T) {
	lease := report.Lease{Holder: "n1/x", Epoch: 4}
	acts := lease
	acts.Held = true
	gap := func(what string) world.Gap { return world.Gap{What: what, Err: "no"} }
	look := report.Report{Lease: lease, Revision: 2, Gaps: []world.Gap{gap("tasks")}}
	acting := report.Report{Lease: acts, Revision: 1, Gaps: []world.Gap{gap("droplets"), gap("tasks")}}
	if got := look.Heeds(acting).ActingGaps; len(got) != 1 || got[0].What != "droplets" {
		t.Errorf("%v", got)
	}
	acting.Lease.Held = false
	if got := look.Heeds(acting).ActingGaps; len(got) > 0 {
		t.Errorf("of one that does not act: %v", got)
	}
}

// TestWhatIsPutBackIsWaitedForByWhoDoesIt: what is left to be done of a service that failed, its replicas, follows what is put back.
func TestWhatIsPutBackIsWaitedForByWhoDoesIt(t *testing.T) {
	at := func(acts bool, update swarm.UpdateState, guard string) report.Report {
		return report.Report{Lease: report.Lease{Held: acts}, Services: []plan.ServiceCount{{Service: "web_app", Update: update}},
			Holds: []plan.Hold{{Guard: guard, Object: "service/web_app", Blocking: true, Final: true}}}
	}
	for _, c := range []struct {
		r    report.Report
		lost bool
	}{
		{at(true, swarm.Updating, plan.GuardRolledBack), false}, {at(true, swarm.RollbackStarted, plan.GuardRolledBack), false},
		{at(true, swarm.Completed, plan.GuardRolledBack), true}, {at(false, swarm.Updating, plan.GuardRolledBack), true}, {at(true, swarm.Updating, plan.GuardRolloutStuck), true},
	} {
		if lost := c.r.Lost(); (lost != nil) != c.lost {
			t.Errorf("%+v: %+v", c.r, lost)
		}
	}
}

// TestALookTellsWhatLiesBesideTheActingOneAlone: whether the file of a secret can be read there, nobody else can know.
func TestALookTellsWhatLiesBesideTheActingOneAlone(t *testing.T) {
	lease := report.Lease{Holder: "n1/x", Epoch: 4}
	acts := lease
	acts.Held = true
	hold := func(guard string) plan.Hold {
		return plan.Hold{Guard: guard, Object: "service/a", Blocking: true, Final: true}
	}
	for _, guard := range []string{plan.GuardSecretFile, plan.GuardLoginFile} {
		look := report.Report{Lease: lease, Converged: true}
		acting := report.Report{Lease: acts, HeldOnly: true, Holds: []plan.Hold{hold(guard), {Guard: guard, Object: "service/note"}, hold("paused")}}
		got := look.Heeds(acting)
		if len(got.Holds) != 1 || got.Holds[0].Guard != guard || got.Converged || !got.HeldOnly || got.Lost() == nil {
			t.Errorf("%s: %+v", guard, got)
		}
		if again := got.Heeds(acting); len(again.Holds) != 1 {
			t.Errorf("%s twice: %+v", guard, again.Holds)
		}
	}
}
