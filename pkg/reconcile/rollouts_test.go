package reconcile_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim"
)

// services is a file of the cluster "web" with one manager, one worker and these services, YAML.
func services(text string) []byte {
	return append(file(1, 1, 0, 0), text...)
}

// engineService is what the engine has of a service.
func (c *cluster) engineService(t *testing.T, name string) api.Service {
	t.Helper()
	var s api.Service
	if err := c.Ask(http.MethodGet, "/services/"+name, nil, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestADigestOfTheFileIsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		image := "nginx:1.27@sha256:" + strings.Repeat("a", 64)
		c := newCluster(t, sim.Options{}, services(`  app: { image: "`+image+`", deploy: { replicas: 2 } }`+"\n"))
		defer c.stop()
		c.await(t, 1, 10*time.Minute)
		before := c.engineService(t, "web_app")
		if got := before.Spec.TaskTemplate.ContainerSpec.Image; got != image {
			t.Errorf("%s runs, want %s", got, image)
		}
		settle(time.Minute)
		if after := c.engineService(t, "web_app"); after.Version != before.Version {
			t.Errorf("left alone it was written: version %d → %d", before.Version.Index, after.Version.Index)
		}
	})
}
