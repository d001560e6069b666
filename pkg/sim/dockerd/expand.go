package dockerd

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/template"

	api "github.com/docker/docker/api/types/swarm"
)

// expansion is what templates in a specification can name (swarmkit, template.Context).
type expansion struct {
	Service struct {
		ID     string
		Name   string
		Labels map[string]string
	}
	Node struct {
		ID       string
		Hostname string
		Platform struct {
			Architecture string
			OS           string
		}
	}
	Task struct {
		ID   string
		Name string
		Slot string
	}
}

func (x expansion) expand(s string) error {
	t, err := template.New("expansion").Option("missingkey=error").Funcs(template.FuncMap{
		"join": func(s ...string) string { return strings.Join(s[1:], s[0]) },
	}).Parse(s)
	if err != nil {
		return err
	}
	if err := t.Execute(io.Discard, &x); err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), "dockerd.expansion", "template.Context"))
	}
	return nil
}

// expandable refuses a container in which a template cannot be filled in. The manager tries it with a task that there is not, whose service has
// no labels (swarmkit, controlapi: validateContainerSpec, and template: ExpandContainerSpec).
func expandable(c *api.ContainerSpec) error {
	var x expansion
	x.Service.Name, x.Task.Slot = "servicename", "1"
	fails := func(what, of, value string) error {
		err := x.expand(value)
		if err == nil {
			return nil
		}
		if of != "" {
			of = fmt.Sprintf("%s %q: ", of, value)
		}
		return rpcError(invalidArgument, "expanding %s failed: %s%s", what, of, err)
	}
	for _, m := range c.Mounts {
		if err := fails("mounts", "expanding mount source", m.Source); err != nil {
			return err
		}
		if err := fails("mounts", "expanding mount target", m.Target); err != nil {
			return err
		}
		if m.VolumeOptions == nil {
			continue
		}
		options := []map[string]string{m.VolumeOptions.Labels}
		if d := m.VolumeOptions.DriverConfig; d != nil {
			options = append(options, d.Options)
		}
		for _, all := range options {
			for _, key := range slices.Sorted(maps.Keys(all)) {
				if err := fails("mounts", "", all[key]); err != nil {
					return err
				}
			}
		}
	}
	for _, value := range c.Env {
		if err := fails("env", "expanding env", value); err != nil {
			return err
		}
	}
	return fails("hostname", "", c.Hostname)
}
