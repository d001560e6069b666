package docker

import (
	"context"
	"fmt"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/apierr"
)

// refer puts the engine's ids in for the names of configs and secrets. What an engine gave an id keeps it.
func (c *Client) refer(ctx context.Context, op string, s *api.ServiceSpec) error {
	box := *s.TaskTemplate.ContainerSpec
	box.Configs, box.Secrets = nil, nil
	for _, r := range s.TaskTemplate.ContainerSpec.Configs {
		named := *r
		if err := c.identify(ctx, op, "config", r.ConfigName, &named.ConfigID, func(ctx context.Context) (id, name string, err error) {
			k, _, err := c.api.ConfigInspectWithRaw(ctx, r.ConfigName)
			return k.ID, k.Spec.Name, err
		}); err != nil {
			return err
		}
		box.Configs = append(box.Configs, &named)
	}
	for _, r := range s.TaskTemplate.ContainerSpec.Secrets {
		named := *r
		if err := c.identify(ctx, op, "secret", r.SecretName, &named.SecretID, func(ctx context.Context) (id, name string, err error) {
			k, _, err := c.api.SecretInspectWithRaw(ctx, r.SecretName)
			return k.ID, k.Spec.Name, err
		}); err != nil {
			return err
		}
		box.Secrets = append(box.Secrets, &named)
	}
	box.Privileges = accountFrom(box.Privileges, box.Configs, nameOf, idOf)
	s.TaskTemplate.ContainerSpec = &box
	return nil
}

// identify asks for the id of a name. The engine takes a name that it does not find for the beginning of an id.
func (c *Client) identify(ctx context.Context, op, what, name string, id *string, ask func(context.Context) (id, name string, err error)) error {
	if *id != "" {
		return nil
	}
	var found string
	err := c.read(ctx, "inspect "+what, func(ctx context.Context) (err error) {
		*id, found, err = ask(ctx)
		return err
	})
	if err == nil && found == name {
		return nil
	}
	if err != nil && apierr.KindOf(err) != apierr.NotFound {
		return err
	}
	return &apierr.Error{Kind: apierr.Precondition, Side: "swarm", Op: op, Err: fmt.Errorf("there is no %s %s: nothing was sent", what, name)}
}
