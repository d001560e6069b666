package plan

import (
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
)

// The guards: all values of Hold.Guard.
const (
	GuardGap           = "gap"             // a part of the world could not be read
	GuardImplausible   = "implausible"     // the cloud does not know droplets whose nodes are ready: another account, or a broken view
	GuardNoCloud       = "no-cloud"        // the swarm is looked at without a cloud
	GuardNoLeader      = "no-leader"       // the swarm has no leader at the moment
	GuardOtherSwarm    = "other-swarm"     // the ledger is another swarm's
	GuardNewer         = "newer-swarmd"    // the ledger has entries that only a newer swarmd can read
	GuardIdentity      = "identity"        // droplet and node contradict each other
	GuardRemoved       = "node-removed"    // a person took a machine's node out of the swarm, or the machine joined anew
	GuardNoAddress     = "no-address"      // a node claims a droplet whose address the cloud does not show yet
	GuardForeign       = "foreign-droplet" // a droplet with the cluster's tag that swarmd did not make
	GuardForeignNode   = "foreign-node"    // a node that is no machine of the cluster
	GuardForeignMgr    = "foreign-manager" // the same, and it is a manager
	GuardForeignSvc    = "foreign-service" // a service of a wanted name that is not ours
	GuardForeignNet    = "foreign-network" // a network of a wanted name that is not ours
	GuardNetMissing    = "network-missing" // a network that a service uses and swarmd does not make is not there
	GuardForeignObject = "foreign-object"  // a config or secret of a wanted name that is not ours
	GuardObjectMissing = "object-missing"  // a config or secret that a service refers to is not there
	GuardObjectChanged = "object-changed"  // a config has another content than its name says
	GuardSecretFile    = "secret-file"     // the value of a secret cannot be had on this manager
	GuardVariables     = "variables-file"  // the value of a service's encrypted variable cannot be had on this manager
	GuardReplace       = "replace"         // a machine stays until another one took its place
	GuardLaunch        = "launch-timeout"  // a droplet did not join in time, or the next create waits since one did not
	GuardLaunchFailed  = "launch-failed"   // a pool's machines did not join again and again
	GuardKept          = "kept"            // a machine that never joined is kept for a look
	GuardSize          = "size-changed"    // machines of another size than the pool's
	GuardResize        = "resize"          // a machine is not resized in place, or that takes too long
	GuardImage         = "image-changed"   // of another image
	GuardRegion        = "region-changed"  // in another region
	GuardVPC           = "vpc-changed"     // in another private network
	GuardRollStopped   = "roll-stopped"    // machines are not replaced further: one of the pool's is not well
	GuardNodeDown      = "node-down"       // a node that is down
	GuardDropletDead   = "droplet-dead"    // a machine whose droplet is gone
	GuardPoolRemoved   = "pool-removed"    // a pool that the file no longer has still has machines
	GuardQuorum        = "quorum"          // the managers' quorum forbids or delays a change
	GuardSelf          = "self"            // the lease holder's own machine leaves: another manager must act
	GuardMaintenance   = "maintenance"     // a person keeps a node drained
	GuardTemplate      = "template"        // machines were made by an older template than this swarmd's
	GuardPaused        = "paused"          // a person has swarmd leave something alone for a while
	GuardVolumes       = "volumes"         // volumes are attached to a droplet that would be deleted
	GuardProtected     = "protected"       // a person has swarmd never take a machine away, or the file or a person a service
	GuardDrain         = "drain-timeout"   // a drain takes too long
	GuardDrainTurn     = "drain-turn"      // a pool's machines are drained one after the other
	GuardBudget        = "delete-budget"   // more deletes than accepted edits permit
	GuardAdopted       = "adopted"         // an adopted machine would have to be deleted
	GuardBackoff       = "backoff"         // the cloud refused the pool's last create
	GuardLedger        = "ledger-full"     // as much is under way as can be remembered
	GuardMaxCreates    = "max-creates"     // enough droplets are under way
	GuardRollout       = "rollout"         // a roll-out runs
	GuardRolloutPaused = "rollout-paused"  // a roll-out is paused
	GuardRolloutStuck  = "rollout-stuck"   // a roll-out makes no progress, and does not end by itself
	GuardTasks         = "tasks-missing"   // the engine cannot run a service's tasks, or they end
	GuardGrowing       = "pool-growing"    // a new service waits for the machines that are to come
	GuardTogether      = "tasks-together"  // all tasks of a service are on one of several nodes
	GuardSurge         = "surge"           // services have more tasks than the file says, so that a node can be drained or tasks be spread
	GuardLoginFile     = "login-file"      // how a registry is logged in to cannot be read on the acting swarmd's machine
	GuardRegistry      = "registry"        // a registry does not tell the digest of a service's image
	GuardJob           = "job"             // a job is left as it is: whatever is written to one runs it again
	GuardJobFailed     = "job-failed"      // tasks of a job failed, and the engine does not start them again, or again and again
	GuardUnpinned      = "unpinned"        // a service's image has no digest
	GuardRolledBack    = "rolled-back"     // a roll-out failed; the same is not written again
	GuardPrune         = "prune"           // a file removes many services at once, or a pool's last machine
	GuardKeepRemoved   = "kept-service"    // a service that the file does not have goes on running, as the file wants it
	GuardPort          = "port-taken"      // another service publishes a port of this one
	GuardMode          = "mode-changed"    // Swarm cannot change a service's mode
	GuardNetwork       = "network-changed" // Swarm cannot change a network
	GuardHostAccess    = "host-access"     // a service would be root on the machines, and this swarmd was started to deny that
)

