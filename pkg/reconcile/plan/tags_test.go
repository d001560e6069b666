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

// older is a cluster whose machines were made before there was the swarm's tag.
func older(m *model) {
	for _, d := range m.droplets {
		d.droplet.Tags = slices.DeleteFunc(d.droplet.Tags, func(t string) bool { return strings.HasPrefix(t, cloud.SwarmTagPrefix) })
	}
}

// create300 is the open create of a droplet 300 that boots.
func create300(m *model) {
	m.ledger.Ops = append(m.ledger.Ops, ledger.Op{ID: "abcdeabcdeabcdea", Kind: ledger.Create, Pool: "workers", DropletID: 300, Started: m.now, Deadline: m.now.Add(time.Minute)})
}

func TestMachinesWithoutTheSwarmsTagGetIt(t *testing.T) {
	runRules(t, []rule{
		{"all, when nothing else is to be done", 1, 1, older, []string{"tag/101", "tag/102"}, nil},
		{"three in a pass", 1, 4, older, []string{"tag/101", "tag/102", "tag/103"}, nil},
		{"what else is to be done comes first", 1, 1, both(older, to(1, 2)), []string{"create/web-workers-aaaab"}, nil},
		{"not on a view with a gap", 1, 1, both(older, gap("tasks")), nil, []string{"gap cluster"}},
		{"not one of nobody knows which swarm", 1, 1, astray(), nil, []string{"identity droplet/300"}},
		{"not one that joined from another swarm and has its tag", 1, 1, func(m *model) {
			d := m.droplets[102].droplet
			d.Tags = []string{cloud.OpTag(d.OpID()), cloud.SwarmTag("swarm2"), cloud.ClusterTag("web")}
			m.droplets[102].node.EngineLabels = map[string]string{swarm.LabelDroplet: "102"}
		}, nil, nil},
		{"what is under way goes first", 1, 1, both(older, func(m *model) { m.makeDroplet(300, "web-workers-abcde", "abcdeabcdeabcdea") }, create300, to(1, 2)), nil, nil},
	})
}

// Once tagged, they are left alone.
func TestTaggingEnds(t *testing.T) {
	m := grown(t, 1, 4)
	older(m)
	tagged := 0
	for range 3 {
		for _, s := range plan.Compute(m.input()).Steps {
			if a, ok := s.Action.(plan.TagDroplet); !ok || a.SwarmID != "swarm1" {
				t.Fatalf("%+v", s)
			}
			tagged++
			m.apply(s.Action)
		}
	}
	if p := plan.Compute(m.input()); tagged != 5 || len(p.Steps) > 0 || !p.Converged {
		t.Errorf("%d were tagged, then %v, converged %t", tagged, ids(p), p.Converged)
	}
}
