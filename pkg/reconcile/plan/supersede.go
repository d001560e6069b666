package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// The bounds of a roll-out's pace. The first is what Nomad and Kubernetes allow by default.
const (
	progressDeadline = 10 * time.Minute // since the last new task that runs, beside the roll-out's own delay
	backDeadline     = time.Minute      // the same on the way back, which replaces few tasks or none
)

// good says where the specification that a service ran whole with last can be found again. It is a label of what is rolled out over it: written
// with it, read by any swarmd, and kept by who scales or relabels the service by hand, which costs the engine its own memory. A specification that
// names itself was put back.
type good struct {
	revision int
	hash     string    // of its form
	pin      swarm.Pin // of its image, the zero value if it was not pinned
}

// String is what is written: "REVISION/HASH/DIGEST", and behind that the platforms, as "/linux/amd64,linux/arm64".
func (g good) String() string {
	text := fmt.Sprintf("%d/%s/%s", g.revision, g.hash, g.pin.Digest)
	for i, p := range g.pin.Platforms {
		text += [...]string{"/", ","}[min(i, 1)] + p.OS + "/" + p.Architecture
	}
	return text
}

// goodBefore reads what the live specification says was good before it.
func goodBefore(live swarm.Service) (g good, known bool) {
	revision, rest, _ := strings.Cut(live.Spec.Labels[swarm.LabelGood], "/")
	hash, rest, ok := strings.Cut(rest, "/")
	digest, platforms, several := strings.Cut(rest, "/")
	g = good{hash: hash, pin: swarm.Pin{Digest: digest}}
	if several {
		for name := range strings.SplitSeq(platforms, ",") {
			system, architecture, _ := strings.Cut(name, "/")
			g.pin.Platforms = append(g.pin.Platforms, swarm.Platform{OS: system, Architecture: architecture})
		}
	}
	var err error
	g.revision, err = strconv.Atoi(revision)
	return g, ok && err == nil && g.revision > 0 && hash != ""
}

// goodOf is the specification as one to go back to; not known if somebody has changed it by hand.
func goodOf(s swarm.ServiceSpec) (g good, known bool) {
	n, err := strconv.Atoi(s.Labels[swarm.LabelRevision])
	return good{n, s.Labels[swarm.LabelHash], s.Pin()}, err == nil && n > 0 && s.AsWritten()
}

// putBackNow reports whether the live specification is one that was gone back to.
func putBackNow(live swarm.Service) bool {
	g, known := goodBefore(live)
	return known && g.hash == live.Spec.Labels[swarm.LabelHash]
}

// LostGood returns, by service, the revision that has what ran whole before, where neither the engine nor the live specification has it: of a
// roll-out that has not completed and whose specification the engine has forgotten, and of what a person has changed by hand and the stack is about
// to roll over; and of what the engine has completed though its tasks fail, by tries. Input.Good is asked for these.
func LostGood(stack swarm.Stack, services []swarm.Service, tries map[string]Try) map[string]int {
	wanted := map[string]string{}
	for _, s := range stack.Services {
		wanted[s.Name] = s.Labels[swarm.LabelHash]
	}
	out := map[string]int{}
	for _, s := range services {
		if s.Spec.Mode.Job() {
			continue // nothing is put back
		}
		g, known := goodBefore(s)
		if known && !putBackNow(s) && (s.Update != swarm.Completed || failing(tries[s.Spec.Name])) && s.Update != swarm.RollbackCompleted && !remembers(s, g) {
			out[s.Spec.Name] = g.revision
			continue
		}
		hash, mine := wanted[s.Spec.Name]
		if g, unchanged := goodOf(s.Spec); mine && !unchanged && hash != g.hash && g.revision > 0 && g.hash != "" && settled(s) {
			out[s.Spec.Name] = g.revision
		}
	}
	return out
}

// remembers reports whether the engine's previous specification is that one.
func remembers(live swarm.Service, g good) bool {
	if live.Previous == nil {
		return false
	}
	p, unchanged := goodOf(*live.Previous)
	return unchanged && p.hash == g.hash && p.pin.Digest == g.pin.Digest
}

// lastGood is the specification that the service ran whole with last, ready to be written.
func (v *view) lastGood(live swarm.Service) (swarm.ServiceSpec, bool) {
	g, known := goodBefore(live)
	spec, found := v.in.Good[live.Spec.Name]
	switch previous, own := v.previous(live); {
	case previous != nil && (own || !known || remembers(live, g)): // where nothing is known, a swarmd that left no word has written it
		spec = *previous
		spec.Override.Restored = true
		g, _ = goodOf(spec)
	case known && found && spec.Labels[swarm.LabelHash] == g.hash && !own:
		spec = spec.Pinned(g.pin)
	default:
		return swarm.ServiceSpec{}, false
	}
	spec.Labels = maps.Clone(spec.Labels)
	spec.Labels[swarm.LabelRevision], spec.Labels[swarm.LabelGood] = strconv.Itoa(g.revision), g.String()
	setOrDelete(spec.Labels, swarm.LabelProtected, v.protection(live.Spec)) // it is of now, as the file is
	return spec, spec.Mode == live.Spec.Mode && v.connected(spec, live)
}

