package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// RollOutState is how the roll-out of a service stands.
type RollOutState string

// The states of a roll-out. What is not over and not one of the bad ones is running.
const (
	RollOutWaiting   RollOutState = "waiting"       // what the file asks for is not written yet: a hold says why, or its turn comes
	RollOutRunning   RollOutState = "running"       // what the file asks for is written, and its tasks do not all run yet, or not for the bake time
	RollOutSucceeded RollOutState = "succeeded"     // they all do, on nodes that are ready
	RollOutPaused    RollOutState = "paused"        // the engine paused it
	RollOutBack      RollOutState = "rolled-back"   // it failed, and what ran before is put back
	RollOutStuck     RollOutState = "stuck"         // it has made no progress for policies.progress_deadline
	RollOutCrashing  RollOutState = "crash-looping" // its tasks end again and again, see FailureLimit
	RollOutNoNode    RollOutState = "unplaceable"   // no node can hold its tasks
	RollOutNoImage   RollOutState = "image-missing" // the image is not there, or no registry gives it
	RollOutFailed    RollOutState = "failed"        // a job's tasks failed, and the engine does not start them again
)

// RollOutStates are all of them: the label values of a metric.
func RollOutStates() []string {
	var out []string
	for _, s := range []RollOutState{RollOutWaiting, RollOutRunning, RollOutSucceeded, RollOutPaused, RollOutBack, RollOutStuck, RollOutCrashing, RollOutNoNode, RollOutNoImage, RollOutFailed} {
		out = append(out, string(s))
	}
	return out
}

// Bad reports whether somebody should look at it: it does not end well by itself.
func (s RollOutState) Bad() bool {
	switch s {
	case RollOutPaused, RollOutBack, RollOutStuck, RollOutCrashing, RollOutNoNode, RollOutNoImage, RollOutFailed:
		return true
	}
	return false
}

// RollOut is how a service's roll-out stands, and what its newest task that waits or failed says.
type RollOut struct {
	State   RollOutState `json:"state,omitempty"` // "": it is not known what is asked for
	Job     bool         `json:"job,omitempty"`   // it is the run of a job
	Updated int          `json:"updated"`         // tasks of what the file asks for that run; of a job: that are complete
	Error   string       `json:"error,omitempty"`
	Node    string       `json:"node,omitempty"` // on which that task was, "" if on none
}

// Short is the state in a few words, of so many tasks wanted: "running, 1 of 3 updated", "paused"; of a job "completed 3 of 3".
func (r RollOut) Short(wanted int) string {
	switch done := fmt.Sprintf("%d of %d", r.Updated, wanted); {
	case r.Job && r.State == RollOutSucceeded:
		return "completed " + done
	case r.Job && r.State != RollOutWaiting && r.State != "":
		return string(r.State) + ", " + done + " completed"
	case r.State == RollOutRunning:
		return string(r.State) + ", " + done + " updated"
	}
	return string(r.State)
}

// Text is the same with what the newest task says: "paused: ERROR (on NODE)".
func (r RollOut) Text(wanted int) string {
	text := r.Short(wanted)
	switch {
	case r.Error != "" && r.Node != "":
		text += ": " + r.Error + " (on " + r.Node + ")"
	case r.Error != "":
		text += ": " + r.Error
	}
	return text
}

// Try is what a swarmd has seen of the specification that a service runs, since it runs that.
type Try struct {
	Failed int  // tasks of it that failed, with no healthy one between
	Good   bool // it had succeeded
	Fresh  bool // this swarmd has seen it begin, or the engine had not completed it: it may be put back

	Over bool // what it replaced had not succeeded: a person wrote over a roll-out that was under way

	// Still is how long this swarmd has seen nothing of it move, until the last look began, by a clock that nobody sets.
	Still time.Duration
}

// The bounds of FailureLimit.
const (
	fewestFailures = 3
	mostFailures   = 200
)

// FailureLimit is after how many failed tasks, with no healthy one between, a roll-out to so many tasks has failed: half of them, at least 3 and at most
// 200, as ECS' deployment circuit breaker has it.
func FailureLimit(tasks int) int { return min(max(fewestFailures, (tasks+1)/2), mostFailures) }

// BakeTime is how long the tasks of a specification have to run before its roll-out has succeeded.
func BakeTime(least time.Duration, s swarm.ServiceSpec) time.Duration { return max(least, s.Monitor) }

// waitsForNode is how long a task waits for a node before it is said that none can hold it: nodes come and go.
const waitsForNode = 30 * time.Second

