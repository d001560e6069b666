package brake

import (
	"slices"
	"testing"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/swarm"
)

func labelled(g *ground, id, cluster string) {
	g.at(id).Spec.Labels[swarm.LabelCluster] = cluster
}

func TestNodesOfAnotherClusterAreNotWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		act  func(*ground, *Swarm) error
		held string // "" if it passes
	}{
		"another's worker": {func(g *ground, s *Swarm) error {
			labelled(g, "n4", "shop")
			return writeRole(t, g, s, "n4", swarm.Worker)
		}, Ownership},
		"another's worker is removed": {func(g *ground, s *Swarm) error {
			labelled(g, "n4", "shop")
			return s.RemoveNode(t.Context(), "n4")
		}, Ownership},
		"a promotion beside another's manager": {func(g *ground, s *Swarm) error {
			labelled(g, "n1", "shop")
			return writeRole(t, g, s, "n4", swarm.Manager)
		}, Quorum},
		"a demotion beside another's manager": {func(g *ground, s *Swarm) error {
			labelled(g, "n1", "shop")
			return writeRole(t, g, s, "n2", swarm.Worker)
		}, Quorum},
		"labels beside another's manager": {func(g *ground, s *Swarm) error {
			labelled(g, "n1", "shop")
			return writeRole(t, g, s, "n4", swarm.Worker)
		}, ""},
		"our own, beside another's worker": {func(g *ground, s *Swarm) error {
			labelled(g, "n4", "shop")
			labelled(g, "n2", "web")
			return writeRole(t, g, s, "n2", swarm.Worker)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := managers(3)
			_, s, held := g.brakes(nil)
			err := tc.act(g, s)
			if tc.held != "" {
				wantBraked(t, g, held, tc.held, err)
			} else if err != nil || len(*held) > 0 {
				t.Errorf("%v, held by %v", err, *held)
			}
		})
	}
}

// writeRole writes the role after a look, as each pass does.
func writeRole(t *testing.T, g *ground, s *Swarm, id string, role swarm.Role) error {
	t.Helper()
	if _, err := s.Nodes(t.Context()); err != nil {
		t.Fatal(err)
	}
	id, version, spec := as(g, id, role)
	return s.UpdateNode(t.Context(), id, version, spec)
}

// write writes the ledger over the one that was read.
func write(t *testing.T, s *Swarm, l ledger.Ledger) error {
	t.Helper()
	labels, err := ledger.Encode(l, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s.UpdateConfig(t.Context(), "c1", 1, labels)
}

func TestAClusterWithoutNodesTouchesNoMachine(t *testing.T) {
	g := managers(1)
	g.config, g.ledger.ServicesOnly = "c1", true
	c, s, held := g.brakes(nil)
	if _, err := s.Configs(t.Context(), "swarmd.web"); err != nil {
		t.Fatal(err)
	}
	wantBraked(t, g, held, Ownership, writeRole(t, g, s, "n2", swarm.Worker))
	wantBraked(t, g, held, Ownership, writeRole(t, g, s, "n2", swarm.Manager))
	wantBraked(t, g, held, Ownership, s.RemoveNode(t.Context(), "n2"))
	if _, err := s.Cluster(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantBraked(t, g, held, Ownership, s.RotateWorkerToken(t.Context(), 7, []byte(`{"Name":"default","Seen":7}`)))
	_, err := c.CreateDroplet(t.Context(), cloud.CreateDroplet{Name: "web-workers-abcde", Tags: []string{"swarmd:web", "swarmd-op:" + opID, "swarmd-swarm:s1"}})
	wantBraked(t, g, held, Ownership, err)
	if len(*held) != 5 || slices.ContainsFunc(*held, func(b string) bool { return b != Ownership }) {
		t.Errorf("held by %v", *held)
	}
	owner := g.ledger.Clone()
	owner.ServicesOnly = false
	wantBraked(t, g, held, Ownership, write(t, s, owner))
	// Its ledger goes when a destroy has fenced it, and not before.
	wantBraked(t, g, held, Deletes, s.RemoveConfig(t.Context(), "c1"))
	fenced := g.ledger.Clone()
	fenced.Epoch = 1 << 62
	if err := write(t, s, fenced); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveConfig(t.Context(), "c1"); err != nil || !slices.Contains(g.sent, "remove config c1") {
		t.Errorf("a ledger that is fenced and has no machines: %v, sent %v", err, g.sent)
	}
}