// previous is what the engine would go back to, nil if that is nothing to go back to. It is the service's own if a person has made the roll-out: with
// the same file's specification as before, restarted or changed by hand. Then what was good before that specification is not meant.
func (v *view) previous(live swarm.Service) (spec *swarm.ServiceSpec, own bool) {
	p := live.Previous
	if p == nil {
		return nil, false
	}
	_, unchanged := goodOf(*p)
	if p.Labels[swarm.LabelHash] != live.Spec.Labels[swarm.LabelHash] {
		if unchanged {
			return p, false
		}
		return nil, false
	}
	switch {
	case v.in.Memory.Tries[live.Spec.Name].Over:
		return nil, false // the engine remembers what never ran whole
	case unchanged && swarm.Replaces(swarm.Diff(live.Spec.Form(), p.Form())):
		return p, true
	case len(v.others(live)) == 0:
		return nil, true
	}
	return nil, false // a roll-out that was scaled by hand: the engine's memory is lost
}

// connected reports whether the networks of a specification are there.
func (v *view) connected(spec swarm.ServiceSpec, live swarm.Service) bool {
	return !slices.ContainsFunc(spec.Networks, func(n string) bool { return v.liveNetwork(n) == nil && !slices.Contains(live.Spec.Networks, n) })
}

// newer reports whether the file asks for other tasks than those that the live specification was written for.
func newer(want swarm.ServiceSpec, live swarm.Service, diff []string) bool {
	return swarm.Replaces(diff) && want.Labels[swarm.LabelHash] != live.Spec.Labels[swarm.LabelHash]
}

// superseded reports whether a roll-out is ended for a newer edit, which itself has to wait. Two writes make it: first exactly what ran before,
// then, when the engine has completed that, which takes two seconds and replaces no good task, the new specification. Written straight over a
// roll-out that is stuck or failed, a new one that fails as well makes the engine go back to the stuck one, and every good task is gone (seen on
// 26.1.5 and 28.5.2: 0 of 3 running). A roll-out whose new tasks all run has nothing to be afraid of, and to go back would replace them twice.
func (v *view) superseded(want swarm.ServiceSpec, live swarm.Service, diff []string) bool {
	if !newer(want, live, diff) || want.Mode != live.Spec.Mode || !v.halfway(live) || putBackNow(live) || v.proven(live) || v.isFailed(want) {
		return false
	}
	before, known := v.lastGood(live)
	return known && len(swarm.ServiceChanges(before.Form(), live.Spec.Form())) > 0
}

// halfway reports whether a roll-out runs or stopped on its way. It may not say so: a write clears what the engine says of a roll-out, and the same
// specification written again over a paused one leaves it so.
func (v *view) halfway(live swarm.Service) bool {
	_, known := goodBefore(live)
	return live.Update == swarm.Updating || live.Update == swarm.Paused || live.Update == "" && known && len(v.others(live)) > 0
}

// proven reports whether the running roll-out's new tasks run, and none of them fails or waits.
func (v *view) proven(live swarm.Service) bool {
	running := 0
	for _, t := range slices.Concat(v.newTasks(live), v.failedOf(live)) {
		switch {
		case t.Created.Before(live.UpdateStarted):
		case t.Err != "" || t.Failed():
			return false
		case t.Runs():
			running++
		}
	}
	return live.Update == swarm.Updating && running > 0 && !v.stuck(live)
}

// newTasks are those that were made since the roll-out began.
func (v *view) newTasks(live swarm.Service) []swarm.Task {
	if live.UpdateStarted.IsZero() {
		return nil
	}
	return v.tasksOf(live, func(t swarm.Task) bool { return !t.Created.Before(live.UpdateStarted) })
}

// tasksOf are the service's tasks that are as asked.
func (v *view) tasksOf(live swarm.Service, as func(swarm.Task) bool) []swarm.Task {
	tasks := v.in.World.Tasks // sorted by service: of a large swarm's tasks only its own are looked at, and not copied where all are as asked
	first, _ := slices.BinarySearchFunc(tasks, live.ID, func(t swarm.Task, id string) int { return strings.Compare(t.ServiceID, id) })
	tasks = tasks[first:]
	end, _ := slices.BinarySearchFunc(tasks, live.ID, func(t swarm.Task, id string) int { return cmp.Or(strings.Compare(t.ServiceID, id), -1) })
	tasks = tasks[:end]
	not := slices.IndexFunc(tasks, func(t swarm.Task) bool { return !as(t) })
	if not < 0 {
		return slices.Clip(tasks)
	}
	out := slices.Clip(tasks[:not])
	for _, t := range tasks[not+1:] {
		if as(t) {
			out = append(out, t)
		}
	}
	return out
}

// isWhole reports whether as many tasks of the service run as the specification wants.
func (v *view) isWhole(s swarm.ServiceSpec, live swarm.Service) bool {
	c := v.tally(s, live)
	return !v.gap(world.GapTasks) && c.Running >= c.Desired
}

