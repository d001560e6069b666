package dockerd

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

var entryName = regexp.MustCompile(`^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$`)

const (
	maxConfigSize = 1000 * 1024 // bytes, exclusive
	maxSecretSize = 500 * 1024
)

// entry is a config or a secret: both are named bytes of which only the labels can change.
type entry struct {
	id          *string
	meta        *api.Meta
	annotations *api.Annotations
	data        *[]byte
}

func configEntry(x *api.Config) entry {
	return entry{&x.ID, &x.Meta, &x.Spec.Annotations, &x.Spec.Data}
}
func secretEntry(x *api.Secret) entry {
	return entry{&x.ID, &x.Meta, &x.Spec.Annotations, &x.Spec.Data}
}

func (c *cluster) entries(kind string) []entry {
	var out []entry
	if kind == "config" {
		for _, x := range c.configs {
			out = append(out, configEntry(x))
		}
	} else {
		for _, x := range c.secrets {
			out = append(out, secretEntry(x))
		}
	}
	slices.SortFunc(out, func(a, b entry) int { return compareText(*a.id, *b.id) })
	return out
}

// findEntry resolves an id, a name or a prefix of an id, in this order.
func (c *cluster) findEntry(kind, ref string) (entry, error) {
	all := c.entries(kind)
	for _, match := range []func(entry) bool{
		func(e entry) bool { return *e.id == ref },
		func(e entry) bool { return strings.EqualFold(e.annotations.Name, ref) },
	} {
		if i := slices.IndexFunc(all, match); i >= 0 {
			return all[i], nil
		}
	}
	return one(kind, ref, slices.DeleteFunc(all, func(e entry) bool { return !strings.HasPrefix(*e.id, ref) }))
}

// checkEntryName returns the engine's refusal of a name.
func checkEntryName(name string) error {
	if name == "" {
		return rpcError(invalidArgument, "name must be provided")
	}
	if len(name) > 64 || !entryName.MatchString(name) {
		return rpcError(invalidArgument, "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, "+
			"and the start and end character must be [a-zA-Z0-9]")
	}
	return nil
}

// createEntry checks the data, and lets store keep the new object. The name has been checked.
func (c *cluster) createEntry(kind string, a api.Annotations, data []byte, store func(id string, m api.Meta, a api.Annotations)) (string, error) {
	limit := maxConfigSize
	if kind == "secret" {
		limit = maxSecretSize
	}
	if len(data) < 1 || len(data) >= limit {
		return "", rpcError(invalidArgument, "%s data must be larger than 0 and less than %d bytes", kind, limit)
	}
	if slices.ContainsFunc(c.entries(kind), func(e entry) bool { return strings.EqualFold(e.annotations.Name, a.Name) }) {
		return "", rpcError(alreadyExists, "%s %s already exists", kind, a.Name)
	}
	id, meta := c.world.newID(), api.Meta{}
	c.stamp(&meta, true)
	a.Labels = orEmpty(a.Labels)
	store(id, meta, a)
	c.publish(message("create", kind, id, c.world.now, map[string]string{"name": a.Name}))
	return id, nil
}

func (c *cluster) createConfig(spec api.ConfigSpec) (string, error) {
	if err := checkEntryName(spec.Name); err != nil {
		return "", err
	}
	return c.createEntry("config", spec.Annotations, spec.Data, func(id string, m api.Meta, a api.Annotations) {
		spec.Annotations = a
		c.configs[id] = &api.Config{ID: id, Meta: m, Spec: spec}
	})
}

func (c *cluster) createSecret(spec api.SecretSpec) (string, error) {
	if err := checkEntryName(spec.Name); err != nil {
		return "", err
	}
	switch {
	case spec.Driver == nil:
	case spec.Driver.Name == "":
		return "", rpcError(invalidArgument, "secret driver must have a name")
	default: // these engines have no plugins; a real one looks for it for 15 s first
		return "", rpcError(unknown, "plugin %q not found", spec.Driver.Name)
	}
	return c.createEntry("secret", spec.Annotations, spec.Data, func(id string, m api.Meta, a api.Annotations) {
		spec.Annotations = a
		c.secrets[id] = &api.Secret{ID: id, Meta: m, Spec: spec}
	})
}

// updateEntry changes the labels, if the version is the object's own and nothing else would change.
func (c *cluster) updateEntry(kind string, e entry, version uint64, a api.Annotations, data []byte) error {
	if a.Name != e.annotations.Name || (data != nil && !bytes.Equal(data, *e.data)) {
		return rpcError(invalidArgument, "only updates to Labels are allowed")
	}
	if version != e.meta.Version.Index {
		return errOutOfSequence
	}
	e.annotations.Labels = orEmpty(cloneMap(a.Labels))
	c.stamp(e.meta, false)
	c.publish(message("update", kind, *e.id, c.world.now, map[string]string{"name": e.annotations.Name}))
	return nil
}

// removeEntry deletes a config or secret that no service names. Tasks and previous specs do not count.
func (c *cluster) removeEntry(kind string, e entry) error {
	var users []string
	for _, s := range c.sortedServices() {
		if slices.Contains(references(kind, s.Spec), *e.id) {
			users = append(users, s.Spec.Name)
		}
	}
	if len(users) > 0 {
		return rpcError(invalidArgument, "%s '%s' is in use by the following %s: %s",
			kind, e.annotations.Name, plural("service", users), strings.Join(users, ", "))
	}
	name, id := e.annotations.Name, *e.id
	delete(c.configs, id)
	delete(c.secrets, id)
	c.index++
	c.publish(message("remove", kind, id, c.world.now, map[string]string{"name": name}))
	return nil
}

func references(kind string, s api.ServiceSpec) []string {
	var out []string
	container := s.TaskTemplate.ContainerSpec
	if container == nil {
		return nil
	}
	if kind == "config" {
		for _, r := range container.Configs {
			out = append(out, r.ConfigID)
		}
		return out
	}
	for _, r := range container.Secrets {
		out = append(out, r.SecretID)
	}
	return out
}
