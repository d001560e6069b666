package health_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/health"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// TestStatusIsForThisMachineAndTheToken: who else asks gets counts, and a wrong token gets nothing.
func TestStatusIsForThisMachineAndTheToken(t *testing.T) {
	const token = "read-token-0123456789"
	for name, tc := range map[string]struct {
		remote, local string
		header        http.Header
		token         string
		code          int
		says          string
	}{
		"loopback":                    {"127.0.0.1:5000", "127.0.0.1:9810", nil, token, 200, `"cluster": "shop"`},
		"loopback 6":                  {"[::1]:5000", "[::1]:9810", nil, "", 200, `"cluster": "shop"`},
		"this machine":                {"10.0.0.5:5000", "10.0.0.5:9810", nil, token, 200, `"cluster": "shop"`},
		"this machine, mapped":        {"[::ffff:10.0.0.5]:5000", "10.0.0.5:9810", nil, token, 200, `"cluster": "shop"`},
		"a container of it":           {"172.18.0.3:5000", "10.0.0.5:9810", nil, token, 200, `"full": false`},
		"another machine":             {"10.0.0.6:5000", "10.0.0.5:9810", nil, token, 200, `"full": false`},
		"through a proxy on it":       {"127.0.0.1:5000", "127.0.0.1:9810", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, token, 200, `"full": false`},
		"no address":                  {"@", "10.0.0.5:9810", nil, token, 200, `"full": false`},
		"the token":                   {"10.0.0.6:5000", "10.0.0.5:9810", http.Header{"Authorization": {"Bearer " + token}}, token, 200, `"cluster": "shop"`},
		"another token":               {"10.0.0.6:5000", "10.0.0.5:9810", http.Header{"Authorization": {"Bearer x" + token}}, token, 401, "not the token"},
		"another token on it":         {"127.0.0.1:5000", "127.0.0.1:9810", http.Header{"Authorization": {"Bearer x"}}, token, 401, "not the token"},
		"a token where there is none": {"10.0.0.6:5000", "10.0.0.5:9810", http.Header{"Authorization": {"Bearer "}}, "", 401, "not the token"},
	} {
		h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Status: lastReport,
			Token: func() string { return tc.token }})
		local, err := net.ResolveTCPAddr("tcp", tc.local)
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(http.MethodGet, "/status", nil).WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, local))
		req.RemoteAddr = tc.remote
		if tc.header != nil {
			req.Header = tc.header
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != tc.code || !strings.Contains(rec.Body.String(), tc.says) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

func lastReport() report.Report { return report.Report{Cluster: "shop", Revision: 7} }

// TestTheTimelineIsForThisMachineAndTheToken: it names things, so nobody else gets anything.
func TestTheTimelineIsForThisMachineAndTheToken(t *testing.T) {
	h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Token: func() string { return "read-token-0123456789" },
		Events: func(after uint64) ([]report.Event, <-chan struct{}) { return []report.Event{{Seq: after + 1}}, nil }})
	for name, tc := range map[string]struct {
		remote, token, path string
		code                int
		says                string
	}{
		"this machine":    {"127.0.0.1:5000", "", "/events?after=6", 200, `"seq": 7`},
		"the token":       {"10.0.0.6:5000", "read-token-0123456789", "/events", 200, `"seq": 1`},
		"another machine": {"10.0.0.6:5000", "", "/events", 403, "for the machine itself"},
		"its stream":      {"10.0.0.6:5000", "", "/stream", 403, "for the machine itself"},
		"another token":   {"10.0.0.6:5000", "x", "/stream", 401, "not the token"},
		"no number":       {"127.0.0.1:5000", "", "/events?after=-1", 400, "number of an event"},
	} {
		req := httptest.NewRequest(http.MethodGet, tc.path, nil)
		req.RemoteAddr = tc.remote
		if tc.token != "" {
			req.Header.Set("Authorization", "Bearer "+tc.token)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, req)
		if rec.Code != tc.code || !strings.Contains(rec.Body.String(), tc.says) {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
}

// TestAStreamHasTheStatusAndTheEvents: what there is at once, what comes as it comes, and an end when the server ends.
func TestAStreamHasTheStatusAndTheEvents(t *testing.T) {
	var mu sync.Mutex
	last, more, changed := uint64(3), make(chan struct{}), make(chan struct{})
	h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Status: lastReport,
		Changed: func() <-chan struct{} { mu.Lock(); defer mu.Unlock(); return changed },
		Events: func(after uint64) (out []report.Event, _ <-chan struct{}) {
			mu.Lock()
			defer mu.Unlock()
			for n := after + 1; n <= last; n++ {
				out = append(out, report.Event{Seq: n})
			}
			return out, more
		}})
	ctx, end := context.WithCancel(t.Context())
	defer end()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- health.Serve(ctx, l, h, zap.NewNop()) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + l.Addr().String() + "/stream?after=2")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	want := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if lines.Scan(); lines.Text() != text {
				t.Fatalf("%q, want %q: %v", lines.Text(), text, lines.Err())
			}
		}
	}
	data := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return "data: " + string(text)
	}
	status, event := data(lastReport()), func(n uint64) string { return data(report.Event{Seq: n}) }
	want("event: status", status, "", "event: event", "id: 3", event(3), "")
	mu.Lock()
	last = 4
	close(more)
	more = make(chan struct{})
	mu.Unlock()
	want("event: event", "id: 4", event(4), "")
	mu.Lock()
	close(changed)
	changed = make(chan struct{})
	mu.Unlock()
	want("event: status", status, "")
	end()
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestFewReportsAreMadeAtOnce: the fifth client is told to come again, and is answered when one of the others has its report.
func TestFewReportsAreMadeAtOnce(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Status: func() report.Report { begun <- struct{}{}; <-release; return report.Report{} }})
	ask := func() int {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/status", nil))
		return rec.Code
	}
	codes := make(chan int, 5)
	for range 4 {
		go func() { codes <- ask() }()
		<-begun
	}
	if code := ask(); code != http.StatusServiceUnavailable {
		t.Errorf("the fifth got %d", code)
	}
	close(release)
	for range 4 {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("one of the four got %d", code)
		}
	}
	go func() { codes <- ask() }()
	<-begun
	if code := <-codes; code != http.StatusOK {
		t.Errorf("the next one got %d", code)
	}
}
