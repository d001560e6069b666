package sim_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/digitalocean/godo"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloudClient is a real godo client whose calls go into the world.
func cloudClient(w *sim.World, rt http.RoundTripper) *godo.Client {
	return godo.NewClient(&http.Client{Transport: bearer{rt, w.Token()}})
}

type bearer struct {
	http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.RoundTripper.RoundTrip(r)
}

// dockerClient is a real Docker client of the engine at the host, "" for that behind the unix socket of the machine it runs on. Its
// version is fixed, so that it asks nothing at first.
func dockerClient(t *testing.T, rt http.RoundTripper, host string) *client.Client {
	t.Helper()
	url := "tcp://" + host + ":2375"
	if host == "" {
		url = "unix:///var/run/docker.sock"
	}
	c, err := client.NewClientWithOpts(client.WithHost(url), client.WithHTTPClient(&http.Client{Transport: rt}), client.WithVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func create(t *testing.T, g *godo.Client, name, userData string) *godo.Droplet {
	t.Helper()
	d, _, err := g.Droplets.Create(t.Context(), &godo.DropletCreateRequest{
		Name: name, Region: "fra1", Size: "s-1vcpu-2gb", Image: godo.DropletCreateImage{Slug: "docker-20-04"},
		Tags: []string{"swarmd:c"}, UserData: userData,
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func renderUserData(t *testing.T, join *userdata.Join) string {
	t.Helper()
	text, err := userdata.Render(userdata.Params{Cluster: "c", Pool: "p", PrivateCIDR: "10.114.32.0/20", Join: join})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// cluster is a world with one manager in a swarm of its own.
type cluster struct {
	*sim.World
	godo    *godo.Client
	docker  *client.Client
	manager *godo.Droplet
	token   string // the workers'
	addr    string // the manager's private address
}

func newCluster(t *testing.T, o sim.Options) *cluster {
	t.Helper()
	w := sim.New(o)
	c := &cluster{World: w, godo: cloudClient(w, w.Transport())}
	c.manager = create(t, c.godo, "m1", renderUserData(t, nil))
	time.Sleep(time.Minute)
	d, _, err := c.godo.Droplets.Get(t.Context(), c.manager.ID)
	if err != nil {
		t.Fatal(err)
	}
	c.addr, _ = d.PrivateIPv4()
	c.docker = dockerClient(t, w.Transport(), c.addr)
	if _, err := c.docker.SwarmInit(t.Context(), api.InitRequest{ListenAddr: c.addr + ":2377", AdvertiseAddr: c.addr}); err != nil {
		t.Fatal(err)
	}
	swarm, err := c.docker.SwarmInspect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.token = swarm.JoinTokens.Worker
	return c
}

// nodes are told as "name state availability droplet", by name.
func (c *cluster) nodes(t *testing.T) []string {
	t.Helper()
	all, err := c.docker.NodeList(t.Context(), api.NodeListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, n := range all {
		told = append(told, fmt.Sprint(n.Description.Hostname, " ", n.Status.State, " ", n.Spec.Availability, " ",
			n.Description.Engine.Labels[sim.DropletLabel]))
	}
	return told
}

func (c *cluster) expectNodes(t *testing.T, when string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, c.nodes(t)); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", when, diff)
	}
}

func TestDropletBootsAndJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		// The first manager in the list is no more; the second is asked 20 s later.
		worker := create(t, c.godo, "w1", renderUserData(t, &userdata.Join{Token: c.token, Managers: []string{"10.114.40.40", c.addr}}))
		m1 := fmt.Sprint("m1 ready active ", c.manager.ID)
		time.Sleep(19 * time.Second)
		c.expectNodes(t, "still booting", m1)
		time.Sleep(26 * time.Second)
		c.expectNodes(t, "joined, drained", m1, fmt.Sprint("w1 ready drain ", worker.ID))
		if _, _, err := c.godo.DropletActions.PowerOff(t.Context(), worker.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		c.expectNodes(t, "powered off", m1, fmt.Sprint("w1 down drain ", worker.ID))
		if _, _, err := c.godo.DropletActions.PowerOn(t.Context(), worker.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		c.expectNodes(t, "back by itself", m1, fmt.Sprint("w1 ready drain ", worker.ID))
		if _, err := c.godo.Droplets.Delete(t.Context(), worker.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		c.expectNodes(t, "deleted", m1, fmt.Sprint("w1 down drain ", worker.ID))
		if got := len(c.Swarm.Engines()); got != 1 {
			t.Fatalf("%d machines are left", got)
		}
	})
}

func TestPowerCutDuringBoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{BootTime: 20 * time.Second})
		create(t, cloudClient(w, w.Transport()), "one", "")
		time.Sleep(15 * time.Second)
		must(t, w.KillMachine("one"))
		time.Sleep(10 * time.Second)
		if w.Engine("one") != nil {
			t.Fatal("it booted without power")
		}
		must(t, w.ReviveMachine("one"))
		time.Sleep(19 * time.Second)
		must(t, w.ReviveMachine("one"))
		if w.Engine("one") != nil {
			t.Fatal("it is up too early")
		}
		time.Sleep(time.Second)
		if e := w.Engine("one"); e == nil || !e.Up() {
			t.Fatal("it is not up in time")
		}
	})
}

func TestStrangersDropletHasNoLabelAndDoesNotJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		create(t, c.godo, "stranger", "#!/bin/sh\necho hello\n")
		time.Sleep(time.Hour)
		if got := c.nodes(t); len(got) != 1 {
			t.Fatalf("nodes %v", got)
		}
		info, err := dockerClient(t, c.Transport(), "stranger").Info(t.Context())
		if err != nil || len(info.Labels) != 0 || info.Swarm.LocalNodeState != api.LocalNodeStateInactive {
			t.Fatalf("labels %v, swarm %v, %v", info.Labels, info.Swarm.LocalNodeState, err)
		}
	})
}

func TestJoinGivesUpAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		create(t, c.godo, "w1", renderUserData(t, &userdata.Join{Token: c.token, Managers: []string{"10.114.40.40"}}))
		time.Sleep(time.Hour)
		if got := c.nodes(t); len(got) != 1 {
			t.Fatalf("nodes %v", got)
		}
		if at, ok := c.NextEvent(); ok && time.Until(at) < time.Hour {
			t.Fatalf("something still falls due at %v", at)
		}
	})
}

// TestLateLookSeesThePastInOrder looks at the world an hour late: the node must have come when it came, not when it was seen.
func TestLateLookSeesThePastInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		begin := time.Now()
		create(t, c.godo, "w1", renderUserData(t, &userdata.Join{Token: c.token, Managers: []string{c.addr}}))
		time.Sleep(time.Hour)
		all, err := c.docker.NodeList(t.Context(), api.NodeListOptions{})
		if err != nil || len(all) != 2 {
			t.Fatalf("%d nodes, %v", len(all), err)
		}
		for _, n := range all {
			if n.Description.Hostname == "w1" && n.CreatedAt.Sub(begin) > 2*time.Minute {
				t.Fatalf("created %v after its droplet", n.CreatedAt.Sub(begin))
			}
		}
	})
}

func TestSameSeedSameTrace(t *testing.T) {
	run := func() (trace []sim.Traced) {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, sim.Options{Seed: 7})
			create(t, c.godo, "w1", renderUserData(t, &userdata.Join{Token: c.token, Managers: []string{c.addr}}))
			time.Sleep(time.Minute)
			c.nodes(t)
			trace = c.Trace()
		})
		return trace
	}
	one, two := run(), run()
	if diff := cmp.Diff(one, two); diff != "" || len(one) < 6 {
		t.Fatalf("%d calls, differing:\n%s", len(one), diff)
	}
}

func TestPopulate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 3})
		if err := w.Populate(sim.Seeded{Managers: 3, Workers: 2, Services: 2}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		docker := dockerClient(t, w.Transport(), "sim-managers-aaaaa")
		nodes, err := docker.NodeList(t.Context(), api.NodeListOptions{})
		if err != nil || len(nodes) != 5 {
			t.Fatalf("%d nodes, %v", len(nodes), err)
		}
		reachable := 0
		for _, n := range nodes {
			if n.ManagerStatus != nil && n.ManagerStatus.Reachability == api.ReachabilityReachable && n.Status.State == api.NodeStateReady {
				reachable++
			}
		}
		tasks, err := docker.TaskList(t.Context(), api.TaskListOptions{})
		running := 0
		for _, task := range tasks {
			if task.Status.State == api.TaskStateRunning {
				running++
			}
		}
		if err != nil || reachable != 3 || running != 4 || len(w.Cloud.Droplets()) != 5 {
			t.Fatalf("%d managers, %d tasks, %d droplets, %v", reachable, running, len(w.Cloud.Droplets()), err)
		}
	})
}

func TestHoursPassInMilliseconds(t *testing.T) {
	began := time.Now()
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1})
		for range 24 {
			time.Sleep(time.Hour)
			c.nodes(t)
			if _, _, err := c.godo.Droplets.ListByTag(t.Context(), "swarmd:c", nil); err != nil {
				t.Fatal(err)
			}
		}
	})
	if took := time.Since(began); took > 5*time.Second {
		t.Fatalf("a day took %v", took)
	}
}

func TestUnversionedTakesTheVersionAway(t *testing.T) {
	for path, want := range map[string]string{"/v1.41/nodes": "/nodes", "/v1.41/nodes/x": "/nodes/x", "/nodes": "/nodes", "/v2/droplets": "/v2/droplets",
		"/v1./nodes": "/v1./nodes", "/v1.4x/nodes": "/v1.4x/nodes", "/v1.41": "/v1.41"} {
		if got := sim.Unversioned(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
