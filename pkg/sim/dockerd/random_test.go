package dockerd_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

// TestWhateverHappensTheSwarmHeals throws random faults and edits at a swarm. At every moment no fixed host port has two containers
// on a node and no slot many more tasks than history allows; when the faults are over, every service has its tasks and every machine
// is ready.
func TestWhateverHappensTheSwarmHeals(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			bubble(t, 3, 3, func(l *lab) {
				rng := rand.New(rand.NewPCG(seed, 1))
				l.create(web("port", 4, hostPort(80)))
				l.create(web("plain", 7))
				l.create(web("first", 3, rolling(api.UpdateConfig{Parallelism: 1, Order: "start-first", FailureAction: "rollback"})))
				for range 40 {
					l.disturb(rng)
					l.pass(time.Duration(rng.IntN(20)) * time.Second)
					l.wantSane()
					l.wantFresh()
				}
				l.heal()
			})
		})
	}
}

func (l *lab) disturb(rng *rand.Rand) {
	i := rng.IntN(len(l.engines))
	e, name := l.engines[i], []string{"port", "plain", "first"}[rng.IntN(3)]
	switch rng.IntN(9) {
	case 0:
		e.Stop()
	case 1, 2:
		e.Start()
	case 3:
		e.Partition(rng.IntN(2) == 0)
	case 4:
		l.world.KillTask(name, 0)
	case 5:
		e.MoveLeader()
	case 6, 7:
		l.tryUpdate(name, image(fmt.Sprintf("%s:%d", name, rng.IntN(3))))
	case 8:
		if n, _, err := l.docker.NodeInspectWithRaw(l.ctx, e.Name()); err == nil {
			n.Spec.Availability = []api.NodeAvailability{"active", "drain", "pause"}[rng.IntN(3)]
			_ = l.docker.NodeUpdate(l.ctx, n.ID, n.Version, n.Spec) // refused while there is no leader
		}
	}
}

// tryUpdate edits a service if the swarm can take it now.
func (l *lab) tryUpdate(name string, edit func(*api.ServiceSpec)) {
	s, _, err := l.docker.ServiceInspectWithRaw(l.ctx, name, api.ServiceInspectOptions{})
	if err != nil {
		return
	}
	edit(&s.Spec)
	_, _ = l.docker.ServiceUpdate(l.ctx, s.ID, s.Version, s.Spec, api.ServiceUpdateOptions{}) // refused while there is no leader
}

func (l *lab) wantSane() {
	l.Helper()
	ports, slots := map[string][]string{}, map[string]int{}
	for _, k := range l.truth().Tasks {
		for _, p := range k.Status.PortStatus.Ports {
			at := fmt.Sprint(k.NodeID, " ", p.PublishedPort)
			ports[at] = append(ports[at], k.ID)
		}
		slots[fmt.Sprint(k.ServiceID, " ", k.Slot)]++
	}
	for where, who := range ports {
		if who = slices.Compact(slices.Sorted(slices.Values(who))); len(who) > 1 {
			l.Fatalf("%d containers have port %s", len(who), where)
		}
	}
	for slot, n := range slots {
		if n > 10 {
			l.Fatalf("slot %s has %d tasks", slot, n)
		}
	}
}

// wantFresh holds that what an engine answers is what the store has, whether it was written out before or not.
func (l *lab) wantFresh() {
	l.Helper()
	for _, e := range l.engines {
		for _, path := range []string{"/tasks", "/nodes", "/services?status=1", "/services", "/networks", "/configs", "/swarm"} {
			l.asked++
			sep := "?"
			if strings.Contains(path, sep) {
				sep = "&"
			}
			kept, fresh := l.raw(e, path), l.raw(e, path+sep+"asked="+strconv.Itoa(l.asked))
			if kept != fresh {
				l.Fatalf("%s of %s: %s\nit was written out before as %s", path, e.Name(), fresh, kept)
			}
		}
	}
}

// raw is an answer's body.
func (l *lab) raw(e *dockerd.Engine, path string) string {
	if !e.Up() {
		return ""
	}
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Body.String()
}

func (l *lab) heal() {
	l.Helper()
	for _, e := range l.engines {
		e.Partition(false)
		e.Start()
	}
	l.pass(time.Minute)
	for i := range l.engines {
		l.must(l.setNode(i, availability(api.NodeAvailabilityActive)))
	}
	l.pass(10 * time.Minute)
	for i := range l.engines {
		l.wantState(i, api.NodeStateReady)
	}
	for name, want := range map[string]int{"port": 4, "plain": 7, "first": 3} {
		l.wantRunning(name, want)
		if s := l.service(name).UpdateStatus; s != nil && s.State == api.UpdateStateUpdating {
			l.Fatalf("%s is still rolling out\n%s", name, l.show(name))
		}
	}
}

func TestAYearPassesInNoTime(t *testing.T) {
	bubble(t, 3, 2, func(l *lab) {
		l.world.SetImage("crash:1", dockerd.Image{CrashAfter: 12 * time.Hour})
		l.create(web("crash", 2, image("crash:1")))
		l.pass(365 * 24 * time.Hour)
		if got := len(l.tasks("crash", "")); got > 10 {
			l.Fatalf("%d tasks are left of a year", got)
		}
		l.wantState(4, api.NodeStateReady)
	})
}

// BenchmarkReads measures a converged pass's reads of five nodes and 200 services.
func BenchmarkReads(b *testing.B) {
	now := time.Now()
	w := dockerd.New(dockerd.Options{Seed: 1, Now: func() time.Time { return now }})
	e := w.AddEngine(dockerd.EngineConfig{Name: "a", Addr: "10.0.0.1", NCPU: 64, MemoryBytes: 1 << 40})
	c := clientOf(b, pipe{e})
	if _, err := c.SwarmInit(b.Context(), api.InitRequest{ListenAddr: "0.0.0.0:2377"}); err != nil {
		b.Fatal(err)
	}
	for i := range 200 {
		if _, err := c.ServiceCreate(b.Context(), web(fmt.Sprintf("s%d", i), 3), api.ServiceCreateOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	now = now.Add(time.Minute)
	for b.Loop() {
		if _, err := c.TaskList(b.Context(), api.TaskListOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
