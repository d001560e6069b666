package world

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// failureAge is how old the last write to a service is before anybody asks why its tasks do not run: they need a moment to come up.
const failureAge = 10 * time.Second

// failures reads why tasks ended, of the services that lack some: the list of tasks does not show those that others took the place of. It explains and
// decides nothing, so what cannot be read is no gap.
func (s *sight) failures(ctx context.Context, w Workload, services []string) {
	if len(services) == 0 {
		return
	}
	s.wg.Go(func() {
		tasks, err := w.TasksEnded(ctx, services)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			s.in.Failed = newestFailed(tasks)
		}
	})
}

// lacking are the ids of the cluster's services that have not all of their tasks running, or whose roll-out was stopped by one that failed, sorted.
func (p *Answers) lacking() []string {
	running, waiting := map[string]uint64{}, map[string]bool{}
	for _, t := range p.Tasks {
		if t.Runs() {
			running[t.ServiceID]++
		} else if t.DesiredState == "running" || t.DesiredState == "ready" {
			waiting[t.ServiceID] = true
		}
	}
	var ids []string
	for _, s := range p.Services {
		stopped := s.Update != "" && s.Update != swarm.Updating && s.Update != swarm.Completed // a task that failed has stopped a roll-out
		lacks := waiting[s.ID] || running[s.ID] < s.Spec.Replicas() || s.Spec.Mode == swarm.Global && running[s.ID] == 0
		if (stopped || lacks && p.At.Sub(s.Updated) > failureAge) && s.Spec.Labels[swarm.LabelCluster] == p.Name {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// newestFailed is of each service the task that failed last, in the order of the services' ids.
func newestFailed(tasks []swarm.Task) []swarm.Task {
	last := map[string]swarm.Task{}
	for _, t := range tasks {
		if was, known := last[t.ServiceID]; t.Failed() && (!known || t.Updated.After(was.Updated)) {
			last[t.ServiceID] = t
		}
	}
	return slices.SortedFunc(maps.Values(last), func(a, b swarm.Task) int { return cmp.Compare(a.ServiceID, b.ServiceID) })
}
