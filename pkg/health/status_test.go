package health_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/health"
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
		"loopback":                    {"127.0.0.1:5000", "127.0.0.1:9810", nil, token, 200, "in full"},
		"loopback 6":                  {"[::1]:5000", "[::1]:9810", nil, "", 200, "in full"},
		"this machine":                {"10.0.0.5:5000", "10.0.0.5:9810", nil, token, 200, "in full"},
		"this machine, mapped":        {"[::ffff:10.0.0.5]:5000", "10.0.0.5:9810", nil, token, 200, "in full"},
		"a container of it":           {"172.18.0.3:5000", "10.0.0.5:9810", nil, token, 200, "counts"},
		"another machine":             {"10.0.0.6:5000", "10.0.0.5:9810", nil, token, 200, "counts"},
		"through a proxy on it":       {"127.0.0.1:5000", "127.0.0.1:9810", http.Header{"X-Forwarded-For": {"203.0.113.9"}}, token, 200, "counts"},
		"no address":                  {"@", "10.0.0.5:9810", nil, token, 200, "counts"},
		"the token":                   {"10.0.0.6:5000", "10.0.0.5:9810", http.Header{"Authorization": {"Bearer " + token}}, token, 200, "in full"},
		"another token":               {"10.0.0.6:5000", "10.0.0.5:9810", http.Header{"Authorization": {"Bearer x" + token}}, token, 401, "not the token"},
		"another token on it":         {"127.0.0.1:5000", "127.0.0.1:9810", http.Header{"Authorization": {"Bearer x"}}, token, 401, "not the token"},
		"a token where there is none": {"10.0.0.6:5000", "10.0.0.5:9810", http.Header{"Authorization": {"Bearer "}}, "", 401, "not the token"},
	} {
		h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Status: func() any { return "in full" }, Counts: func() any { return "counts" },
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

type numbered uint64

func (n numbered) Number() uint64 { return uint64(n) }

// TestTheTimelineIsForThisMachineAndTheToken: it names things, so nobody else gets anything.
func TestTheTimelineIsForThisMachineAndTheToken(t *testing.T) {
	h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Token: func() string { return "read-token-0123456789" },
		Events: func(after uint64) ([]health.Event, <-chan struct{}) { return []health.Event{numbered(after + 1)}, nil }})
	for name, tc := range map[string]struct {
		remote, token, path string
		code                int
		says                string
	}{
		"this machine":    {"127.0.0.1:5000", "", "/events?after=6", 200, "7"},
		"the token":       {"10.0.0.6:5000", "read-token-0123456789", "/events", 200, "1"},
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
	h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Status: func() any { return "the report" },
		Changed: func() <-chan struct{} { mu.Lock(); defer mu.Unlock(); return changed },
		Events: func(after uint64) (out []health.Event, _ <-chan struct{}) {
			mu.Lock()
			defer mu.Unlock()
			for n := after + 1; n <= last; n++ {
				out = append(out, numbered(n))
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
	want("event: status", `data: "the report"`, "", "event: event", "id: 3", "data: 3", "")
	mu.Lock()
	last = 4
	close(more)
	more = make(chan struct{})
	mu.Unlock()
	want("event: event", "id: 4", "data: 4", "")
	mu.Lock()
	close(changed)
	changed = make(chan struct{})
	mu.Unlock()
	want("event: status", `data: "the report"`, "")
	end()
	if err := <-ended; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestFewReportsAreMadeAtOnce: the fifth client is told to come again, and is answered when one of the others has its report.
func TestFewReportsAreMadeAtOnce(t *testing.T) {
	begun, release := make(chan struct{}), make(chan struct{})
	h := health.Handler(health.Sources{Metrics: prometheus.NewRegistry(), Counts: func() any { begun <- struct{}{}; <-release; return "counts" }})
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
