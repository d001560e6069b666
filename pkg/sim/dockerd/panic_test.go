package dockerd_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/client"

	"github.com/swarmd/swarmd/pkg/sim/dockerd"
)

func placed(s *api.ServiceSpec) { s.TaskTemplate.Placement = &api.Placement{} }

func unplaced(s *api.ServiceSpec) { s.TaskTemplate.Placement = nil }

// edit changes the service through one of the engines.
func (l *lab) edit(c *client.Client, edits ...func(*api.ServiceSpec)) error {
	s, _, err := c.ServiceInspectWithRaw(l.ctx, "web", api.ServiceInspectOptions{})
	if err != nil {
		return err
	}
	for _, f := range edits {
		f(&s.Spec)
	}
	_, err = c.ServiceUpdate(l.ctx, s.ID, s.Version, s.Spec, api.ServiceUpdateOptions{})
	return err
}

// watchDeaths lets time pass and counts how often each engine goes down.
func (l *lab) watchDeaths(d time.Duration) []int {
	deaths, up := make([]int, len(l.engines)), make([]bool, len(l.engines))
	for end := time.Now().Add(d); time.Now().Before(end); l.pass(100 * time.Millisecond) {
		for i, e := range l.engines {
			if was := up[i]; was && !e.Up() {
				deaths[i]++
			}
			up[i] = e.Up()
		}
	}
	return deaths
}

// onThree plays on three managers of a release, with a service of three tasks that has a placement.
func onThree(t *testing.T, r dockerd.Release, run func(*lab)) {
	t.Helper()
	bubbleOf(t, r, 3, 0, func(l *lab) {
		l.create(web("web", 3, placed))
		l.pass(5 * time.Second)
		l.wantRunning("web", 3)
		run(l)
	})
}

func TestAPlacementThatIsLeftOutKillsEveryManager(t *testing.T) {
	for _, r := range []dockerd.Release{dockerd.Release26, dockerd.Release28} {
		onThree(t, r, func(l *lab) {
			if err := l.edit(l.docker, unplaced); !errors.Is(err, errCut) {
				l.Errorf("%s: the leader answered: %v", r, err)
			}
			for i, n := range l.watchDeaths(2 * time.Minute) {
				if n < 2 {
					l.Errorf("%s: engine %d died %d times more", r, i+1, n)
				}
			}
		})
	}
}

func TestAFollowerTellsOfTheLeadersDeath(t *testing.T) {
	onThree(t, dockerd.Release26, func(l *lab) {
		err := l.edit(dial(l, l.engines[1]), unplaced)
		if err == nil || !strings.Contains(err.Error(), "rpc error: code = Unavailable desc = error reading from server: ") || l.engines[0].Up() {
			l.Errorf("the follower said %v, the leader is up: %v", err, l.engines[0].Up())
		}
	})
}

// TestWritingAPlacementEndsTheDeaths asks all managers until one takes it between its election and its death, as was done on a real 28.5.2.
func TestWritingAPlacementEndsTheDeaths(t *testing.T) {
	onThree(t, dockerd.Release28, func(l *lab) {
		_ = l.edit(l.docker, unplaced) // it dies
		l.pass(20 * time.Second)
		taken := false
		for end := time.Now().Add(2 * time.Minute); !taken && time.Now().Before(end); l.pass(200 * time.Millisecond) {
			for _, e := range l.engines {
				taken = taken || e.Up() && l.edit(dial(l, e), placed) == nil
			}
		}
		l.pass(10 * time.Second)
		for i, n := range l.watchDeaths(time.Minute) {
			if n > 0 || !l.engines[i].Up() {
				l.Errorf("engine %d died %d times after a placement was written (%v)", i+1, n, taken)
			}
		}
		l.wantRunning("web", 3)
	})
}

// TestOtherPlacementsKillNobody has what was seen to be harmless, and the engine of which nothing such was seen.
func TestOtherPlacementsKillNobody(t *testing.T) {
	for name, c := range map[string]struct {
		release dockerd.Release
		first   []func(*api.ServiceSpec)
		then    []func(*api.ServiceSpec)
	}{
		"20.10":            {dockerd.Release20, nil, []func(*api.ServiceSpec){unplaced}},
		"with a new image": {dockerd.Release28, nil, []func(*api.ServiceSpec){unplaced, func(s *api.ServiceSpec) { s.TaskTemplate.ContainerSpec.Image = "web:2" }}},
		"a label after that": {dockerd.Release28, []func(*api.ServiceSpec){unplaced, func(s *api.ServiceSpec) { s.TaskTemplate.ContainerSpec.Image = "web:2" }},
			[]func(*api.ServiceSpec){func(s *api.ServiceSpec) { s.Labels["a"] = "1" }, placed}},
		"nothing to run": {dockerd.Release28, []func(*api.ServiceSpec){none}, []func(*api.ServiceSpec){unplaced}},
	} {
		onThree(t, c.release, func(l *lab) {
			for _, edits := range [][]func(*api.ServiceSpec){c.first, c.then} {
				if err := l.edit(l.docker, edits...); err != nil {
					l.Errorf("%s: %v", name, err)
				}
				for i, n := range l.watchDeaths(30 * time.Second) {
					if n > 0 {
						l.Errorf("%s: engine %d died %d times", name, i+1, n)
					}
				}
			}
		})
	}
}

func none(s *api.ServiceSpec) { s.Mode.Replicated.Replicas = new(uint64) }

// TestADeadEngineStaysOffWithoutPower: what starts a dead engine again is on the machine.
func TestADeadEngineStaysOffWithoutPower(t *testing.T) {
	onThree(t, dockerd.Release28, func(l *lab) {
		_ = l.edit(l.docker, unplaced) // it dies
		l.engines[0].Stop()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); l.pass(100 * time.Millisecond) {
			if l.engines[0].Up() {
				l.Fatal("it runs")
			}
		}
	})
}
