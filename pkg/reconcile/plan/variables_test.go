package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const password = "TaskTemplate.ContainerSpec.Env[PASSWORD]"

// withVariable is the file's service with a variable that has this value; unopened is why it is none.
func withVariable(value, image, unopened string) swarm.ServiceSpec {
	s := service("app", image, 4)
	form := maps.Clone(s.Form())
	form[password] = value
	s = formed(s, form)
	s.Unopened = unopened
	return s
}

const (
	standIn = swarm.StandIn + "0123"
	noKey   = "its variable PASSWORD of shop.env has no value: this swarmd has no age identity"
)

// onItsMachine is what a swarmd on the first machine decides by.
func onItsMachine(m *model) plan.Input {
	in := m.input()
	in.World.Self.NodeID = in.World.Machines[0].Node.ID
	return in
}

// TestAServiceWithoutItsVariablesIsHeld: nothing is written to it, be it as the file says or not, rolled out, taken back or pinned, and nothing of it is
// remembered or forgotten; the others go on.
func TestAServiceWithoutItsVariablesIsHeld(t *testing.T) {
	runs := func(value string) func(*model) {
		return func(m *model) {
			live(m).Spec = stored(withVariable(value, "app:1", ""), live(m).Spec.Pin())
		}
	}
	for name, change := range map[string]func(m *model){
		"as it is wanted":    wants(withVariable(standIn, "app:1", noKey)),
		"with another image": wants(withVariable(standIn, "app:2", noKey)),
		"scaled by hand": func(m *model) {
			wants(withVariable(standIn, "app:1", noKey))(m)
			byHand("Mode.Replicated.Replicas", "9")(m)
		},
		"a roll-out that failed is remembered": func(m *model) {
			wants(withVariable(standIn, "app:1", noKey))(m)
			m.ledger.Rollouts = map[string]ledger.RollOut{"web_app": remembered(template(withVariable("old", "app:1", "")) + "@1")}
		},
		"taken back just now": func(m *model) {
			wants(withVariable(standIn, "app:2", noKey))(m)
			live(m).Update = swarm.RollbackCompleted
		},
		"a roll-out that is stuck": func(m *model) {
			before := live(m).Spec
			before.Labels = maps.Clone(before.Labels)
			before.Labels[swarm.LabelHash] = "of another"
			live(m).Previous, live(m).Update = &before, swarm.Updating
			wants(withVariable(standIn, "app:1", noKey))(m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := grown(t, 1, 1)
			runs("old")(m)
			change(m)
			m.stack.Services = append(m.stack.Services, service("other", "x:1", 1))
			p := plan.Compute(onItsMachine(m))
			if got := ids(p); !slices.Equal(got, []string{"service/web_other"}) {
				t.Errorf("steps %q", got)
			}
			held := slices.DeleteFunc(slices.Clone(p.Holds), func(h plan.Hold) bool { return h.Guard != plan.GuardVariables })
			if len(held) != 1 || !held[0].Blocking || p.Converged || !strings.Contains(held[0].Text, "what runs goes on, and is not written by swarmd on ") ||
				!strings.Contains(held[0].Text, noKey) {
				t.Errorf("holds %+v", p.Holds)
			}
		})
	}
}

// TestWithoutVariablesAtFirstAndWhereOthersAct: a new service is not made. For who only asks what another swarmd would do, what runs has the values.
func TestWithoutVariablesAtFirstAndWhereOthersAct(t *testing.T) {
	m := grown(t, 1, 1)
	m.stack.Services = append(m.stack.Services, withVariable(standIn, "app:1", noKey))
	m.stack.Services[1].Name = "web_new"
	p := plan.Compute(onItsMachine(m))
	if len(p.Steps) > 0 || !slices.Equal(holds(p), []string{"variables-file service/web_new"}) || !strings.HasPrefix(p.Holds[0].Text, "not created by swarmd on ") {
		t.Errorf("steps %q, holds %+v", ids(p), p.Holds)
	}
	for image, want := range map[string][]string{"app:1": nil, "app:2": {"service/web_app"}} {
		m := grown(t, 1, 1)
		live(m).Spec = stored(withVariable("old", "app:1", ""), live(m).Spec.Pin())
		wants(withVariable(standIn, image, noKey))(m)
		m.now = m.now.Add(time.Minute)
		in := m.input()
		in.Blind = true
		if p := plan.Compute(in); !slices.Equal(ids(p), want) || len(p.Holds) > 0 {
			t.Errorf("%s: steps %q, holds %+v", image, ids(p), p.Holds)
		}
	}
}