// rollOutOf names how the roll-out of a service of the stack stands.
func (v *view) rollOutOf(s service, c ServiceCount) RollOut {
	if s.live == nil {
		return RollOut{State: RollOutWaiting, Job: c.Job}
	}
	out := RollOut{State: v.rollOutState(s, c), Job: c.Job}
	if c.Job {
		out.Updated = c.Completed
	} else if s.written() {
		out.Updated = c.Running
		if moving(*s.live) {
			out.Updated = c.Updated
		}
	}
	if out.State == RollOutBack {
		out.Error = s.live.Spec.Labels[swarm.LabelFailed]
	}
	if t := v.troubled(*s.live); t.ID != "" && out.State != RollOutSucceeded && out.State != RollOutWaiting {
		out.Error = v.taskError(*s.live)
		if m := v.machineOf(t.NodeID); m != nil {
			out.Node = m.name()
		}
	}
	return out
}

// written reports whether the tasks that the file asks for are those that the service has.
func (s service) written() bool { return !swarm.Replaces(s.diff) }

func (v *view) rollOutState(s service, c ServiceCount) RollOutState {
	live := *s.live
	switch {
	case s.base.Mode.Job() && live.Spec.Mode == s.base.Mode:
		return v.jobState(s, c)
	case v.failsAgain(s), v.rollbackIsNew(s.want, live), rolledBack(live) && len(s.diff) > 0, live.Update == swarm.RollbackStarted:
		return RollOutBack
	case live.Update == swarm.Paused && s.written():
		return RollOutPaused
	case !s.written():
		return RollOutWaiting
	case v.baked(s, c):
		return RollOutSucceeded
	}
	if why := v.waitsFor(live, c); why != "" {
		return why
	}
	if v.crashes(s.want, c) {
		return RollOutCrashing
	}
	if v.stuck(live) || v.stuckHold(live) != "" {
		return RollOutStuck
	}
	if v.in.Memory.Tries[s.want.Name].Good && !moving(live) {
		return RollOutSucceeded // tasks that start anew, or are more than before, are no roll-out: the counts tell that they lack
	}
	return RollOutRunning
}

// baked reports whether the tasks that the file asks for run, all of them, each for the bake time.
func (v *view) baked(s service, c ServiceCount) bool {
	if moving(*s.live) || c.Running < c.Desired || v.gap(world.GapTasks) {
		return false
	}
	running := v.runningTasks(*s.live)
	bake := BakeTime(v.in.Spec.Policies.Bake, s.want)
	if try := v.in.Memory.Tries[s.want.Name]; try.Fresh && try.Still < bake {
		return false // by the engine's times and this machine's clock it may seem to have run for longer: one of them may be wrong
	}
	return !slices.ContainsFunc(running, func(t swarm.Task) bool { return v.in.Now.Sub(t.Updated) < bake })
}

// crashes reports whether tasks of a service that has not all of them have failed too often.
func (v *view) crashes(want swarm.ServiceSpec, c ServiceCount) bool {
	return v.in.Memory.Tries[want.Name].Failed >= FailureLimit(c.Desired)
}

// waitsFor names what the tasks of a service that lacks some cannot do without.
func (v *view) waitsFor(live swarm.Service, c ServiceCount) RollOutState {
	t := v.troubled(live)
	late := v.in.Now.Sub(t.Created) >= waitsForNode
	switch {
	case t.ID == "" || c.Running >= c.Desired && !moving(live):
		return ""
	case t.Cause == swarm.NoImage:
		return RollOutNoImage
	case t.Cause == swarm.NoNode && late && !v.someUnknown:
		return RollOutNoNode
	case t.Cause == swarm.Ended && !moving(live) && v.in.Memory.Tries == nil && v.in.Now.Sub(live.Updated) >= time.Minute:
		return RollOutCrashing // who looks only once counts nothing
	}
	return ""
}

// troubled is the newest of the service's tasks that waits or failed; its zero value is that none does.
func (v *view) troubled(live swarm.Service) (last swarm.Task) {
	for _, t := range slices.Concat(v.tasksOf(live, func(t swarm.Task) bool { return t.Err != "" }), v.failedOf(live)) {
		if last.ID == "" || t.Updated.After(last.Updated) {
			last = t
		}
	}
	return last
}

// machineOf is the machine of a node, nil if it is not seen.
func (v *view) machineOf(node string) *machine {
	for i := range v.machines {
		if n := v.machines[i].Node; n != nil && n.ID == node {
			return &v.machines[i]
		}
	}
	return nil
}

// progressDeadline is how long after its last new task a roll-out may take for the next.
func (v *view) progressDeadline() time.Duration {
	return cmp.Or(v.in.Spec.Policies.ProgressDeadline, progressDeadline)
}
