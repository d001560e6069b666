package reconcile

import (
	"testing"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// TestAListThatGivesDropletsOtherNamesIsLookedAtTwice: one such list makes a gap, and the true one after it none; what is told twice is so.
func TestAListThatGivesDropletsOtherNamesIsLookedAtTwice(t *testing.T) {
	told := func(first, second string) world.World {
		droplet := func(id int, name string) world.Machine {
			return world.Machine{Droplet: &cloud.Droplet{ID: id, Name: name, Tags: []string{cloud.OpTag(name)}}}
		}
		return world.World{Machines: []world.Machine{droplet(1, first), {}, droplet(2, second), {Droplet: &cloud.Droplet{ID: 3, Name: first}}}}
	}
	var k identities
	for i, look := range []struct {
		first, second string
		gaps          int
	}{{"a", "b", 0}, {"b", "a", 1}, {"a", "b", 0}, {"b", "a", 1}, {"b", "a", 0}, {"b", "a", 0}, {"b", "c", 1}, {"b", "d", 1}, {"b", "d", 0}} {
		w := told(look.first, look.second)
		if k, w = k.doubt(w); len(w.Gaps) != look.gaps {
			t.Errorf("look %d: %v", i, w.Gaps)
		}
	}
	w := told("x", "y")
	w.Gaps = []world.Gap{{What: world.GapDroplets}}
	if k, w = k.doubt(w); len(w.Gaps) != 1 || k.known[1] != "b b" {
		t.Errorf("a list that could not be read counts: %v", w.Gaps)
	}
}
