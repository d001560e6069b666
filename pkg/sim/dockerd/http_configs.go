package dockerd

import (
	api "github.com/docker/docker/api/types/swarm"
)

// view is a config or secret as the API shows it: a secret without its data.
func (c *cluster) viewEntry(kind, id string) any {
	if kind == "config" {
		return *c.configs[id]
	}
	s := *c.secrets[id]
	s.Spec.Data = nil
	return s
}

func listEntries(kind string) handler {
	return func(c *call) (answer, error) {
		accepted := []string{"name", "id", "label"}
		if kind == "secret" {
			accepted = append(accepted, "names")
		}
		args, err := c.filters(accepted...)
		if err != nil {
			return answer{}, err
		}
		out, entries := []any{}, []entry{}
		for _, e := range c.cluster.entries(kind) {
			// A name and an id are alternatives here, as in the manager.
			either := !args.Contains("name") && !args.Contains("id") && !args.Contains("names")
			for _, key := range []string{"name", "id"} {
				value := map[string]string{"name": e.annotations.Name, "id": *e.id}[key]
				either = either || (args.Contains(key) && hasPrefixOf(args, key, value))
			}
			either = either || (args.Contains("names") && oneOf(args, "names", e.annotations.Name))
			if either && hasLabels(args, "label", e.annotations.Labels) {
				out, entries = append(out, c.cluster.viewEntry(kind, *e.id)), append(entries, e)
			}
		}
		return list(c, out, func(i int) (string, *api.Meta, string) { return *entries[i].id, entries[i].meta, "" })
	}
}

func inspectEntry(kind string) handler {
	return func(c *call) (answer, error) {
		e, err := c.cluster.findEntry(kind, c.PathValue("id"))
		if err != nil {
			return answer{}, err
		}
		return ok(c.cluster.viewEntry(kind, *e.id))
	}
}

func createEntry(kind string) handler {
	return func(c *call) (answer, error) {
		var id string
		var config api.ConfigSpec
		var secret api.SecretSpec
		var err error
		if kind == "config" {
			if err = c.decode(&config); err == nil {
				id, err = c.cluster.createConfig(config)
			}
		} else if err = c.decode(&secret); err == nil {
			id, err = c.cluster.createSecret(secret)
		}
		if err != nil {
			return answer{}, err
		}
		return created(map[string]string{"ID": id})
	}
}

func updateEntry(kind string) handler {
	return func(c *call) (answer, error) {
		var spec api.ConfigSpec // a secret's has the same annotations and data
		if err := c.decode(&spec); err != nil {
			return answer{}, err
		}
		version, err := c.objectVersion(kind)
		if err != nil {
			return answer{}, badRequest("invalid %s version", kind)
		}
		e, err := c.cluster.findEntry(kind, c.PathValue("id"))
		if err != nil {
			return answer{}, err
		}
		if err := c.cluster.updateEntry(kind, e, version, spec.Annotations, spec.Data); err != nil {
			return answer{}, err
		}
		return ok(nil)
	}
}

func deleteEntry(kind string) handler {
	return func(c *call) (answer, error) {
		e, err := c.cluster.findEntry(kind, c.PathValue("id"))
		if err != nil {
			return answer{}, err
		}
		if err := c.cluster.removeEntry(kind, e); err != nil {
			return answer{}, err
		}
		return noContent()
	}
}
