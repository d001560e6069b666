package drill

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Swarm is what a drill asks of the swarm.
type Swarm interface {
	Services(ctx context.Context) ([]swarm.Service, error)
	Tasks(ctx context.Context) ([]swarm.Task, error)
}

// Task is a drill that kills the container of one task. Nothing of its service is changed.
type Task struct {
	Swarm Swarm
	Alone bool // also where the service has no other running task
	Say   func(after time.Duration, text string)
	Pace  time.Duration // between looks
}

// Victim is the task whose container is killed.
type Victim struct {
	Service string // as Docker names it
	Node    report.Node
	id      string // of the task
	service string // its service's id
	wanted  int    // tasks
}

// ID of the task.
func (v Victim) ID() string { return v.id }

// Pick returns a running task of the service: one on the node whose engine is asked, if that has one. The error says what is against it.
func (d Task) Pick(ctx context.Context, seen report.Report, name string) (Victim, error) {
	if why := Unquiet(seen); why != "" {
		return Victim{}, fmt.Errorf("%s", why)
	}
	i := slices.IndexFunc(seen.Services, func(s plan.ServiceCount) bool { return s.Service == name || s.Service == seen.Cluster+"_"+name })
	if i < 0 {
		return Victim{}, fmt.Errorf("cluster %s has no service %s: swarmd status lists them", seen.Cluster, name)
	}
	if seen.Services[i].Job {
		return Victim{}, fmt.Errorf("%s is a job: to kill a task of it is no drill of a service; name one that runs", seen.Services[i].Service)
	}
	v := Victim{Service: seen.Services[i].Service, wanted: seen.Services[i].Desired}
	running, err := d.running(ctx, &v)
	if err != nil {
		return Victim{}, err
	}
	if len(running) == 0 {
		return Victim{}, fmt.Errorf("no task of %s runs", v.Service)
	}
	if len(running) == 1 && !d.Alone {
		return Victim{}, fmt.Errorf("%s has no other running task; --yes-one kills it all the same", v.Service)
	}
	own := slices.IndexFunc(running, func(t swarm.Task) bool { return t.NodeID == seen.Node })
	t := running[max(own, 0)]
	v.id = t.ID
	for _, n := range seen.Nodes {
		if n.NodeID == t.NodeID {
			v.Node = n
		}
	}
	return v, nil
}

// running are the tasks of the service that run, and fills in the service's id.
func (d Task) running(ctx context.Context, v *Victim) ([]swarm.Task, error) {
	if v.service == "" {
		services, err := d.Swarm.Services(ctx)
		if err != nil {
			return nil, err
		}
		for _, s := range services {
			if s.Spec.Name == v.Service {
				v.service = s.ID
			}
		}
	}
	tasks, err := d.Swarm.Tasks(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(tasks, func(t swarm.Task) bool { return t.ServiceID != v.service || !t.Runs() }), nil
}

// Follow looks until the service has as many running tasks as before, and tells each step with its time.
func (d Task) Follow(ctx context.Context, v Victim) (Figures, error) {
	f := Figures{began: time.Now(), say: d.Say}
	last := "its container was killed"
	for {
		running, err := d.running(ctx, &v)
		if ctx.Err() != nil {
			return f, fmt.Errorf("%s: %w", last, ctx.Err())
		}
		if err == nil {
			lives := slices.ContainsFunc(running, func(t swarm.Task) bool { return t.ID == v.id })
			last = fmt.Sprintf("%d of %d tasks of %s run", len(running), v.wanted, v.Service)
			f.once("lost", !lives, "the task is dead: "+last)
			if !lives && len(running) >= v.wanted {
				f.once("whole", true, last+" again")
				return f, nil
			}
		}
		if err := pause(ctx, d.Pace); err != nil {
			return f, fmt.Errorf("%s: %w", last, err)
		}
	}
}
