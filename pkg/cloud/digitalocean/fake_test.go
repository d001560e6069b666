package digitalocean

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
)

const canary = "dop_v1_canary0123456789abcdef"

// wire is the API at the HTTP edge: it answers from a script, one answer per request, the last one for ever.
type wire struct {
	mu      sync.Mutex
	answers []answer
	seen    []string // "METHOD /path?query"
	bodies  []string
}

type answer struct {
	status int
	body   string
	header map[string]string
	err    error
	delay  time.Duration
}

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	a := w.answers[min(len(w.seen), len(w.answers)-1)]
	w.seen = append(w.seen, req.Method+" "+req.URL.RequestURI())
	body := ""
	if req.Body != nil {
		b, _ := io.ReadAll(req.Body)
		body = string(b)
	}
	w.bodies = append(w.bodies, body)
	w.mu.Unlock()
	if got := req.Header.Get("Authorization"); got != "Bearer "+canary {
		return nil, fmt.Errorf("authorization is %q", got)
	}
	if err := clock.Sleep(req.Context(), a.delay); err != nil {
		return nil, err
	}
	if a.err != nil {
		return nil, a.err
	}
	h := http.Header{}
	for k, v := range a.header {
		h.Set(k, v)
	}
	return &http.Response{
		StatusCode: a.status, Header: h, Request: req, ProtoMajor: 1, ProtoMinor: 1,
		Body: io.NopCloser(strings.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

func (w *wire) requests() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

// client returns a Client on a script of answers.
func client(t *testing.T, answers ...answer) (*Client, *wire) {
	t.Helper()
	w := &wire{answers: answers}
	c, err := New(Options{Token: canary, Transport: w, Jitter: func() float64 { return 0.5 }})
	if err != nil {
		t.Fatal(err)
	}
	return c, w
}

// apiError is an error as the API words it.
func apiError(status int, message string) answer {
	return answer{status: status, body: fmt.Sprintf(`{"id":"x","message":%q,"request_id":"r-1"}`, message)}
}

// dropletJSON is a droplet as the API shows it.
func dropletJSON(id int) string {
	return fmt.Sprintf(`{"id":%d,"name":"web-workers-abcde","tags":["swarmd:web","swarmd-op:abcdefghijklmnop"],"status":"active","locked":false,
		"size_slug":"s-1vcpu-1gb","region":{"slug":"fra1"},"image":{"id":7,"slug":"docker-20-04"},"vpc_uuid":"v-1","created_at":"2026-01-02T03:04:05Z",
		"networks":{"v4":[{"ip_address":"10.0.0.%d","type":"private"},{"ip_address":"203.0.113.%d","type":"public"}]}}`, id, id%250, id%250)
}

// dropletPage is a page of a listing; next says whether another one is linked.
func dropletPage(total int, next bool, ids ...int) answer {
	var list []string
	for _, id := range ids {
		list = append(list, dropletJSON(id))
	}
	links := `{}`
	if next {
		links = `{"pages":{"next":"https://api.digitalocean.com/v2/droplets?page=2"}}`
	}
	return answer{status: 200, body: fmt.Sprintf(`{"droplets":[%s],"links":%s,"meta":{"total":%d}}`, strings.Join(list, ","), links, total)}
}

func wantKind(t *testing.T, err error, want apierr.Kind) {
	t.Helper()
	if got := apierr.KindOf(err); got != want {
		t.Fatalf("kind is %q, want %q: %v", got, want, err)
	}
}
