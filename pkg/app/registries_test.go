package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/app"
	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const withRegistry = `version: 1
cluster: web
cloud: { digitalocean: { region: fra1, image: docker-20-04 } }
nodes:
  managers: { role: manager, count: 3, size: s-1vcpu-1gb }
  workers: { role: worker, count: %d, size: s-1vcpu-1gb }
registries:
  registry.example: { username: ci, password: { file: /etc/swarmd/registry } }
services:
  app: { image: "registry.example/team/app:%s", deploy: { mode: global, update_config: { order: start-first } } }
`

func private(workers int, tag string) []byte { return fmt.Appendf(nil, withRegistry, workers, tag) }

// wants makes the registry give its images to who knows the password alone.
func wants(w *sim.World, password string) {
	w.Swarm.SetRegistry("registry.example", dockerd.Registry{Username: "ci", Password: password})
}

func shown(password string) string {
	return swarm.NewLogin("registry.example", "ci", password).Header()
}

// running are the ids of the tasks that run.
func running(t *testing.T, w *sim.World) []string {
	t.Helper()
	truth, ok := w.Swarm.Truth()
	if !ok {
		t.Fatal("there is no swarm")
	}
	ids := map[string]bool{}
	for _, task := range truth.Tasks {
		if task.Status.State == "running" {
			ids[task.ID] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// until waits in virtual time until something is so.
func until(t *testing.T, loop *reconcile.Loop, what string, so func() bool) {
	t.Helper()
	for range 1200 {
		if so() {
			return
		}
		time.Sleep(time.Second)
	}
	t.Fatalf("not within 20 minutes: %s; %+v", what, loop.Last().Holds)
}

// converges waits until the revision is true, whatever seems final on the way.
func converges(t *testing.T, loop *reconcile.Loop, revision int) {
	t.Helper()
	until(t, loop, "the revision", func() bool { return loop.Last().Converged && loop.Last().Revision == revision })
}

func holds(loop *reconcile.Loop, guard string) string {
	for _, h := range loop.Last().Holds {
		if h.Guard == guard {
			return h.Object + ": " + h.Text
		}
	}
	return ""
}

// TestAPrivateImageRunsOnEveryNode: also on those that join when the password is another one. No task is replaced for that, and nobody reads it.
func TestAPrivateImageRunsOnEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, files := sim.New(sim.Options{Seed: 7}), beside{"/etc/swarmd/registry": "hunter-0\n"}
		wants(w, "hunter-0")
		a, wire, log := listened(t, w, files)
		loop := a.Loop(app.Role{File: app.File{Initial: private(1, "1.0")}})
		defer run(t, a, loop, app.Page{})()
		settles(t, loop, 1)
		before := running(t, w)
		if got := w.Swarm.RegistryAuth("web_app"); got != shown("hunter-0") || len(before) != 4 {
			t.Fatalf("the service was written with %q, and %d tasks run", got, len(before))
		}
		files.put("/etc/swarmd/registry", "hunter-1")
		wants(w, "hunter-1")
		until(t, loop, "the new password", func() bool { return w.Swarm.RegistryAuth("web_app") == shown("hunter-1") })
		time.Sleep(time.Minute)
		if now := running(t, w); !slices.Equal(now, before) {
			t.Errorf("%q ran, now %q", before, now)
		}
		if _, err := loop.Submit(t.Context(), private(3, "1.0"), "test"); err != nil {
			t.Fatal(err)
		}
		settles(t, loop, 2)
		if now := running(t, w); len(now) != 6 {
			t.Errorf("%d tasks run on six nodes", len(now))
		}
		if _, err := loop.Submit(t.Context(), private(3, "2.0"), "test"); err != nil {
			t.Fatal(err)
		}
		settles(t, loop, 3)
		nobodyKnows(t, loop, "hunter-", wire, log)
		said, err := json.Marshal(loop.Last())
		if all := string(said) + wire.String() + log.String(); err != nil || strings.Contains(all, shown("hunter-0")) || strings.Contains(all, shown("hunter-1")) {
			t.Error("what the registry is shown is somewhere else", err)
		}
		updates := 0
		for _, c := range w.Trace() {
			if strings.HasPrefix(c.Path, "/services/") && strings.HasSuffix(c.Path, "/update") {
				updates++
			}
		}
		if updates != 2 {
			t.Errorf("%d updates of the service for another password and another image", updates)
		}
	})
}

