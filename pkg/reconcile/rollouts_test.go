package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim"
	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// services is a file of the cluster "web" with one manager, one worker and these services, YAML.
func services(text string) []byte {
	return append(webFile(1, 1, 0, 0), text...)
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
				settle(9 * time.Minute)
				if r := c.loop.Last().Services[0].RollOut; r.State != plan.RollOutNoNode || !strings.Contains(r.Error, "no suitable node (scheduling constraints not satisfied on 2 nodes)") {
					t.Errorf("nine minutes later: %+v", r)
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

// looks are the reports of so many seconds, one a second.
func (c *cluster) looks(n int, each func(report.Report)) {
	for range n {
		time.Sleep(time.Second)
		each(c.loop.Last())
	}
}

func TestAGlobalServiceThatDiesIsNeverConverged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{}, services(`  agent: { image: "agent:1", deploy: { mode: global, restart_policy: { delay: 10s } } }`+"\n"))
		defer c.stop()
		c.Swarm.SetImage("agent:1", dockerd.Image{CrashAfter: time.Second})
		settle(5 * time.Minute)
		said := false
		c.looks(300, func(r report.Report) {
			if len(r.Services) != 1 || r.Services[0].Desired != 2 || r.Converged {
				t.Errorf("converged %t: %+v", r.Converged, r.Services)
			}
			said = said || len(r.Holds) == 1 && r.Holds[0].Guard == "tasks-missing" && strings.Contains(r.Holds[0].Text, "task: non-zero exit (1)")
		})
		if !said {
			t.Errorf("nothing says why: %+v", c.loop.Last().Holds)
		}
	})
}

func TestWhyTasksDoNotRunIsSaid(t *testing.T) {
	for service, want := range map[string]string{
		`{ image: "app:1", deploy: { replicas: 2, placement: { constraints: ["node.platform.os==windows"] } } }`: "no suitable node (scheduling constraints not satisfied on 2 nodes)",
		`{ image: "nope:1", x-swarmd: { resolve: best-effort }, deploy: { replicas: 2 } }`:                       "No such image: nope:1",
		`{ image: "dies:1", deploy: { replicas: 2 } }`:                                                           "task: non-zero exit (1)",
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, sim.Options{}, services("  app: "+service+"\n"))
			defer c.stop()
			c.Swarm.SetImage("nope:1", dockerd.Image{Missing: true})
			c.Swarm.SetImage("dies:1", dockerd.Image{CrashAfter: time.Second})
			settle(3 * time.Minute)
			held := 0
			c.looks(60, func(r report.Report) {
				if r.Result == report.Held && len(r.Holds) > 0 && strings.Contains(r.Holds[0].Text, want) && r.Services[0].Error == strings.TrimPrefix(r.Holds[0].Text, "tasks are missing: ") {
					held++
				}
			})
			if held < 20 {
				t.Errorf("%s: %d of 60 looks said %q: %+v", service, held, want, c.loop.Last())
			}
		})
	}
}

// posted counts the calls of that path since the trace began.
func (c *cluster) posted(path string) (n int) {
	for _, t := range c.Trace() {
		if t.Method == http.MethodPost && t.Path == path {
			n++
		}
	}
	return n
}

// What is refused again and again in the same way is no lost race: it is left alone ever longer, told, and goes when the way is free.
func TestTheSameRefusalTwiceIsNoRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Fault: func(call sim.Call) sim.Verdict {
			if call.Path == "/services/create" {
				return sim.Refuse(http.StatusInternalServerError, "network front not found")
			}
			return sim.Pass()
		}}, services(`  app: { image: "app:1" }`+"\n"))
		defer c.stop()
		settle(10 * time.Minute)
		if n := c.posted("/services/create"); n < 4 || n > 12 {
			t.Errorf("%d creates in ten minutes", n)
		}
		r := c.loop.Last()
		if r.Result != report.Held || len(r.Holds) != 1 || r.Holds[0].Object != "service/web_app" || !strings.Contains(r.Holds[0].Text, "front not found; what it names has to be there") {
			t.Errorf("%s: %+v", r.Result, r.Holds)
		}
		c.SetFault(func(sim.Call) sim.Verdict { return sim.Pass() })
		if !sampled(10*time.Minute, func() bool { return c.loop.Last().Converged }) {
			t.Errorf("when it is taken: %+v", c.loop.Last())
		}
	})
}

