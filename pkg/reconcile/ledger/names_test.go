package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger/ledgertest"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// TestNamesAreAContract: swarms that live hold objects of these names.
func TestNamesAreAContract(t *testing.T) {
	got := []string{ledger.Name("web"), ledger.LeaseName("web"), ledger.RevisionName("web", 12)}
	if diff := cmp.Diff([]string{"swarmd.web", "swarmd.web.lease", "swarmd.web.spec.12"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestClustersAreThoseOfNameAndLabel: what only has the name or only the label is nobody's store, and a cluster whose name begins another's is not it.
func TestClustersAreThoseOfNameAndLabel(t *testing.T) {
	configs := ledgertest.New()
	for name, of := range map[string]string{"swarmd.web": "web", "swarmd.web.spec.1": "web", "swarmd.shop.lease": "shop", "swarmd.web2": "web2",
		"swarmd.theirs": "", "swarmd.mine": "other", "note": "note"} {
		configs.Put(name, map[string]string{swarm.LabelCluster: of}, nil)
	}
	got, err := ledger.Clusters(t.Context(), configs)
	if diff := cmp.Diff([]ledger.Known{{Name: "shop"}, {Name: "web"}, {Name: "web2"}}, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
