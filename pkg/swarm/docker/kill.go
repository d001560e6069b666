package docker

import (
	"context"
	"errors"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// ContainerOf returns the id of the container that a task runs in. It asks a manager; of a task without one it is a NotFound.
func (c *Client) ContainerOf(ctx context.Context, task string) (string, error) {
	const op = "inspect task"
	var found api.Task
	err := c.read(ctx, op, func(ctx context.Context) (err error) {
		found, _, err = c.api.TaskInspectWithRaw(ctx, task)
		return err
	})
	if err == nil && (found.Status.ContainerStatus == nil || found.Status.ContainerStatus.ContainerID == "") {
		err = &apierr.Error{Kind: apierr.NotFound, Side: "swarm", Op: op, Err: errors.New("it has no container")}
	}
	if err != nil {
		return "", err
	}
	return found.Status.ContainerStatus.ContainerID, nil
}

// Kill kills a container on the engine's own machine, as a crash of its program would end it.
func (c *Client) Kill(ctx context.Context, container string) error {
	return c.write(ctx, "kill container", func(ctx context.Context) error { return c.api.ContainerKill(ctx, container, "SIGKILL") })
}
