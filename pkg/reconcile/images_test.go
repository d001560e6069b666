package reconcile_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// An image is put only on nodes that it is made for, as `docker stack deploy` has it, and with no such node that is said.
func TestAnImageForOtherProcessorsIsPutOnNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 7})
		if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 1}); err != nil {
			t.Fatal(err)
		}
		arm := []api.Platform{{Architecture: "arm64", OS: "linux"}}
		w.Swarm.SetImage("arm:1", dockerd.Image{Platforms: arm})
		c := on(t, w, w.Cloud.Droplets()[0].Name, services("  app: { image: \"arm:1\", deploy: { replicas: 2 } }\n"))
		defer c.stop()
		settle(10 * time.Minute)
		if got := c.engineService(t, "web_app").Spec.TaskTemplate.Placement; got == nil || !reflect.DeepEqual(got.Platforms, arm) {
			t.Errorf("placement %+v, want %+v", got, arm)
		}
		if r := c.loop.Last(); len(r.Holds) != 1 || !strings.Contains(r.Holds[0].Text, "no suitable node (unsupported platform on 2 nodes)") {
			t.Errorf("%+v", r.Holds)
		}
		c.edits <- services("  app: { image: \"app:1\", deploy: { replicas: 2 } }\n")
		c.await(t, 2, 5*time.Minute)
	})
}

// A service that was written before its image's platforms were is as wanted: they come with the next image.
func TestPlatformsAloneAreNoDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := func(image string, replicas string) []byte {
			return services("  app: { image: \"" + image + "\", deploy: { replicas: " + replicas + " } }\n")
		}
		c := newCluster(t, sim.Options{}, file("app:1", "2"))
		defer c.stop()
		c.await(t, 1, 10*time.Minute)
		before := c.engineService(t, "web_app")
		spec := before.Spec
		spec.TaskTemplate.Placement = &api.Placement{}
		if err := c.Ask("POST", "/services/"+before.ID+"/update?version="+before.Version.String(), spec, nil); err != nil {
			t.Fatal(err)
		}
		before = c.engineService(t, "web_app")
		settle(2 * time.Minute)
		if after := c.engineService(t, "web_app"); after.Version != before.Version {
			t.Errorf("left alone it was written: version %d → %d", before.Version.Index, after.Version.Index)
		}
		c.edits <- file("app:1", "3")
		c.await(t, 2, 5*time.Minute)
		if p := c.engineService(t, "web_app").Spec.TaskTemplate.Placement; p != nil && len(p.Platforms) > 0 {
			t.Errorf("scaled: %+v", p)
		}
		c.edits <- file("app:2", "3")
		c.await(t, 3, 5*time.Minute)
		if p := c.engineService(t, "web_app").Spec.TaskTemplate.Placement; p == nil || len(p.Platforms) != 1 {
			t.Errorf("another image: %+v", p)
		}
	})
}

// A registry that did not answer is asked again without an edit, at a pace that slows down, and what it tells then is rolled out.
func TestARegistryThatDidNotAnswerIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var text strings.Builder
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			fmt.Fprintf(&text, "  %s: { image: \"app-%s:1\", x-swarmd: { resolve: best-effort }, deploy: { replicas: 2, update_config: { monitor: 1s } } }\n", name, name)
		}
		c := newCluster(t, sim.Options{Seed: 7}, services(text.String()))
		defer c.stop()
		var asked atomic.Int64
		var answers atomic.Bool
		c.SetFault(func(call sim.Call) sim.Verdict {
			if !strings.HasPrefix(call.Path, "/distribution/") {
				return sim.Pass()
			}
			asked.Add(1)
			if answers.Load() {
				return sim.Pass()
			}
			return sim.Refuse(http.StatusTooManyRequests, "toomanyrequests: You have reached your unauthenticated pull rate limit.")
		})
		c.await(t, 1, 10*time.Minute) // it runs all the same
		asked.Store(0)
		settle(time.Hour)
		if n := asked.Load(); n < 3 || n > 8 {
			t.Errorf("asked %d times in the first hour", n)
		}
		asked.Store(0)
		settle(3 * time.Hour)
		if n := asked.Load(); n < 2 || n > 7 {
			t.Errorf("asked %d times in three hours more", n)
		}
		r := c.loop.Last()
		if len(r.Holds) != 6 || !r.Converged || !strings.Contains(r.Holds[0].Text, "it is asked again at") {
			t.Errorf("converged %t: %+v", r.Converged, r.Holds)
		}
		before := c.engineService(t, "web_a").Version
		answers.Store(true)
		asked.Store(0)
		settle(2 * time.Hour)
		if n := asked.Load(); n != 6 {
			t.Errorf("it answers, and was asked %d times for six images", n)
		}
		if r := c.loop.Last(); len(r.Holds) > 0 || !r.Converged {
			t.Errorf("%+v", r.Holds)
		}
		s := c.engineService(t, "web_a")
		if !strings.Contains(s.Spec.TaskTemplate.ContainerSpec.Image, "@sha256:") || s.Version == before || s.Spec.Labels[swarm.LabelUnpinned] != "" || s.UpdateStatus == nil {
			t.Errorf("%+v", s)
		}
	})
}

// bestEffort is a file whose services are written without their images' digests where registries do not tell them.
func bestEffort(file []byte) []byte {
	return []byte(strings.ReplaceAll(string(file), ", deploy:", ", x-swarmd: { resolve: best-effort }, deploy:"))
}

// What a registry tells late may be broken by then: that is taken back as any roll-out is, and not tried for ever.
func TestALateDigestThatFailsIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, bestEffort(rolled("app:1", "rollback", "")))
		defer c.stop()
		var answers atomic.Bool
		var writes atomic.Int64
		c.SetFault(func(call sim.Call) sim.Verdict {
			switch {
			case strings.HasPrefix(call.Path, "/services/") && call.Write():
				writes.Add(1)
			case strings.HasPrefix(call.Path, "/distribution/") && !answers.Load():
				return sim.Refuse(http.StatusTooManyRequests, "toomanyrequests: You have reached your unauthenticated pull rate limit.")
			}
			return sim.Pass()
		})
		c.await(t, 1, 10*time.Minute)
		broken := "sha256:" + strings.Repeat("b", 64)
		c.Swarm.SetImage("app:1", dockerd.Image{Digest: broken})
		c.Swarm.SetImage("app:1@"+broken, dockerd.Image{CrashAfter: time.Second})
		answers.Store(true)
		writes.Store(0)
		settle(time.Hour)
		r := c.loop.Last()
		if writes.Load() != 1 || len(r.Holds) != 1 || !strings.Contains(r.Holds[0].Text, "the roll-out to it was taken back") {
			t.Errorf("%d writes, %+v", writes.Load(), r.Holds)
		}
		c.edits <- rolled("app:2", "rollback", "")
		c.await(t, 2, 10*time.Minute)
	})
}
