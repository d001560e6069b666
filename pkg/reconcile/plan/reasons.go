package plan

// The reason codes: all values of Reason.Code.
const (
	WhyPoolShort     = "pool-short"      // a pool has fewer machines than it wants
	WhyPoolSurplus   = "pool-surplus"    // a pool has more machines than it wants
	WhyDropletFound  = "droplet-found"   // the droplet of a create operation showed up
	WhyJoined        = "joined"          // its machine joined and is bound
	WhyNoEffect      = "no-effect"       // a create left no droplet
	WhyDropletGone   = "droplet-gone"    // the droplet of an operation does not exist any more
	WhyBind          = "bind"            // claim and address agree
	WhyLabels        = "labels"          // the pool's labels differ from the node's
	WhyAvailability  = "availability"    // the pool's availability differs from the node's
	WhyPromote       = "promote"         // a manager pool wants it
	WhyDemote        = "demote"          // it leaves, or its pool is not a manager pool
	WhyDrain         = "drain"           // it leaves
	WhyShutdown      = "shutdown"        // it is drained and no manager
	WhyPowerOff      = "power-off"       // it did not shut down in time
	WhyPowerOn       = "power-on"        // its droplet is off, and nothing of ours switched it off
	WhyPowerCycle    = "power-cycle"     // its node is down, and its droplet runs
	WhyReplaced      = "replaced"        // it is lost, or a person asked, and another machine takes its place
	WhyRolled        = "rolled"          // another machine, which is what the file says, took its place
	WhyReplace       = "replace"         // another machine is to take its place, and comes first
	WhyNeedless      = "needless"        // what was begun because of it is not needed any more
	WhyRecovered     = "recovered"       // it was to be repaired, and is up again
	WhyLaunchFailed  = "launch-failed"   // it was not active or did not join in time
	WhyKept          = "kept"            // it never joined, and is kept for a look
	WhyKeptOver      = "kept-over"       // it was kept long enough, is gone, or has joined after all
	WhySize          = "size"            // its size differs from the pool's, and it is resized in place
	WhyResized       = "resized"         // its resize is over
	WhyNodeRemove    = "node-remove"     // its machine is off and the node is down
	WhyGhost         = "ghost"           // a failed join left it behind
	WhyDropletDelete = "droplet-delete"  // it is out of the swarm
	WhySwarmTag      = "swarm-tag"       // it is in the swarm, and has not its tag
	WhyForeign       = "foreign-node"    // it joined and is no machine of the cluster
	WhyRotate        = "rotate-token"    // the machines that were made with the worker token have joined
	WhyNetworkNew    = "network-missing" // the stack wants it
	WhyObjectNew     = "object-missing"  // a config or secret that the stack wants
	WhyTaken         = "taken-over"      // it was deployed without swarmd, and is taken over as it is
	WhyServiceNew    = "service-missing" // the stack wants it
	WhyServiceDiff   = "service-changed" // its specification differs from the stack's
	WhySurge         = "surge"           // it has more tasks than the file says for a while, or no more
	WhyLogin         = "login"           // its image's registry is logged in to otherwise now
	WhyPinned        = "pinned"          // the registry tells the image's digest, which it did not when the service was written
	WhySuperseded    = "superseded"      // a newer edit ends a roll-out: what ran before is put back first
	WhyRolloutFailed = "rollout-failed"  // a roll-out failed: what ran before is put back
	WhyServiceTried  = "service-tried"   // what is rolled out next is remembered
	WhyUnwanted      = "unwanted"        // ours, and not in the stack any more
	WhyRollbackSeen  = "rollback-seen"   // a roll-back is remembered
	WhyRolloutOver   = "rollout-over"    // what was remembered of a roll-out, or of a failed one, matters no more
)

// OfFile reports whether a step of that reason makes something what the file says. The others follow from what is seen, whatever is edited.
func OfFile(code string) bool {
	switch code {
	case WhyPoolShort, WhyPoolSurplus, WhySize, WhyLabels, WhyAvailability, WhyNetworkNew, WhyObjectNew, WhyTaken, WhyServiceNew, WhyServiceDiff, WhySuperseded, WhyServiceTried, WhyUnwanted,
		WhyRollbackSeen, WhyRolloutOver, WhyRolloutFailed:
		return true
	}
	return false
}
