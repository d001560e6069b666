package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestManyRemovalsAreHeld: more than a third and at least two, or all, until they are confirmed for this very revision.
func TestManyRemovalsAreHeld(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e", "f"}
	for _, c := range []struct {
		had, has  int
		confirmed int
		keep      bool
		removed   int
		guard     string
	}{
		{had: 6, has: 5, removed: 1},
		{had: 6, has: 4, removed: 2},
		{had: 6, has: 3, guard: plan.GuardPrune},
		{had: 5, has: 3, guard: plan.GuardPrune},
		{had: 2, has: 1, removed: 1},
		{had: 1, has: 0, guard: plan.GuardPrune},
		{had: 6, has: 0, confirmed: 7, removed: 6},
		{had: 6, has: 3, confirmed: 6, guard: plan.GuardPrune},
		{had: 6, has: 5, keep: true, guard: plan.GuardKeepRemoved},
		{had: 6, has: 1, keep: true, confirmed: 7, guard: plan.GuardKeepRemoved},
	} {
		m := grown(t, 1, 1)
		m.services, m.tasks, m.stack, m.revision = map[string]*swarm.Service{}, nil, swarm.Stack{}, 7
		for i, name := range names[:c.had] {
			s := service(name, "app:1", 1)
			m.services[s.Name] = &swarm.Service{ID: "id-" + name, Version: 1, Spec: s, Updated: m.now.Add(-time.Hour), Created: m.now.Add(-time.Hour)}
			if i < c.has {
				m.stack.Services = append(m.stack.Services, s)
			}
		}
		m.ledger.Confirmed, m.spec.Policies.KeepRemoved = c.confirmed, c.keep
		p := plan.Compute(m.input())
		removed := 0
		for _, s := range p.Steps {
			if _, ok := s.Action.(plan.RemoveService); ok {
				removed++
			}
		}
		held := slices.DeleteFunc(slices.Clone(p.Holds), func(h plan.Hold) bool { return h.Guard != plan.GuardPrune && h.Guard != plan.GuardKeepRemoved })
		want := 0
		if c.guard != "" {
			want = c.had - c.has
		}
		if removed != c.removed || len(held) != want || want > 0 && held[0].Guard != c.guard {
			t.Errorf("%+v: %d removed, %+v", c, removed, held)
		}
		if c.guard == plan.GuardPrune && (!held[0].Final || !held[0].Blocking || !strings.Contains(held[0].Text, "swarmd confirm 7")) {
			t.Errorf("%+v: %+v", c, held[0])
		}
	}
}

// TestAStackThatIsLostIsHeld: however few services it has of all, its line in the file may have been lost.
func TestAStackThatIsLostIsHeld(t *testing.T) {
	m := grown(t, 1, 1)
	m.services, m.tasks, m.stack, m.revision = map[string]*swarm.Service{}, nil, swarm.Stack{}, 7
	add := func(stack, name string, wanted bool) {
		s := service(name, "app:1", 1)
		s.Name, s.Labels = stack+"_"+name, maps.Clone(s.Labels)
		s.Labels[swarm.LabelNamespace] = stack
		m.services[s.Name] = &swarm.Service{ID: "id-" + s.Name, Version: 1, Spec: s, Updated: m.now.Add(-time.Hour), Created: m.now.Add(-time.Hour)}
		if wanted {
			m.stack.Services = append(m.stack.Services, s)
		}
	}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		add("web", name, name != "f")
	}
	removes := func() (n int) {
		for _, s := range plan.Compute(m.input()).Steps {
			if _, ok := s.Action.(plan.RemoveService); ok {
				n++
			}
		}
		return n
	}
	if n := removes(); n != 1 {
		t.Errorf("one of six of a stack: %d are removed", n)
	}
	add("shop", "a", false)
	if n := removes(); n != 0 {
		t.Errorf("and all of another stack: %d are removed", n)
	}
	m.ledger.Confirmed = 7
	if n := removes(); n != 2 {
		t.Errorf("confirmed: %d are removed", n)
	}
}
