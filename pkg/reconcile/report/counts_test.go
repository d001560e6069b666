package report_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// TestCountsShareNoNameWithTheReport: who reads one for the other must notice, and not find numbers where lists are.
func TestCountsShareNoNameWithTheReport(t *testing.T) {
	r := report.Report{Cluster: "secret", Pass: 3, Result: report.Held, Revision: 7, FileFault: "secret", Lease: report.Lease{Holder: "secret", Held: true},
		Nodes:    []report.Node{{Name: "secret", NodeID: "n1", State: "ready"}, {Name: "secret", NodeID: "n2", State: "down"}, {Name: "secret", DropletID: 1, State: "droplet new"}},
		Services: []plan.ServiceCount{{Service: "secret", Desired: 3, Running: 2}, {Service: "secret", Desired: 2, Running: 2}},
		Pools:    []plan.PoolCount{{Pool: "secret"}}, Steps: []report.Step{{ID: "secret"}}, Holds: []plan.Hold{{Text: "secret"}, {}}, Gaps: []world.Gap{{Err: "secret"}}}
	text, err := json.Marshal(r.Counts())
	if err != nil || strings.Contains(string(text), "secret") {
		t.Fatalf("%s: %v", text, err)
	}
	var got, full map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"full": false, "counts": map[string]any{"pass": 3.0, "at": "0001-01-01T00:00:00Z", "result": "held", "converged": false, "revision": 7.0,
		"held": true, "file_fault": true, "nodes": map[string]any{"ready": 1.0, "down": 1.0}, "services": 2.0, "desired": 5.0, "running": 4.0, "steps": 1.0, "holds": 2.0, "gaps": 1.0}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	text, err = json.Marshal(r)
	if err != nil || json.Unmarshal(text, &full) != nil {
		t.Fatal(err)
	}
	for name := range got {
		if _, both := full[name]; both {
			t.Errorf("%s is in both", name)
		}
	}
}
