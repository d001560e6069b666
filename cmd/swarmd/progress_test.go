package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// shown is what apply says of reports, a line each, without the time.
func shown(reports ...reconcile.Report) (*progress, func() []string) {
	var out bytes.Buffer
	v := (&app{out: &out, err: &out, getenv: func(string) string { return "" }, secrets: apierr.NewRedactor()}).newProgress()
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

// A manager that was demoted refuses five reads of each look, each with its hold, all for one cause.
func TestOneCauseIsOneLine(t *testing.T) {
	var r reconcile.Report
	for _, what := range []string{"cluster", "nodes", "services"} {
		err := "list " + what + ": not_manager (503): This node is not a swarm manager"
		r.Gaps = append(r.Gaps, world.Gap{What: what, Err: err, Kind: apierr.NotManager})
		r.Holds = append(r.Holds, plan.Hold{Guard: plan.GuardGap, Object: "cluster", Blocking: true, Text: what + " could not be read: " + err})
	}
	r.Holds = append(r.Holds, plan.Hold{Guard: "a", Object: "cluster", Text: "one"}, plan.Hold{Guard: "a", Object: "cluster", Text: "other"})
	_, lines := shown(r, r, r)
	want := "note: cluster: one (a)|note: cluster: other (a)|could not read cluster, nodes, services: not_manager (503): This node is not a swarm manager"
	if got := strings.Join(lines(), "|"); got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
}

// Where to go on is of the last report that saw the nodes.
func TestOtherManagersAreNamed(t *testing.T) {
	good := reconcile.Report{Node: "n1", Nodes: []reconcile.NodeReport{{Name: "m1", NodeID: "n1", Role: "manager", PublicIPv4: "203.0.113.1"},
		{Name: "m2", NodeID: "n2", Role: "manager", PublicIPv4: "203.0.113.2"}, {Name: "w1", NodeID: "n3", Role: "worker"}, {Name: "m3", NodeID: "n4", Role: "manager", Address: "10.0.0.3"}}}
	v, _ := shown(good, reconcile.Report{Gaps: []world.Gap{{What: world.GapNodes, Kind: apierr.NotManager}}})
	text := v.elsewhere(4)
	if !strings.Contains(text, "swarmd on the managers goes on") || !strings.HasSuffix(text, ": DOCKER_HOST=ssh://root@203.0.113.2 (m2), or DOCKER_HOST=ssh://root@10.0.0.3 (m3)") {
		t.Error(text)
	}
}
