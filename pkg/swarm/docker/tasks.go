package docker

import (
	"cmp"
	"context"
	"slices"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// present are the desired states of the tasks that are not history: those that run or are to run, those of jobs, complete or not and of whichever
// iteration, and those of what was removed. A task that its
// successor replaced is in desired state shutdown, and a slot keeps four of them: read at each look they cost five times what all else costs. The
// filter knows every state by its name (moby, daemon/cluster/filters.go) and takes tasks with any of those that it is given.
var present = []string{"ready", "running", "remove", "complete"}

// Tasks returns the tasks that run or are to run, those of jobs that are complete, and those that vanish with their service or slot, sorted by service, slot, node and id. What is told
// to stop because another task takes its place is not among them, see TasksOn.
func (c *Client) Tasks(ctx context.Context) ([]swarm.Task, error) {
	return c.tasksWhere(ctx, "list tasks", &c.tasks, filtersOf("desired-state", present))
}

// TasksOn returns all tasks on the nodes with these ids that the swarm remembers, the ended ones too, in the same order; of no nodes it asks nothing.
// A node that is gone is a NotFound.
func (c *Client) TasksOn(ctx context.Context, nodes []string) ([]swarm.Task, error) {
	if len(nodes) == 0 {
		return nil, nil // without a filter it would be all tasks
	}
	return c.tasksWhere(ctx, "list tasks of nodes", &c.leaving, filtersOf("node", nodes))
}

// TasksEnded returns the tasks of the services with these ids that others took the place of, or that nobody wants any more, in the same order; of no
// services it asks nothing.
func (c *Client) TasksEnded(ctx context.Context, services []string) ([]swarm.Task, error) {
	if len(services) == 0 {
		return nil, nil // without a filter it would be those of all
	}
	args := filtersOf("service", services)
	args.Add("desired-state", "shutdown")
	return c.tasksWhere(ctx, "list ended tasks", &c.ended, args)
}

// tasksWhere returns the tasks that pass the filters. The memory is for lists that have most of their tasks in common, whatever they are filtered by.
func (c *Client) tasksWhere(ctx context.Context, op string, m *listMemory[api.Task, []swarm.Task], args filters.Args) ([]swarm.Task, error) {
	all, err := unlessSameList(ctx, c, op, m, taskBounds(), func(ctx context.Context) ([]api.Task, error) {
		return c.api.TaskList(ctx, api.TaskListOptions{Filters: args})
	}, tasksOf)
	return slices.Clone(all), err
}

func filtersOf(key string, values []string) filters.Args {
	args := filters.NewArgs()
	for _, v := range values {
		args.Add(key, v)
	}
	return args
}

func tasksOf(list []api.Task) ([]swarm.Task, error) {
	if err := requireIDs("list tasks", list, func(t api.Task) string { return t.ID }); err != nil {
		return nil, err
	}
	tasks := make([]swarm.Task, 0, len(list))
	for _, t := range list {
		tasks = append(tasks, taskOf(t))
	}
	slices.SortFunc(tasks, func(a, b swarm.Task) int {
		return cmp.Or(cmp.Compare(a.ServiceID, b.ServiceID), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.NodeID, b.NodeID), cmp.Compare(a.ID, b.ID))
	})
	return tasks, nil
}

// taskBounds are those of the tasks: of each little is looked at, and in a large swarm they are most of what an engine says.
func taskBounds() bounds[api.Task] {
	return bounds[api.Task]{kind: "task", name: func(t api.Task) string { return t.ID }, most: maxList, slim: func(t *api.Task) {
		spec := t.Spec.ContainerSpec
		t.Status = hiddenStatus(*t)
		t.Spec, t.Status.ContainerStatus, t.Labels, t.NetworksAttachments, t.GenericResources = api.TaskSpec{}, nil, nil, nil, nil
		if spec != nil {
			t.Spec.ContainerSpec = &api.ContainerSpec{Image: spec.Image}
		}
	}, weight: func(t api.Task) int {
		n := 700 + len(t.ID) + len(t.ServiceID) + len(t.NodeID) + len(t.Status.State) + len(t.DesiredState) + len(t.Status.Message) + len(t.Status.Err)
		if t.Spec.ContainerSpec != nil {
			n += len(t.Spec.ContainerSpec.Image)
		}
		return n
	}}
}

// hiddenStatus is a task's status without what may be passwords, and brief.
func hiddenStatus(t api.Task) api.TaskStatus {
	s := t.Status
	if s.Err != "" { // what goes well is told in the engine's own words alone
		s.Message, s.Err = hidden(s.Message, t.Spec, nil), hidden(s.Err, t.Spec, nil)
	}
	s.Message, s.Err = brief(s.Message), brief(s.Err)
	return s
}

func taskOf(t api.Task) swarm.Task {
	t.Status = hiddenStatus(t)
	out := swarm.Task{
		ID:           t.ID,
		ServiceID:    t.ServiceID,
		NodeID:       t.NodeID,
		Slot:         t.Slot,
		State:        string(t.Status.State),
		DesiredState: string(t.DesiredState),
		Message:      t.Status.Message,
		Err:          t.Status.Err,
		Cause:        causeOf(t.Status),
		Created:      t.CreatedAt,
		Updated:      t.UpdatedAt,
	}
	if t.Spec.ContainerSpec != nil {
		out.Image = t.Spec.ContainerSpec.Image
	}
	if t.JobIteration != nil {
		out.Job, out.Iteration = true, t.JobIteration.Index
	}
	return out
}
