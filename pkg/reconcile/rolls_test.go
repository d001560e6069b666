package reconcile

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestHowARollOutGoesIsMeasuredByOneClock: whatever the clock of the machine, and however long a look took after it had read the tasks.
func TestHowARollOutGoesIsMeasuredByOneClock(t *testing.T) {
	const bake = 15 * time.Second
	start := time.Now()
	for skew, name := range map[time.Duration]string{0: "right", 24 * time.Hour: "the engine is a day ahead", -10 * time.Minute: "the engine is behind"} {
		engine := start.Add(skew)
		service := func(version uint64, image string) swarm.Service {
			base := swarm.NewBase(swarm.Form{"TaskTemplate.ContainerSpec.Image": image}, nil, swarm.Pin{})
			spec := swarm.ServiceSpec{Name: "app", Base: base, Labels: map[string]string{swarm.LabelCluster: "web"}}
			return swarm.Service{ID: "s", Version: version, Updated: engine, Spec: spec}
		}
		task := func(state string, at time.Duration) swarm.Task {
			return swarm.Task{ID: state, ServiceID: "s", State: state, DesiredState: "running", Created: engine.Add(at), Updated: engine.Add(at)}
		}
		saw := func(version uint64, image string, tasks ...swarm.Task) world.World {
			return world.World{Services: []swarm.Service{service(version, image)}, Tasks: tasks}
		}
		looks := []struct {
			after, took time.Duration
			w           world.World
			want        plan.Try
		}{
			{0, 0, saw(1, "app:1", task("running", 0)), plan.Try{}},
			{time.Second, 0, saw(2, "app:2", task("running", 0)), plan.Try{Fresh: true}},
			{6 * time.Second, 0, saw(2, "app:2", task("running", 0)), plan.Try{Fresh: true, Still: 5 * time.Second}},
			{7 * time.Second, 30 * time.Second, saw(2, "app:2", task("running", 0)), plan.Try{Fresh: true, Still: 6 * time.Second}},
			{40 * time.Second, 0, saw(2, "app:2", task("running", 39*time.Second)), plan.Try{Fresh: true}},
			{41 * time.Second, 0, saw(2, "app:2", task("failed", 41*time.Second), task("running", 39*time.Second)), plan.Try{Fresh: true, Failed: 1, Still: time.Second}},
			{50 * time.Second, 0, saw(2, "app:2", task("failed", 50*time.Second), task("running", 39*time.Second)), plan.Try{Fresh: true, Failed: 2, Still: 10 * time.Second}},
			{56 * time.Second, 0, saw(2, "app:2", task("running", 39*time.Second)), plan.Try{Fresh: true, Failed: 2, Still: 16 * time.Second}},
			{66 * time.Second, 0, saw(2, "app:2", task("running", 39*time.Second)), plan.Try{Fresh: true, Still: 26 * time.Second}},
		}
		var r rolls
		for _, l := range looks {
			began := start.Add(l.after)
			r = r.see(l.w, bake, look{began: began, ended: began.Add(l.took), wall: start})
			if got := r.seen()["app"]; got != l.want {
				t.Errorf("%s, after %s: %+v, want %+v", name, l.after, got, l.want)
			}
		}
	}
}