// A service waits for a network that somebody else makes, unsent, and apply ends with its name.
func TestAServiceWaitsForTheNetworkThatAPersonMakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{}, services(`  app: { image: "app:1", networks: [public] }
networks: { public: { external: true, name: traefik-public } }
`))
		defer c.stop()
		c.lost(t, 1, time.Minute, "service/web_app", "its network traefik-public is not in the swarm")
		if n := c.posted("/services/create"); n > 0 {
			t.Errorf("%d creates", n)
		}
		if err := c.Ask(http.MethodPost, "/networks/create", map[string]any{"Name": "traefik-public", "Driver": "overlay"}, nil); err != nil {
			t.Fatal(err)
		}
		if !sampled(3*time.Minute, func() bool { return c.loop.Last().Converged }) {
			t.Errorf("with the network: %+v", c.loop.Last())
		}
	})
}

// lost follows a revision until it is said that only a person can go on.
func (c *cluster) lost(t *testing.T, revision int, limit time.Duration, object, why string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var lost *reconcile.LostError
	if _, err := c.loop.Await(ctx, revision, nil); !errors.As(err, &lost) || lost.Hold.Object != object || !strings.Contains(lost.Hold.Text, why) {
		t.Errorf("%v\n%+v", err, c.loop.Last())
	}
}

func TestFollowingEndsWhenAllIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{}, rolled("app:1", "rollback", ""))
		defer c.stop()
		c.Swarm.SetImage("bad:1", dockerd.Image{CrashAfter: time.Second})
		c.Swarm.SetImage("nope:1", dockerd.Image{Missing: true})
		c.await(t, 1, 10*time.Minute)
		c.edits <- rolled("bad:1", "rollback", "")
		settle(time.Second)
		c.lost(t, 2, time.Minute, "service/web_app", "task: non-zero exit (1)")
		c.edits <- services(`  app: { image: "nope:1", x-swarmd: { resolve: best-effort } }` + "\n")
		settle(time.Second)
		c.lost(t, 3, 2*time.Minute, "service/web_app", "No such image: nope:1")
		c.edits <- []byte(strings.ReplaceAll(string(webFile(1, 2, 0, 0)), "count: 2, size: s-1vcpu-1gb", "count: 2, size: s-9vcpu-9gb") + `  app: { image: "app:1" }` + "\n")
		settle(time.Second)
		c.lost(t, 4, 2*time.Minute, "pool/workers", "size")
	})
}

// scaledTo is a file of rolled with another number of replicas.
func scaledTo(replicas string, file []byte) []byte {
	return []byte(strings.ReplaceAll(string(file), "replicas: 3", "replicas: "+replicas))
}

// An edit of the replicas alone is no other roll-out: what failed is not pushed again, and what runs gets as many tasks as the file says.
func TestAScaleOfWhatFailedPushesNothingButTheScale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{}, rolled("app:1", "rollback", ""))
		defer c.stop()
		c.Swarm.SetImage("bad:1", dockerd.Image{CrashAfter: time.Second})
		c.await(t, 1, 10*time.Minute)
		c.edits <- rolled("bad:1", "rollback", "")
		settle(2 * time.Minute)
		for _, replicas := range []string{"5", "2", "3"} {
			c.edits <- scaledTo(replicas, rolled("bad:1", "rollback", ""))
			if sampled(2*time.Minute, func() bool {
				return c.runs(t, "web_app")["bad:1"] > 0 || strings.HasPrefix(c.engineService(t, "web_app").Spec.TaskTemplate.ContainerSpec.Image, "bad:1")
			}) {
				t.Errorf("%s replicas: what failed is pushed again", replicas)
			}
			if runs := c.runs(t, "web_app"); fmt.Sprint(runs) != "map[app:1:"+replicas+"]" {
				t.Errorf("%s replicas: %v run", replicas, runs)
			}
			if r := c.loop.Last(); len(r.Holds) != 1 || r.Holds[0].Guard != "rolled-back" {
				t.Errorf("%s replicas: %+v", replicas, r.Holds)
			}
		}
		c.edits <- rolled("app:2", "rollback", "")
		settle(time.Minute)
		if runs := c.runs(t, "web_app"); runs["app:2"] != 3 {
			t.Errorf("after a corrected file %v run", runs)
		}
	})
}
