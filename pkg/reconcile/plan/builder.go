package plan

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// When to look again.
const (
	requeueSoon    = 500 * time.Millisecond // a step was planned: its effect is to be seen
	requeueGap     = 5 * time.Second        // something could not be read
	requeueStopped = 15 * time.Second       // what is waited for does not come soon, or not by itself
	requeueWait    = 2 * time.Second        // something is under way that gives no event: a boot, a drain, a shutdown
)

// builder is a plan in the making. Its methods write and answer nothing.
type builder struct {
	steps       []Step
	holds       []Hold
	requeue     time.Duration
	progressing bool // something is not as wanted yet, and nothing holds it
	soon        bool // a step was planned whose effect shows at once
	pools       []PoolCount
	services    []ServiceCount
}

// step adds a step. Its id is kind/object; the object is unique within the kind.
func (b *builder) step(kind, object string, a Action, code, text string, after ...string) {
	b.steps = append(b.steps, NewStep(stepID(kind, object), a, Reason{Code: code, Text: text}, after...))
	b.progressing, b.soon = true, true
}

func stepID(kind, object string) string { return kind + "/" + object }

// hold adds a hold that keeps the desired state from being reached.
func (b *builder) hold(guard, object, text string) {
	b.holds = append(b.holds, Hold{Guard: guard, Object: object, Text: text, Blocking: true, Final: final(guard)})
}

// warn adds a hold that does not matter for the desired state.
func (b *builder) warn(guard, object, text string) {
	b.holds = append(b.holds, Hold{Guard: guard, Object: object, Text: text})
}

// wait says that something is under way, and when to look again at the latest.
func (b *builder) wait(t time.Duration) {
	b.progressing = true
	b.requeueIn(t)
}

func (b *builder) requeueIn(t time.Duration) {
	if t > 0 && (b.requeue == 0 || t < b.requeue) {
		b.requeue = t
	}
}

// refuse says why a wish is not granted.
func (b *builder) refuse(r refusal) {
	if r.hold.Guard != "" {
		b.holds = append(b.holds, r.hold)
	}
	if r.progressing {
		b.progressing = true
	}
	b.requeueIn(r.requeue)
}

// finish is the plan. What is left alone for a while is taken out of it last: whether everything is as wanted does not depend on that.
func (b *builder) finish(v *view) Plan {
	converged, idly := v.converged(*b), b.requeue
	kept, held, soonest := v.withheld(b.steps)
	b.steps, b.holds = kept, append(b.holds, held...)
	if soonest > 0 {
		b.requeueIn(soonest)
	} else if b.soon {
		b.requeueIn(requeueSoon)
	}
	slices.SortStableFunc(b.holds, func(a, b Hold) int {
		return strings.Compare(a.Guard+"\x00"+a.Object+"\x00"+a.Text, b.Guard+"\x00"+b.Object+"\x00"+b.Text)
	})
	b.holds = slices.Compact(b.holds)
	return Plan{Steps: b.steps, Holds: b.holds, Pools: b.pools, Services: b.services, Classes: v.classes(), HandsOff: v.handsOff, RequeueAfter: b.requeue, RequeueIdle: idly,
		Progressing: b.progressing, Converged: converged}
}

// writeNode plans a write to a node. A pass plans one for each node at most: the version it names is good only once.
func (b *builder) writeNode(m machine, w nodeWrite) {
	b.step(w.step, m.Node.ID, UpdateNode{NodeID: m.Node.ID, Version: m.Node.Version, Spec: w.spec}, w.code, m.name()+": "+w.text)
}

func (b *builder) removeNode(m machine, code, text string) {
	b.step("remove-node", m.Node.ID, RemoveNode{NodeID: m.Node.ID}, code, text)
}

func (b *builder) closeOp(op ledger.Op, outcome, code, text string) {
	b.step("close", op.ID, CloseOp{OpID: op.ID, Outcome: outcome}, code, text)
}

// rollOut plans a write to a service, and before it the record of what is rolled out, if one is needed.
func (b *builder) rollOut(v *view, s service, a UpdateService, code, text string, after []string) {
	if v.recorded(a.Spec) {
		b.step("try", s.want.Name, RecordRollout{s.want.Name, v.attemptOf(a.Spec, *s.live)}, WhyServiceTried,
			"noted before it is rolled out, in case it is taken back")
		after = append(after, stepID("try", s.want.Name))
	}
	b.step("service", s.want.Name, a, code, text, after...)
}

// tag plans a machine's tag. It shows late: to look at once would be to tag again.
func (b *builder) tag(m machine, swarmID string) {
	b.steps = append(b.steps, Step{ID: stepID("tag", strconv.Itoa(m.Droplet.ID)), Action: TagDroplet{DropletID: m.Droplet.ID, SwarmID: swarmID},
		Reason: Reason{Code: WhySwarmTag, Text: m.name() + " was made before machines were tagged with their swarm"}})
	b.wait(requeueGap)
}
