package lab

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestGate: an image is refused as it was said to be, in the paths that were said, and no other one.
func TestGate(t *testing.T) {
	g := newGate(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	l := &Lab{gate: g}
	l.RefuseImage("limited", Refusal{Status: http.StatusTooManyRequests})
	l.RefuseImage("locked", Refusal{Status: http.StatusUnauthorized, Path: "/manifests/sha256:"})
	ask := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	for _, c := range []struct {
		path, header, value, says string
		status                    int
	}{
		{path: "/v2/", status: 200},
		{path: "/v2/web/manifests/1", status: 200},
		{path: "/v2/limited-not/manifests/1", status: 200},
		{path: "/v2/limited/manifests/1", status: 429, header: "Retry-After", value: "30", says: `"TOOMANYREQUESTS"`},
		{path: "/v2/locked/manifests/1", status: 200},
		{path: "/v2/locked/manifests/sha256:ab", status: 401, header: "WWW-Authenticate", value: `Basic realm="lab"`, says: `"UNAUTHORIZED"`},
	} {
		got := ask(c.path)
		if got.Code != c.status || got.Header().Get(c.header) != c.value || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s: %d %v %s, want %d", c.path, got.Code, got.Header(), got.Body, c.status)
		}
	}
	if l.Refused("limited") != 1 || l.Refused("locked") != 1 || l.Refused("web") != 0 {
		t.Errorf("counted %v", g.sent)
	}
	l.RefuseImage("limited", Refusal{})
	if got := ask("/v2/limited/manifests/1"); got.Code != http.StatusOK {
		t.Errorf("given again: %d", got.Code)
	}
}
