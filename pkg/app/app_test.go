package app_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

const wanted = `version: 1
cluster: web
cloud: { digitalocean: { region: ams3, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: %d, size: s-1vcpu-1gb, region: fra1 }
  workers: { role: worker, count: %d, size: s-1vcpu-1gb, region: fra1 }
services:
  app: { image: "nginx:1.27", deploy: { replicas: 2 } }
`

func file(managers, workers int) []byte { return fmt.Appendf(nil, wanted, managers, workers) }

// swarmd is one on the first machine of a world.
func swarmd(t *testing.T, w *sim.World, change func(*app.Options)) *app.App {
	t.Helper()
	if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 3}); err != nil {
		t.Fatal(err)
	}
	from := w.TransportFrom(w.Cloud.Droplets()[0].Name)
	o := app.Options{Cluster: "web", Version: "1.2.3", Log: zap.NewNop(),
		Cloud: func(observe access.Observe) (*digitalocean.Client, error) {
			return digitalocean.New(digitalocean.Options{Token: w.Token(), Transport: w.Transport(), Observe: observe})
		},
		Engine: func(observe access.Observe) (*docker.Client, func(), error) {
			c, err := docker.New(docker.Options{HTTP: &http.Client{Transport: from}, Observe: observe})
			return c, func() { c.Close() }, err
		}}
	change(&o)
	a, err := app.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// run runs the loop until the test ends, and stops it with what is returned.
func run(t *testing.T, a *app.App, loop *reconcile.Loop, page app.Page) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, loop, page) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		a.Close()
	}
}

// TestADropletBootsWithWhatIsThereThen: the managers that can be reached, and the range of the network in its own region.
func TestADropletBootsWithWhatIsThereThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 7})
		a := swarmd(t, w, func(*app.Options) {})
		loop := a.Loop(app.Role{File: app.File{Initial: file(3, 0)}})
		defer run(t, a, loop, app.Page{})()
		if _, err := loop.Await(t.Context(), 1, nil); err != nil { // all three are managers
			t.Fatal(err)
		}
		if _, err := loop.Submit(t.Context(), file(3, 1), "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := loop.Await(t.Context(), 2, nil); err != nil {
			t.Fatal(err)
		}
		all := w.Cloud.Droplets()
		made := all[len(all)-1]
		if len(all) != 4 || made.Region != "fra1" {
			t.Fatalf("%d droplets, the last one in %s", len(all), made.Region)
		}
		for _, d := range all[:3] {
			if addr := d.Private.Addr().String(); !strings.Contains(made.UserData, addr) {
				t.Errorf("it does not know the manager %s", addr)
			}
		}
		vpcs, err := a.Cloud.VPCs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vpcs {
			if v.Default && strings.Contains(made.UserData, v.IPRange) != (v.Region == "fra1") {
				t.Errorf("it has the network of %s, %s: %v", v.Region, v.IPRange, v.Region != "fra1")
			}
		}
	})
}

// TestWithoutATokenDropletsAreLeftAlone: services are run all the same, and nobody asks what machines cost.
func TestWithoutATokenDropletsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 7})
		a := swarmd(t, w, func(o *app.Options) {
			o.Cloud = func(access.Observe) (*digitalocean.Client, error) { return nil, nil }
		})
		loop := a.Loop(app.Role{File: app.File{Initial: file(1, 1)}})
		defer run(t, a, loop, app.Page{})()
		time.Sleep(2 * time.Minute)
		services := 0
		for _, c := range w.Trace() {
			if strings.HasPrefix(c.Path, "/v2/") {
				t.Errorf("the cloud was asked for %s", c.Path)
			}
			if c.Path == "/services/create" {
				services++
			}
		}
		if a.Cloud != nil || services != 1 || loop.Last().Revision != 1 {
			t.Errorf("%d services were made, revision %d", services, loop.Last().Revision)
		}
	})
}

// TestThePageShowsTheProcessToo: what the loop does, each call to a side, and what the process takes.
func TestThePageShowsTheProcessToo(t *testing.T) {
	w := sim.New(sim.Options{Seed: 7, BootTime: -1, JoinTime: -1})
	a := swarmd(t, w, func(*app.Options) {})
	loop := a.Loop(app.Role{File: app.File{Initial: file(3, 0)}})
	l, err := a.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer run(t, a, loop, app.Page{Listener: l})()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := loop.Await(ctx, 1, nil); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get("http://" + l.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`version="1.2.3"`, "swarmd_converged 1", `side="cloud"`, `side="swarm"`, "go_goroutines", "process_start_time_seconds"} {
		if !strings.Contains(string(text), part) {
			t.Errorf("no %s in:\n%s", part, text)
		}
	}
}

// TestTheListenersHostMayBeTheNodes: it stands for the address that other nodes of the swarm know this one by.
func TestTheListenersHostMayBeTheNodes(t *testing.T) {
	w := sim.New(sim.Options{Seed: 7})
	a := swarmd(t, w, func(*app.Options) {})
	defer a.Close()
	own := w.Cloud.Droplets()[0].Private.Addr().String()
	for address, want := range map[string]string{"node:9810": own + ":9810", "127.0.0.1:0": "127.0.0.1:0", ":9810": ":9810", "nodes:1": "nodes:1"} {
		if got, err := app.Resolve(a, t.Context(), address); got != want || err != nil {
			t.Errorf("%s: %q, want %q: %v", address, got, want, err)
		}
	}
	if l, err := a.Listen(t.Context(), ""); l != nil || err != nil {
		t.Errorf("for no address: %v, %v", l, err)
	}
}