// TestAPasswordThatIsNotHereHoldsTheImage: what runs goes on.
func TestAPasswordThatIsNotHereHoldsTheImage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, files := sim.New(sim.Options{Seed: 7}), beside{"/etc/swarmd/registry": "hunter-0"}
		wants(w, "hunter-0")
		a, _, _ := listened(t, w, files)
		loop := a.Loop(app.Role{File: app.File{Initial: private(1, "1.0")}})
		defer run(t, a, loop, app.Page{})()
		settles(t, loop, 1)
		before := running(t, w)
		files.take("/etc/swarmd/registry")
		if _, err := loop.Submit(t.Context(), private(1, "2.0"), "test"); err != nil {
			t.Fatal(err)
		}
		until(t, loop, "a hold", func() bool { return holds(loop, plan.GuardLoginFile) != "" })
		time.Sleep(10 * time.Minute)
		if said := holds(loop, plan.GuardLoginFile); !strings.Contains(said, "/etc/swarmd/registry cannot be read on web-managers-") || !strings.Contains(said, "put it on each manager") {
			t.Errorf("it says %q", said)
		}
		if now := running(t, w); !slices.Equal(now, before) {
			t.Errorf("%q ran, now %q", before, now)
		}
		files.put("/etc/swarmd/registry", "hunter-0")
		converges(t, loop, 2)
	})
}

// TestARegistryThatRefuses: nothing is written, what runs goes on, the registry is asked seldom, and what to do is said. Once it gives, the edit goes out.
func TestARegistryThatRefuses(t *testing.T) {
	cases := map[string]struct {
		refuse dockerd.Registry
		says   string
		most   int // questions in half an hour
	}{
		"a login":           {dockerd.Registry{Username: "ci", Password: "other"}, "correct registries.registry.example", 20},
		"too many requests": {dockerd.Registry{Username: "ci", Password: "hunter-0", Status: http.StatusTooManyRequests}, "asked too often", 7},
		"out of order":      {dockerd.Registry{Username: "ci", Password: "hunter-0", Status: http.StatusServiceUnavailable}, "it is asked again", 20},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, files := sim.New(sim.Options{Seed: 7}), beside{"/etc/swarmd/registry": "hunter-0"}
				wants(w, "hunter-0")
				a, _, _ := listened(t, w, files)
				loop := a.Loop(app.Role{File: app.File{Initial: private(1, "1.0")}})
				defer run(t, a, loop, app.Page{})()
				settles(t, loop, 1)
				before := running(t, w)
				w.ResetTrace()
				w.Swarm.SetRegistry("registry.example", c.refuse)
				if _, err := loop.Submit(t.Context(), private(1, "2.0"), "test"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(30 * time.Minute)
				if said := holds(loop, plan.GuardRegistry); !strings.Contains(said, c.says) || !strings.Contains(said, "service/web_app: tried again at ") {
					t.Errorf("it says %q", said)
				}
				asked := 0
				for _, call := range w.Trace() {
					if strings.HasPrefix(call.Path, "/distribution/") {
						asked++
					}
					if strings.HasPrefix(call.Path, "/services/") && call.Method == http.MethodPost {
						t.Errorf("%s %s", call.Method, call.Path)
					}
				}
				if asked < 2 || asked > c.most {
					t.Errorf("asked %d times", asked)
				}
				if now := running(t, w); !slices.Equal(now, before) {
					t.Errorf("%q ran, now %q", before, now)
				}
				if ended(loop) != 0 {
					t.Errorf("it is said to be held no longer %d times, while each try is refused", ended(loop))
				}
				wants(w, "hunter-0")
				converges(t, loop, 2)
				if ended(loop) != 1 {
					t.Errorf("it is said to be held no longer %d times, when it is written", ended(loop))
				}
				services, err := a.Swarm.Services(t.Context())
				if err != nil || len(services) != 1 || services[0].Spec.Image != "registry.example/team/app:2.0" || services[0].Spec.Pin().Digest == "" {
					t.Errorf("%+v, %v", services, err)
				}
			})
		})
	}
}

// ended counts how often the timeline says that nothing of a registry holds the service any more.
func ended(loop *reconcile.Loop) (n int) {
	events, _ := loop.Events(0)
	for _, e := range events {
		if e.Object == "service/web_app" && e.Message == "held no longer ("+plan.GuardRegistry+")" {
			n++
		}
	}
	return n
}