// final reports whether a guard holds until a person has done something.
func final(guard string) bool {
	switch guard {
	case GuardForeignObject, GuardObjectMissing, GuardObjectChanged, GuardSecretFile, GuardVariables, GuardLoginFile, GuardForeignSvc, GuardForeignNet, GuardNetMissing, GuardRolloutPaused, GuardRolloutStuck, GuardTasks, GuardJobFailed, GuardRolledBack, GuardPrune, GuardMode, GuardNetwork, GuardHostAccess, GuardLaunchFailed:
		return true
	}
	return false
}

// KeepsRemoved reports whether a guard holds what the file has no more until a person has said that it may go: all else of the file may be true meanwhile.
func KeepsRemoved(guard string) bool { return guard == GuardPrune || guard == GuardProtected }

// Guards returns all values of Hold.Guard, sorted: the label values of a metric.
func Guards() []string {
	all := []string{
		GuardGap, GuardImplausible, GuardNoCloud, GuardNoLeader, GuardOtherSwarm, GuardNewer, GuardIdentity, GuardRemoved, GuardNoAddress, GuardForeign, GuardForeignNode, GuardForeignMgr, GuardForeignSvc,
		GuardForeignObject, GuardObjectMissing, GuardObjectChanged, GuardSecretFile, GuardVariables, GuardForeignNet, GuardNetMissing, GuardReplace, GuardLaunch, GuardLaunchFailed, GuardKept, GuardSize, GuardResize, GuardImage, GuardRegion, GuardVPC, GuardRollStopped, GuardNodeDown, GuardDropletDead, GuardPoolRemoved, GuardQuorum,
		GuardSelf, GuardDrain, GuardDrainTurn, GuardBudget, GuardAdopted, GuardBackoff, GuardLedger, GuardMaxCreates, GuardRollout, GuardRolloutPaused, GuardRolloutStuck,
		GuardMaxDroplets, GuardMaxCost, GuardWindow,
		GuardTasks, GuardGrowing, GuardTogether, GuardSurge, GuardLoginFile, GuardRegistry, GuardJob, GuardJobFailed, GuardUnpinned, GuardRolledBack, GuardPrune, GuardKeepRemoved, GuardPort, GuardMode, GuardNetwork, GuardHostAccess, GuardMaintenance, GuardTemplate, GuardPaused, GuardProtected, GuardVolumes,
	}
	slices.SortFunc(all, strings.Compare)
	return all
}

// HeldOnly reports whether nothing is left to do or to wait for but holds that a person has to end.
func (p Plan) HeldOnly() bool {
	held := false
	for _, h := range p.Holds {
		switch {
		case !h.Blocking:
		case h.Guard == GuardSelf, h.Guard == GuardBudget: // another manager acts, an hour passes
			return false
		default:
			held = true
		}
	}
	return held && len(p.Steps) == 0 && !p.Progressing && p.RequeueAfter == 0
}

// blindness is why nothing at all may be done: without the nodes, the cluster's identity or the ledger it is not known who leaves, what is under way, or
// whose swarm it is. A gap's own hold has said it.
func (v *view) blindness() *refusal {
	l, c := v.in.World.Ledger, v.in.World.Cluster
	switch {
	case v.gap(world.GapInfo), v.gap(world.GapCluster), v.gap(world.GapNodes), v.gap(world.GapLedger):
		return &refusal{}
	case len(l.Newer) > 0:
		return blocked(GuardNewer, "cluster", "a newer swarmd wrote what this one cannot read ("+l.Newer[0]+" in the ledger), and this one does nothing beside it: "+
			"run the newer version on every manager")
	case l.ClusterID != "" && l.ClusterID != c.ID:
		return blocked(GuardOtherSwarm, "cluster", "the ledger is of swarm "+l.ClusterID+", this one is "+c.ID)
	case !v.led():
		r := blocked(GuardNoLeader, "cluster", "the swarm has no leader at the moment")
		r.requeue = requeueWait
		return r
	}
	return nil
}
