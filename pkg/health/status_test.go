package health_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

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
