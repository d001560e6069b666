package world_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// of is the node, labelled as a machine of the cluster.
func of(n swarm.Node, cluster string) swarm.Node {
	labels := map[string]string{swarm.LabelCluster: cluster}
	for k, v := range n.Spec.Labels {
		labels[k] = v
	}
	n.Spec.Labels = labels
	return n
}

// What is not this cluster's is bound to nothing of it, with a cloud or without.
func TestNodesOfOtherClusters(t *testing.T) {
	const dispute = `its label swarmd.cluster says that it is of cluster shop, and droplet 5 is this cluster's: if that is so, docker node update --label-rm swarmd.cluster n5`
	ours, services := []cloud.Droplet{ownDroplet(5)}, ledger.Ledger{ServicesOnly: true}
	for _, c := range []struct {
		name  string
		parts world.Answers
		want  []string
		of    string
	}{
		{"ours by its label", world.Answers{Droplets: ours, Nodes: []swarm.Node{of(boundNode("n5", 5), "web")}}, []string{"5 n5 bound workers owned"}, ""},
		{"bound by an older swarmd", world.Answers{Droplets: ours, Nodes: []swarm.Node{boundNode("n5", 5)}}, []string{"5 n5 bound workers owned"}, ""},
		{"another's", world.Answers{Nodes: []swarm.Node{of(boundNode("n5", 5), "shop")}}, []string{"- n5  "}, "shop"},
		{"another's, without a cloud", world.Answers{NoDroplets: true, Nodes: []swarm.Node{of(boundNode("n5", 5), "shop")}}, []string{"- n5  "}, "shop"},
		{"another's by its label, on a droplet of ours", world.Answers{Droplets: ours, Nodes: []swarm.Node{of(boundNode("n5", 5), "shop")}},
			[]string{"5 n5 contradicted workers: " + dispute}, ""},
		{"another's by its label, and it claims a droplet of ours", world.Answers{Droplets: ours, Nodes: []swarm.Node{of(claimant("n5", 5, "10.0.0.5"), "shop")}},
			[]string{"5 n5 contradicted workers: " + dispute}, ""},
		{"a cluster without nodes owns none, whatever they say", world.Answers{Ledger: services, Nodes: []swarm.Node{of(boundNode("n5", 5), "web"), boundNode("n6", 6), claimant("n7", 7, "10.0.0.7")}},
			[]string{"- n5  ", "- n6  ", "- n7  "}, ""},
	} {
		c.parts.Name = "web"
		got := world.Join(c.parts).Machines
		if diff := cmp.Diff(c.want, said(got)); diff != "" || got[0].Of != c.of {
			t.Errorf("%s: of %q, -want +got\n%s", c.name, got[0].Of, diff)
		}
	}
}
