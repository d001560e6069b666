package world

import "github.com/swarmd/swarmd/pkg/cloud"

// Owned reports whether a droplet is the cluster's by what it shows itself: the cluster's tag, and a name that its operation tag gives. It
// is for those who look without a ledger; within a World, Machine.Owned counts.
func Owned(cluster string, d cloud.Droplet) bool {
	return d.HasTag(cloud.ClusterTag(cluster)) && poolOf(cluster, d.Name, d.OpID()) != ""
}
