package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/destroy"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// hostileName is what a rogue machine calls itself: it sets the window's title, clears the screen, forges a line, and turns the direction.
const hostileName = "web\x1b]0;owned\x07\x1b[2J\u009b2J\nheld: nothing\r\u202ereversed\x7f"

// harmless fails if a text holds anything but printable characters and line ends, or the forged line.
func harmless(t *testing.T, what, text string) {
	t.Helper()
	if !strings.Contains(text, "owned") {
		t.Errorf("%s does not show the name at all: %q", what, text)
	}
	for _, bad := range []string{"\x1b", "\x07", "\u009b", "\r", "\u202e", "\x7f", "\nheld: nothing"} {
		if strings.Contains(text, bad) {
			t.Errorf("%s: %q in %q", what, bad, text)
		}
	}
}

func hostileReport() report.Report {
	return report.Report{Cluster: "web", Source: hostileName, Lease: report.Lease{Holder: hostileName}, Error: hostileName,
		Nodes:    []report.Node{{Name: hostileName, State: hostileName, Availability: hostileName, Why: hostileName, Pool: hostileName}},
		Services: []plan.ServiceCount{{Service: hostileName}}, Stale: map[string]int{hostileName: 1},
		Holds: []plan.Hold{{Object: "node/" + hostileName, Text: hostileName}}, Gaps: []world.Gap{{What: "nodes", Err: hostileName}},
		Steps: []report.Step{{Action: "remove_node", Object: hostileName, Text: hostileName, Outcome: "refused", Error: hostileName, Warning: hostileName}}}
}

// TestNothingThatMachinesNameReachesTheTerminal: status, plan, apply, destroy, logs for people and the last error are text and nothing else.
func TestNothingThatMachinesNameReachesTheTerminal(t *testing.T) {
	said := func(show func(a *cli)) string {
		var out bytes.Buffer
		show(&cli{out: &out, err: &out, Access: access.Access{Getenv: func(string) string { return "" }, Secrets: apierr.NewRedactor()}})
		return out.String()
	}
	p := plan.Plan{Holds: hostileReport().Holds, Steps: []plan.Step{{Action: plan.RemoveNode{NodeID: hostileName}, Reason: plan.Reason{Text: hostileName}}}}
	edits, volumes := []swarm.Change{{Key: hostileName, From: hostileName, To: hostileName}}, []plan.VolumeChange{{Volume: hostileName, Nodes: []string{hostileName}}}
	whole := plan.Overview{Pools: []plan.PoolChange{{Pool: hostileName, Leaving: []string{hostileName}, Drift: []string{hostileName}}},
		Networks: []plan.NetworkChange{{Network: hostileName, Fields: edits}},
		Services: []plan.ServiceChange{{Service: hostileName, Edits: edits, Drift: edits, Pending: edits, RollOut: hostileName, Volumes: volumes}}}
	for what, text := range map[string]string{
		"status": said(func(a *cli) { a.printReport(hostileReport()) }),
		"plan":   said(func(a *cli) { printPlan(a.out, outlook{Plan: p, whole: whole, file: &spec.Spec{}}, true) }),
		"apply":  said(func(a *cli) { v := a.newProgress(); v.began = time.Now(); v.tell(hostileReport()) }),
		"destroy": said(func(a *cli) {
			a.previewDestroy(destroy.Doomed{Cluster: "web", Droplets: []destroy.Member{{ID: 1, Name: hostileName}}, Foreign: []cloud.Droplet{{Name: hostileName}}}, true)
		}),
		"error": said(func(a *cli) { a.failed(errors.New(hostileName)) }),
		"log": said(func(a *cli) {
			log := zap.New(a.consoleCore(zap.InfoLevel))
			log.Info("message", zap.String("name", hostileName), zap.Error(errors.New(hostileName)))
		}),
	} {
		harmless(t, what, text)
	}
}

