package sim_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim"
)

func populated(t *testing.T) *cluster {
	t.Helper()
	w := sim.New(sim.Options{Seed: 5})
	must(t, w.Populate(sim.Seeded{Cluster: "c", Managers: 1, Workers: 2, Services: 1}))
	time.Sleep(time.Minute)
	return &cluster{World: w, godo: cloudClient(w, w.Transport()), docker: dockerClient(t, w.Transport(), "c-managers-aaaaa")}
}

// running are the ids of the running tasks of service-001.
func (c *cluster) running(t *testing.T) []string {
	t.Helper()
	all, err := c.docker.TaskList(t.Context(), api.TaskListOptions{Filters: filters.NewArgs(filters.Arg("service", "service-001"))})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, task := range all {
		if task.Status.State == api.TaskStateRunning {
			ids = append(ids, task.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

func TestKilledTaskComesBackAsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := populated(t)
		before := c.running(t)
		must(t, c.KillTask("service-001", 1))
		if got := c.running(t); len(got) != len(before)-1 {
			t.Fatalf("%d run after one of %d was killed", len(got), len(before))
		}
		time.Sleep(time.Minute)
		if got := c.running(t); len(got) != len(before) || slices.Equal(got, before) {
			t.Fatalf("running %v, before %v", got, before)
		}
		if c.KillTask("nothing", 0) == nil {
			t.Fatal("killed a task that isn't")
		}
	})
}

func TestScaleByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := populated(t)
		must(t, c.Scale("service-001", 5))
		time.Sleep(time.Minute)
		if got := len(c.running(t)); got != 5 {
			t.Fatalf("%d run", got)
		}
		if c.Scale("nothing", 1) == nil {
			t.Fatal("scaled a service that isn't")
		}
	})
}

func TestForgedLabelIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := populated(t)
		must(t, c.Forge("c-workers-aaaab", map[string]string{sim.DropletLabel: "1"}))
		time.Sleep(time.Minute)
		if got := c.nodes(t); !slices.Contains(got, "c-workers-aaaab ready active 1") {
			t.Fatalf("nodes %v", got)
		}
	})
}

func TestDeafGuestAndFailedPlacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := populated(t)
		must(t, c.IgnoreShutdown("c-workers-aaaab", true))
		id := c.Cloud.Droplets()[1].ID
		if _, _, err := c.godo.DropletActions.Shutdown(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		d, _, err := c.godo.Droplets.Get(t.Context(), id)
		if err != nil || d.Status != "active" {
			t.Fatalf("the guest obeyed: %v %v", d, err)
		}
		c.FailPlacements(1)
		lost := create(t, c.godo, "lost", "")
		time.Sleep(time.Minute)
		if _, _, err := c.godo.Droplets.Get(t.Context(), lost.ID); status(err) != 404 {
			t.Fatalf("a droplet without a place: %v", err)
		}
	})
}

func TestUnknownMachine(t *testing.T) {
	w := sim.New(sim.Options{})
	for name, err := range map[string]error{
		"kill": w.KillMachine("x"), "crash": w.CrashEngine("x"), "shutdown": w.Shutdown(1), "ask": w.Scale("x", 1),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if w.Destroy(1) != nil || w.Engine("x") != nil || w.Manager() != nil {
		t.Error("a world without machines")
	}
}
