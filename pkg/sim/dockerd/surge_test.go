package dockerd_test

import (
	"testing"
	"time"

	api "github.com/docker/docker/api/types/swarm"
)

// What 26.1.5 and 28.5.2 did, see each: more tasks for a while, and where they go and come from.

func (l *lab) available(i int, a api.NodeAvailability) {
	l.Helper()
	l.must(l.setNode(i, func(s *api.NodeSpec) { s.Availability = a }))
}

// least watches a service, and returns how few of its tasks ran and were meant to.
func (l *lab) least(name string, d time.Duration) int {
	least := 1 << 30
	for range int(d / (100 * time.Millisecond)) {
		n := 0
		for _, on := range l.perNode(name) {
			n += on
		}
		least = min(least, n)
		l.pass(100 * time.Millisecond)
	}
	return least
}

func TestMoreForAWhileSpreadsTasks(t *testing.T) {
	for _, c := range []struct {
		has, more uint64
		want      string
	}{
		{6, 2, "map[node-1:2 node-2:2 node-3:2]"}, {6, 3, "map[node-1:2 node-2:2 node-3:2]"}, {6, 1, "map[node-1:2 node-2:3 node-3:1]"},
		{12, 2, "map[node-1:5 node-2:5 node-3:2]"}, {12, 4, "map[node-1:4 node-2:4 node-3:4]"}, {12, 6, "map[node-1:4 node-2:4 node-3:4]"},
	} {
		bubble(t, 1, 2, func(l *lab) {
			l.available(2, api.NodeAvailabilityDrain)
			l.create(web("web", c.has))
			l.pass(3 * time.Second)
			l.available(2, api.NodeAvailabilityActive)
			l.update("web", replicas(c.has+c.more))
			least := l.least("web", 3*time.Second)
			l.update("web", replicas(c.has))
			l.pass(3 * time.Second)
			if l.wantSpread("web", c.want); least < int(c.has) {
				t.Errorf("%d and %d more: %d ran", c.has, c.more, least)
			}
		})
	}
}

func TestAPausedNodeIsDrainedWithoutLoss(t *testing.T) {
	for _, c := range []struct {
		name               string
		pauses, backBefore bool
		least              int
	}{
		{"paused, more, drained, back", true, false, 6},
		{"back before the drain", true, true, 4},
		{"not paused: one of those that are more comes to the node, too", false, false, 5},
	} {
		bubble(t, 1, 2, func(l *lab) {
			l.create(web("web", 6))
			l.pass(3 * time.Second)
			if c.pauses {
				l.available(2, api.NodeAvailabilityPause)
			}
			l.update("web", replicas(8))
			l.pass(3 * time.Second)
			if c.backBefore {
				l.update("web", replicas(6))
				l.pass(3 * time.Second)
			}
			l.available(2, api.NodeAvailabilityDrain)
			least := l.least("web", 3*time.Second)
			l.update("web", replicas(6))
			if least = min(least, l.least("web", 3*time.Second)); least != c.least {
				t.Errorf("%s: %d ran, want %d", c.name, least, c.least)
			}
			l.wantSpread("web", "map[node-1:3 node-2:3]")
		})
	}
}

// TestScaledDownWhileSomeDoNotRun: one that does not run stays where its node has few, and one that runs goes. So nothing is taken back too early.
func TestScaledDownWhileSomeDoNotRun(t *testing.T) {
	bubble(t, 1, 1, func(l *lab) {
		l.available(1, api.NodeAvailabilityDrain)
		l.create(web("web", 6))
		l.pass(3 * time.Second)
		l.available(1, api.NodeAvailabilityActive)
		l.update("web", replicas(8))
		l.pass(100 * time.Millisecond) // the two are on their node, and do not run yet
		l.update("web", replicas(6))
		if least := l.least("web", 2*time.Second); least != 4 {
			t.Errorf("%d ran, want 4 for a moment", least)
		}
	})
}
