package world

import "github.com/swarmd/swarmd/pkg/cloud"

// Owned reports whether a droplet was made by a swarmd for a cluster of the name, by what it shows itself: the cluster's tag, and a name that
// its operation tag gives. Which swarm's it is, if there are several, it tells by another tag; within a World, Machine.Owned counts.
func Owned(cluster string, d cloud.Droplet) bool { return madeFor(cluster, d) != "" }
