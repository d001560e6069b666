package plan

import (
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// view is what a decision is made on: the input, and what follows from it alone. Nothing changes it after survey; its methods answer and write nothing.
type view struct {
	in          Input
	machines    []machine  // in the order of World.Machines
	strangers   []string   // see Strangers
	implausible bool       // the cloud's view contradicts the swarm's: a droplet that does not exist runs no node
	creates     []createOp // the open operations, sorted by id
	deletes     []deleteOp
	replaces    []replaceOp
	resizes     []resizeOp
	readyNodes  map[string]bool               // by node id
	someUnknown bool                          // the leader does not know how a node is, as after an election: what the engine says of tasks then is of no node's doing
	loads       map[string]int                // by node id: the tasks on it that did not end
	jobs        map[string]int                // the same of jobs alone
	liveNamed   map[string]*swarm.Service     // the first of each name
	wantedNamed map[string]*swarm.ServiceSpec // the same of the stack
	raft        raftNumbers
	services    []service          // the stack's, in its order
	objects     []object           // the configs and secrets that are there
	hashed      map[string]Sealing // Input.Sealed, before those that were taken over stand in
	surger      string             // the operation for which services may surge, see surging
	blind       *refusal           // why nothing at all may be decided; nil: something may
	handsOff    []HandsOff
}

// survey classifies what is seen.
func survey(in Input) *view {
	v := &view{in: in, strangers: Strangers(in.World, in.Spec.Cluster), handsOff: HandsOffIn(in.World, in.Now)}
	v.handsOff = append(v.handsOff, v.protectedByHand()...)
	v.creates, v.deletes, v.replaces, v.resizes = opened(in.World.Ledger.Ops)
	v.readyNodes, v.loads, v.jobs = indexed(in.World)
	v.someUnknown = slices.ContainsFunc(in.World.Machines, func(m world.Machine) bool { return m.Node != nil && m.Node.State == swarm.NodeUnknown })
	v.liveNamed, v.objects = named(in.World.Services, liveName), v.liveObjects()
	v.hashed, v.in = in.Sealed, v.stoodIn()
	v.in.Stack.Services, v.in.Good = v.besideLives(v.sealedAll(v.in.Stack.Services)), v.sealedGood()
	v.wantedNamed = named(v.in.Stack.Services, wantedName)
	for _, m := range in.World.Machines {
		pool := v.pool(m.Pool)
		v.machines = append(v.machines, machine{Machine: m, class: v.sort(m, pool), pool: pool})
	}
	v.implausible = slices.ContainsFunc(v.machines, contradicted)
	v.raft = v.countManagers()
	v.services, v.blind = v.stack(), v.blindness()
	v.surger = v.surging()
	v.services = v.bend()
	return v
}

// indexed counts once what each service asks for.
func indexed(w world.World) (readyNodes map[string]bool, loads, jobs map[string]int) {
	readyNodes, loads, jobs = map[string]bool{}, map[string]int{}, map[string]int{}
	for _, m := range w.Machines {
		if m.Node != nil && m.Node.State == swarm.NodeReady {
			readyNodes[m.Node.ID] = true
		}
	}
	for _, t := range w.Tasks {
		if ended(t) {
			continue
		}
		loads[t.NodeID]++
		if t.Job {
			jobs[t.NodeID]++
		}
	}
	return readyNodes, loads, jobs
}

// named has the first of each name.
func named[T any](all []T, name func(*T) string) map[string]*T {
	out := make(map[string]*T, len(all))
	for i := range all {
		if n := name(&all[i]); out[n] == nil {
			out[n] = &all[i]
		}
	}
	return out
}

func liveName(s *swarm.Service) string       { return s.Spec.Name }
func wantedName(s *swarm.ServiceSpec) string { return s.Name }

// contradicted reports whether the cloud does not know the droplet of a node that is ready. A wrong account's view has all of them so, and would make
// everything look gone; a machine deleted by hand has it so until the swarm has noticed.
func contradicted(m machine) bool { return m.Missing && m.Node.State == swarm.NodeReady }

// opened are the open operations of each kind, sorted by id.
func opened(ops []ledger.Op) (creates []createOp, deletes []deleteOp, replaces []replaceOp, resizes []resizeOp) {
	for _, op := range slices.SortedFunc(slices.Values(ops), func(a, b ledger.Op) int { return strings.Compare(a.ID, b.ID) }) {
		switch op.Kind {
		case ledger.Create:
			creates = append(creates, createOp{op})
		case ledger.Delete:
			deletes = append(deletes, deleteOp{op})
		case ledger.Replace:
			replaces = append(replaces, replaceOp{op})
		case ledger.Resize:
			resizes = append(resizes, resizeOp{op})
		}
	}
	return creates, deletes, replaces, resizes
}

// pool returns the file's pool of that name, or nil.
func (v *view) pool(name string) *spec.Pool {
	for i := range v.in.Spec.Pools {
		if v.in.Spec.Pools[i].Name == name {
			return &v.in.Spec.Pools[i]
		}
	}
	return nil
}

func (v *view) gap(what string) bool {
	return slices.ContainsFunc(v.in.World.Gaps, func(g world.Gap) bool { return g.What == what })
}

// outdated reports whether the spec is an older one than the accepted, which cannot be read. What the cluster has else than the spec says, the
// accepted one may have asked for: only operations that are open are finished, by the older one's policies.
func (v *view) outdated() bool { return v.gap(world.GapRevision) }

// led reports whether a manager leads.
func (v *view) led() bool {
	return slices.ContainsFunc(v.in.World.Machines, func(m world.Machine) bool {
		return m.Node != nil && m.Node.Leads()
	})
}

// actsOnMachines reports whether machines and nodes may be changed.
func (v *view) actsOnMachines() bool { return v.blind == nil && !v.in.World.Ledger.ServicesOnly }

// actsOnStack reports whether the stack may be: its file is the accepted one, and the services and networks were seen.
func (v *view) actsOnStack() bool {
	return v.blind == nil && !v.outdated() && !v.gap(world.GapServices) && !v.gap(world.GapNetworks)
}
