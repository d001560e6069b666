package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

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
	all, err := unlessSameList(ctx, c, "list tasks", &c.tasks, taskBounds(), func(ctx context.Context) ([]swarm.Task, error) {
		list, err := c.api.TaskList(ctx, api.TaskListOptions{Filters: filtersOf("desired-state", present)})
		return tasksOf(list), err
	}, sortTasks)
	return slices.Clone(all), err
}

// TasksOn returns all tasks on the nodes with these ids that the swarm remembers, the ended ones too, in the same order; of no nodes it asks nothing.
// A node that is gone is a NotFound.
func (c *Client) TasksOn(ctx context.Context, nodes []string) ([]swarm.Task, error) {
	if len(nodes) == 0 {
		return nil, nil // without a filter it would be all tasks
	}
	const op = "list tasks of nodes"
	var list []api.Task
	err := c.read(ctx, op, func(ctx context.Context) (err error) {
		list, err = c.api.TaskList(ctx, api.TaskListOptions{Filters: filtersOf("node", nodes)})
		return err
	})
	if err != nil {
		return nil, err
	}
	return sortTasks(tasksOf(list))
}

// TasksEnded returns the tasks of the services with these ids that others took the place of, or that nobody wants any more, in the same order; of no
// services it asks nothing.
func (c *Client) TasksEnded(ctx context.Context, services []string) ([]swarm.Task, error) {
	if len(services) == 0 {
		return nil, nil // without a filter it would be those of all
	}
	args := filtersOf("service", services)
	args.Add("desired-state", "shutdown")
	var list []api.Task
	err := c.read(ctx, "list ended tasks", func(ctx context.Context) (err error) {
		list, err = c.api.TaskList(ctx, api.TaskListOptions{Filters: args})
		return err
	})
	if err != nil {
		return nil, err
	}
	return sortTasks(tasksOf(list))
}

func filtersOf(key string, values []string) filters.Args {
	args := filters.NewArgs()
	for _, v := range values {
		args.Add(key, v)
	}
	return args
}

func tasksOf(list []api.Task) []swarm.Task {
	tasks := make([]swarm.Task, 0, len(list))
	for _, t := range list {
		tasks = append(tasks, taskOf(t))
	}
	return tasks
}

func sortTasks(tasks []swarm.Task) ([]swarm.Task, error) {
	if err := requireIDs("list tasks", tasks, func(t swarm.Task) string { return t.ID }); err != nil {
		return nil, err
	}
	slices.SortFunc(tasks, func(a, b swarm.Task) int {
		return cmp.Or(cmp.Compare(a.ServiceID, b.ServiceID), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.NodeID, b.NodeID), cmp.Compare(a.ID, b.ID))
	})
	return tasks, nil
}

// taskBounds are those of the tasks: of each little is looked at, and in a large swarm they are most of what an engine says.
func taskBounds() bounds[swarm.Task] {
	return bounds[swarm.Task]{kind: "task", name: func(t swarm.Task) string { return t.ID }, most: maxList, decode: decodeTask, weight: func(t swarm.Task) int {
		return 700 + len(t.ID) + len(t.ServiceID) + len(t.NodeID) + len(t.State) + len(t.DesiredState) + len(t.Message) + len(t.Err) + len(t.Image)
	}}
}

// shownTask is what is looked at of a task that has no error.
type shownTask struct {
	ID           string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	ServiceID    string
	NodeID       string
	Slot         int
	DesiredState api.TaskState
	Status       struct {
		State   api.TaskState
		Message string
		Err     string
	}
	Spec struct {
		ContainerSpec *struct{ Image string }
	}
	JobIteration *api.Version
}

// decodeTask decodes of a task what is looked at. What may be a password in an error, the whole specification shows.
func decodeTask(entry []byte, into *swarm.Task) error {
	var t shownTask
	if err := json.Unmarshal(entry, &t); err != nil {
		return err
	}
	if t.Status.Err != "" {
		var whole api.Task
		err := json.Unmarshal(entry, &whole)
		*into = taskOf(whole)
		return err
	}
	shown := api.Task{ID: t.ID, Meta: api.Meta{CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt}, ServiceID: t.ServiceID, NodeID: t.NodeID, Slot: t.Slot,
		DesiredState: t.DesiredState, Status: api.TaskStatus{State: t.Status.State, Message: t.Status.Message}, JobIteration: t.JobIteration}
	*into = taskOf(shown)
	if c := t.Spec.ContainerSpec; c != nil {
		into.Image = c.Image
	}
	return nil
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
