package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// TestTheTimelineTellsOfMachinesThatAreOfAnotherClass: one by one, or of many how many; not of those that are new, nor of a pass without a plan.
func TestTheTimelineTellsOfMachinesThatAreOfAnotherClass(t *testing.T) {
	nodes := func(classes ...string) (out []report.Node) {
		for i, class := range classes {
			out = append(out, report.Node{Name: fmt.Sprintf("m%d", i), DropletID: i + 1, Class: class})
		}
		return out
	}
	many := slices.Repeat([]string{"ready"}, mostMachines+1)
	v := newRecorder(zap.NewNop())
	for i, step := range []struct {
		nodes []report.Node
		want  string
	}{
		{nodes("ready", "booting"), ""},
		{nodes("ready", "ready", "booting"), "node/m1 is ready, was booting"},
		{nodes("", "", ""), ""},
		{nodes("down", "ready"), "node/m0 is down, was ready"},
		{nodes("down", "ready"), ""},
		{nodes(many...), "node/m0 is ready, was down"},
		{nodes(slices.Repeat([]string{"unknown"}, mostMachines+1)...), fmt.Sprintf("cluster %d machines are unknown now", mostMachines+1)},
	} {
		before, _ := v.timeline.After(0)
		v.report(report.Report{Nodes: step.nodes})
		after, _ := v.timeline.After(0)
		var said []string
		for _, e := range after[len(before):] {
			if e.Reason == eventClass {
				said = append(said, e.Object+" "+e.Message)
			}
		}
		if got := strings.Join(said, ", "); got != step.want {
			t.Errorf("report %d says %q, want %q", i, got, step.want)
		}
	}
}
