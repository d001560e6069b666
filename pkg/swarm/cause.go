package swarm

// Cause is why a task does not run.
type Cause string

// The causes.
const (
	NoNode  Cause = "no-node"  // no node can hold it
	NoImage Cause = "no-image" // its image is not there, or no registry gives it
	Ended   Cause = "ended"    // its container ended, or was not healthy
)
