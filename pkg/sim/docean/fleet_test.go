package docean_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

const token = "dop_v1_canary"

// fleet is a Machines that boots in bootTime by the clock it is given.
type fleet struct {
	now        func() time.Time
	bootTime   time.Duration
	deaf       bool // guests ignore Shutdown
	failCreate error
	up         map[int]time.Time // when it is (or was) up; zero is off
	made       []docean.Machine
	destroyed  []int
	sizes      map[int]string // what a machine was resized to: processors/MB
}

func (f *fleet) Create(m docean.Machine) error {
	if f.failCreate != nil {
		return f.failCreate
	}
	f.made = append(f.made, m)
	f.up[m.ID] = f.now().Add(f.bootTime)
	return nil
}

func (f *fleet) Shutdown(id int) error {
	if f.deaf {
		return nil
	}
	return f.PowerOff(id)
}

func (f *fleet) PowerOff(id int) error { f.up[id] = time.Time{}; return f.known(id) }
func (f *fleet) PowerOn(id int) error  { f.up[id] = f.now(); return f.known(id) }

func (f *fleet) Resize(id, vcpus, memoryMB int) error {
	if f.sizes == nil {
		f.sizes = map[int]string{}
	}
	f.sizes[id] = fmt.Sprintf("%d/%d", vcpus, memoryMB)
	return f.known(id)
}

func (f *fleet) Destroy(id int) error {
	f.destroyed = append(f.destroyed, id)
	delete(f.up, id)
	return nil
}

func (f *fleet) known(id int) error {
	if _, ok := f.up[id]; !ok {
		return errors.New("unknown machine")
	}
	return nil
}

func (f *fleet) State(id int) docean.State {
	up, ok := f.up[id]
	switch {
	case !ok || up.IsZero():
		return docean.Off
	case f.now().Before(up):
		return docean.Booting
	}
	return docean.Running
}

// clock is a settable clock.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

// world is a cloud with its fleet, its clock and a godo client, and no network.
type world struct {
	*docean.Cloud
	fleet *fleet
	clock *clock
	godo  *godo.Client
	rt    *handlerTransport
}

func newWorld(t *testing.T, change func(*docean.Options)) *world {
	t.Helper()
	c := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	f := &fleet{now: c.now, up: map[int]time.Time{}}
	o := docean.Options{Machines: f, Token: token, Now: c.now, AnySSHKey: true, Seed: 1}
	if change != nil {
		change(&o)
	}
	cloud := docean.New(o)
	rt := &handlerTransport{handler: cloud, check: contract(t)}
	return &world{cloud, f, c, client(t, rt, token), rt}
}

func client(t *testing.T, rt http.RoundTripper, secret string) *godo.Client {
	t.Helper()
	g := godo.NewClient(&http.Client{Transport: bearer{rt, secret}})
	return g
}

type bearer struct {
	http.RoundTripper
	secret string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.secret)
	return b.RoundTripper.RoundTrip(r)
}

// handlerTransport answers from a handler and has every answer checked.
type handlerTransport struct {
	handler http.Handler
	check   func(*http.Request, *http.Response) error
	last    *http.Response
}

func (h *handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	h.handler.ServeHTTP(w, r)
	h.last = w.Result()
	h.last.Request = r
	if h.check != nil {
		if err := h.check(r, h.last); err != nil {
			return nil, err
		}
	}
	return h.last, nil
}

func (w *world) create(t *testing.T, name string, tags ...string) *godo.Droplet {
	t.Helper()
	d, _, err := w.godo.Droplets.Create(t.Context(), createRequest(name, tags...))
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	return d
}

func createRequest(name string, tags ...string) *godo.DropletCreateRequest {
	return &godo.DropletCreateRequest{
		Name: name, Region: "fra1", Size: "s-1vcpu-1gb", Image: godo.DropletCreateImage{Slug: "docker-20-04"}, Tags: tags,
	}
}

func (w *world) list(t *testing.T, tag string) []string {
	t.Helper()
	all, _, err := w.godo.Droplets.ListByTag(t.Context(), tag, &godo.ListOptions{PerPage: 200})
	if err != nil {
		t.Fatalf("list %s: %v", tag, err)
	}
	var names []string
	for _, d := range all {
		names = append(names, fmt.Sprint(d.Name, " ", d.Status))
	}
	return names
}

func status(err error) int {
	var e *godo.ErrorResponse
	if errors.As(err, &e) {
		return e.Response.StatusCode
	}
	return 0
}

func text(err error) string {
	var e *godo.ErrorResponse
	if errors.As(err, &e) {
		return e.Message
	}
	return fmt.Sprint(err)
}
