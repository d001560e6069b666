package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// When to look again.
const (
	lookSoon = 500 * time.Millisecond // a step was planned: its effect is to be seen
	lookGap  = 5 * time.Second        // something could not be read
	lookWait = 2 * time.Second        // something is under way that gives no event: a boot, a drain, a shutdown
)

// Compute decides what to do now. A nil Spec (no revision was accepted yet) gives an empty plan.
func Compute(in Input) Plan {
	if in.Spec == nil {
		return Plan{}
	}
	d := newDraft(in)
	switch {
	case d.blind():
	case in.World.Ledger.ServicesOnly:
		if !d.outdated() {
			d.stack()
		}
	default:
		d.operations()
		d.notes()
		if !d.outdated() {
			d.pools()
		}
		d.leaves()
		d.nodes()
		d.membership()
		d.quarantine()
		d.rotate()
		if !d.outdated() {
			d.stack()
			d.tags()
		}
	}
	d.count()
	return d.finish()
}

// draft is a plan in the making.
type draft struct {
	in          Input
	members     []member // in the order of World.Machines
	steps       []Step
	holds       []Hold
	poolsSum    []PoolCount
	svcSum      []ServiceCount
	look        time.Duration
	implausible bool            // the cloud's view contradicts the swarm's
	underway    bool            // something is not as wanted yet, and nothing holds it
	pinning     bool            // a service is rolled out because its image's digest became known
	soon        bool            // a step was planned whose effect shows at once
	opIDs       []string        // the fresh ids that are left
	attempts    int             // roll-outs that are remembered before they start
	credit      int             // deletes that accepted edits still permit
	spare       bool            // one delete without credit is still permitted
	promote     []member        // who may become a manager
	demote      []member        // who must stop being one
	strangers   []string        // see Strangers
	readyNodes  map[string]bool // by node id
	loads       map[string]int  // by node id: the tasks on it that did not end
}

func newDraft(in Input) *draft {
	d := &draft{in: in, opIDs: slices.Clone(in.OpIDs)}
	d.credit, d.spare = in.World.Ledger.DeleteBudget, true
	for _, t := range in.World.Ledger.FreeDeletes {
		if in.Now.Sub(t) < time.Hour {
			d.spare = false
		}
	}
	d.index()
	d.classify()
	d.strangers = Strangers(in.World, in.Spec.Cluster)
	return d
}

// index counts once what each service asks for.
func (d *draft) index() {
	d.readyNodes, d.loads = map[string]bool{}, map[string]int{}
	for _, m := range d.in.World.Machines {
		if m.Node != nil && m.Node.State == swarm.NodeReady {
			d.readyNodes[m.Node.ID] = true
		}
	}
	for _, t := range d.in.World.Tasks {
		if !ended(t) {
			d.loads[t.NodeID]++
		}
	}
}

// step adds a step. Its id is kind/object; the object is unique within the kind.
func (d *draft) step(kind, object string, a Action, code, text string, after ...string) string {
	id := kind + "/" + object
	d.steps = append(d.steps, NewStep(id, a, Reason{Code: code, Text: text}, after...))
	d.underway, d.soon = true, true
	return id
}

// hold adds a hold that keeps the desired state from being reached.
func (d *draft) hold(guard, object, text string) {
	d.holds = append(d.holds, Hold{Guard: guard, Object: object, Text: text, Blocking: true, Final: final(guard)})
}

// note adds a hold that does not matter for the desired state.
func (d *draft) note(guard, object, text string) {
	d.holds = append(d.holds, Hold{Guard: guard, Object: object, Text: text})
}

// wait says that something is under way, and when to look again at the latest.
func (d *draft) wait(t time.Duration) {
	d.underway = true
	d.lookIn(t)
}

func (d *draft) lookIn(t time.Duration) {
	if t > 0 && (d.look == 0 || t < d.look) {
		d.look = t
	}
}

// opID takes a fresh operation id, "" if none is left.
func (d *draft) opID() string {
	if len(d.opIDs) == 0 {
		return ""
	}
	id := d.opIDs[0]
	d.opIDs = d.opIDs[1:]
	return id
}

// pool returns the file's pool of that name, or nil.
func (d *draft) pool(name string) *spec.Pool {
	for i := range d.in.Spec.Pools {
		if d.in.Spec.Pools[i].Name == name {
			return &d.in.Spec.Pools[i]
		}
	}
	return nil
}

// open returns the open operations of a kind, sorted by id.
func (d *draft) open(kind ledger.OpKind) []ledger.Op {
	var ops []ledger.Op
	for _, op := range d.in.World.Ledger.Ops {
		if op.Kind == kind {
			ops = append(ops, op)
		}
	}
	slices.SortFunc(ops, func(a, b ledger.Op) int { return strings.Compare(a.ID, b.ID) })
	return ops
}

func (d *draft) finish() Plan {
	converged, idly := d.converged(), d.look
	soonest := d.withhold()
	if soonest > 0 {
		d.lookIn(soonest)
	} else if d.soon {
		d.lookIn(lookSoon)
	}
	slices.SortStableFunc(d.holds, func(a, b Hold) int {
		return strings.Compare(a.Guard+"\x00"+a.Object+"\x00"+a.Text, b.Guard+"\x00"+b.Object+"\x00"+b.Text)
	})
	d.holds = slices.Compact(d.holds)
	return Plan{Steps: d.steps, Holds: d.holds, Pools: d.poolsSum, Services: d.svcSum, Classes: d.classes(), LookAgain: d.look, LookIdly: idly, Underway: d.underway, Converged: converged}
}
