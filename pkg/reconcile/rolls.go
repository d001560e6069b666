package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// rolls is what the cluster's services run, by name, and how that went so far: the engine keeps the last few tasks of a slot only, so failures are
// counted as they are seen. It is a value: see and learn make the next one. It is a memory of this process: who begins anew puts back nothing that the
// engine had completed before.
type rolls map[string]rolled

// rolled is one service's.
type rolled struct {
	plan.Try
	id       string
	version  uint64 // of the service when its template was taken last
	template string
	began    time.Time // by the engine's clock: tasks before it are of something else
	failure  time.Time // of the newest failure that is counted
	counted  time.Time // when that was counted, by this process's own clock
	mark     string    // of what moves when it goes on
	moved    time.Time // when that changed last, by this process's own clock
}

// see returns what is remembered after a look. A service that is not seen, for now or for ever, is forgotten only when the services were seen.
func (t rolls) see(w world.World, bake time.Duration, at look) rolls {
	if !known(w, world.GapServices) || !known(w, world.GapTasks) {
		return t
	}
	next, byID, bakes := make(rolls, len(w.Services)), map[string]string{}, map[string]time.Duration{}
	for _, s := range w.Services {
		if s.Spec.Labels[swarm.LabelCluster] == "" {
			continue
		}
		h, before := t[s.Spec.Name]
		bakes[s.Spec.Name] = plan.BakeTime(bake, s.Spec)
		next[s.Spec.Name] = h.now(s, before, func() bool { return unproven(s, w, bakes[s.Spec.Name], at.wall) })
		byID[s.ID] = s.Spec.Name
	}
	newest := map[string]time.Time{}
	for _, task := range w.Failed {
		next.failed(byID[task.ServiceID], task, at)
	}
	for _, task := range w.Tasks {
		name := byID[task.ServiceID]
		if task.Runs() && task.Updated.After(newest[name]) {
			newest[name] = task.Updated
		}
		if task.Failed() {
			next.failed(name, task, at)
		}
	}
	for name, h := range next {
		h.Failed = min(h.Failed, t[name].Failed+1) // one answer that lies is no failure of many
		if mark := fmt.Sprint(h.version, newest[name].UnixNano()); mark != h.mark || h.moved.IsZero() {
			h.mark, h.moved = mark, at.ended
		}
		h.Still = max(at.began.Sub(h.moved), 0)
		next[name] = h
	}
	for _, task := range w.Tasks {
		if h := next[byID[task.ServiceID]]; h.Failed > 0 && h.healthy(task, bakes[byID[task.ServiceID]], at) {
			h.Failed = 0
			next[byID[task.ServiceID]] = h
		}
	}
	return next
}

// healthy reports whether a task has run for the bake time: when another failed, by the engine's clock, or while nothing failed or moved, by this
// process's own. Neither is compared with the other, since one of them may be wrong.
func (h rolled) healthy(task swarm.Task, bake time.Duration, at look) bool {
	if !task.Runs() || task.Created.Before(h.began) {
		return false
	}
	return h.failure.Sub(task.Updated) >= bake || h.Still >= bake && at.began.Sub(h.counted) >= bake
}

// now is what is remembered of a service as it is now.
func (h rolled) now(s swarm.Service, before bool, unproven func() bool) rolled {
	if before && h.id == s.ID && h.version == s.Version {
		return h
	}
	template := s.Spec.Form().Template().Hash()
	if s.Spec.Mode.Job() {
		template += fmt.Sprint(" ", s.Iteration) // what failed in a run before says nothing of this one
	}
	if !before || h.id != s.ID || h.template != template {
		began := s.UpdateStarted
		if began.IsZero() {
			began = s.Updated
		}
		h = rolled{Try: plan.Try{Over: h.Fresh && !h.Good && h.id == s.ID, Fresh: before && h.id == s.ID || unfinished(s) || unproven()}, id: s.ID, template: template, began: began}
	}
	h.version = s.Version
	return h
}

// justNow is for how long after the engine has called a roll-out completed a swarmd that begins anew doubts it.
const justNow = 10 * time.Minute

// unproven reports whether the engine has called a roll-out completed a moment ago and nothing shows that a task of it has run for the bake time. The
// engine looks away after update_config.monitor; the swarmd that looked on may be another one. The time is the engine's own, of the newest that
// happened to the service, or this machine's if that is later: who doubts less puts back less.
func unproven(s swarm.Service, w world.World, bake time.Duration, now time.Time) bool {
	if s.Update != swarm.Completed || s.UpdateEnded.IsZero() {
		return false
	}
	tasks := slices.DeleteFunc(slices.Concat(w.Tasks, w.Failed), func(t swarm.Task) bool { return t.ServiceID != s.ID || t.Created.Before(s.UpdateStarted) })
	for _, t := range tasks {
		if t.Updated.After(now) {
			now = t.Updated
		}
	}
	return now.Sub(s.UpdateEnded) < justNow && !slices.ContainsFunc(tasks, func(t swarm.Task) bool {
		return t.Runs() && now.Sub(t.Updated) >= bake || t.Failed() && t.Updated.Sub(t.Created) >= bake
	})
}

// unfinished reports whether the engine says of other tasks than before that they are rolled out still.
func unfinished(s swarm.Service) bool {
	return (s.Update == swarm.Updating || s.Update == swarm.Paused) && s.Previous != nil && swarm.Replaces(swarm.Diff(s.Spec.Form(), s.Previous.Form()))
}

// failed counts a task that failed, once.
func (t rolls) failed(name string, task swarm.Task, at look) {
	h, ok := t[name]
	if !ok || task.Created.Before(h.began) || !task.Updated.After(h.failure) {
		return
	}
	h.Failed, h.failure, h.counted = h.Failed+1, task.Updated, at.ended
	t[name] = h
}

// learn returns what is remembered after a plan: what has succeeded.
func (t rolls) learn(services []plan.ServiceCount) rolls {
	next := maps.Clone(t)
	for _, c := range services {
		if h, ok := next[c.Service]; ok && !h.Good && c.RollOut.State == plan.RollOutSucceeded {
			h.Good = true
			next[c.Service] = h
		}
	}
	return next
}

// seen is what the planner is told.
func (t rolls) seen() map[string]plan.Try {
	out := make(map[string]plan.Try, len(t))
	for name, h := range t {
		out[name] = h.Try
	}
	return out
}
