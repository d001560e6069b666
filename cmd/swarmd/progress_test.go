package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// shown is what apply says of reports, a line each, without the time.
func shown(reports ...report.Report) (*progress, func() []string) {
	var out bytes.Buffer
	v := (&cli{out: &out, err: &out, Access: access.Access{Getenv: func(string) string { return "" }, Secrets: apierr.NewRedactor()}}).newProgress()
	for _, r := range reports {
		v.tell(r)
	}
	return v, func() []string {
		var lines []string
		for line := range strings.Lines(out.String()) {
			_, text, _ := strings.Cut(strings.TrimSpace(line), "s  ")
			lines = append(lines, text)
		}
		return lines
	}
}

// While a roll-out goes on, what is left does not wait for a reason that only the swarmd that acts knows.
func TestARollOutIsNoPuzzle(t *testing.T) {
	at := time.Unix(1000, 0)
	rolls := report.Report{Services: []plan.ServiceCount{{Service: "web_a", Desired: 2, Running: 2, RollOut: plan.RollOut{State: plan.RollOutRunning, Updated: 1}}}}
	v, lines := shown(rolls)
	v.asked(false, at)
	v.asked(false, at.Add(time.Minute))
	if got := strings.Join(lines(), "|"); strings.Contains(got, "what is left waits") {
		t.Errorf("during a roll-out: %s", got)
	}
	v.tell(report.Report{})
	v.asked(false, at.Add(2*time.Minute))
	v.asked(false, at.Add(3*time.Minute))
	if got := strings.Join(lines(), "|"); !strings.Contains(got, "what is left waits") {
		t.Errorf("afterwards: %s", got)
	}
}

// A manager that was demoted refuses five reads of each look, each with its hold, all for one cause.
func TestOneCauseIsOneLine(t *testing.T) {
	var r report.Report
	for _, what := range []string{"cluster", "nodes", "services"} {
		err := "list " + what + ": not_manager (503): This node is not a swarm manager"
		r.Gaps = append(r.Gaps, world.Gap{What: what, Err: err, Kind: apierr.NotManager})
		r.Holds = append(r.Holds, plan.Hold{Guard: plan.GuardGap, Object: "cluster", Blocking: true, Text: what + " could not be read: " + err})
	}
	r.Holds = append(r.Holds, plan.Hold{Guard: "a", Object: "cluster", Text: "one"}, plan.Hold{Guard: "a", Object: "cluster", Text: "other"})
	_, lines := shown(r, r, r)
	want := "note: cluster: one (a)|note: cluster: other (a)|could not read cluster, nodes, services: not_manager (503): This node is not a swarm manager: set DOCKER_HOST, which is not set, to a manager of the swarm; where there is no swarm yet, swarmd bootstrap makes one"
	if got := strings.Join(lines(), "|"); got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
}

// Where to go on is of the last report that saw the nodes.
func TestOtherManagersAreNamed(t *testing.T) {
	good := report.Report{Node: "n1", Nodes: []report.Node{{Name: "m1", NodeID: "n1", Role: "manager", PublicIPv4: "203.0.113.1"},
		{Name: "m2", NodeID: "n2", Role: "manager", PublicIPv4: "203.0.113.2"}, {Name: "w1", NodeID: "n3", Role: "worker"}, {Name: "m3", NodeID: "n4", Role: "manager", Address: "10.0.0.3"}}}
	v, _ := shown(good, report.Report{Gaps: []world.Gap{{What: world.GapNodes, Kind: apierr.NotManager}}})
	text := v.elsewhere(4)
	if !strings.Contains(text, "swarmd on the managers goes on") || !strings.HasSuffix(text, ": DOCKER_HOST=ssh://root@203.0.113.2 (m2), or DOCKER_HOST=ssh://root@10.0.0.3 (m3)") {
		t.Error(text)
	}
}

// A dead holder's steps are nobody's: they are not shown, and the end of its lease is told once. A living one is seen by its renewal.
func TestStepsOfADeadHolderAreNotShown(t *testing.T) {
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	told := func(at, renewed int, held bool) report.Report {
		return report.Report{At: began.Add(time.Duration(at) * time.Second), Steps: []report.Step{{Action: "create_service", Object: "service/a", Text: "missing"}},
			Lease: report.Lease{Holder: "n2/abcde", Name: "m2", Held: held, Renewed: began.Add(time.Duration(renewed) * time.Second)}}
	}
	const step = "+ service a: missing"
	for _, c := range []struct {
		name    string
		reports []report.Report
		want    string
	}{
		{"dead, then its lease ends", []report.Report{told(0, 0, false), told(10, 0, false), told(14, 0, false), told(18, 0, false), told(31, 31, true)},
			"waiting for m2, whose lease ends in 16s|" + step},
		{"alive", []report.Report{told(0, 0, false), told(10, 9, false), told(12, 9, false)}, "m2 acts|" + step},
		{"this one", []report.Report{told(0, 0, true)}, step},
	} {
		if _, lines := shown(c.reports...); strings.Join(lines(), "|") != c.want {
			t.Errorf("%s: it says %q, want %q", c.name, lines(), c.want)
		}
	}
}

func TestTheHolderIsNamedAsPeopleDo(t *testing.T) {
	for lease, want := range map[report.Lease]string{
		{}: "", {Holder: "n1/abcde", Name: "m1"}: "m1", {Holder: "n1/abcde"}: "n1/abcde", {Holder: "visitor-abcde"}: "a swarmd apply (visitor-abcde)",
	} {
		if got := lease.Who(); got != want {
			t.Errorf("%+v: %q, want %q", lease, got, want)
		}
	}
}

// What waits without a word, because the swarmd that acts cannot be asked, is told after a while, once, and where to ask.
func TestASilentActingSwarmdIsTold(t *testing.T) {
	v, lines := shown()
	at := time.Unix(100, 0)
	(*progress)(nil).asked(false, at)
	for _, after := range []time.Duration{0, 9 * time.Second} {
		v.asked(false, at.Add(after))
	}
	v.asked(true, at.Add(9*time.Second)) // it answers: it begins anew
	v.asked(false, at.Add(10*time.Second))
	v.asked(false, at.Add(19*time.Second))
	if got := lines(); len(got) > 0 {
		t.Errorf("too early: %q", got)
	}
	v.asked(false, at.Add(20*time.Second))
	v.asked(false, at.Add(30*time.Second))
	if got := lines(); len(got) != 1 || !strings.Contains(got[0], "or with --address and --read-token-file") {
		t.Errorf("%q", got)
	}
}
