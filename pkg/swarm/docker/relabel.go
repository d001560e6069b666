package docker

import (
	"context"
	"fmt"
	"maps"
	"strings"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// RelabelService replaces a service's own labels and nothing else, if it is still at the version; a stale version is a Conflict. It is sent in the
// engine's own text, see amend.
func (c *Client) RelabelService(ctx context.Context, id string, version uint64, labels map[string]string) error {
	const op = "relabel service"
	live, err := c.text(ctx, op, id, id, version)
	if err != nil {
		return err
	}
	return c.writeText(ctx, op, live, map[string]any{"Labels": labels}, swarm.Login{})
}

// RelabelSecret replaces a secret's labels, if it is still at the version; its value stays.
func (c *Client) RelabelSecret(ctx context.Context, id string, version uint64, name string, labels map[string]string) error {
	spec := api.SecretSpec{Annotations: api.Annotations{Name: name, Labels: maps.Clone(labels)}} // without data the engine keeps what it has
	return c.write(ctx, "relabel secret", func(ctx context.Context) error {
		return c.api.SecretUpdate(ctx, id, api.Version{Index: version}, spec)
	})
}

// SecretIs reports whether a secret has that value, which no engine gives back. It asks for an update to it at a version that no secret has: the engine
// compares the value before it compares the version, so the refusal tells (seen on 20.10.24, 26.1.5 and 28.5.2). Nothing is written. The value
// is of at least one byte.
func (c *Client) SecretIs(ctx context.Context, id, name string, labels map[string]string, value []byte) (bool, error) {
	const op = "compare secret"
	spec := api.SecretSpec{Annotations: api.Annotations{Name: name, Labels: maps.Clone(labels)}, Data: value}
	err := c.write(ctx, op, func(ctx context.Context) error {
		return c.api.SecretUpdate(ctx, id, api.Version{Index: neverAVersion}, spec)
	})
	switch {
	case err == nil:
		return false, &apierr.Error{Kind: apierr.Incomplete, Side: "swarm", Op: op, Err: fmt.Errorf("the engine took an update of %s at version %d, which nothing has", name, neverAVersion)}
	case apierr.KindOf(err) == apierr.Conflict:
		return true, nil
	case apierr.KindOf(err) == apierr.Invalid && strings.Contains(err.Error(), "only updates to Labels are allowed"):
		return false, nil
	}
	return false, err
}

// neverAVersion is the version of nothing: the store's first write gives a higher one.
const neverAVersion = 0
