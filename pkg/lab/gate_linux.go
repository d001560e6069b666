package lab

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// Refusal is how the registry answers for an image that it does not give.
type Refusal struct {
	Status int    // such as 401 or 429
	Path   string // only of requests with this in their path, such as "/manifests/sha256:"; "" is of all
}

// gate stands before the registry, as a login or a limit does, and counts what it refuses.
type gate struct {
	next http.Handler
	mu   sync.Mutex
	of   map[string]Refusal // by the image's name
	sent map[string]int     // how many requests were refused, by the same
}

func newGate(next http.Handler) *gate {
	return &gate{next: next, of: map[string]Refusal{}, sent: map[string]int{}}
}

// ServeHTTP refuses as registries do: 401 names who gives tokens, 429 when to come back, and both have the error in the registry's own form.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	refusal, refused := g.refusal(r.URL.Path)
	if !refused {
		g.next.ServeHTTP(w, r)
		return
	}
	code := "DENIED"
	switch refusal.Status {
	case http.StatusUnauthorized:
		code = "UNAUTHORIZED"
		w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
	case http.StatusTooManyRequests:
		code = "TOOMANYREQUESTS"
		w.Header().Set("Retry-After", "30")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(refusal.Status)
	_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, strings.ToLower(http.StatusText(refusal.Status)))
}

func (g *gate) refusal(path string) (Refusal, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, r := range g.of {
		if strings.HasPrefix(path, "/v2/"+name+"/") && strings.Contains(path, r.Path) {
			g.sent[name]++
			return r, true
		}
	}
	return Refusal{}, false
}

// RefuseImage has the registry answer so for an image, by its name without registry and tag; the zero Refusal gives it again.
func (l *Lab) RefuseImage(name string, r Refusal) {
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	if l.gate.of[name] = r; r == (Refusal{}) {
		delete(l.gate.of, name)
	}
}

// Refused counts how often the registry refused the image.
func (l *Lab) Refused(name string) int {
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	return l.gate.sent[name]
}

// serveRegistry has the gate answer where droplets know the registry, for the one that listens at the address.
func (l *Lab) serveRegistry(ctx context.Context, address string) error {
	on, err := listenIn(ctx, l.net.dataCentre(), "0.0.0.0:"+registryPort)
	if err != nil {
		return fmt.Errorf("serve registry: %w", err)
	}
	l.gate = newGate(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: address})
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) { return l.Dial(ctx, addr) }},
		ErrorLog:  zap.NewStdLog(l.opts.Log),
	})
	l.serve(on, l.gate)
	return nil
}
