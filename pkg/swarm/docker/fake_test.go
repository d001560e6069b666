package docker

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// fake is an engine at the HTTP edge: it counts what it is asked and answers from a table of "METHOD /path" without version.
type fake struct {
	t       *testing.T
	answers map[string]func(*http.Request) (*http.Response, error)
	always  func(*http.Request) (*http.Response, error) // to what has no answer; nil: 404

	mu     sync.Mutex
	asked  []string
	bodies map[string]string
}

func newFake(t *testing.T) *fake {
	f := &fake{t: t, answers: map[string]func(*http.Request) (*http.Response, error){}, bodies: map[string]string{}}
	f.on("HEAD /_ping", func(*http.Request) (*http.Response, error) {
		r := reply(200, "")
		r.Header.Set("Api-Version", "1.41")
		return r, nil
	})
	return f
}

func (f *fake) on(what string, answer func(*http.Request) (*http.Response, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[what] = answer
}

// gives answers with this status and JSON, every time.
func (f *fake) gives(what string, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		f.t.Fatal(err)
	}
	f.on(what, func(*http.Request) (*http.Response, error) { return reply(status, string(data)), nil })
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// RoundTrip implements http.RoundTripper.
func (f *fake) RoundTrip(req *http.Request) (*http.Response, error) {
	path := req.URL.Path
	if rest, ok := strings.CutPrefix(path, "/v1.41"); ok {
		path = rest
	}
	what := req.Method + " " + path
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	f.asked = append(f.asked, what)
	f.bodies[what] = string(body)
	answer := f.answers[what]
	f.mu.Unlock()
	if answer == nil && f.always != nil {
		answer = f.always
	}
	if answer == nil {
		return reply(404, `{"message":"page not found"}`), nil
	}
	return answer(req)
}

// count says how often something was asked.
func (f *fake) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, a := range f.asked {
		if a == what {
			n++
		}
	}
	return n
}

func (f *fake) client(o Options) *Client {
	f.t.Helper()
	o.HTTP = &http.Client{Transport: f}
	c, err := New(o)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// hang answers nothing until the request's context ends.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// cut loses the connection.
func cut(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }
