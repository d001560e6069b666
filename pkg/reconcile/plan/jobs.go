package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/world"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// A job runs once for each accepted edit of its specification. Whatever is written to one makes the engine run it again, a label as much as another
// image. So nothing is written to a job but an edit: neither a login nor a digest nor a surge, nothing that a hand has changed is put back, one that is
// taken over gets no label, and one that failed is named and left.

// edited reports whether the file asks for another run of the job than that which lives was written for.
func (s service) edited() bool {
	return len(s.diff) > 0 && s.want.Labels[swarm.LabelHash] != s.live.Spec.Labels[swarm.LabelHash]
}

// isJob reports whether a job lives, or is to.
func (s service) isJob() bool { return s.base.Mode.Job() || s.live != nil && s.live.Spec.Mode.Job() }

// jobWishes are what is wished of a job that lives.
func jobWishes(s service) []wish {
	if !s.edited() {
		return nil
	}
	return []wish{{kind: changeService, object: s.object(), service: s}}
}

// belongs reports whether a live service counts as the stack's: it is ours, or a job that was deployed without swarmd and is used as it is.
func (v *view) belongs(live swarm.Service) bool {
	want := v.wantedService(live.Spec.Name)
	return v.ours(live.Spec.Labels) || live.Spec.Mode.Job() && want != nil && v.takesOver(want.Labels, live.Spec.Labels)
}

// iteration are the tasks of the job's present run: those that are complete, and those that go on or wait.
func (v *view) iteration(live swarm.Service) (complete, going []swarm.Task) {
	for _, t := range v.tasksOf(live, func(t swarm.Task) bool { return t.Job && t.Iteration == live.Iteration }) {
		switch {
		case t.Completed():
			complete = append(complete, t)
		case !ended(t) && t.DesiredState != "remove":
			going = append(going, t)
		}
	}
	return complete, going
}

// tallyJob counts a job's tasks. A global one is done on each node that was there when it began: its tasks alone say on which.
func (v *view) tallyJob(want swarm.ServiceSpec, live swarm.Service) ServiceCount {
	complete, going := v.iteration(live)
	c := ServiceCount{Service: want.Name, Image: imageOf(want), Job: true, Desired: want.Completions(), Completed: len(complete)}
	for _, t := range going {
		if t.State == "running" {
			c.Running++
		}
	}
	if want.Mode == swarm.GlobalJob {
		c.Desired = len(complete) + len(going)
		for _, t := range v.failedOf(live) {
			on := func(o swarm.Task) bool { return o.NodeID == t.NodeID }
			if !slices.ContainsFunc(complete, on) && !slices.ContainsFunc(going, on) {
				c.Desired++
			}
		}
	}
	return c
}

// jobState is how the run of a job stands that lives.
func (v *view) jobState(s service, c ServiceCount) RollOutState {
	live := *s.live
	_, going := v.iteration(live)
	lately := v.in.Now.Sub(live.Updated).Abs() < time.Minute
	switch {
	case s.edited():
		return RollOutWaiting
	case c.Completed >= c.Desired && (c.Desired > 0 || s.want.Mode == swarm.ReplicatedJob):
		return RollOutSucceeded
	case v.jobFailed(live, going):
		return RollOutFailed
	case c.Desired == 0 && !lately && s.want.Mode == swarm.GlobalJob:
		return RollOutNoNode
	}
	if why := v.waitsFor(live, c); why != "" {
		return why
	}
	switch {
	case !bounded(live.Spec) && v.crashes(s.want, c):
		return RollOutCrashing
	case len(going) == 0 && !lately:
		return RollOutStuck
	}
	return RollOutRunning
}

// bounded reports whether the engine starts a task that failed again no more than so often: then its failures are not counted here.
func bounded(s swarm.ServiceSpec) bool {
	const policy = "TaskTemplate.RestartPolicy."
	attempts := s.Form()[policy+"MaxAttempts"]
	return attempts != "" && attempts != "0" || s.Form()[policy+"Condition"] == "none"
}

