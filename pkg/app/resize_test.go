package app_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/swarmd/swarmd/pkg/access"
	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/swarm/docker"
)

const resizedFile = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 3, size: s-1vcpu-1gb }
  workers: { role: worker, count: 2, size: %s, resize: in-place }
services:
  app: { image: "nginx:1.27", deploy: { replicas: 2 } }
`

// swarmdOn is one on the machine with that number.
func swarmdOn(t *testing.T, w *sim.World, machine int) *app.App {
	t.Helper()
	from := w.TransportFrom(w.Cloud.Droplets()[machine].Name)
	a, err := app.New(app.Options{Cluster: "web", Version: "1.2.3", Log: zap.NewNop(),
		Cloud: func(observe access.Observe) (*digitalocean.Client, error) {
			return digitalocean.New(digitalocean.Options{Token: w.Token(), Transport: w.Transport(), Observe: observe})
		},
		Engine: func(observe access.Observe) (*docker.Client, func(), error) {
			c, err := docker.New(docker.Options{HTTP: &http.Client{Transport: from}, Observe: observe})
			return c, func() { c.Close() }, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestAResizeOutlivesWhoBeganIt: the acting swarmd ends in each phase, and another manager's goes on. Whatever the cloud makes of it, the machine
// runs at the end, and has what the cloud says.
func TestAResizeOutlivesWhoBeganIt(t *testing.T) {
	for _, fate := range []docean.Fate{docean.Resized, docean.NoRoom, docean.Errored, docean.HalfDone} {
		for _, phase := range ledger.Phases() {
			if fate == docean.NoRoom && phase == ledger.Resizing {
				continue // it is refused at once, which nobody sees in between
			}
			t.Run(string(fate)+" "+string(phase), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := sim.New(sim.Options{Seed: 7})
					if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 3, Workers: 2}); err != nil {
						t.Fatal(err)
					}
					w.Cloud.SetFate(fate)
					resizeUntil(t, w, phase)
					second := swarmdOn(t, w, 1)
					loop := second.Loop(app.Role{})
					defer run(t, second, loop, app.Page{})()
					resizeEnds(t, w, second, fate)
				})
			})
		}
	}
}

// resizeUntil runs a swarmd on the first machine until a resize is in that phase.
func resizeUntil(t *testing.T, w *sim.World, phase ledger.Phase) {
	t.Helper()
	first := swarmdOn(t, w, 0)
	loop := first.Loop(app.Role{File: app.File{Initial: fmt.Appendf(nil, resizedFile, "s-1vcpu-1gb")}})
	defer run(t, first, loop, app.Page{})()
	if _, err := loop.Await(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := loop.Submit(t.Context(), fmt.Appendf(nil, resizedFile, "s-2vcpu-4gb"), "test"); err != nil {
		t.Fatal(err)
	}
	for range 6000 {
		time.Sleep(100 * time.Millisecond)
		if l, err := first.Store.Load(t.Context()); err == nil && len(l.Ops) == 1 && l.Ops[0].Kind == ledger.Resize && l.Ops[0].Phase == phase {
			return
		}
	}
	t.Fatalf("no resize came to phase %s: %+v", phase, loop.Last().Holds)
}

// resizeEnds waits until no operation is open, and looks at what became of the machines.
func resizeEnds(t *testing.T, w *sim.World, a *app.App, fate docean.Fate) {
	t.Helper()
	want, ends := "s-2vcpu-4gb", 2
	if fate == docean.NoRoom || fate == docean.Errored {
		want, ends = "s-1vcpu-1gb", 1
	}
	closed := func() bool {
		l, err := a.Store.Load(context.Background())
		has := 0
		for _, d := range w.Cloud.Droplets() {
			if strings.Contains(d.Name, "workers") && d.Size == "s-2vcpu-4gb" {
				has++
			}
		}
		return err == nil && len(l.Ops) == 0 && (has == ends || ends == 1)
	}
	for range 4000 {
		if time.Sleep(time.Second); closed() {
			break
		}
	}
	if !closed() {
		t.Fatal("the resize does not end")
	}
	nodes, err := a.Swarm.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range w.Cloud.Droplets() {
		if w.State(d.ID) != docean.Running {
			t.Errorf("%s is %s", d.Name, w.State(d.ID))
		}
		if worker := strings.Contains(d.Name, "workers"); worker && d.Size != want && ends == 2 || !worker && d.Size != "s-1vcpu-1gb" {
			t.Errorf("%s has %s", d.Name, d.Size)
		}
	}
	for _, n := range nodes {
		if n.State != "ready" || n.Spec.Availability != "active" {
			t.Errorf("%s is %s and %s", n.Hostname, n.State, n.Spec.Availability)
		}
		if strings.Contains(n.Hostname, "workers") && ends == 2 && (n.CPUs != 2 || n.MemoryBytes != 4<<30) {
			t.Errorf("%s has %v processors and %d bytes", n.Hostname, n.CPUs, n.MemoryBytes)
		}
	}
}
