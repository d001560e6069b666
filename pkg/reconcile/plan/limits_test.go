package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// TestLimits: of 1 manager and 2 workers, to which 3 workers are to come, as many are made as the file permits.
func TestLimits(t *testing.T) {
	prices := map[string]float64{"s-1vcpu-1gb": 6, "s-2vcpu-2gb": 18}
	under := func(m *model) { // a create of which nothing shows yet
		m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: m.opID(500), Kind: ledger.Create, Pool: "workers", Name: "web-workers-" + m.opID(500)[:5], Started: m.now, Deadline: m.now.Add(1e9)})
	}
	none := func(*model) {}
	for _, c := range []struct {
		name     string
		droplets int
		cost     float64
		prices   map[string]float64
		change   func(*model)
		creates  int
		hold     string
	}{
		{"no limit", 0, 0, nil, none, 3, ""},
		{"as many as are wanted", 6, 36, prices, none, 3, ""},
		{"one less", 5, 0, prices, none, 2, "max-droplets: 1 machine is not made: the cluster has 3 droplets, those under way included, and policies.max_droplets is 5: raise it, or lower a count"},
		{"none", 3, 0, prices, none, 0, "max-droplets: 3 machines are not made"},
		{"fewer than there are", 2, 0, prices, none, 0, "max-droplets: 3 machines are not made"},
		{"one is under way", 5, 0, prices, under, 1, "max-droplets: 1 machine is not made: the cluster has 4 droplets"},
		{"one leaves", 5, 0, prices, begun(102, 0), 2, "max-droplets: 2 machines are not made: the cluster has 3 droplets"},
		{"a dollar less", 0, 35.5, prices, none, 2, "max-monthly-cost: 1 machine is not made: the cluster costs $18.00 a month, those under way included, one of s-1vcpu-1gb costs $6.00, and policies.max_monthly_cost is $35.50: raise it, or lower a count"},
		{"by the prices of what there is", 0, 36, prices, func(m *model) { m.droplets[102].droplet.Size = "s-2vcpu-2gb" }, 1, "max-monthly-cost: 2 machines are not made: the cluster costs $30.00"},
		{"one is under way, at its price", 0, 30, prices, under, 1, "max-monthly-cost: 1 machine is not made: the cluster costs $24.00"},
		{"both", 5, 24, prices, none, 1, "max-monthly-cost: 1 machine is not made"},
		{"no price is known", 0, 100, nil, none, 0, "max-monthly-cost: not made: the price of s-1vcpu-1gb is not known"},
		{"one is not known", 0, 100, map[string]float64{"s-1vcpu-1gb": 6}, func(m *model) { m.droplets[102].droplet.Size = "old" }, 0, "max-monthly-cost: not made: the price of old is not known"},
		{"it is not asked for", 6, 0, nil, none, 3, ""},
	} {
		m := grown(t, 1, 2)
		to(1, 5)(m)
		m.spec.Policies.MaxDroplets, m.spec.Policies.MaxMonthlyCost = c.droplets, c.cost
		c.change(m)
		in := m.input()
		in.Prices = c.prices
		p, creates, held := plan.Compute(in), 0, []string{}
		for _, id := range ids(p) {
			if strings.HasPrefix(id, "create/") {
				creates++
			}
		}
		for _, h := range p.Holds {
			if strings.HasPrefix(h.Guard, "max-") {
				held = append(held, h.Guard+": "+h.Text)
			}
		}
		if creates != c.creates || !slices.ContainsFunc(append(held, ""), func(h string) bool { return strings.HasPrefix(h, c.hold) }) || c.hold == "" && len(held) > 0 {
			t.Errorf("%s: %d creates, want %d; held %q, want %q", c.name, creates, c.creates, held, c.hold)
		}
	}
}
