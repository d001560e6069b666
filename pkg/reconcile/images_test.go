package reconcile_test

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
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
