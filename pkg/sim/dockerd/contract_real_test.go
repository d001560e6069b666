package dockerd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// TestTheDeviationsAreARealEngines holds the allow-list to a real manager: each entry is something that it does too. Entries that it
// has and the list has not are logged: the simulation need not have them all. All engines are asked as API 1.41,
// whose description the list was recorded against.
func TestTheDeviationsAreARealEngines(t *testing.T) {
	host := os.Getenv("SWARMD_TEST_DOCKER_HOST")
	if os.Getenv("SWARMD_LAB") != "1" || host == "" {
		t.Skip("needs a real engine that is a manager: SWARMD_LAB=1 and SWARMD_TEST_DOCKER_HOST")
	}
	found := recordReal(t, host)
	for _, v := range found {
		if !slices.Contains(deviations(), v) {
			t.Logf("only the real engine: %s", v)
		}
	}
	for _, d := range deviations() {
		if !slices.Contains(found, d) {
			t.Errorf("not seen on the real engine: %s", d)
		}
	}
}

// recordReal makes the calls of the simulation's own contract test on a real engine and returns where it departs from its description.
func recordReal(t *testing.T, host string) []string {
	t.Helper()
	var found []string
	scheme, addr, _ := strings.Cut(host, "://")
	base := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, scheme, addr)
	}}
	record := roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(r)
		if err != nil || strings.HasSuffix(r.URL.Path, "/_ping") {
			return resp, err
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		c, err := description(r.URL.Path)
		if err != nil {
			return nil, err
		}
		for _, v := range c.violations(r.Method, r.URL.Path, resp.StatusCode, body) {
			if !slices.Contains(found, v) {
				found = append(found, v)
			}
		}
		resp.Body = io.NopCloser(strings.NewReader(string(body)))
		return resp, err
	})
	docker, err := client.NewClientWithOpts(client.WithHost("tcp://engine"), client.WithHTTPClient(&http.Client{Transport: record}),
		client.WithVersion("1.41"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := docker.SwarmInspect(t.Context()); err != nil {
		t.Fatal(err)
	}
	tour(t.Context(), docker)
	slices.Sort(found)
	return found
}

// tour makes every kind of call once, good and bad; what the calls return is of no interest here.
func tour(ctx context.Context, docker *client.Client) {
	none := uint64(0)
	spec := web("contract-web", 0, func(s *api.ServiceSpec) {
		s.TaskTemplate.Networks = []api.NetworkAttachmentConfig{{Target: "contract-net", Aliases: []string{"w"}}}
		s.EndpointSpec = &api.EndpointSpec{Ports: []api.PortConfig{{TargetPort: 80, PublishedPort: 18999}}}
		s.UpdateConfig = &api.UpdateConfig{Parallelism: 2}
		s.TaskTemplate.Placement = &api.Placement{Constraints: []string{"node.role==manager"}}
	})
	spec.Mode.Replicated.Replicas = &none
	tourObjects(ctx, docker, spec)
	_, _ = docker.Info(ctx)
	_, _ = docker.ServerVersion(ctx)
	nodes, _ := docker.NodeList(ctx, api.NodeListOptions{})
	for _, n := range nodes {
		_, _, _ = docker.NodeInspectWithRaw(ctx, n.ID)
		_ = docker.NodeUpdate(ctx, n.ID, n.Version, n.Spec)
		_ = docker.NodeUpdate(ctx, n.ID, api.Version{Index: 1}, n.Spec)
		_ = docker.NodeRemove(ctx, n.ID, api.NodeRemoveOptions{})
	}
	_, _, _ = docker.NodeInspectWithRaw(ctx, "nothere")
	_ = docker.NodeRemove(ctx, "nothere", api.NodeRemoveOptions{})
	swarm, _ := docker.SwarmInspect(ctx)
	_ = docker.SwarmUpdate(ctx, swarm.Version, swarm.Spec, api.UpdateFlags{})
	_ = docker.SwarmUpdate(ctx, api.Version{Index: 1}, swarm.Spec, api.UpdateFlags{})
	_, _ = docker.SwarmInit(ctx, api.InitRequest{ListenAddr: "0.0.0.0:2377"})
	_ = docker.SwarmJoin(ctx, api.JoinRequest{ListenAddr: "0.0.0.0:2377", RemoteAddrs: []string{"10.0.0.1"}, JoinToken: "x"})
	_ = docker.SwarmLeave(ctx, false)
	_, _ = docker.SwarmGetUnlockKey(ctx)
	_ = docker.SwarmUnlock(ctx, api.UnlockRequest{UnlockKey: "x"})
}

func tourObjects(ctx context.Context, docker *client.Client, spec api.ServiceSpec) {
	for _, name := range []string{"contract-net", "bridge"} {
		_, _ = docker.NetworkCreate(ctx, name, overlay())
	}
	for range 2 {
		_, _ = docker.ServiceCreate(ctx, spec, api.ServiceCreateOptions{})
		_, _ = docker.ConfigCreate(ctx, api.ConfigSpec{Annotations: api.Annotations{Name: "contract"}, Data: []byte("x")})
		_, _ = docker.SecretCreate(ctx, api.SecretSpec{Annotations: api.Annotations{Name: "contract"}, Data: []byte("x")})
	}
	_, _ = docker.NetworkList(ctx, networkList())
	_, _ = docker.NetworkInspect(ctx, "contract-net", networkInspect())
	_, _ = docker.NetworkInspect(ctx, "nothere", networkInspect())
	_ = docker.NetworkRemove(ctx, "contract-net")
	s, _, _ := docker.ServiceInspectWithRaw(ctx, "contract-web", api.ServiceInspectOptions{InsertDefaults: true})
	_, _ = docker.ServiceUpdate(ctx, s.ID, s.Version, spec, api.ServiceUpdateOptions{})
	_, _ = docker.ServiceUpdate(ctx, s.ID, api.Version{Index: 1}, spec, api.ServiceUpdateOptions{})
	_, _ = docker.ServiceList(ctx, api.ServiceListOptions{Status: true})
	_, _, _ = docker.ServiceInspectWithRaw(ctx, "nothere", api.ServiceInspectOptions{})
	tasks, _ := docker.TaskList(ctx, api.TaskListOptions{})
	for i := range min(len(tasks), 3) {
		_, _, _ = docker.TaskInspectWithRaw(ctx, tasks[i].ID)
	}
	_, _, _ = docker.TaskInspectWithRaw(ctx, "nothere")
	tourEntries(ctx, docker)
	_ = docker.ServiceRemove(ctx, "contract-web")
	_ = docker.ServiceRemove(ctx, "contract-web")
	_ = docker.NetworkRemove(ctx, "contract-net")
	_ = docker.NetworkRemove(ctx, "host")
	_, _ = docker.DistributionInspect(ctx, "app:1", "")
	_, _ = docker.DistributionInspect(ctx, "gone:1", "")
}

func tourEntries(ctx context.Context, docker *client.Client) {
	c, _, _ := docker.ConfigInspectWithRaw(ctx, "contract")
	_ = docker.ConfigUpdate(ctx, c.ID, c.Version, c.Spec)
	_ = docker.ConfigUpdate(ctx, c.ID, api.Version{Index: 1}, c.Spec)
	_, _ = docker.ConfigList(ctx, api.ConfigListOptions{})
	_, _, _ = docker.ConfigInspectWithRaw(ctx, "nothere")
	s, _, _ := docker.SecretInspectWithRaw(ctx, "contract")
	_ = docker.SecretUpdate(ctx, s.ID, s.Version, s.Spec)
	_, _ = docker.SecretList(ctx, api.SecretListOptions{})
	_, _, _ = docker.SecretInspectWithRaw(ctx, "nothere")
	for range 2 {
		_ = docker.ConfigRemove(ctx, "contract")
		_ = docker.SecretRemove(ctx, "contract")
	}
}

// TestEveryRouteKeepsTheContract makes the tour on the simulation of each release, on a manager, a worker and an engine in no swarm.
func TestEveryRouteKeepsTheContract(t *testing.T) {
	for _, r := range dockerd.Releases() {
		t.Run(string(r), func(t *testing.T) {
			bubbleOf(t, r, 1, 1, func(l *lab) {
				l.create(web("app", 3))
				l.pass(3e9)
				tour(l.ctx, l.docker)
				tour(l.ctx, dial(l, l.engines[1]))
				tour(l.ctx, dial(l, l.world.AddEngine(outsider())))
			})
			api, _ := r.API()
			wasHeld(t, api)
		})
	}
}

// wasHeld fails unless answers of many kinds were held to the description of the version.
func wasHeld(t *testing.T, api string) {
	t.Helper()
	c, err := description("/v" + api + "/")
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, want := range []string{
		"GET /nodes 200", "GET /nodes 503", "POST /nodes/{id}/update 200", "POST /nodes/{id}/update 500", "GET /services/{id} 404",
		"POST /services/create 201", "POST /services/create 400", "GET /tasks 200", "GET /info 200", "GET /swarm 503", "GET /networks 200",
		"POST /configs/create 409", "DELETE /configs/{id} 204", "GET /distribution/{name}/json 200",
	} {
		if !c.seen[want] {
			t.Errorf("no answer was held to %s; there were %d kinds", want, len(c.seen))
		}
	}
	if testing.Verbose() {
		t.Log(fmt.Sprint(len(c.seen), " kinds of answers were validated"))
	}
}
