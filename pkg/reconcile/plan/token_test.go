package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// holding plans for a cluster that is as wanted, whose swarm has this token at version 41, after a create with that one.
func holding(t *testing.T, now, used string, change func(*model)) plan.Plan {
	t.Helper()
	m := grown(t, 1, 1)
	m.spec.Policies.RotateWorkerToken = true
	m.ledger.HandOut(ledger.Fingerprint(used))
	change(m)
	in := m.input()
	in.World.Cluster = swarm.Cluster{ID: "swarm1", Version: 41, WorkerToken: now, Spec: []byte(`{"Name":"default"}`)}
	return plan.Compute(in)
}

func rests(*model) {}

func TestTheWorkerTokenIsReplacedWhenNobodyIsToJoinWithIt(t *testing.T) {
	boots := func(m *model) { homeOf(m, "web-workers-abcde"); create300(m) }
	for name, tc := range map[string]struct {
		now, used string
		change    func(*model)
		rotates   bool
	}{
		"it was handed out":                              {"one", "one", rests, true},
		"every create with it was refused":               {"one", "one", func(m *model) { m.ledger.TakeBack(ledger.Fingerprint("one")) }, false},
		"it was replaced since":                          {"two", "one", rests, false},
		"it never was":                                   {"one", "", rests, false},
		"the file does not want it":                      {"one", "one", func(m *model) { m.spec.Policies.RotateWorkerToken = false }, false},
		"a machine boots":                                {"one", "one", boots, false},
		"one is to be made":                              {"one", "one", to(1, 2), false},
		"what is accepted cannot be read":                {"one", "one", gap("revision"), false},
		"a rotation was begun and may still come":        {"one", "one", func(m *model) { m.ledger.Rotate = 41 }, true},
		"so it was, and the file wants none any more":    {"one", "one", func(m *model) { m.ledger.Rotate, m.spec.Policies.RotateWorkerToken = 41, false }, true},
		"it was begun at a version that is over":         {"two", "one", func(m *model) { m.ledger.Rotate = 40 }, false},
		"that version is over, and another write won it": {"one", "one", func(m *model) { m.ledger.Rotate = 40 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := holding(t, tc.now, tc.used, tc.change)
			if got := slices.Contains(ids(p), "rotate/worker-token"); got != tc.rotates || p.Converged && got {
				t.Fatalf("steps %v, want a rotation: %t", ids(p), tc.rotates)
			}
			for _, s := range p.Steps {
				if a, ok := s.Action.(plan.RotateToken); ok && (a.Version != 41 || string(a.Spec) != `{"Name":"default"}`) {
					t.Errorf("%+v", a)
				}
			}
		})
	}
}

// What may still replace the token is waited for before a machine is made that would have it.
func TestNoMachineIsMadeWhileARotationMayStillCome(t *testing.T) {
	wants := func(m *model) {
		to(1, 2)(m)
		m.ledger.Rotate = 41
	}
	if p := holding(t, "one", "one", wants); !slices.Equal(ids(p), []string{"rotate/worker-token"}) {
		t.Errorf("steps %v", ids(p))
	}
	p := holding(t, "two", "one", to(1, 2))
	if len(p.Steps) != 1 || p.Steps[0].Action.(plan.CreateDroplet).Token != ledger.Fingerprint("two") {
		t.Errorf("steps %+v", p.Steps)
	}
}

// A machine whose token a person replaced while it booted never joins: that is said at once, and when its time is over.
func TestAMachineThatCannotJoinIsNamed(t *testing.T) {
	for _, age := range []time.Duration{time.Minute, time.Hour} {
		boots := func(m *model) {
			d := homeOf(m, "web-workers-abcde").droplet
			d.Created, d.Status = m.now.Add(-age), cloud.StatusActive
			create300(m)
			m.ledger.Ops[len(m.ledger.Ops)-1].Started = m.now.Add(-age)
			to(1, 2)(m)
		}
		said := func(p plan.Plan) bool {
			return slices.ContainsFunc(p.Holds, func(h plan.Hold) bool {
				return h.Guard == plan.GuardLaunch && h.Blocking && strings.Contains(h.Text, "token that it was made with was replaced")
			})
		}
		if p := holding(t, "two", "one", boots); !said(p) {
			t.Errorf("after %s: holds %v", age, p.Holds)
		}
		if p := holding(t, "one", "one", boots); said(p) {
			t.Errorf("after %s it is said of a machine that can join: %v", age, p.Holds)
		}
	}
}
