package health_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func vocabulary() report.Vocabulary {
	return report.Vocabulary{Version: "1.0", Results: []string{"converged", "failed"}, Actions: []string{"create_droplet", "update_node"},
		Outcomes: []string{"done", "refused"}, Guards: []string{"gap", "quorum"}, OpKinds: []string{"create", "delete"}, Classes: []string{"ready", "down"},
		RepairReasons: []string{"off"}, RepairOutcomes: []string{"begun", "healed"}}
}

func pass() report.Report {
	return report.Report{Result: "converged", At: time.Unix(1000, 0), Took: 20 * time.Millisecond, Holds: []plan.Hold{{Guard: "quorum"}, {Guard: "quorum"}},
		Revision: 3, Operations: []ledger.Op{{Kind: ledger.Delete}, {Kind: ledger.Delete}}, Stale: map[string]int{"n1": 2}, Converged: true,
		Lease:   report.Lease{Held: true, Epoch: 4},
		Pools:   []plan.PoolCount{{Pool: "workers", Role: "worker", Desired: 3, Have: 3, Ready: 2, Monthly: 54, ManyDown: true}},
		Repairs: []report.Repair{{Pool: "workers", Reason: "off", Outcome: "begun"}},
		Losses:  []report.Loss{{Pool: "workers"}, {Pool: "workers", Whole: true, Took: 96 * time.Second}},
		Nodes: []report.Node{{NodeID: "n1", Role: "manager", State: "ready"}, {NodeID: "n2", Role: "worker", State: "ready", Pool: "workers", Class: "ready"},
			{NodeID: "n3", Role: "worker", State: "down", Pool: "workers", Class: "down"}, {Class: "foreign"}, {State: "droplet new"}},
		Services: []plan.ServiceCount{{Service: "web_app", Desired: 5, Running: 4}}}
}

// series returns each sample of the metrics as a line, without comments.
func series(t *testing.T, reg *prometheus.Registry) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(exposed(t, reg)) {
		if i := strings.LastIndexByte(line, ' '); i > 0 && line[0] != '#' {
			out[line[:i]] = strings.TrimSpace(line[i:])
		}
	}
	return out
}