// lastStep is when the roll-out moved on last.
func (v *view) lastStep(live swarm.Service) time.Time {
	last := live.UpdateStarted
	if live.Updated.After(last) {
		last = live.Updated // the engine wrote that it goes back
	}
	for _, t := range v.newTasks(live) {
		if t.State == "running" && t.Updated.After(last) {
			last = t.Updated
		}
	}
	return last
}

func moving(live swarm.Service) bool {
	return live.Update == swarm.Updating || live.Update == swarm.RollbackStarted
}

// stuck reports whether a running roll-out has made no progress for too long. It then does not end by itself: a task that waits for a node never
// fails it.
func (v *view) stuck(live swarm.Service) bool {
	limit := v.progressDeadline() + live.Spec.Delay
	if putBackNow(live) || live.Update == swarm.RollbackStarted {
		limit = backDeadline
	}
	return moving(live) && !v.gap(world.GapTasks) && v.in.Now.Sub(v.lastStep(live)) >= limit
}

// stuckHold names a roll-out that does not end by itself, and one that stopped without a word.
func (v *view) stuckHold(live swarm.Service) (text string) {
	switch since := v.lastStep(live); {
	case v.stuck(live):
		fresh := v.tasksOf(live, func(t swarm.Task) bool {
			return t.Runs() && !t.Created.Before(live.UpdateStarted)
		})
		return fmt.Sprintf("the roll-out has made no progress since %s: %d new tasks run%s; what ran before is put back, at once when the service is changed",
			clock(since), len(fresh), v.because(live))
	case live.Update == "" && v.in.Now.Sub(live.Updated) >= v.progressDeadline() && len(v.others(live)) > 0:
		return fmt.Sprintf("%d tasks run another image than the service's, and the engine does nothing about it%s; change the service to go on",
			len(v.others(live)), v.because(live))
	}
	return ""
}

// others are the tasks that run another image than the service's: another digest than the one that it is pinned to, or another reference where it is
// not.
func (v *view) others(live swarm.Service) []swarm.Task {
	digest := live.Spec.Pin().Digest
	return v.tasksOf(live, func(t swarm.Task) bool {
		reference, _, _ := strings.Cut(t.Image, "@")
		same := digest != "" && strings.HasSuffix(t.Image, "@"+digest) || digest == "" && reference == live.Spec.Image
		return t.Image != "" && t.Runs() && !same
	})
}

func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly) + " UTC" }

// remembering is the label that says what to go back to from what is written over the live specification: that one, if it is whole, or what it
// says itself.
func (v *view) remembering(live swarm.Service, diff []string) string {
	g, unchanged := goodOf(live.Spec)
	ran := live.Spec
	if said := v.in.Good[live.Spec.Name]; !unchanged && g.hash != "" && said.Labels[swarm.LabelHash] == g.hash {
		// It is good all the same where what a person changed replaces no task: its revision has it, and says how many ran.
		ran, unchanged = said, !swarm.Replaces(swarm.Diff(said.Form(), live.Spec.Form()))
	}
	// Where the tasks cannot be seen, what nothing was seen to fail of is taken for whole: there would be no way back otherwise.
	whole := v.isWhole(ran, live) || v.gap(world.GapTasks) && v.in.Memory.Tries[live.Spec.Name].Failed == 0
	if swarm.Replaces(diff) && unchanged && settled(live) && whole {
		return g.String()
	}
	return live.Spec.Labels[swarm.LabelGood]
}

// settled reports whether no roll-out is under way or stopped on its way.
func settled(live swarm.Service) bool {
	return live.Update == "" || live.Update == swarm.Completed || live.Update == swarm.RollbackCompleted
}

// because is the newest error of the service's tasks as the end of a sentence.
func (v *view) because(live swarm.Service) string {
	if why := v.taskError(live); why != "" {
		return ": " + why
	}
	return ""
}

// endsWell is what there is to say of a task that is complete. The engine tells no difference: it stops a container whose health check fails, too, and
// that ends with 0 if it heeds the signal (seen on 26.1.5: complete, "finished", no error).
const endsWell = "its containers end with exit code 0: by themselves, or stopped because their health check fails"

// taskError is what the engine says of the newest of the service's tasks that waits or failed, "" if none does.
func (v *view) taskError(live swarm.Service) string {
	last := v.troubled(live)
	switch {
	case last.Err != "":
		return last.Err
	case last.State == "complete":
		return endsWell
	}
	return last.Message
}

// failedOf is the task of the service that failed last, if that was read.
func (v *view) failedOf(live swarm.Service) []swarm.Task {
	return slices.DeleteFunc(slices.Clone(v.in.World.Failed), func(t swarm.Task) bool { return t.ServiceID != live.ID })
}

// GoodRevision is the number of the revision that a live service names as what ran whole before it.
func GoodRevision(live swarm.Service) (revision int, known bool) {
	g, known := goodBefore(live)
	return g.revision, known
}
