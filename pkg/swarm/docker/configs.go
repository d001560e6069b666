package docker

import (
	"context"
	"maps"
	"sort"
	"strings"

	"github.com/docker/docker/api/types/filters"
	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// Configs returns the configs whose name begins with the prefix, data included, sorted by name.
func (c *Client) Configs(ctx context.Context, prefix string) ([]swarm.Config, error) {
	list, err := unlessSameList(ctx, c, "list configs", &c.listed, held("config", maxWhole, func(k api.Config) string { return k.Spec.Name }), func(ctx context.Context) ([]api.Config, error) {
		return c.api.ConfigList(ctx, api.ConfigListOptions{Filters: filters.NewArgs(filters.Arg("name", prefix))})
	}, func(list []api.Config) ([]api.Config, error) {
		return list, requireIDs("list configs", list, func(k api.Config) string { return k.ID })
	})
	if err != nil {
		return nil, err
	}
	configs := make([]swarm.Config, 0, len(list))
	for _, k := range list {
		if strings.HasPrefix(k.Spec.Name, prefix) { // engines differ in what the filter means
			configs = append(configs, configOf(k))
			c.rememberConfig(k.ID, k.Spec.Name)
		}
	}
	sort.Slice(configs, func(i, j int) bool { return configs[i].Name < configs[j].Name })
	return configs, nil
}

// storePrefix begins the names of swarmd's own records, see ledger.Name; keySuffix ends that of a cluster's key.
const (
	storePrefix = "swarmd."
	keySuffix   = ".key"
)

// AllConfigs returns the configs that are no records of swarmd's, and the clusters' keys, data included, sorted by name.
func (c *Client) AllConfigs(ctx context.Context) ([]swarm.Config, error) {
	const op = "list configs"
	list, err := unlessSameList(ctx, c, op, &c.stored, held("config", maxWhole, func(k api.Config) string { return k.Spec.Name }), func(ctx context.Context) ([]api.Config, error) {
		return c.api.ConfigList(ctx, api.ConfigListOptions{})
	}, func(list []api.Config) ([]api.Config, error) {
		return list, requireIDs(op, list, func(k api.Config) string { return k.ID })
	})
	if err != nil {
		return nil, err
	}
	var configs []swarm.Config
	for _, k := range list {
		if name := k.Spec.Name; !strings.HasPrefix(name, storePrefix) || strings.HasSuffix(name, keySuffix) {
			configs = append(configs, configOf(k))
		}
	}
	sort.Slice(configs, func(i, j int) bool { return configs[i].Name < configs[j].Name })
	return configs, nil
}

func configOf(k api.Config) swarm.Config {
	return swarm.Config{ID: k.ID, Version: k.Version.Index, Name: k.Spec.Name, Labels: k.Spec.Labels, Data: k.Spec.Data, Created: k.CreatedAt, Updated: k.UpdatedAt}
}

// CreateConfig stores a config, at most 1,000 kB of data. A name that is taken is a Conflict. A label says what fills in its templates, if it has any.
func (c *Client) CreateConfig(ctx context.Context, name string, labels map[string]string, data []byte) (string, error) {
	spec := api.ConfigSpec{Annotations: api.Annotations{Name: name, Labels: maps.Clone(labels)}, Data: data, Templating: templating(labels)}
	var made api.ConfigCreateResponse
	err := c.write(ctx, "create config", func(ctx context.Context) (err error) {
		made, err = c.api.ConfigCreate(ctx, spec)
		return err
	})
	if err == nil {
		c.rememberConfig(made.ID, name)
	}
	return made.ID, err
}

// templating is the driver that fills in templates, as the labels of a config or secret have it.
func templating(labels map[string]string) *api.Driver {
	if labels[swarm.LabelTemplates] == "" {
		return nil
	}
	return &api.Driver{Name: labels[swarm.LabelTemplates]}
}

// UpdateConfig replaces a config's labels, if it is still at the version: the compare-and-swap of the store. A stale version is a Conflict.
func (c *Client) UpdateConfig(ctx context.Context, id string, version uint64, labels map[string]string) error {
	name, err := c.configName(ctx, id)
	if err != nil {
		return err
	}
	// Without data the engine keeps what it has; the name must be repeated unchanged.
	spec := api.ConfigSpec{Annotations: api.Annotations{Name: name, Labels: maps.Clone(labels)}}
	return c.write(ctx, "update config", func(ctx context.Context) error {
		return c.api.ConfigUpdate(ctx, id, api.Version{Index: version}, spec)
	})
}

// RemoveConfig removes a config that no service uses.
func (c *Client) RemoveConfig(ctx context.Context, id string) error {
	return c.write(ctx, "remove config", func(ctx context.Context) error { return c.api.ConfigRemove(ctx, id) })
}

func (c *Client) configName(ctx context.Context, id string) (string, error) {
	c.mu.Lock()
	name, ok := c.configs[id]
	c.mu.Unlock()
	if ok {
		return name, nil
	}
	var k api.Config
	err := c.read(ctx, "inspect config", func(ctx context.Context) (err error) {
		k, _, err = c.api.ConfigInspectWithRaw(ctx, id)
		return err
	})
	if err != nil {
		return "", err
	}
	c.rememberConfig(id, k.Spec.Name)
	return k.Spec.Name, nil
}

// mostRemembered bounds the remembered names. Ids are never used again, so what is forgotten is only asked for once more.
const mostRemembered = 4096

func (c *Client) rememberConfig(id, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.configs) >= mostRemembered {
		clear(c.configs)
	}
	c.configs[id] = name
}
