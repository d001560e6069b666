package docker

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// Secrets returns name → id of the secrets whose name begins with the prefix. Their data cannot be read back from any engine.
func (c *Client) Secrets(ctx context.Context, prefix string) (map[string]string, error) {
	var list []api.Secret
	err := c.read(ctx, "list secrets", func(ctx context.Context) (err error) {
		list, err = c.api.SecretList(ctx, api.SecretListOptions{Filters: filters.NewArgs(filters.Arg("name", prefix))})
		return err
	})
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, s := range list {
		if strings.HasPrefix(s.Spec.Name, prefix) {
			ids[s.Spec.Name] = s.ID
		}
	}
	return ids, nil
}

// AllSecrets returns all secrets, sorted by name, without their values, which no engine gives.
func (c *Client) AllSecrets(ctx context.Context) ([]swarm.Secret, error) {
	const op = "list secrets"
	var list []api.Secret
	err := c.read(ctx, op, func(ctx context.Context) (err error) {
		list, err = c.api.SecretList(ctx, api.SecretListOptions{})
		return err
	})
	if err == nil {
		err = requireIDs(op, list, func(s api.Secret) string { return s.ID })
	}
	if err != nil {
		return nil, err
	}
	var out []swarm.Secret
	for _, s := range list {
		out = append(out, swarm.Secret{ID: s.ID, Version: s.Version.Index, Name: s.Spec.Name, Labels: s.Spec.Labels, Created: s.CreatedAt})
	}
	slices.SortFunc(out, func(a, b swarm.Secret) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// CreateSecret stores a secret, less than 500 kB. A name that is taken is a Conflict. A label says what fills in its templates, if it has any.
func (c *Client) CreateSecret(ctx context.Context, name string, labels map[string]string, data []byte) (string, error) {
	spec := api.SecretSpec{Annotations: api.Annotations{Name: name, Labels: maps.Clone(labels)}, Data: data, Templating: templating(labels)}
	var made api.SecretCreateResponse
	err := c.write(ctx, "create secret", func(ctx context.Context) (err error) {
		made, err = c.api.SecretCreate(ctx, spec)
		return err
	})
	return made.ID, err
}

// RemoveSecret removes a secret that no service uses.
func (c *Client) RemoveSecret(ctx context.Context, id string) error {
	return c.write(ctx, "remove secret", func(ctx context.Context) error { return c.api.SecretRemove(ctx, id) })
}