func exposed(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	rec := httptest.NewRecorder()
	health.Handler(health.Sources{Metrics: reg}).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

func wantSeries(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
}

func TestBoundedSeriesAreThereFromTheStart(t *testing.T) {
	reg := prometheus.NewRegistry()
	health.NewMetrics(reg, vocabulary())
	wantSeries(t, series(t, reg), map[string]string{
		`swarmd_passes_total{result="failed"}`:                                   "0",
		`swarmd_steps_total{action="update_node",outcome="refused"}`:             "0",
		`swarmd_holds{guard="quorum"}`:                                           "0",
		`swarmd_nodes{role="manager",state="down"}`:                              "0",
		`swarmd_ledger_open_operations{kind="create"}`:                           "0",
		`swarmd_spec_last_load_successful`:                                       "1",
		`swarmd_lease_held`:                                                      "0",
		`swarmd_panics_total`:                                                    "0",
		`swarmd_view_timestamp_seconds{side="cloud"}`:                            "0",
		`swarmd_pass_duration_seconds_count`:                                     "0",
		`swarmd_build_info{goversion="` + runtime.Version() + `",version="1.0"}`: "1",
	})
}

func TestPassSetsWhatItSaw(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := health.NewMetrics(reg, vocabulary())
	m.Pass(pass())
	m.Step("create_droplet", "done")
	m.Call("cloud", "list droplets", "", time.Millisecond)
	m.Caller("swarm")("update node", apierr.Conflict, time.Millisecond)
	m.Panicked()
	wantSeries(t, series(t, reg), map[string]string{
		`swarmd_passes_total{result="converged"}`:                                        "1",
		`swarmd_pass_duration_seconds_count`:                                             "1",
		`swarmd_last_pass_timestamp_seconds`:                                             "1000",
		`swarmd_converged_timestamp_seconds`:                                             "1000",
		`swarmd_converged`:                                                               "1",
		`swarmd_view_timestamp_seconds{side="swarm"}`:                                    "999.98",
		`swarmd_view_timestamp_seconds{side="cloud"}`:                                    "999.98",
		`swarmd_holds{guard="quorum"}`:                                                   "2",
		`swarmd_spec_revision`:                                                           "3",
		`swarmd_stale_sources`:                                                           "1",
		`swarmd_lease_epoch`:                                                             "4",
		`swarmd_ledger_open_operations{kind="delete"}`:                                   "2",
		`swarmd_pool_ready_nodes{pool="workers",role="worker"}`:                          "2",
		`swarmd_pool_cost_dollars_per_month{pool="workers",role="worker"}`:               "54",
		`swarmd_nodes{role="worker",state="down"}`:                                       "1",
		`swarmd_machines{class="down",pool="workers"}`:                                   "1",
		`swarmd_machines{class="down",pool=""}`:                                          "0",
		`swarmd_repair_brake{pool="workers"}`:                                            "1",
		`swarmd_node_repair_total{outcome="begun",pool="workers",reason="off"}`:          "1",
		`swarmd_node_repair_total{outcome="healed",pool="workers",reason="off"}`:         "0",
		`swarmd_loss_to_whole_seconds_bucket{pool="workers",le="90"}`:                    "0",
		`swarmd_loss_to_whole_seconds_bucket{pool="workers",le="120"}`:                   "1",
		`swarmd_loss_to_whole_seconds_count{pool="workers"}`:                             "1",
		`swarmd_service_running_tasks{service="web_app"}`:                                "4",
		`swarmd_steps_total{action="create_droplet",outcome="done"}`:                     "1",
		`swarmd_api_calls_total{kind="ok",op="list droplets",side="cloud"}`:              "1",
		`swarmd_api_calls_total{kind="conflict",op="update node",side="swarm"}`:          "1",
		`swarmd_api_call_duration_seconds_count{op="list droplets",side="cloud"}`:        "1",
		`swarmd_panics_total`:                                                            "1",
		`swarmd_pass_duration_seconds_bucket{le="0.025"}`:                                "1",
		`swarmd_api_call_duration_seconds_bucket{op="update node",side="swarm",le="30"}`: "1",
	})
}

func TestBlindPassKeepsTheLastFiguresAndVanishedThingsGo(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := health.NewMetrics(reg, vocabulary())
	m.Pass(pass())
	m.Pass(report.Report{Result: "failed", At: time.Unix(1060, 0), Gaps: []world.Gap{{What: world.GapNodes}}})
	got := series(t, reg)
	wantSeries(t, got, map[string]string{
		`swarmd_service_running_tasks{service="web_app"}`: "4", `swarmd_spec_revision`: "3", `swarmd_view_gaps`: "1", `swarmd_converged`: "0",
		`swarmd_converged_timestamp_seconds`: "1000", `swarmd_holds{guard="quorum"}`: "0", `swarmd_nodes{role="worker",state="down"}`: "1",
	})
	next := pass()
	next.Pools, next.Services, next.Nodes = nil, []plan.ServiceCount{{Service: "web_db", Desired: 1}}, []report.Node{{Pool: "workers", Class: "down"}}
	m.Pass(next)
	got = series(t, reg)
	if _, ok := got[`swarmd_machines{class="down",pool="workers"}`]; !ok {
		t.Error("machines of a pool that the file no longer has are not counted")
	}
	if _, ok := got[`swarmd_service_running_tasks{service="web_app"}`]; ok {
		t.Error("a removed service still has a series")
	}
	for _, name := range []string{`swarmd_pool_ready_nodes{pool="workers",role="worker"}`, `swarmd_node_repair_total{outcome="begun",pool="workers",reason="off"}`,
		`swarmd_repair_brake{pool="workers"}`, `swarmd_loss_to_whole_seconds_count{pool="workers"}`} {
		if _, ok := got[name]; ok {
			t.Errorf("a removed pool still has %s", name)
		}
	}
	wantSeries(t, got, map[string]string{`swarmd_service_running_tasks{service="web_db"}`: "0", `swarmd_nodes{role="worker",state="down"}`: "0"})
}

// An outage of the cloud's API hides no service that dies meanwhile.
func TestViewOfTheSwarmAloneKeepsThePools(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := health.NewMetrics(reg, vocabulary())
	m.Pass(pass())
	next := pass()
	next.At, next.Took, next.Gaps, next.Pools = time.Unix(2000, 0), 0, []world.Gap{{What: world.GapDroplets}}, nil
	next.Services[0].Running = 0
	m.Pass(next)
	wantSeries(t, series(t, reg), map[string]string{
		`swarmd_service_running_tasks{service="web_app"}`: "0", `swarmd_view_timestamp_seconds{side="swarm"}`: "2000",
		`swarmd_pool_ready_nodes{pool="workers",role="worker"}`: "2", `swarmd_view_timestamp_seconds{side="cloud"}`: "999.98",
	})
}

// Nobody acts: that is told between passes too.
func TestUnattendedIsNotConverged(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := health.NewMetrics(reg, vocabulary())
	m.Pass(pass())
	m.Unattended()
	wantSeries(t, series(t, reg), map[string]string{`swarmd_converged`: "0", `swarmd_converged_timestamp_seconds`: "1000"})
}

func TestSpecLoad(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := health.NewMetrics(reg, vocabulary())
	m.SpecLoaded(true, time.Unix(50, 0))
	m.SpecLoaded(false, time.Unix(90, 0))
	wantSeries(t, series(t, reg), map[string]string{`swarmd_spec_last_load_successful`: "0", `swarmd_spec_last_load_success_timestamp_seconds`: "50"})
}

func TestPromtoolFindsNothing(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := health.NewMetrics(reg, vocabulary())
	m.Pass(pass())
	m.Call("cloud", "list droplets", "", time.Millisecond)
	if problems, err := promlint.New(strings.NewReader(exposed(t, reg))).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: only the linter of the client library was asked")
	}
	cmd := exec.Command(tool, "check", "metrics")
	cmd.Stdin = strings.NewReader(exposed(t, reg))
	if out, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// indented is the value as the page has it.
func indented(t *testing.T, v any) string {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n"
}

func TestHTTP(t *testing.T) {
	bad := errors.New("the loop has not turned for 5m0s")
	cases := []struct {
		method, path string
		alive, ready error
		code         int
		body         string
	}{
		{"GET", "/healthz", nil, bad, 200, "ok\n"},
		{"GET", "/healthz", bad, nil, 503, bad.Error() + "\n"},
		{"GET", "/readyz", bad, nil, 200, "ok\n"},
		{"GET", "/readyz", nil, bad, 503, bad.Error() + "\n"},
		{"GET", "/status", nil, nil, 200, indented(t, report.Report{Revision: 7}.Counts())},
		{"POST", "/status", nil, nil, 405, "Method Not Allowed\n"},
		{"GET", "/debug/pprof/", nil, nil, 404, "404 page not found\n"},
	}
	for _, c := range cases {
		h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Alive: func() error { return c.alive },
			Ready: func() error { return c.ready }, Status: func() report.Report { return report.Report{Revision: 7} }})
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(c.method, c.path, nil))
		if rec.Code != c.code || rec.Body.String() != c.body {
			t.Errorf("%s %s: %d %q", c.method, c.path, rec.Code, rec.Body)
		}
	}
}

func TestServeEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- health.Serve(ctx, l, health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Status: func() report.Report { return report.Report{Revision: 7} }}), zap.NewNop())
	}()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + l.Addr().String() + "/status")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || string(body) != indented(t, report.Report{Revision: 7}) {
		t.Fatalf("%q %v", body, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get("http://" + l.Addr().String() + "/status"); err == nil {
		t.Fatal("it still answers")
	}
}

func TestNoMetricHasAnUnboundedLabel(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := health.NewMetrics(reg, vocabulary())
	m.Pass(pass())
	m.Call("cloud", "list droplets", "", time.Millisecond)
	allowed := []string{"result", "action", "outcome", "reason", "guard", "side", "op", "kind", "class", "pool", "role", "state", "service", "version", "goversion"}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 20 {
		t.Fatalf("only %d metrics", len(families))
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "swarmd_") {
			t.Errorf("%s has no prefix", f.GetName())
		}
		for _, metric := range f.GetMetric() {
			for _, l := range metric.GetLabel() {
				if !slices.Contains(allowed, l.GetName()) {
					t.Errorf("%s has label %s", f.GetName(), l.GetName())
				}
			}
		}
	}
}

// Of a job no task is missing that has ended: only its run's state has a series, also where a service had the name.
func TestAJobHasNoTasksThatAreMissing(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := health.NewMetrics(reg, vocabulary())
	next := pass()
	next.Services = []plan.ServiceCount{{Service: "web_app", Job: true, Desired: 3, Completed: 3, RollOut: plan.RollOut{State: plan.RollOutSucceeded}}}
	m.Pass(pass())
	m.Pass(next)
	got := series(t, reg)
	for _, name := range []string{"desired", "running"} {
		if _, ok := got[`swarmd_service_`+name+`_tasks{service="web_app"}`]; ok {
			t.Errorf("a job has %s tasks", name)
		}
	}
	wantSeries(t, got, map[string]string{`swarmd_service_rollout{service="web_app",state="succeeded"}`: "1"})
}
