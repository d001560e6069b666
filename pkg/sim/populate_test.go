package sim_test

import (
	"testing"
	"testing/synctest"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/internal/cost"
	"github.com/swarmd/swarmd/pkg/sim"
)

// TestALargeWorldIsPopulatedInTime: its services cost no more than its machines do, each of whose joins is followed by a look at every node. When the
// whole world was looked at after each service they cost fourteen times as much.
func TestALargeWorldIsPopulatedInTime(t *testing.T) {
	least := func(services int) time.Duration {
		took := func() time.Duration { return cost.Of(func() { populate(t, 500, services) }).Time }
		return min(took(), took(), took())
	}
	if empty, full := least(0), least(500); full > 4*empty {
		t.Errorf("500 machines take %s of processor time, with 500 services %s", empty, full)
	}
}

// TestAPopulatedWorldRunsItsServices: what is made together comes up as what is made one by one.
func TestAPopulatedWorldRunsItsServices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sim.New(sim.Options{Seed: 1})
		if err := w.Populate(sim.Seeded{Managers: 3, Workers: 4, Services: 20}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		var tasks []api.Task
		if err := w.Ask("GET", "/tasks", nil, &tasks); err != nil {
			t.Fatal(err)
		}
		on, running := map[string]int{}, 0
		for _, k := range tasks {
			if k.Status.State == api.TaskStateRunning {
				on[k.NodeID]++
				running++
			}
		}
		if len(tasks) != 40 || running != 40 || len(on) != 7 {
			t.Errorf("%d of %d tasks run on %d nodes, want 40 of 40 on 7", running, len(tasks), len(on))
		}
	})
}

// TestMoreMachinesThanTheAccountMayAskFor in a minute: what a world begins with counts for nobody's limit.
func TestMoreMachinesThanTheAccountMayAskFor(t *testing.T) {
	populate(t, 300, 0)
}

// BenchmarkPopulate makes a world of a thousand workers and as many services, as `swarmd sim --workers 1000 --services 1000` does.
func BenchmarkPopulate(b *testing.B) {
	for b.Loop() {
		populate(b, 1000, 1000)
	}
}

func populate(tb testing.TB, workers, services int) {
	tb.Helper()
	o := sim.Options{Seed: 1}
	o.Cloud.DropletLimit = workers + 1
	w := sim.New(o)
	if err := w.Populate(sim.Seeded{Managers: 1, Workers: workers, Services: services}); err != nil {
		tb.Fatal(err)
	}
}
