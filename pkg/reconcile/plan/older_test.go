package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestOlderMachinesAreNamedAndStay: machines of an older template are told of, by pool, and nothing is done for that.
func TestOlderMachinesAreNamedAndStay(t *testing.T) {
	for name, c := range map[string]struct {
		template int
		change   func(id int, n *swarm.Node)
		says     []string
	}{
		"of this one":          {1, func(_ int, n *swarm.Node) { n.EngineLabels[swarm.LabelTemplate] = "1" }, nil},
		"of a newer one":       {1, func(_ int, n *swarm.Node) { n.EngineLabels[swarm.LabelTemplate] = "2" }, nil},
		"nobody is told":       {0, func(int, *swarm.Node) {}, nil},
		"adopted":              {2, func(int, *swarm.Node) {}, nil},
		"never up":             {2, func(_ int, n *swarm.Node) { n.EngineLabels = nil }, nil},
		"before there was one": {1, func(int, *swarm.Node) {}, nil},
		"the manager is new":   {2, func(id int, n *swarm.Node) { n.EngineLabels[swarm.LabelTemplate] = map[int]string{101: "2"}[id] }, []string{"pool/workers: 7 machines were made by an older version of swarmd's template ("}},
		"without a version": {2, func(int, *swarm.Node) {}, []string{"pool/managers: 1 machine was made by an older version of swarmd's template (web-managers-first), and nothing",
			"pool/workers: 7 machines were made by an older version of swarmd's template ("}},
		"no number": {1, func(id int, n *swarm.Node) { n.EngineLabels[swarm.LabelTemplate] = map[int]string{101: "x"}[id] + "1" },
			[]string{"pool/managers: 1 machine was made by an older version of swarmd's template (web-managers-first), and nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := grown(t, 1, 7)
			for id, d := range m.droplets {
				if d.node != nil {
					c.change(id, d.node)
				}
			}
			in := m.input()
			for i := range in.World.Machines {
				in.World.Machines[i].Adopted = name == "adopted"
			}
			without := plan.Compute(in)
			in.Template = c.template
			p := plan.Compute(in)
			var says []string
			for _, h := range p.Holds {
				if h.Guard == plan.GuardTemplate {
					says = append(says, h.Object+": "+h.Text)
					if h.Blocking || !strings.HasSuffix(h.Text, ": swarmd replace NODE has a new one made") || strings.Contains(h.Object, "workers") != strings.Contains(h.Text, " and 2 more)") {
						t.Errorf("%+v", h)
					}
				}
			}
			if !slices.EqualFunc(says, c.says, strings.HasPrefix) || len(p.Steps) != len(without.Steps) || p.Progressing != without.Progressing {
				t.Errorf("says %q, %d steps, %d without", says, len(p.Steps), len(without.Steps))
			}
		})
	}
}
