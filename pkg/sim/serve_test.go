package sim_test

import (
	"context"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/godo"
	apievents "github.com/docker/docker/api/types/events"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/sim"
)

// served is a populated world behind a real port.
func served(t *testing.T) (*sim.World, *sim.Server) {
	t.Helper()
	w := sim.New(sim.Options{Seed: 5})
	must(t, w.Populate(sim.Seeded{Managers: 3, Workers: 1, Services: 2}))
	ctx, cancel := context.WithCancel(t.Context())
	s, err := w.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := s.Wait(); err != nil {
			t.Errorf("server ended with %v", err)
		}
	})
	return w, s
}

func TestServedToRealClients(t *testing.T) {
	w, s := served(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	g := godo.NewFromToken(w.Token())
	must(t, godo.SetBaseURL(s.CloudURL())(g))
	defer g.HTTPClient.CloseIdleConnections()
	all, _, err := g.Droplets.List(ctx, &godo.ListOptions{PerPage: 200})
	if err != nil || len(all) != 4 {
		t.Fatalf("%d droplets, %v", len(all), err)
	}
	docker, err := client.NewClientWithOpts(client.WithHost(s.DockerHost()), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	defer docker.Close()
	if _, err := docker.Info(ctx); err != nil {
		t.Fatal(err)
	}
	messages, errs := docker.Events(ctx, apievents.ListOptions{})
	must(t, w.Scale("service-001", 3))
	select {
	case m := <-messages:
		if m.Actor.Attributes["name"] == "" {
			t.Fatalf("event %+v", m)
		}
	case err := <-errs:
		t.Fatal(err)
	}
	w.SetFault(func(sim.Call) sim.Verdict { return sim.Cut() })
	if resp, err := http.Post(s.CloudURL()+"v2/droplets", "application/json", nil); err == nil {
		t.Fatalf("a cut connection answered %s", resp.Status)
	}
}

func TestServedWithoutAnEngine(t *testing.T) {
	w := sim.New(sim.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := w.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	docker, err := client.NewClientWithOpts(client.WithHost(s.DockerHost()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := docker.Info(ctx); err == nil || !strings.Contains(err.Error(), "no engine is up yet") {
		t.Fatalf("%v", err)
	}
	docker.Close()
	cancel()
	must(t, s.Wait())
}

// TestStrangersClients runs the docker command against the simulated engine.
func TestStrangersClients(t *testing.T) {
	if _, err := exec.LookPath("docker"); err != nil {
		t.Skip("there is no docker command here: the simulated engine was not shown to a stranger's client")
	}
	_, s := served(t)
	run := func(want string, args ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "docker", append([]string{"-H", s.DockerHost()}, args...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("sim-workers-aaaad", "node", "ls")
	run("nginx:1.27", "service", "ls")
	run("service-001.1", "service", "ps", "service-001")
	run("Is Manager: true", "info")
	run("", "service", "scale", "--detach", "service-001=3")
	run("3", "service", "ls", "--filter", "name=service-001")
}
