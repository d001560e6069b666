package reconcile

import (
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestANodeIsNoOlderThanItHasBeenKnown: the clock on the wall is a day ahead of the engine's, by which nodes are made.
func TestANodeIsNoOlderThanItHasBeenKnown(t *testing.T) {
	began := time.Now()
	a, ahead := arrivals{}, 24*time.Hour
	joins := []world.Machine{{Node: &swarm.Node{ID: "new", Created: began}}, {Node: &swarm.Node{ID: "named", Hostname: "x", Created: began}}}
	for _, after := range []time.Duration{0, time.Second, 20 * time.Minute} {
		now := began.Add(after)
		var got []world.Machine
		a, got = a.age(joins, now.Round(0).Add(ahead), now)
		if age := now.Round(0).Add(ahead).Sub(got[0].Node.Created); age != after {
			t.Errorf("after %s it is taken for %s old", after, age)
		}
		if !got[1].Node.Created.Equal(began) || !joins[0].Node.Created.Equal(began) {
			t.Error("what has a host name, or what was read, is changed")
		}
	}
	if gone, _ := a.age(nil, began, began); len(gone) > 0 {
		t.Errorf("%d nodes that are gone are remembered", len(gone))
	}
	now := began.Add(20 * time.Minute)
	if _, got := (arrivals{}).age(joins, now.Round(0).Add(-ahead), now); !got[0].Node.Created.Equal(began) {
		t.Errorf("a clock that is behind makes it older: %s", got[0].Node.Created)
	}
}
