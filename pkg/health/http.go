package health

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
)

// DefaultListen is where the HTTP side listens unless told otherwise.
const DefaultListen = "127.0.0.1:9810"

// Sources are what the HTTP side asks. All but Token are required; they must answer at once, from memory.
type Sources struct {
	Metrics prometheus.Gatherer
	Alive   func() error                                         // nil: the loop ticks
	Ready   func() error                                         // nil: the file is good and the last pass fresh. Everybody sees the error: no value and no address may be in it
	Status  func() report.Report                                 // the last one
	Events  func(after uint64) ([]report.Event, <-chan struct{}) // the timeline after a number, and a channel that is closed when there is more
	Changed func() <-chan struct{}                               // is closed when there is another Status
	Token   func() string                                        // optional: the bearer token of now, "" if there is none
}

// Handler serves /metrics, /healthz, /readyz, /status, /events and /stream. It only reads: any other method than GET and HEAD is refused.
// The first three are open. /status answers this machine and the bearer token with the report, and everybody else with its counts. The last two
// answer this machine and the bearer token alone.
func Handler(s Sources) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: maxInFlight}))
	mux.HandleFunc("GET /healthz", verdict(s.Alive))
	mux.HandleFunc("GET /readyz", verdict(s.Ready))
	mux.HandleFunc("GET /status", fewAtOnce(maxInFlight, s.status))
	mux.HandleFunc("GET /events", fewAtOnce(maxInFlight, s.events))
	mux.HandleFunc("GET /stream", fewAtOnce(maxStreams, s.stream))
	return mux
}

// maxInFlight bounds the answers that are made at once: a report of thousands of nodes has megabytes.
const maxInFlight = 4

// fewAtOnce refuses a request while most others are being answered.
func fewAtOnce(most int, h http.HandlerFunc) http.HandlerFunc {
	room := make(chan struct{}, most)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
			h(w, r)
		default:
			http.Error(w, fmt.Sprintf("%d are asking already: try again", most), http.StatusServiceUnavailable)
		}
	}
}

func (s Sources) status(w http.ResponseWriter, r *http.Request) {
	if s.reader(r) == inPart {
		writeJSON(w, s.Status().Counts())
	} else if s.mayRead(w, r) {
		writeJSON(w, s.Status())
	}
}

// reading is what a client may read.
type reading int

const (
	inPart  reading = iota // what names nothing
	inFull                 // everything: it is of this machine, or has the token
	refused                // nothing: its token is another one
)

func (s Sources) reader(r *http.Request) reading {
	given, isToken := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case isToken && s.knows(given), !isToken && sameHost(r):
		return inFull
	case isToken:
		return refused
	}
	return inPart
}

// knows reports whether the token is the one for reading, in a time that tells nothing about it.
func (s Sources) knows(given string) bool {
	if s.Token == nil {
		return false
	}
	want := s.Token()
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return want != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// sameHost reports whether the client is a process of this machine, in its own network: it comes from a loopback address, or from the address at
// which it found the server. A container with a network of its own comes from another one. What a proxy passes on is somebody else's.
func sameHost(r *http.Request) bool {
	if r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return false
	}
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	from := remote.Addr().Unmap()
	return from.IsLoopback() || local != nil && from == local.AddrPort().Addr().Unmap()
}

func verdict(ask func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := ask(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n')) // the reader is gone, nobody to tell
}

// Serve serves the handler on the listener until ctx ends, and returns within three seconds of that. log gets what goes wrong with
// connections. There may be 64 at once, 16 of one address, and 64 more of this machine's own processes; others are closed. An idle one is closed
// after ten seconds.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *zap.Logger) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }, MaxHeaderBytes: 16 << 10, ErrorLog: errorLog(log)}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(newGate(l, srv.ErrorLog)) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve health: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err := srv.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	<-ended
	return err
}

// errorLog passes the server's own words on as warnings, and of the like ones within a second the first.
func errorLog(log *zap.Logger) *stdlog.Logger {
	sampled := log.WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return zapcore.NewSamplerWithOptions(c, time.Second, 1, 0) }))
	return stdlog.New(warnings{sampled}, "", 0)
}

type warnings struct{ log *zap.Logger }

// Write is one message of the server. It names the client and its port, so that no two are alike: the text is a field, which sampling
// does not look at.
func (w warnings) Write(p []byte) (int, error) {
	w.log.Warn("serve health", zap.ByteString("error", bytes.TrimSpace(p)))
	return len(p), nil
}
