package dockerd_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/network"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// pipe is an http.RoundTripper that runs a handler in a goroutine and hands its answer over as it is written, streams included.
type pipe struct{ engine *dockerd.Engine }

var errRefused, errCut = errors.New("connection refused"), errors.New("connection cut")

func (p pipe) RoundTrip(r *http.Request) (*http.Response, error) {
	if !p.engine.Up() {
		return nil, errRefused
	}
	body, out := io.Pipe()
	w := &pipeWriter{header: http.Header{}, out: out, ready: make(chan struct{})}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	go func() {
		defer func() {
			if recover() != nil && w.status == 0 { // whoever was answered already reads it meanwhile
				w.cut = true
			}
			w.WriteHeader(http.StatusOK)
			_ = out.Close()
		}()
		p.engine.Handler().ServeHTTP(w, r)
	}()
	<-w.ready
	if w.cut {
		return nil, errCut
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Body: body, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}, nil
}

type pipeWriter struct {
	header http.Header
	out    *io.PipeWriter
	status int
	cut    bool // the handler gave up before it answered
	ready  chan struct{}
}

func (w *pipeWriter) Header() http.Header { return w.header }
func (w *pipeWriter) Flush()              {}
func (w *pipeWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		close(w.ready)
	}
}
func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if len(b) == 0 {
		return 0, nil
	}
	return w.out.Write(b)
}

// dial returns the real Docker client on an engine. Every answer it gets is held to Docker's description.
func dial(t testing.TB, e *dockerd.Engine) *client.Client {
	t.Helper()
	return clientOf(t, checked(t, pipe{e}))
}

func clientOf(t testing.TB, transport http.RoundTripper) *client.Client {
	t.Helper()
	c, err := client.NewClientWithOpts(client.WithHost("tcp://engine:2375"),
		client.WithHTTPClient(&http.Client{Transport: transport}), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	c.NegotiateAPIVersion(context.Background())
	return c
}

// lab is a swarm of n managers and m workers on the bubble's clock.
type lab struct {
	*testing.T
	world   *dockerd.Swarm
	engines []*dockerd.Engine // managers first
	docker  *client.Client    // of the first manager
	ctx     context.Context
	asked   int // requests of raw that nobody made before
}

// bubble is one of the engines that there are by default.
func bubble(t *testing.T, managers, workers int, run func(*lab)) {
	t.Helper()
	bubbleOf(t, "", managers, workers, run)
}

func bubbleOf(t *testing.T, r dockerd.Release, managers, workers int, run func(*lab)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{T: t, world: dockerd.New(dockerd.Options{Seed: 7, Release: r}), ctx: t.Context()}
		for i := range managers + workers {
			l.engines = append(l.engines, l.world.AddEngine(dockerd.EngineConfig{
				Name: fmt.Sprintf("node-%d", i+1), Addr: fmt.Sprintf("10.0.0.%d", i+1), NCPU: 2, MemoryBytes: 2 << 30,
			}))
		}
		l.docker = dial(t, l.engines[0])
		l.form(managers)
		run(l)
	})
}

func (l *lab) form(managers int) {
	l.Helper()
	_, err := l.docker.SwarmInit(l.ctx, api.InitRequest{ListenAddr: "0.0.0.0:2377", AdvertiseAddr: l.engines[0].Addr()})
	l.must(err)
	swarm, err := l.docker.SwarmInspect(l.ctx)
	l.must(err)
	for i, e := range l.engines[1:] {
		token := swarm.JoinTokens.Worker
		if i+1 < managers {
			token = swarm.JoinTokens.Manager
		}
		l.must(e.Join(token, "active", []string{l.engines[0].Addr() + ":2377"}))
	}
	l.pass(5 * time.Second)
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// pass lets virtual time pass.
func (l *lab) pass(d time.Duration) {
	time.Sleep(d)
	l.world.Advance()
}

func (l *lab) node(i int) api.Node {
	l.Helper()
	n, _, err := l.docker.NodeInspectWithRaw(l.ctx, l.engines[i].Name())
	l.must(err)
	return n
}

func (l *lab) truth() dockerd.Truth {
	l.Helper()
	t, ok := l.world.Truth()
	if !ok {
		l.Fatal("there is no cluster")
	}
	return t
}

// web is a service specification.
func web(name string, replicas uint64, edit ...func(*api.ServiceSpec)) api.ServiceSpec {
	s := api.ServiceSpec{
		Annotations:  api.Annotations{Name: name, Labels: map[string]string{"app": name}},
		TaskTemplate: api.TaskSpec{ContainerSpec: &api.ContainerSpec{Image: name + ":1"}},
		Mode:         api.ServiceMode{Replicated: &api.ReplicatedService{Replicas: &replicas}},
	}
	for _, f := range edit {
		f(&s)
	}
	return s
}

func (l *lab) create(s api.ServiceSpec) string {
	l.Helper()
	r, err := l.docker.ServiceCreate(l.ctx, s, api.ServiceCreateOptions{})
	l.must(err)
	return r.ID
}

func (l *lab) service(name string) api.Service {
	l.Helper()
	s, _, err := l.docker.ServiceInspectWithRaw(l.ctx, name, api.ServiceInspectOptions{})
	l.must(err)
	return s
}

func (l *lab) update(name string, edit func(*api.ServiceSpec)) {
	l.Helper()
	s := l.service(name)
	edit(&s.Spec)
	_, err := l.docker.ServiceUpdate(l.ctx, s.ID, s.Version, s.Spec, api.ServiceUpdateOptions{})
	l.must(err)
}

// tasks returns a service's tasks in a state; "" is any.
func (l *lab) tasks(name string, state api.TaskState) []api.Task {
	l.Helper()
	id, out := l.service(name).ID, []api.Task{}
	for _, t := range l.truth().Tasks {
		if t.ServiceID == id && (state == "" || t.Status.State == state) {
			out = append(out, t)
		}
	}
	return out
}

// running counts the tasks that run and are meant to: what is left on a dead node's books is none.
func (l *lab) running(name string) int {
	l.Helper()
	return len(slices.DeleteFunc(l.tasks(name, api.TaskStateRunning), func(t api.Task) bool {
		return t.DesiredState != api.TaskStateRunning
	}))
}

func (l *lab) wantRunning(name string, want int) {
	l.Helper()
	if got := l.running(name); got != want {
		l.Fatalf("%s: %d running, want %d\n%s", name, got, want, l.show(name))
	}
}

func (l *lab) show(name string) string {
	out := ""
	for _, t := range l.tasks(name, "") {
		out += fmt.Sprintf("  %s slot %d on %.6s image %s: %s → %s %s %q\n", t.ID[:6], t.Slot, t.NodeID, t.Spec.ContainerSpec.Image,
			t.Status.State, t.DesiredState, t.Status.Message, t.Status.Err)
	}
	return out
}

func overlay() network.CreateOptions { return network.CreateOptions{Driver: "overlay"} }

func networkList() network.ListOptions { return network.ListOptions{} }

func networkInspect() network.InspectOptions { return network.InspectOptions{} }

// outsider is a machine that is in no swarm.
func outsider() dockerd.EngineConfig {
	return dockerd.EngineConfig{Name: "outsider", Addr: "10.0.0.99"}
}

func diff(a, b any) string { return cmp.Diff(a, b) }
