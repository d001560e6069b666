package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Server is a world behind one real port: DigitalOcean's API under /v2/, and under all other paths the Docker API of a manager.
type Server struct {
	Addr string // host:port
	done chan error
}

// CloudURL is the value for DIGITALOCEAN_API_URL.
func (s *Server) CloudURL() string { return "http://" + s.Addr + "/" }

// DockerHost is the value for DOCKER_HOST.
func (s *Server) DockerHost() string { return "tcp://" + s.Addr }

// Wait returns when the server has ended, which it does when the context of Serve is done.
func (s *Server) Wait() error { return <-s.done }

// Serve listens on addr ("127.0.0.1:0" for any free port) until ctx is done. Calls pass the fault hook like those of Transport.
func (w *World) Serve(ctx context.Context, addr string) (*Server, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("serve the simulated world: %w", err)
	}
	s := &Server{Addr: l.Addr().String(), done: make(chan error, 1)}
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	server := &http.Server{
		Handler: http.HandlerFunc(w.relay), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return base },
	}
	end := context.AfterFunc(ctx, func() { stop(); _ = server.Close() })
	go func() {
		defer stop()
		defer end()
		err := server.Serve(l)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		s.done <- err
	}()
	return s, nil
}

// relay takes a real request into the world and its answer out.
func (w *World) relay(rw http.ResponseWriter, r *http.Request) {
	in := r.Clone(r.Context())
	in.URL.Scheme, in.URL.Host = "http", r.Host
	if !strings.HasPrefix(r.URL.Path, "/v2/") {
		e := w.Manager()
		if e == nil {
			http.Error(rw, `{"message":"no engine is up yet"}`, http.StatusServiceUnavailable)
			return
		}
		in.URL.Host = e.Addr()
	}
	resp, err := transport{w, ""}.RoundTrip(in)
	if err != nil {
		panic(http.ErrAbortHandler) // the client sees its connection cut
	}
	defer resp.Body.Close()
	for k, values := range resp.Header {
		rw.Header()[k] = values
	}
	rw.WriteHeader(resp.StatusCode)
	forward(rw, resp.Body)
}

// forward copies piece by piece, so that an event is out as soon as it is in.
func forward(rw http.ResponseWriter, from io.Reader) {
	flusher, _ := rw.(http.Flusher)
	buf := make([]byte, 32<<10)
	for {
		if flusher != nil {
			flusher.Flush()
		}
		n, err := from.Read(buf)
		if n > 0 {
			if _, werr := rw.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
