package docker

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// engine is a client of a real engine that these tests may use as they like: they make it a swarm if it is none.
func engine(t *testing.T) *Client {
	t.Helper()
	host := os.Getenv("SWARMD_TEST_DOCKER_HOST")
	if os.Getenv("SWARMD_LAB") != "1" || host == "" {
		t.Skip("needs a real engine: SWARMD_LAB=1 and SWARMD_TEST_DOCKER_HOST")
	}
	c := connect(t, host)
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.LocalState == "inactive" {
		if err := c.InitSwarm(t.Context(), testAddr(), ""); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func connect(t *testing.T, host string) *Client {
	t.Helper()
	c, err := New(Options{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// testAddr is the address that the engine is to advertise.
func testAddr() string {
	if addr := os.Getenv("SWARMD_TEST_DOCKER_ADDR"); addr != "" {
		return addr
	}
	return "127.0.0.1"
}

// TestRealEngineKeepsTheNormalForm is the proof of the normal form: what is applied reads back without a difference, so a second pass
// would write nothing; and an update that changes nothing leaves it so.
func TestRealEngineKeepsTheNormalForm(t *testing.T) {
	c := engine(t)
	makeExternal(t, c)
	for _, file := range corpus(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stack := convert(t, file)
			requireUnderstood(t, c, stack)
			t.Cleanup(func() { removeStack(t, c, stack) })
			applyStack(t, c, stack)
			requireSame(t, c, stack)
			for _, s := range stack.Services {
				writeService(t, c, s)
			}
			requireSame(t, c, stack)
		})
	}
}

// requireUnderstood skips a file with fields that this engine is too old for; the adapter refuses to send them.
func requireUnderstood(t *testing.T, c *Client, stack swarm.Stack) {
	t.Helper()
	for _, s := range stack.Services {
		out, err := wire("", s)
		if err != nil {
			t.Fatal(err)
		}
		if missing := unsupported(out, c.api.ClientVersion()); len(missing) > 0 {
			t.Skipf("the engine's API %s does not know %v", c.api.ClientVersion(), missing)
		}
	}
}

func makeExternal(t *testing.T, c *Client) {
	t.Helper()
	spec := swarm.NetworkSpec{Name: "corpus-external", Raw: []byte(`{"Driver":"overlay"}`)}
	id, err := c.CreateNetwork(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.RemoveNetwork(context.Background(), id) })
}

func applyStack(t *testing.T, c *Client, stack swarm.Stack) {
	t.Helper()
	for _, n := range stack.Networks {
		// The engine's own copy of a network that was removed a moment ago still holds the name.
		err := eventually(t.Context(), apierr.Conflict, func() error { _, err := c.CreateNetwork(t.Context(), n); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range stack.Services {
		if _, err := c.CreateService(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func removeStack(t *testing.T, c *Client, stack swarm.Stack) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	services, err := c.Services(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, s := range services {
		if s.Spec.Labels[swarm.LabelCluster] == stack.Namespace {
			if err := c.RemoveService(ctx, s.ID); err != nil {
				t.Error(err)
			}
		}
	}
	networks, err := c.Networks(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, n := range networks {
		if n.Spec.Labels[swarm.LabelCluster] == stack.Namespace {
			removeNetwork(ctx, t, c, n.ID)
		}
	}
}

// removeNetwork waits until the last task has left the network. One that is listed and not found is an engine's own copy of a network that is
// gone from the swarm.
func removeNetwork(ctx context.Context, t *testing.T, c *Client, id string) {
	err := eventually(ctx, apierr.Precondition, func() error { return c.RemoveNetwork(ctx, id) })
	if err != nil && apierr.KindOf(err) != apierr.NotFound {
		t.Error(err)
	}
}

// eventually repeats a call while it fails with this kind, which is to pass. The engine moves a service's version by itself as its tasks come and go.
func eventually(ctx context.Context, passing apierr.Kind, call func() error) error {
	for {
		err := call()
		if apierr.KindOf(err) != passing || clock.Sleep(ctx, 50*time.Millisecond) != nil {
			return err
		}
	}
}

// writeService updates a service to what is wanted, at the version of now.
func writeService(t *testing.T, c *Client, want swarm.ServiceSpec) {
	t.Helper()
	err := eventually(t.Context(), apierr.Conflict, func() error {
		live := find(t, c, want.Name)
		return c.UpdateService(t.Context(), live.ID, live.Version, want)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func requireSame(t *testing.T, c *Client, stack swarm.Stack) {
	t.Helper()
	for _, s := range stack.Services {
		live := find(t, c, s.Name)
		if d := swarm.Diff(s.Form(), live.Spec.Form()); d != nil {
			t.Errorf("%s reads back differently:\n%s", s.Name, strings.Join(d, "\n"))
		}
		if live.Spec.Form().Hash() != live.Spec.Labels[swarm.LabelHash] {
			t.Errorf("%s: the stored hash is not that of its form", s.Name)
		}
	}
	networks, err := c.Networks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range stack.Networks {
		for _, n := range networks {
			if n.Spec.Name == want.Name {
				if d := swarm.Diff(want.Form, n.Spec.Form); d != nil {
					t.Errorf("network %s reads back differently:\n%s", want.Name, strings.Join(d, "\n"))
				}
			}
		}
	}
}

func find(t *testing.T, c *Client, name string) swarm.Service {
	t.Helper()
	services, err := c.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		if s.Spec.Name == name {
			return s
		}
	}
	t.Fatalf("no service %s", name)
	return swarm.Service{}
}
