package ledger_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
)

// begun is a store with a ledger and a revision, of a cluster that owns no nodes.
func begun(t *testing.T, configs ledger.Configs, cluster string) *ledger.Store {
	t.Helper()
	s := ledger.NewStore(configs, cluster)
	s.BeginServicesOnly()
	if l, err := s.Load(t.Context()); err != nil || !l.ServicesOnly {
		t.Fatalf("what would begin: %+v, %v", l, err)
	}
	if err := s.Create(t.Context(), "swarm1", 1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Accept(t.Context(), ledger.Proposal{Data: []byte("file"), Origin: ledger.Edit}); err != nil {
		t.Fatal(err)
	}
	return s
}

// What a cluster is stays in its ledger through every write, whoever reads it, and the clusters of a swarm know each other.
func TestServicesOnlyStays(t *testing.T) {
	configs := ledgertest.New()
	begun(t, configs, "shop")
	web := ledger.NewStore(configs, "web")
	if err := web.Create(t.Context(), "swarm1", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := configs.CreateConfig(t.Context(), "swarmd.old", map[string]string{"swarmd.ledger.format": "1", "swarmd.ledger.revision": "x"}, []byte("x")); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.NewStore(configs, "shop").Load(t.Context())
	if err != nil || !l.ServicesOnly || l.Revision != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	others, err := ledger.NewStore(configs, "third").Others(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owns := map[string]bool{}
	for _, o := range others {
		owns[o.Cluster] = o.Owns("swarm1")
	}
	if diff := cmp.Diff(map[string]bool{"shop": false, "web": true, "old": true}, owns); diff != "" {
		t.Errorf("who may own nodes, -want +got\n%s", diff)
	}
}

func TestEraseLeavesNothingAndNothingElseIsTouched(t *testing.T) {
	configs := ledgertest.New()
	s := begun(t, configs, "shop")
	begun(t, configs, "shop2")
	if err := s.Erase(t.Context()); apierr.KindOf(err) != apierr.Conflict {
		t.Fatalf("a store that is not halted: %v", err)
	}
	if _, err := s.Halt(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost := 0
	configs.After(func(call string) error { // every answer to a removal is lost
		if strings.HasPrefix(call, "remove") {
			lost++
			return ledgertest.ErrLost()
		}
		return nil
	})
	if err := s.Erase(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, err := configs.Configs(t.Context(), "swarmd.")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range left {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"swarmd.shop2", "swarmd.shop2.spec.1"}, names); diff != "" || lost != 2 {
		t.Errorf("%d answers lost; left, -want +got\n%s", lost, diff)
	}
	writes := configs.Writes()
	if last := writes[len(writes)-1]; last != "remove swarmd.shop" {
		t.Errorf("the last write is %q: a record that ends early must show that it was one", last)
	}
}
