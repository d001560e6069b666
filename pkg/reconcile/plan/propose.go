package plan

import (
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// kind is what a wish is for.
type kind string

const (
	removeGhost    kind = "remove what a failed join left behind"
	replaceDead    kind = "replace a machine whose droplet is gone"
	replaceIll     kind = "replace a machine that nothing brings back"
	replaceAsked   kind = "replace a machine that a person asked for"
	leaveReplaced  kind = "remove a machine that another one took the place of"
	replaceDown    kind = "replace a machine whose node is down"
	powerOn        kind = "power on a machine that is off"
	powerCycle     kind = "cycle the power of a machine that hangs"
	retryLaunch    kind = "replace a machine that did not join"
	dropKept       kind = "delete a machine that was kept for a look"
	forgetKept     kind = "forget a machine that was kept for a look"
	emptyPool      kind = "remove the machines of a pool that the file no longer has"
	changeSize     kind = "replace machines of another size"
	resizeHere     kind = "resize a machine in place"
	changeImage    kind = "replace machines of another image"
	changeRegion   kind = "replace machines in another region"
	changeVPC      kind = "replace machines in another private network"
	replaceAdopted kind = "replace an adopted droplet that does not exist"
	resize         kind = "make a pool as large as the file wants, without a cloud"
	grow           kind = "create machines"
	shrinkAdopted  kind = "delete adopted machines"
	shrink         kind = "delete a machine"
	bind           kind = "take a node into its pool"
	putRight       kind = "put a node's labels and availability right"
	promote        kind = "make a node a manager"
	demote         kind = "make a manager a worker"
	stepDown       kind = "make the lease holder's own machine a worker"
	settleRole     kind = "see a change of role done"
	quarantine     kind = "drain a node that is no machine of the cluster"
	rotate         kind = "replace the worker join token"
	createNetwork  kind = "create a network"
	changeNetwork  kind = "change a network"
	createKey      kind = "create the cluster's key"
	createConfig   kind = "create a config"
	createSecret   kind = "create a secret"
	changedConfig  kind = "change a config"
	createService  kind = "create a service"
	takeService    kind = "take over a service as it runs"
	takeConfig     kind = "take over a config"
	takeSecret     kind = "take over a secret"
	recordRollback kind = "remember a roll-back"
	renewRecord    kind = "remember a roll-back by its template"
	putBack        kind = "put back what ran before a roll-out"
	giveUp         kind = "put back what ran before a roll-out that failed"
	pin            kind = "pin a service's image"
	renewLogin     kind = "renew the login to a service's registry"
	changeService  kind = "change a service"
	spread         kind = "spread a service's tasks over the nodes"
	scaleOnly      kind = "scale what runs where the change failed"
	dropService    kind = "remove a service"
	dropNetwork    kind = "remove a network"
	dropConfig     kind = "remove a config"
	dropSecret     kind = "remove a secret"
	forget         kind = "forget a roll-out"
	tag            kind = "tag a machine with its swarm"
)

// wish is something that is not as the file or a person wants it. It says nothing about whether that may be changed now.
type wish struct {
	kind    kind
	object  string // as a hold names it
	text    string // for people, where the wish itself is what is held
	machine machine
	pool    *spec.Pool // of grow and shrink
	n       int        // grow: how many are missing; promote: how many there are to promote; spread: how many tasks more
	write   nodeWrite  // to the machine's node
	service service    // of the stack
	network swarm.NetworkSpec
	stored  object     // a config or a secret of the stack
	took    object     // the live one that is taken over for it
	live    liveObject // what is removed or forgotten

	lost       bool          // retryLaunch: it counts as a failed launch of its pool
	unfinished bool          // while it is not done, something is progressing, whatever holds it
	requeue    time.Duration // when to look again then
}

// liveObject is something of the stack's that the file does not have.
type liveObject struct {
	id, name  string
	protected string // of a service: its label LabelProtected
}

// nodeWrite is what a node becomes.
type nodeWrite struct {
	step       string // the kind of the step
	spec       swarm.NodeSpec
	code, text string
}

// propose says all that is wished, in the order in which it is to be done. It looks at no guard and no budget, and writes nothing.
func propose(v *view) []wish {
	var wishes []wish
	if v.actsOnMachines() {
		wishes = slices.Concat(proposeGhosts(v), proposeRepairs(v), proposeKept(v), proposeAsked(v), proposeDrifts(v), proposeResizes(v), proposePools(v), proposeNodes(v), proposeStrangers(v), proposeToken(v))
	}
	if v.actsOnStack() {
		wishes = slices.Concat(wishes, proposeNetworks(v), proposeObjects(v), proposeServices(v), proposeUnwantedServices(v), proposeUnwantedNetworks(v), proposeUnwantedObjects(v), proposeForgetting(v), proposeSpread(v))
	}
	if v.actsOnMachines() && !v.outdated() {
		wishes = append(wishes, proposeTags(v)...)
	}
	return wishes
}
