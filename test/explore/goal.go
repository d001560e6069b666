package explore

import (
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim/docean"
	"github.com/swarmd/swarmd/pkg/spec"
	specfile "github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// unmet says what is not as the file wants it, by ground truth and by what the acting swarmd says; "" if all is.
func (r *run) unmet() string {
	defer r.scheduler.sync()
	last, ok := r.actors.report()
	if !ok {
		return "nobody holds the lease"
	}
	if began := last.At.Add(-last.Took); began.Before(r.faults.last) || len(r.faults.down) > 0 {
		return "no pass has begun since the last fault"
	}
	if len(r.faults.wrong) > 0 {
		return "a clock is wrong"
	}
	if m := r.actors.missing(); m != "" {
		return "no swarmd runs on " + m
	}
	// What the engine went back to may be what the file wants, when a person had written over it: then nothing holds.
	back, dying := r.tookBack() && !last.Converged, r.tookForDone()
	switch guards := r.held(back); {
	case dying:
		result := report.Progress // they are between two lives
		if last.Result == report.Held || last.Converged {
			result = last.Result
		}
		if why := restsAt(last, result, []string{plan.GuardTasks}); why != "" {
			return why
		}
		back = true
	case len(guards) > 0 && (r.isArmed || r.workflow.Beside):
		if why := restsAt(last, report.Held, guards); why != "" {
			return why
		}
	case !last.Converged:
		return fmt.Sprintf("%s says %s; error %q; holds %v; steps %v; pools %v; gaps %v", last.Lease.Holder, last.Result, last.Error, last.Holds,
			stepIDs(last), last.Pools, last.Gaps)
	}
	want, err := r.wanted()
	if err != nil {
		return err.Error()
	}
	return r.differs(r.observe(), want, back)
}

// held are the guards that may hold at the end: the workflow's, and when a fault has hit running tasks and the engine took a roll-out back
// because of it, the one that does not try the same again.
func (r *run) held(back bool) []string {
	guards := r.workflow.Held
	if back {
		guards = append(slices.Clone(guards), plan.GuardRolledBack, plan.GuardRolloutPaused, plan.GuardTasks, plan.GuardPort) // the last: another service waits for the port that it was to give up
	}
	if r.seen != nil && slices.ContainsFunc(r.seen.swarm.Services, r.seen.unbegun) {
		guards = append(slices.Clone(guards), plan.GuardJobFailed)
	}
	return guards
}

// tookBack reports whether a fault that kills tasks was injected and a roll-out was stopped, by the engine or by a swarmd that has put back what ran
// before.
func (r *run) tookBack() bool {
	in := r.out.Injected
	if in[EngineDown]+in[LeaderChange]+in[Human] == 0 {
		return false
	}
	if r.workflow.Image != "" && in[Human] > 0 {
		return true // the engine forgets that it took something back when a person writes; swarmd does not
	}
	truth, _ := r.world.Swarm.Glance()
	return slices.ContainsFunc(truth.Services, func(v api.Service) bool {
		if v.Spec.Labels[swarm.LabelScaled] != "" {
			return true // and forgets it as well when swarmd scales what was gone back to
		}
		if v.Spec.Labels[swarm.LabelFailed] != "" {
			return true
		}
		return v.UpdateStatus != nil && (v.UpdateStatus.State == api.UpdateStatePaused || v.UpdateStatus.State == api.UpdateStateRollbackCompleted ||
			v.UpdateStatus.State == api.UpdateStateRollbackPaused)
	})
}

// tookForDone reports whether the engine, after a fault that killed the tasks, has called the roll-out of an image that dies completed: what
// it put in their place itself is no task of the roll-out, and does not fail it. The file's image is there then, its tasks die and come back
// for ever, and swarmd waits for them. The same is so where the fault killed what ran before just when it was written over: nothing is known to have been
// good then.
func (r *run) tookForDone() bool {
	if r.workflow.Image == "" || r.out.Injected[EngineDown]+r.out.Injected[LeaderChange] == 0 {
		return false
	}
	truth, _ := r.world.Swarm.Glance()
	return slices.ContainsFunc(truth.Services, func(v api.Service) bool {
		return strings.HasPrefix(v.Spec.TaskTemplate.ContainerSpec.Image, r.workflow.Image) && v.UpdateStatus != nil &&
			v.UpdateStatus.State == api.UpdateStateCompleted && (r.workflow.Image != lateImage || v.Spec.Labels[swarm.LabelGood] == "")
	})
}

func stepIDs(r report.Report) []string {
	var ids []string
	for _, s := range r.Steps {
		ids = append(ids, s.ID+"="+string(s.Outcome))
	}
	return ids
}

// restsAt says what is missing to an end with that result: only these guards hold, and nothing is planned.
func restsAt(last report.Report, result string, guards []string) string {
	if len(last.Steps) > 0 || last.Result != result {
		return fmt.Sprintf("%s, steps %v; error %q", last.Result, stepIDs(last), last.Error)
	}
	for _, h := range last.Holds {
		if h.Blocking && !slices.Contains(guards, h.Guard) {
			return "held by " + h.Guard + ": " + h.Text
		}
	}
	return ""
}

// differs says what of the truth is not as wanted.
func (r *run) differs(s *state, want *specfile.Document, back bool) string {
	if got := s.files[s.ledger.Revision]; got != string(r.want.yaml(r.cluster)) {
		return fmt.Sprintf("the accepted revision %d is another file", s.ledger.Revision)
	}
	if why := r.machinesDiffer(s, &want.Spec); why != "" && (len(r.workflow.Held) == 0 || r.workflow.Settles) {
		return why
	}
	if why := r.servicesDiffer(s, want, back); why != "" {
		return why
	}
	if why := r.wentBack(s); why != "" {
		return why
	}
	if why := r.objectsDiffer(s, want, back); why != "" {
		return why
	}
	if why := r.loginsDiffer(s, want.Registries); why != "" {
		return why
	}
	if why := r.foreignDiffers(s); why != "" {
		return why
	}
	for _, op := range s.ledger.Ops {
		if op.Kind == ledger.Delete || len(r.workflow.Held) == 0 {
			return fmt.Sprintf("operation %s %s is open", op.Kind, op.Name)
		}
	}
	return ""
}

func (r *run) machinesDiffer(s *state, want *spec.Spec) string {
	have, managers := map[string]int{}, 0
	for _, d := range s.droplets {
		pool := poolOf(r.cluster, d)
		if !poolIn(want, pool) || r.check.lost[d.ID] {
			continue // nobody's, or of a pool that the file has no more: held as it is
		}
		if s.ledger.KeptDroplet(d.ID) != nil {
			continue
		}
		have[pool]++
		i := s.nodeOn(d)
		if i < 0 {
			return fmt.Sprintf("droplet %s has no node", d.Name)
		}
		n := s.swarm.Nodes[i]
		manager := s.member(n.ID)
		if manager {
			managers++
		}
		if n.Status.State != "ready" || boundTo(n.Spec.Labels) != d.ID || n.Spec.Availability != "active" {
			return fmt.Sprintf("node of %s: %s, %s, bound to %d", d.Name, n.Status.State, n.Spec.Availability, boundTo(n.Spec.Labels))
		}
		if p := poolNamed(want, pool); p.ResizeHere && d.Size != p.Size {
			return fmt.Sprintf("%s has size %s, %s wanted", d.Name, d.Size, p.Size)
		}
		if manager != managerPool(want, pool) || string(n.Spec.Role) == "manager" != manager {
			return fmt.Sprintf("%s is in pool %s, role %s, member %v", d.Name, pool, n.Spec.Role, manager)
		}
	}
	if why := leftover(s); why != "" {
		return why
	}
	for _, p := range want.Pools {
		if have[p.Name] != p.Count {
			return fmt.Sprintf("pool %s has %d droplets, %d wanted", p.Name, have[p.Name], p.Count)
		}
	}
	if managers != len(s.swarm.Members) {
		return fmt.Sprintf("%d members, %d of them the pool's", len(s.swarm.Members), managers)
	}
	return ""
}

// poolNamed is the file's pool of that name, which it has.
func poolNamed(want *spec.Spec, name string) spec.Pool {
	return want.Pools[slices.IndexFunc(want.Pools, func(p spec.Pool) bool { return p.Name == name })]
}

// leftover names a node whose machine is gone. What a join leaves behind that never came up has a quarter of an hour.
func leftover(s *state) string {
	for _, n := range s.swarm.Nodes {
		ghost := n.Description.Hostname == "" && s.at.Sub(n.CreatedAt) < 16*time.Minute
		if !ghost && !isRogue(n) && !stranger(n) && !slices.ContainsFunc(s.droplets, func(d docean.Droplet) bool { return d.Private.Addr().String() == n.Status.Addr }) {
			return fmt.Sprintf("node %s (%s) is left over, it is %s", n.ID, n.Status.Addr, n.Status.State)
		}
	}
	return ""
}

// servicesDiffer compares what the check needs: image, replicas, and that so many tasks run.
func (r *run) servicesDiffer(s *state, want *specfile.Document, back bool) string {
	wanted := map[string]bool{}
	for _, svc := range want.Stack.Services {
		name := r.cluster + "_" + svc.Name
		wanted[name] = true
		if why := r.serviceDiffers(s, name, svc.Image, svc.Deploy.Replicas, back); why != "" {
			return why
		}
		if why := s.protectionDiffers(name, want.Protected[name]); why != "" {
			return why
		}
	}
	if why := r.composedDiffer(s, want, back, wanted); why != "" {
		return why
	}
	if why := r.portsDiffer(s); why != "" && !back {
		return why
	}
	for _, svc := range s.swarm.Services {
		stays := svc.Spec.Labels[swarm.LabelProtected] != "" && slices.Contains(r.workflow.Held, plan.GuardProtected)
		if svc.Spec.Labels["swarmd.cluster"] == r.cluster && !wanted[svc.Spec.Name] && !stays {
			return "service " + svc.Spec.Name + " is still there"
		}
	}
	return ""
}

func (r *run) serviceDiffers(s *state, name, image string, replicas *uint64, back bool) string {
	for _, svc := range s.swarm.Services {
		if svc.Spec.Name != name {
			continue
		}
		want := uint64(1)
		if replicas != nil {
			want = *replicas
		}
		if got := svc.Spec.TaskTemplate.ContainerSpec.Image; !strings.HasPrefix(got, image) && r.workflow.Image == "" && !back {
			return fmt.Sprintf("service %s has image %s, %s wanted", name, got, image)
		}
		if svc.JobStatus != nil {
			return r.jobDiffers(s, svc)
		}
		if why := r.variablesDiffer(svc); why != "" && !back {
			return why
		}
		if why := r.leftSurge(s, svc); why != "" {
			return why
		}
		if image := svc.Spec.TaskTemplate.ContainerSpec.Image; back && (strings.HasPrefix(image, brokenImage) || strings.HasPrefix(image, lateImage)) {
			return "" // the engine went back to what never ran, or its tasks are between two lives: a person has to say what now
		}
		if u := svc.UpdateStatus; back && u != nil && u.State == api.UpdateStateRollbackPaused {
			return "" // any write, of replicas too, would have the engine go on with what it has stopped
		}
		if svc.Spec.Mode.Replicated == nil || *svc.Spec.Mode.Replicated.Replicas != want {
			return fmt.Sprintf("service %s has not %d replicas", name, want)
		}
		if running := s.running(svc.ID); running < want {
			return fmt.Sprintf("service %s: %d of %d tasks run", name, running, want)
		}
		return ""
	}
	return "there is no service " + name
}

// running counts a service's tasks that run and shall.
func (s *state) running(serviceID string) (n uint64) {
	for _, t := range s.swarm.Tasks {
		if t.ServiceID == serviceID && t.Status.State == "running" && t.DesiredState == "running" {
			n++
		}
	}
	return n
}
