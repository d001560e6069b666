package docker

import (
	"context"
	"errors"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func TestFirstCallsSideBySideNegotiateOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		ping := f.answers["HEAD /_ping"]
		f.on("HEAD /_ping", func(req *http.Request) (*http.Response, error) { time.Sleep(5 * time.Second); return ping(req) })
		f.gives("GET /nodes", 200, []api.Node{})
		c := f.client(Options{})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := c.Nodes(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := f.count("HEAD /_ping"); n != 1 || f.count("GET /nodes") != 4 {
			t.Fatalf("%d pings: %v", n, f.asked)
		}
	})
}

// Found by the explorer, mix/1052: an engine that hung when the event stream began kept every other call waiting for ever.
func TestAnEngineThatHangsAtFirstIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		ping := f.answers["HEAD /_ping"]
		f.on("HEAD /_ping", hang)
		f.gives("GET /nodes", 200, []any{})
		c := f.client(Options{})
		ctx, cancel := context.WithCancel(t.Context())
		hints := c.Events(ctx)
		synctest.Wait()
		f.on("HEAD /_ping", ping)
		if _, err := c.Nodes(t.Context()); err != nil {
			t.Error(err)
		}
		cancel()
		for range hints { // until the stream has ended
		}
	})
}

func TestReadsAreRepeatedAndBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.on("GET /nodes", cut)
		_, err := f.client(Options{}).Nodes(t.Context())
		if apierr.KindOf(err) != apierr.Unavailable || f.count("GET /nodes") != readAttempts {
			t.Fatalf("%v after %d attempts", err, f.count("GET /nodes"))
		}
	})
}

func TestAReadThatComesThroughAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.on("GET /nodes", func(req *http.Request) (*http.Response, error) {
			if f.count("GET /nodes") < readAttempts {
				return reply(502, "bad gateway"), nil
			}
			return reply(200, `[{"ID":"b"},{"ID":"a"}]`), nil
		})
		nodes, err := f.client(Options{}).Nodes(t.Context())
		if err != nil || len(nodes) != 2 || nodes[0].ID != "a" {
			t.Fatalf("%v %v", nodes, err)
		}
	})
}

func TestWritesAreNeverRepeated(t *testing.T) {
	id := "n1"
	for name, k := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		want   apierr.Kind
	}{
		"cut":  {cut, apierr.Unknown},
		"hang": {hang, apierr.Unknown},
		"500":  {func(*http.Request) (*http.Response, error) { return reply(500, `{"message":"raft: something"}`), nil }, apierr.Unknown},
		"stale": {func(*http.Request) (*http.Response, error) {
			return reply(500, `{"message":"update out of sequence"}`), nil
		}, apierr.Conflict},
		"refused": {refuse, apierr.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.on("POST /nodes/n1/update", k.answer)
				start := time.Now()
				err := f.client(Options{}).UpdateNode(t.Context(), id, 7, swarm.NodeSpec{Role: swarm.Worker})
				if apierr.KindOf(err) != k.want || f.count("POST /nodes/n1/update") != 1 {
					t.Fatalf("%v after %d attempts", err, f.count("POST /nodes/n1/update"))
				}
				if took := time.Since(start); took > writeTimeout {
					t.Fatalf("took %s", took)
				}
			})
		})
	}
}

func refuse(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "unix", Err: syscall.ECONNREFUSED}
}

func TestAnEngineThatHangsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.on("GET /services", hang)
		start := time.Now()
		_, err := f.client(Options{}).Services(t.Context())
		if apierr.KindOf(err) != apierr.Unavailable || time.Since(start) > readTimeout {
			t.Fatalf("%v after %s", err, time.Since(start))
		}
	})
}

func TestCancelledReadKeepsItsCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.on("GET /tasks", hang)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := f.client(Options{}).Tasks(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatalf("%v after %s", err, time.Since(start))
		}
	})
}

func TestNoPingNoWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.on("HEAD /_ping", refuse)
		f.on("GET /_ping", refuse)
		err := f.client(Options{}).RemoveNode(t.Context(), "n1")
		if apierr.KindOf(err) != apierr.Unavailable || f.count("DELETE /nodes/n1") != 0 {
			t.Fatalf("%v: %v", err, f.asked)
		}
	})
}

func TestObserveIsToldOfEachCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.gives("GET /nodes", 200, []api.Node{})
		f.gives("DELETE /configs/k", 404, map[string]string{"message": "config k not found"})
		var seen []string
		c := f.client(Options{Observe: func(op string, kind apierr.Kind, _ time.Duration) { seen = append(seen, op+"="+string(kind)) }})
		if _, err := c.Nodes(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.RemoveConfig(t.Context(), "k"); apierr.KindOf(err) != apierr.NotFound {
			t.Fatal(err)
		}
		if got := strings.Join(seen, " "); got != "list nodes= remove config=not_found" {
			t.Fatal(got)
		}
	})
}

func TestSecretsAreInNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		for _, answer := range []func(*http.Request) (*http.Response, error){cut, hang, refuse} {
			f.on("POST /secrets/create", answer)
			_, err := f.client(Options{}).CreateSecret(t.Context(), "token", nil, []byte("dop_v1_hidden"))
			if err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "ZG9wX3") {
				t.Fatalf("got %v", err)
			}
		}
	})
}

func TestRegistryThatDoesNotAnswerIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.gives("GET /distribution/nginx:1/json", 200, map[string]any{"Descriptor": map[string]string{"digest": "sha256:abc"}, "Platforms": []map[string]string{
			{"architecture": "amd64", "os": "linux"}, {"architecture": "arm", "os": "linux", "variant": "v7"}}})
		f.on("GET /distribution/slow:1/json", hang)
		c := f.client(Options{})
		want := swarm.Pin{Digest: "sha256:abc", Platforms: []swarm.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux"}}}
		if d, err := c.ResolveImage(t.Context(), "nginx:1", swarm.Login{}); !reflect.DeepEqual(d, want) || err != nil {
			t.Fatalf("%+v %v", d, err)
		}
		if d, err := c.ResolveImage(t.Context(), "slow:1", swarm.Login{}); d.Digest != "" || apierr.KindOf(err) != apierr.Unavailable || f.count("GET /distribution/slow:1/json") != 1 {
			t.Fatalf("%+v %v", d, err)
		}
	})
}
