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
func (s *collector) failures(ctx context.Context, w Workload, services []string) {
	if len(services) == 0 {
		return
	}
	s.wg.Go(func() {
		tasks, err := w.TasksEnded(ctx, services)
		s.mu.Lock()
		defer s.mu.Unlock()
		if err == nil {
			s.in.Failed = newestFailed(s.in.ofNow(tasks))
		}
	})
}

// lacking are the ids of the cluster's services that have not all of their tasks running, or whose roll-out was stopped by one that failed, sorted.
func (p *Answers) lacking() []string {
	running, waiting, complete := map[string]uint64{}, map[string]bool{}, map[string]map[uint64]int{}
	for _, t := range p.Tasks {
		if t.Completed() {
			if complete[t.ServiceID] == nil {
				complete[t.ServiceID] = map[uint64]int{}
			}
			complete[t.ServiceID][t.Iteration]++
		} else if t.Runs() {
			running[t.ServiceID]++
		} else if t.DesiredState == "running" || t.DesiredState == "ready" {
			waiting[t.ServiceID] = true
		}
	}
	var ids []string
	for _, s := range p.Services {
		stopped := s.Update != "" && s.Update != swarm.Updating && s.Update != swarm.Completed // a task that failed has stopped a roll-out
		lacks := waiting[s.ID] || running[s.ID] < s.Spec.Replicas() || s.Spec.Mode == swarm.Global && running[s.ID] == 0
		if s.Spec.Mode.Job() {
			lacks = complete[s.ID][s.Iteration] < max(s.Spec.Completions(), p.fitting(s))
		}
		if (stopped || lacks && p.At.Sub(s.Updated) > failureAge) && s.Spec.Labels[swarm.LabelCluster] == p.Name {
			ids = append(ids, s.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// fitting is on how many nodes a global job may have run: those that were there when it was written last, by their times.
func (p *Answers) fitting(s swarm.Service) (n int) {
	if s.Spec.Mode != swarm.GlobalJob {
		return 0
	}
	for _, node := range p.Nodes {
		if node.Created.Before(s.Updated) && s.Spec.Fits(node) {
			n++
		}
	}
	return n
}

// ofNow leaves out the tasks of runs of a job before its present one.
func (p *Answers) ofNow(tasks []swarm.Task) []swarm.Task {
	present := map[string]uint64{}
	for _, s := range p.Services {
		present[s.ID] = s.Iteration
	}
	return slices.DeleteFunc(tasks, func(t swarm.Task) bool { return t.Job && t.Iteration != present[t.ServiceID] })
}

// newestFailed is of each service the task that failed last, of a job the one of each of its nodes, in the order of the services' ids.
func newestFailed(tasks []swarm.Task) []swarm.Task {
	type place struct{ service, node string }
	last := map[place]swarm.Task{}
	for _, t := range tasks {
		at := place{service: t.ServiceID}
		if t.Job {
			at.node = t.NodeID
		}
		if was, known := last[at]; t.Failed() && (!known || t.Updated.After(was.Updated)) {
			last[at] = t
		}
	}
	return slices.SortedFunc(maps.Values(last), func(a, b swarm.Task) int {
		return cmp.Or(cmp.Compare(a.ServiceID, b.ServiceID), cmp.Compare(a.NodeID, b.NodeID))
	})
}
