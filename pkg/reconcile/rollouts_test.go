package reconcile_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
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

// rolled is a service of three replicas, with more under deploy.
func rolled(image, action, more string) []byte {
	return services(`  app: { image: "` + image + `", deploy: { replicas: 3, update_config: { parallelism: 1, order: start-first, monitor: 2s, failure_action: ` +
		action + ` }` + more + ` } }` + "\n")
}

const nowhere = `, placement: { constraints: ["node.labels.zone==nowhere"] }`

// sampled calls look every 100 ms for as long as the limit, and returns at its first true; false if there was none.
func sampled(limit time.Duration, look func() bool) bool {
	for range limit / (100 * time.Millisecond) {
		if look() {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

// runs counts the tasks of the service that run and are meant to, by image without digest.
func (c *cluster) runs(t *testing.T, name string) map[string]int {
	t.Helper()
	var tasks []api.Task
	if err := c.Ask(http.MethodGet, "/tasks", nil, &tasks); err != nil {
		t.Fatal(err)
	}
	id, out := c.engineService(t, name).ID, map[string]int{}
	for _, k := range tasks {
		if k.ServiceID == id && k.Status.State == api.TaskStateRunning && k.DesiredState == api.TaskStateRunning {
			image, _, _ := strings.Cut(k.Spec.ContainerSpec.Image, "@")
			out[image]++
		}
	}
	return out
}

func TestACorrectedFileEndsARollOutThatIsStuck(t *testing.T) {
	for _, order := range []string{"start-first", "stop-first"} {
		t.Run(order, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				file := func(image, more string) []byte {
					return []byte(strings.ReplaceAll(string(rolled(image, "rollback", more)), "start-first", order))
				}
				c := newCluster(t, sim.Options{}, file("app:1", ""))
				defer c.stop()
				c.await(t, 1, 10*time.Minute)
				c.edits <- file("app:2", nowhere)
				settle(15 * time.Minute)
				if r := c.loop.Last(); len(r.Holds) != 1 || r.Holds[0].Guard != "rollout-stuck" || !strings.Contains(r.Holds[0].Text, "no suitable node (scheduling constraints not satisfied on 2 nodes)") {
					t.Errorf("a quarter of an hour later: %+v", r.Holds)
				}
				c.edits <- file("app:3", "")
				lowest := 3
				if !sampled(20*time.Second, func() bool {
					runs := c.runs(t, "web_app")
					lowest = min(lowest, runs["app:1"]+runs["app:3"])
					return runs["app:3"] == 3
				}) {
					t.Errorf("20 s after the edit: %v", c.runs(t, "web_app"))
				}
				if least := map[string]int{"start-first": 3, "stop-first": 2}[order]; lowest < least {
					t.Errorf("%d of 3 ran meanwhile", lowest)
				}
				c.await(t, 3, time.Minute)
			})
		})
	}
}

// What supersedes a roll-out may fail too: then the engine goes back to what ran before both.
func TestASupersedingEditThatFailsLeavesWhatWasGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{}, rolled("app:1", "rollback", ""))
		defer c.stop()
		c.Swarm.SetImage("bad:1", dockerd.Image{CrashAfter: time.Second})
		c.await(t, 1, 10*time.Minute)
		c.edits <- rolled("app:2", "rollback", nowhere)
		settle(time.Minute)
		c.edits <- rolled("bad:1", "rollback", "")
		settle(2 * time.Minute)
		if runs := c.runs(t, "web_app"); runs["app:1"] != 3 {
			t.Errorf("%v run, want three of app:1", runs)
		}
		r := c.loop.Last()
		if len(r.Holds) != 1 || r.Holds[0].Guard != "rolled-back" {
			t.Errorf("%+v", r.Holds)
		}
	})
}

// The same where a person has scaled the stuck service by hand, and the engine has lost what was good.
func TestWhatWasGoodSurvivesAScaleByHandAndAnotherSwarmd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{}, rolled("app:1", "rollback", ""))
		defer func() { c.stop() }()
		c.await(t, 1, 10*time.Minute)
		c.edits <- rolled("app:2", "rollback", nowhere)
		settle(time.Minute)
		s, four := c.engineService(t, "web_app"), uint64(4)
		s.Spec.Mode.Replicated.Replicas = &four
		if err := c.Ask(http.MethodPost, fmt.Sprintf("/services/%s/update?version=%d", s.ID, s.Version.Index), s.Spec, nil); err != nil {
			t.Fatal(err)
		}
		settle(10 * time.Second)
		if was := c.engineService(t, "web_app").PreviousSpec.TaskTemplate.ContainerSpec.Image; !strings.HasPrefix(was, "app:2") {
			t.Fatalf("the engine remembers %s", was)
		}
		c.stop()
		c = on(t, c.World, c.Cloud.Droplets()[0].Name, rolled("bad:1", "rollback", ""))
		c.Swarm.SetImage("bad:1", dockerd.Image{CrashAfter: time.Second})
		settle(2 * time.Minute)
		if runs := c.runs(t, "web_app"); runs["app:1"] != 3 {
			t.Errorf("%v run, want three of app:1; %+v", runs, c.loop.Last().Holds)
		}
	})
}
