package sim

import (
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
)

// localEngine is the host name that the Docker client writes for a unix socket when it has made the transport itself.
const localEngine = "api.moby.localhost"

// Unversioned is the path of a call to the Docker API without its version: "/v1.41/nodes" is "/nodes".
func Unversioned(path string) string {
	rest, ok := strings.CutPrefix(path, "/v1.")
	minor, tail, cut := strings.Cut(rest, "/")
	if !ok || !cut || minor == "" || strings.Trim(minor, "0123456789") != "" {
		return path
	}
	return path[len(path)-len(tail)-1:]
}

// Transport carries requests from the outside, say an operator's laptop, into the world. Paths under /v2/ go to the cloud
// whatever the host; other hosts are machines by name, private or public address.
func (w *World) Transport() http.RoundTripper { return transport{w, ""} }

// TransportFrom carries the requests of a process on the named machine. A Docker client made for a unix socket reaches that
// machine's own engine. When the machine is off or cut off, its calls fail as they would there.
func (w *World) TransportFrom(name string) http.RoundTripper { return transport{w, name} }

type transport struct {
	world *World
	from  string
}

// target is the side of the world that a request has come to.
type target struct {
	call    Call
	handler http.Handler
	err     error         // why it can't be reached
	patient time.Duration // how long that takes
}

// RoundTrip has the request judged, and answered by its side unless the verdict forbids it. Answers are complete when it
// returns, save for event streams, which go on until their body is closed.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := slurp(r)
	if err != nil {
		return nil, err
	}
	w := t.world
	to := w.resolve(r, t.from)
	v := w.calls.judge(&to.call)
	entry := Traced{Call: to.call, Faulted: v.faulty()}
	resp, err := w.carry(r, body, to, v, &entry)
	if err != nil {
		entry.Err = err.Error()
	} else {
		entry.Status = resp.StatusCode
	}
	w.calls.record(entry)
	w.poke()
	return resp, err
}

func (v Verdict) faulty() bool {
	return v.Delay != 0 || v.Before || v.Lose || v.Hang || v.Edit != nil
}

func slurp(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer r.Body.Close()
	return io.ReadAll(r.Body)
}

func (w *World) carry(r *http.Request, body []byte, to target, v Verdict, entry *Traced) (*http.Response, error) {
	if err := clock.Sleep(r.Context(), v.Delay); err != nil {
		return nil, err
	}
	if v.Before {
		return v.instead(r)
	}
	if v.Delay > 0 {
		to = w.resolve(r, to.call.From)
	}
	if to.err != nil {
		if err := clock.Sleep(r.Context(), to.patient); err != nil {
			return nil, err
		}
		return nil, to.err
	}
	entry.Effect = true
	resp, err := w.exchange(r, body, to.handler)
	switch {
	case err != nil:
		return nil, err
	case v.Lose:
		resp.Body.Close()
		return v.instead(r)
	case v.Edit != nil:
		return edit(resp, v.Edit)
	}
	return resp, nil
}

// instead is what the caller gets in the place of the true answer.
func (v Verdict) instead(r *http.Request) (*http.Response, error) {
	if v.Hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if v.Status == 0 {
		return nil, errReset()
	}
	text := `{"id":"fault","message":` + quote(v.Message) + `}`
	return response(r, v.Status, http.Header{"Content-Type": {"application/json"}}, []byte(text)), nil
}

// errReset is what a client sees when the other end goes away.
func errReset() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

func edit(resp *http.Response, change func(int, http.Header, []byte) (int, []byte)) (_ *http.Response, err error) {
	var body []byte
	if here, ok := resp.Body.(*content); ok {
		body = here.all
	} else if body, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	status, body := change(resp.StatusCode, resp.Header, body)
	resp.Header.Del("Content-Length")
	return response(resp.Request, status, resp.Header, body), nil
}

func response(r *http.Request, status int, h http.Header, body []byte) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: newContent(body), ContentLength: int64(len(body)), Request: r,
	}
}

// resolve finds the side a request is for, and whether it can be reached from where it comes.
func (w *World) resolve(r *http.Request, from string) target {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.catchUp()
	to := target{call: Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, From: from, At: w.opts.Now()}}
	source := w.find(from)
	lost := from != "" && (source == nil || !source.on || source.engine == nil)
	cut := lost || source != nil && source.engine.Partitioned()
	if strings.HasPrefix(r.URL.Path, "/v2/") {
		to.call.Side, to.handler = SideCloud, w.Cloud
		w.bar(&to, cut)
		return to
	}
	to.call.Side = SideDocker
	to.call.Path = Unversioned(r.URL.Path)
	m := source
	if !isSocket(r.URL.Host) {
		m = w.find(r.URL.Hostname())
	}
	if m != nil && m.engine != nil && source != nil && source.engine != nil {
		cut = cut || !source.engine.Sees(m.engine)
	}
	w.aim(&to, m, m != source, cut, lost)
	return to
}

// isSocket reports whether the Docker client means a unix socket: it writes a fixed name for it, or the socket's path.
func isSocket(host string) bool { return host == localEngine || strings.Contains(host, "/") }

// aim points the target at a machine's engine.
func (w *World) aim(to *target, m *machine, remote, cut, lost bool) {
	if m == nil {
		w.bar(to, true)
		return
	}
	to.call.Node = m.Name
	switch {
	case lost, remote && (cut || !m.on || m.engine != nil && m.engine.Partitioned()):
		w.bar(to, true)
	case m.engine == nil || !m.engine.Up():
		to.err = dialError(syscall.ECONNREFUSED)
	default:
		to.handler = m.api
	}
}

// bar makes the target unreachable: a dial that gets no answer.
func (w *World) bar(to *target, cut bool) {
	if cut {
		to.err, to.patient = dialError(syscall.EHOSTUNREACH), w.opts.DialTimeout
	}
}

func dialError(errno syscall.Errno) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
}
