package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestWhatCannotBeRememberedIsNotBegun: without a word in the ledger nobody would know what the engine took back, or who made a machine.
func TestWhatCannotBeRememberedIsNotBegun(t *testing.T) {
	m := grown(t, 1, 1)
	wants(rollsBack(service("app", "app:2", 4)))(m)
	m.ledger.Rollouts = map[string]ledger.RollOut{}
	for i := range ledger.MaxRollouts - 1 {
		m.ledger.Rollouts[fmt.Sprint("web_s", i)] = ledger.RollOut{Template: "h", Version: 1, Failed: true}
		m.services[fmt.Sprint(i)] = &swarm.Service{ID: fmt.Sprint(i), Spec: service(fmt.Sprint("s", i), "s:1", 0)}
	}
	if got := ids(plan.Compute(m.input())); !slices.Contains(got, "service/web_app") {
		t.Errorf("the last one that has room: %v", got)
	}
	m.ledger.Rollouts["web_last"] = ledger.RollOut{Template: "h", Version: 1, Failed: true}
	m.services["last"] = &swarm.Service{ID: "last", Spec: service("last", "s:1", 0)}
	p := plan.Compute(m.input())
	if slices.Contains(ids(p), "service/web_app") || !slices.Contains(holds(p), "ledger-full service/web_app") {
		t.Errorf("one too many: %v, holds %v", ids(p), holds(p))
	}
}

func TestWhoIsBeyondTheLedgersRoomIsNotBegunWith(t *testing.T) {
	busy := func(n int) func(*model) {
		return func(m *model) {
			m.ledger.DeleteBudget = 5
			for i := range n {
				m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: fmt.Sprintf("op%014d", i), Kind: ledger.Delete, Pool: "gone", Name: "web-gone-aaaaa", DropletID: 9000 + i, Started: m.now, Budgeted: true})
			}
		}
	}
	for n, want := range map[int]bool{ledger.MaxOps - 1: true, ledger.MaxOps: false} {
		m := grown(t, 1, 1)
		both(to(1, 2), busy(n))(m)
		p := plan.Compute(m.input())
		made := slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Action.About().Name == "create_droplet" })
		if made != want || slices.Contains(holds(p), "ledger-full pool/workers") == want {
			t.Errorf("%d open operations: %v, holds %v", n, ids(p), holds(p))
		}
	}
}
