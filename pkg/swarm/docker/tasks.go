package docker

import (
	"cmp"
	"context"
	"slices"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// Tasks returns all tasks the swarm remembers, the ended ones too, sorted by service, slot, node and id.
func (c *Client) Tasks(ctx context.Context) ([]swarm.Task, error) {
	var list []api.Task
	err := c.read(ctx, "list tasks", func(ctx context.Context) (err error) {
		list, err = c.api.TaskList(ctx, api.TaskListOptions{})
		return err
	})
	if err != nil {
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

func taskOf(t api.Task) swarm.Task {
	out := swarm.Task{
		ID:           t.ID,
		ServiceID:    t.ServiceID,
		NodeID:       t.NodeID,
		Slot:         t.Slot,
		State:        string(t.Status.State),
		DesiredState: string(t.DesiredState),
		Message:      t.Status.Message,
		Err:          t.Status.Err,
		Updated:      t.UpdatedAt,
	}
	if t.Spec.ContainerSpec != nil {
		out.Image = t.Spec.ContainerSpec.Image
	}
	return out
}