func TestPlainLeavesTextAlone(t *testing.T) {
	for _, s := range []string{"", "web-workers-abcde", "größer → 5 ∅ …", `"quoted"`} {
		if got := plain(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
	if got := plain("\xff\x9b\x1b"); got != "\ufffd\\x1b" {
		t.Errorf("%q", got)
	}
}

func TestTasksBeyondTheFileAreShownApart(t *testing.T) {
	for want, c := range map[string]plan.ServiceCount{"6": {Desired: 6, Running: 8}, "6+2": {Desired: 6, Surge: 2}} {
		if got := wantedTasks(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWhatRunsIsSaidBesideWhatIsWanted: in a roll-out that waits or was taken back the two are not the same.
func TestWhatRunsIsSaidBesideWhatIsWanted(t *testing.T) {
	back := plan.ServiceCount{Service: "shop_web", Image: "web:2", Runs: "web:1", Desired: 5, Running: 5, RollOut: plan.RollOut{State: plan.RollOutBack}}
	if got := imageText(back); got != "web:2 (runs: web:1)" {
		t.Errorf("status: %q", got)
	}
	if got := serviceSubject(back).has; got != "5 running (web:1), roll-out rolled-back" {
		t.Errorf("why: %q", got)
	}
	back.Runs = ""
	if got := imageText(back) + ", " + serviceSubject(back).has; got != "web:2, 5 running, roll-out rolled-back" {
		t.Errorf("%q", got)
	}
}

// TestSeeBelowStandsAboveWhatIsMeant: history and the line of one of several clusters have nothing below them.
func TestSeeBelowStandsAboveWhatIsMeant(t *testing.T) {
	held := report.Report{Holds: []plan.Hold{{Blocking: true}, {Blocking: true}, {}}}
	for _, got := range []string{endOf(held), verdict(held), oneLine(held)} {
		if !strings.Contains(got, "2 held") || strings.Contains(got, "below") {
			t.Errorf("%q", got)
		}
	}
	failed := report.Report{Error: "revision 1: gone"}
	if whereHeld(failed) != ", see below" || !strings.Contains(oneLine(failed), "is not known (revision 1: gone)") || endOf(failed) != unknownState {
		t.Errorf("%q, %q, %q", whereHeld(failed), oneLine(failed), endOf(failed))
	}
	if whereHeld(held) != ", see below" || whereHeld(report.Report{Converged: true, Holds: held.Holds}) != "" {
		t.Error("the whole picture")
	}
}

// TestWhatTheActingOneCannotReadIsSaid: its token may be revoked while the one of who looks is good. All else looks well then, and nothing is repaired.
func TestWhatTheActingOneCannotReadIsSaid(t *testing.T) {
	r := report.Report{Converged: true, Revision: 7, ActingGaps: []world.Gap{{What: world.GapDroplets, Kind: apierr.Unauthorized, Err: "list droplets: unauthorized (401): no"}}}
	lines := actingGapLines(r.ActingGaps)
	if len(lines) != 1 || !strings.Contains(lines[0], "the swarmd that acts could not read droplets: unauthorized") || !strings.Contains(lines[0], "run swarmd bootstrap again") {
		t.Errorf("%q", lines)
	}
	if got := verdict(r); !strings.Contains(got, "cannot keep it so, see below") {
		t.Errorf("%q", got)
	}
	var out bytes.Buffer
	(&cli{out: &out}).printWhy(r, subject{title: "pool a"}, nil, actingGapLines, "")
	if got := out.String(); !strings.Contains(got, "run swarmd bootstrap again") || strings.Contains(got, "nothing holds it") {
		t.Errorf("why: %q", got)
	}
}

// TestCheckTellsWhatWaitsForAPerson by its exit code.
func TestCheckTellsWhatWaitsForAPerson(t *testing.T) {
	for want, r := range map[int]report.Report{
		0:        {Converged: true, Stale: map[string]int{"n": 1}},
		exitHeld: {Converged: true, Broken: map[string]string{"n": "a.yaml:1:1: no"}},
		1:        {Converged: true, ActingGaps: []world.Gap{{What: world.GapDroplets}}},
	} {
		got, exit := 0, (*exitError)(nil)
		if errors.As(checked(r), &exit) {
			got = exit.code
		}
		if got != want {
			t.Errorf("exit %d, want %d: %+v", got, want, r)
		}
	}
	if got := verdict(report.Report{Converged: true, Revision: 7, Broken: map[string]string{"n": "x"}}); got != "everything is as revision 7 wants it, and a newer file does not count, see below" {
		t.Errorf("%q", got)
	}
}

// TestWhatIsWaitedForIsNamed, in other words than those of a pass.
func TestWhatIsWaitedForIsNamed(t *testing.T) {
	for want, r := range map[string]report.Report{
		"not there yet: no file was accepted yet: swarmd apply -f FILE": {Result: report.Waiting},
		"not there yet: what was done a moment ago is waited for":       {Result: report.Watching},
		"whether it is as the file wants it is not known":               {Error: "revision 1: gone"},
		"not there yet: pool a lacks 1 ready machine":                   {Error: "lease failed", Pools: []plan.PoolCount{{Pool: "a", Desired: 1}}},
		"not there yet: 2 machines leave, 1 step to do":                 {Nodes: []report.Node{{Class: "leaving"}, {Class: "ready"}, {Class: "leaving"}}, Steps: []report.Step{{}}},
		"not there yet: the roll-out of a is not proven yet":            {Services: []plan.ServiceCount{{Service: "a", RollOut: plan.RollOut{State: plan.RollOutRunning}}}},
	} {
		if got := verdict(r); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
