package docker

import (
	"context"
	"testing"
	"time"

	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestRealEngineShowsDriftByHand changes a live service as people do with `docker service update`: each change must show, and be put back
// by one write.
func TestRealEngineShowsDriftByHand(t *testing.T) {
	c := engine(t)
	stack := convert(t, "testdata/compose/28-everything.yaml")
	t.Cleanup(func() { removeStack(t, c, stack) })
	applyStack(t, c, stack)
	var want swarm.ServiceSpec
	for _, s := range stack.Services {
		if s.Name == "corpus_appserver" {
			want = s
		}
	}
	box := func(f func(*api.ContainerSpec)) func(*api.ServiceSpec) {
		return func(s *api.ServiceSpec) { f(s.TaskTemplate.ContainerSpec) }
	}
	second := time.Second
	for name, edit := range map[string]func(*api.ServiceSpec){
		"scale":      func(s *api.ServiceSpec) { n := uint64(1); s.Mode.Replicated.Replicas = &n },
		"image":      box(func(b *api.ContainerSpec) { b.Image = "stifstof/crashserver:evil" }),
		"env":        box(func(b *api.ContainerSpec) { b.Env = append(b.Env, "X=1") }),
		"cap-add":    box(func(b *api.ContainerSpec) { b.CapabilityAdd = []string{"CAP_NET_ADMIN"} }),
		"args":       box(func(b *api.ContainerSpec) { b.Args = []string{"x"} }),
		"mount":      box(func(b *api.ContainerSpec) { b.Mounts = append(b.Mounts, mount.Mount{Type: "tmpfs", Target: "/x"}) }),
		"no-health":  box(func(b *api.ContainerSpec) { b.Healthcheck = nil }),
		"user":       box(func(b *api.ContainerSpec) { b.User = "nobody" }),
		"grace":      box(func(b *api.ContainerSpec) { b.StopGracePeriod = &second }),
		"label":      func(s *api.ServiceSpec) { s.Labels["mine"] = "1" },
		"label-rm":   func(s *api.ServiceSpec) { delete(s.Labels, swarm.LabelCluster) },
		"constraint": func(s *api.ServiceSpec) { s.TaskTemplate.Placement.Constraints = nil },
		"limit":      func(s *api.ServiceSpec) { s.TaskTemplate.Resources.Limits.MemoryBytes *= 2 },
		"network-rm": func(s *api.ServiceSpec) { s.TaskTemplate.Networks = s.TaskTemplate.Networks[:1] },
		"publish-add": func(s *api.ServiceSpec) {
			s.EndpointSpec.Ports = append(s.EndpointSpec.Ports, api.PortConfig{TargetPort: 1, PublishedPort: 18081})
		},
		"endpoint-mode": func(s *api.ServiceSpec) { s.EndpointSpec.Mode, s.EndpointSpec.Ports = "dnsrr", nil },
		"update-order":  func(s *api.ServiceSpec) { s.UpdateConfig.Order = "stop-first" },
		"restart":       func(s *api.ServiceSpec) { s.TaskTemplate.RestartPolicy = &api.RestartPolicy{Condition: "none"} },
		"log-driver":    func(s *api.ServiceSpec) { s.TaskTemplate.LogDriver = nil },
	} {
		t.Run(name, func(t *testing.T) {
			byHand(t, c, want.Name, edit)
			live := find(t, c, want.Name)
			if d := swarm.Diff(want.Form(), live.Spec.Form()); len(d) == 0 {
				t.Error("the change does not show")
			}
			putBack(t, c, want)
		})
	}
	t.Run("force", func(t *testing.T) {
		byHand(t, c, want.Name, func(s *api.ServiceSpec) { s.TaskTemplate.ForceUpdate = 5 })
		putBack(t, c, want)
		live, err := inspected(t, c, want.Name)
		if err != nil || live.Spec.TaskTemplate.ForceUpdate != 5 {
			t.Errorf("the counter of forced updates is %d: %v", live.Spec.TaskTemplate.ForceUpdate, err)
		}
	})
}

// inspected is the service as the engine gives it to its own client.
func inspected(t *testing.T, c *Client, name string) (s api.Service, err error) {
	t.Helper()
	id := find(t, c, name).ID
	err = c.read(t.Context(), "inspect service", func(ctx context.Context) (err error) {
		s, _, err = c.api.ServiceInspectWithRaw(ctx, id, api.ServiceInspectOptions{})
		return err
	})
	return s, err
}

// byHand edits the service as it is stored.
func byHand(t *testing.T, c *Client, name string, edit func(*api.ServiceSpec)) {
	t.Helper()
	err := eventually(t.Context(), apierr.Conflict, func() error {
		live, err := inspected(t, c, name)
		if err != nil {
			return err
		}
		edit(&live.Spec)
		return c.write(t.Context(), "by hand", func(ctx context.Context) error {
			_, err := c.api.ServiceUpdate(ctx, live.ID, live.Version, live.Spec, api.ServiceUpdateOptions{})
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func putBack(t *testing.T, c *Client, want swarm.ServiceSpec) {
	t.Helper()
	writeService(t, c, want)
	if d := swarm.Diff(want.Form(), find(t, c, want.Name).Spec.Form()); d != nil {
		t.Errorf("not put back: %v", d)
	}
}

// TestRealEngineTakesOurOwnService has swarmd's own service accepted as bootstrap makes it, and its secret.
func TestRealEngineTakesOurOwnService(t *testing.T) {
	c := engine(t)
	secret, err := c.CreateSecret(t.Context(), TokenSecret("corpus"), map[string]string{swarm.LabelCluster: "corpus"}, []byte("not a token"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.RemoveSecret(context.Background(), secret) })
	if ids, err := c.Secrets(t.Context(), "swarmd.corpus"); err != nil || ids[TokenSecret("corpus")] != secret {
		t.Fatalf("%v %v", ids, err)
	}
	spec, err := SelfService(Self{Cluster: "corpus", Image: "example.com/swarmd:1", SecretID: secret, SecretName: TokenSecret("corpus")})
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.CreateService(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.RemoveService(context.Background(), id) })
	live := find(t, c, SelfName("corpus"))
	if live.Spec.Mode != swarm.Global || live.Spec.Networks[0] != "host" || live.Spec.Labels[swarm.LabelComponent] != "swarmd" {
		t.Fatalf("%+v", live.Spec)
	}
}

// TestRealEngineComparesAndSwapsConfigs is the store's ground: labels change only at the version they were read at, data stays.
func TestRealEngineComparesAndSwapsConfigs(t *testing.T) {
	c := engine(t)
	id, err := c.CreateConfig(t.Context(), "swarmd.corpus", map[string]string{"n": "0"}, []byte("kept"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.RemoveConfig(context.Background(), id) })
	read := func() swarm.Config {
		t.Helper()
		all, err := c.Configs(t.Context(), "swarmd.corpus")
		if err != nil || len(all) != 1 {
			t.Fatalf("%v %v", all, err)
		}
		return all[0]
	}
	before := read()
	other := connect(t, c.api.DaemonHost())
	if err := other.UpdateConfig(t.Context(), id, before.Version, map[string]string{"n": "1"}); err != nil {
		t.Fatal(err)
	}
	if err := c.UpdateConfig(t.Context(), id, before.Version, map[string]string{"n": "2"}); err == nil {
		t.Fatal("a stale version was taken")
	}
	if after := read(); after.Labels["n"] != "1" || string(after.Data) != "kept" || after.Version == before.Version {
		t.Fatalf("%+v", after)
	}
}

// TestRealEngineHints sees a service's creation on the event stream.
func TestRealEngineHints(t *testing.T) {
	c := engine(t)
	hints := c.Events(t.Context())
	deadline := time.After(20 * time.Second)
	for {
		id, err := c.CreateService(t.Context(), plain("corpus-hint"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.RemoveService(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		select {
		case <-hints:
			return
		case <-time.After(200 * time.Millisecond): // the stream may not stand yet
		case <-deadline:
			t.Fatal("no hint in 20 s")
		}
	}
}
