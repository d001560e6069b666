package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// exchange has the handler answer a copy of the request. It returns with the whole answer, or for an event stream with its head.
func (w *World) exchange(r *http.Request, body []byte, h http.Handler) (*http.Response, error) {
	in := r.WithContext(r.Context())
	in.Body = io.NopCloser(bytes.NewReader(body))
	in.ContentLength = int64(len(body))
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if !strings.HasSuffix(r.URL.Path, "/events") && !strings.HasSuffix(r.URL.Path, "/logs") {
		p := newPage()
		if aborted(h, p, in) {
			return nil, errReset()
		}
		return p.response(r), nil
	}
	s := newStream(r)
	ctx, cancel := context.WithCancel(r.Context())
	go w.pump(ctx)
	go func() {
		defer s.finish()
		aborted(h, s, in.WithContext(ctx))
	}()
	select {
	case <-s.started:
	case <-ctx.Done():
	}
	return s.response(cancel), nil
}

// aborted runs the handler to its end and reports whether it cut the connection instead of answering.
func aborted(h http.Handler, w http.ResponseWriter, r *http.Request) (cut bool) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			cut = true
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// stream is a response under way: a http.ResponseWriter on one side, a body on the other, and as much memory as it takes in
// between, so that a handler never waits for a reader.
type stream struct {
	request *http.Request
	header  http.Header
	started chan struct{} // closed when status and headers are settled
	news    chan struct{} // holds one value while there is something to read
	cancel  context.CancelFunc

	mu     sync.Mutex
	status int
	sent   http.Header
	buf    bytes.Buffer
	done   bool
}

func newStream(r *http.Request) *stream {
	return &stream{request: r, header: http.Header{}, started: make(chan struct{}), news: make(chan struct{}, 1)}
}

func (s *stream) Header() http.Header { return s.header }

func (s *stream) WriteHeader(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status != 0 {
		return
	}
	s.status, s.sent = status, s.header.Clone()
	close(s.started)
}

func (s *stream) Write(p []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal()
	return s.buf.Write(p)
}

// Flush settles the headers, as a server's does.
func (s *stream) Flush() { s.WriteHeader(http.StatusOK) }

func (s *stream) signal() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

func (s *stream) finish() {
	s.WriteHeader(http.StatusOK)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	s.signal()
}

// response is the answer so far.
func (s *stream) response(cancel context.CancelFunc) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = cancel
	resp := response(s.request, s.status, s.sent, nil)
	if s.sent == nil {
		resp.StatusCode, resp.Header = http.StatusOK, http.Header{}
	}
	resp.Body, resp.ContentLength = s, -1
	return resp
}

// Read returns what has been written, and waits if that is nothing yet.
func (s *stream) Read(p []byte) (int, error) {
	for {
		s.mu.Lock()
		if s.buf.Len() > 0 {
			defer s.mu.Unlock()
			return s.buf.Read(p)
		}
		done := s.done
		s.mu.Unlock()
		if done {
			return 0, io.EOF
		}
		select {
		case <-s.news:
		case <-s.request.Context().Done():
			return 0, s.request.Context().Err()
		}
	}
}

// Close ends the stream's handler.
func (s *stream) Close() error {
	s.cancel()
	return nil
}

// pump keeps the world going while somebody listens to it: it does what falls due at the time it does, until ctx is done.
func (w *World) pump(ctx context.Context) {
	poke := make(chan struct{}, 1)
	w.enlist(poke, true)
	defer w.enlist(poke, false)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		w.advanceMachines()
		timer.Stop()
		if at, ok := w.awaited(poke); ok {
			timer.Reset(max(0, at.Sub(w.opts.Now())))
		}
		select {
		case <-timer.C:
		case <-poke:
		case <-ctx.Done():
			return
		}
	}
}

func (w *World) enlist(poke chan struct{}, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if on {
		w.pumps[poke] = time.Time{}
	} else {
		delete(w.pumps, poke)
	}
}

// awaited is NextEvent for a pump that waits for it.
func (w *World) awaited(poke chan struct{}) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, ok := w.next()
	w.pumps[poke] = at
	return at, ok
}

// poke tells the pumps that something new may fall due at another time than they think.
func (w *World) poke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.pumps) == 0 {
		return
	}
	at, _ := w.next()
	for p, waits := range w.pumps {
		if waits.Equal(at) {
			continue
		}
		select {
		case p <- struct{}{}:
		default:
		}
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}