// jobFailed reports whether a task of the job has failed and none goes on: the engine makes no other one. One that failed a moment ago may have a
// successor that the list of tasks did not show yet.
func (v *view) jobFailed(live swarm.Service, going []swarm.Task) bool {
	last := v.troubled(live)
	return len(going) == 0 && last.Failed() && v.in.Now.Sub(last.Updated).Abs() >= settle && !v.gap(world.GapTasks)
}

// wasWritten reports whether a job lives as it is wanted with the secrets that it has: another value of one reaches it with its next edit.
func (v *view) wasWritten(want swarm.ServiceSpec, live swarm.Service) bool {
	return want.Labels[swarm.LabelHash] == live.Spec.Labels[swarm.LabelHash] || len(swarm.Diff(want.Form(), asOurs(live, v.in.Spec.Cluster).Spec.Form())) == 0
}

// olderSecrets are the secrets of the file's of which the job has another version than that of now, sorted.
func (v *view) olderSecrets(live swarm.Service) (older []string) {
	for _, o := range v.objects {
		now := v.in.Sealed[o.of].Name
		if o.kind == ofSecret && now != "" && now != o.name && slices.Contains(live.Spec.Secrets, o.name) {
			older = append(older, o.of)
		}
	}
	slices.Sort(older)
	return older
}

// reportJobsOn says of a machine that is drained what it still does: Swarm moves no task of a job (seen on 26.1.5).
func reportJobsOn(v *view, m machine, b *builder) {
	if m.Node == nil || m.Node.Spec.Availability != swarm.Drain || m.class == foreign {
		return
	}
	if n := v.jobs[m.Node.ID]; n > 0 {
		b.warn(GuardJob, m.object(), fmt.Sprintf("it is drained, and tasks of jobs run on there to their end, for a drain does not move them: %d", n))
	}
}

// nodesKnown has a global job wait while the leader does not know how a node is: the engine begins it on the nodes that are ready at that moment, and on no
// other one later.
func nodesKnown(v *view, _ spent, w wish) *refusal {
	if w.service.want.Mode != swarm.GlobalJob || !v.someUnknown {
		return nil
	}
	return &refusal{progressing: true, requeue: requeueWait}
}

// wayOut is what there is to do about a job that does not end well.
func wayOut(c ServiceCount) string {
	switch state := c.RollOut.State; {
	case state == RollOutFailed || state == RollOutStuck:
		return "it is not run again before the file changes it, or it is removed: docker service rm " + c.Service
	case c.Desired == 0:
		return "when the engine began it, it knew of no node that was ready and fitted: docker service update --force " + c.Service + " runs it"
	}
	return "the engine goes on trying: correct the job, or what it lacks"
}

// reportJob says how a job stands that lives, and why it is left as it is.
func reportJob(v *view, s service, c ServiceCount, b *builder) {
	switch age := v.in.Now.Sub(s.live.Updated).Abs(); {
	case c.RollOut.State == RollOutRunning && age < time.Minute:
		b.wait(time.Second)
	case c.RollOut.State == RollOutRunning && age < patience:
		b.wait(requeueWait)
	case c.RollOut.State == RollOutRunning:
		b.wait(0)
	case c.RollOut.State.Bad():
		b.hold(GuardJobFailed, s.object(), "the job is "+c.RollOut.Text(c.Desired)+"; "+wayOut(c))
	}
	const again = "whatever is written to a job runs it again: "
	changes := swarm.ServiceChanges(s.want.Form(), s.live.Spec.Form())
	if older := v.olderSecrets(*s.live); len(older) > 0 && !s.edited() {
		b.warn(GuardJob, s.object(), "its secrets have other values now ("+strings.Join(older, ", ")+"), for "+again+"its next edit writes them")
	}
	if s.protectsLater() {
		b.warn(GuardJob, s.object(), "what the file says of "+protectKey+" does not count yet, for "+again+"its next edit writes it")
	}
	switch ours := v.ours(s.live.Spec.Labels); {
	case len(s.diff) > 0 && !s.edited():
		b.warn(GuardJob, s.object(), "somebody has changed it, and that is not put back ("+swarm.Summary(changes)+"), for "+again+"its next edit does it")
	case !ours && len(s.diff) == 0:
		b.warn(GuardJob, s.object(), "it was deployed without swarmd and is used as it is, without the cluster's label, for "+again+"its next edit writes it")
	}
}
