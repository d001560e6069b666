package docker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	stacks := map[string]swarm.Stack{}
	for i, file := range corpus(t) {
		stacks[file] = idle(t, file, fmt.Sprintf("corpus%d", i))
	}
	makeExternal(t, c, stacks)
	t.Cleanup(func() { removeNetworks(t, c, stacks) }) // at the end of all: an engine takes its time for each
	for _, file := range corpus(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			stack := stacks[file]
			requireUnderstood(t, c, stack)
			makeObjects(t, c, stack)
			t.Cleanup(func() { removeServices(t, c, stack.Namespace) })
			applyStack(t, c, stack)
			for _, want := range requireSame(t, c, stack) {
				writeService(t, c, want)
			}
			requireSame(t, c, stack)
		})
	}
}

// idle is the stack of a file without tasks to start, as far as their number is the file's: no engine here has the images. Two files keep their numbers.
func idle(t *testing.T, file, namespace string) swarm.Stack {
	t.Helper()
	cfg := *load(t, file)
	cfg.Services = slices.Clone(cfg.Services)
	for i, s := range cfg.Services {
		counted := s.Deploy.Mode == "" || s.Deploy.Mode == "replicated"
		if name := filepath.Base(file); counted && name != "05-replicas-zero.yaml" && name != "124-whole-deploy.yaml" {
			cfg.Services[i].Deploy.Replicas = new(uint64)
		}
	}
	stack, err := Convert(namespace, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	return stack
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

// makeExternal makes what the files name and do not make.
func makeExternal(t *testing.T, c *Client, stacks map[string]swarm.Stack) {
	t.Helper()
	id, err := c.CreateNetwork(t.Context(), swarm.NetworkSpec{Name: "corpus-external", Raw: []byte(`{"Driver":"overlay"}`)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.RemoveNetwork(context.Background(), id) })
	configs, secrets := map[string]bool{}, map[string]bool{}
	for _, stack := range stacks {
		for _, s := range stack.Services {
			for _, name := range s.Configs {
				configs[name] = !slices.ContainsFunc(stack.Configs, func(k swarm.ConfigSpec) bool { return k.Name == name })
			}
			for _, name := range s.Secrets {
				secrets[name] = !slices.ContainsFunc(stack.Secrets, func(k swarm.SecretSpec) bool { return k.Of == name })
			}
		}
	}
	for name, external := range configs {
		if external {
			makeObject(t, name, nil, c.CreateConfig, c.RemoveConfig)
		}
	}
	for name, external := range secrets {
		if external {
			makeObject(t, name, nil, c.CreateSecret, c.RemoveSecret)
		}
	}
}

// makeObjects makes the configs and secrets of a stack.
func makeObjects(t *testing.T, c *Client, stack swarm.Stack) {
	t.Helper()
	for _, k := range stack.Configs {
		makeObject(t, k.Name, k.Labels, c.CreateConfig, c.RemoveConfig)
	}
	for _, k := range stack.Secrets {
		makeObject(t, k.Of, k.Labels, c.CreateSecret, c.RemoveSecret)
	}
}

func makeObject(t *testing.T, name string, labels map[string]string, create func(context.Context, string, map[string]string, []byte) (string, error),
	remove func(context.Context, string) error) {
	t.Helper()
	id, err := create(t.Context(), name, labels, []byte("of the corpus"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(context.Background(), id); err != nil {
			t.Error(err)
		}
	})
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
	removeServices(t, c, stack.Namespace)
	removeNetworks(t, c, map[string]swarm.Stack{"": stack})
}

func removeServices(t *testing.T, c *Client, namespace string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	services, err := c.Services(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, s := range services {
		if s.Spec.Labels[swarm.LabelCluster] == namespace {
			if err := c.RemoveService(ctx, s.ID); err != nil {
				t.Error(err)
			}
		}
	}
}

func removeNetworks(t *testing.T, c *Client, stacks map[string]swarm.Stack) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	networks, err := c.Networks(ctx)
	if err != nil {
		t.Error(err)
	}
	of := map[string]bool{}
	for _, stack := range stacks {
		of[stack.Namespace] = true
	}
	for _, n := range networks {
		if of[n.Spec.Labels[swarm.LabelCluster]] {
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

// requireSame compares what is live with what is wanted, and returns what is wanted of the services.
func requireSame(t *testing.T, c *Client, stack swarm.Stack) []swarm.ServiceSpec {
	t.Helper()
	services, err := c.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stack.Services {
		i := slices.IndexFunc(services, func(live swarm.Service) bool { return live.Spec.Name == s.Name })
		if i < 0 {
			t.Fatalf("no service %s", s.Name)
		}
		live := services[i].Spec
		if d := swarm.Diff(s.Form(), live.Form()); d != nil {
			t.Errorf("%s reads back differently:\n%s", s.Name, strings.Join(d, "\n"))
		}
		if live.Form().Hash() != live.Labels[swarm.LabelHash] {
			t.Errorf("%s: the stored hash is not that of its form", s.Name)
		}
	}
	networks, err := c.Networks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range stack.Networks {
		i := slices.IndexFunc(networks, func(live swarm.Network) bool { return live.Spec.Name == want.Name })
		if i < 0 {
			t.Fatalf("no network %s", want.Name)
		}
		if d := swarm.Diff(want.Form, networks[i].Spec.Form); d != nil {
			t.Errorf("network %s reads back differently:\n%s", want.Name, strings.Join(d, "\n"))
		}
	}
	return stack.Services
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
