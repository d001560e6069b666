package docker

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// shortest is how many bytes a value must have to be hidden: shorter ones are parts of any sentence.
const shortest = 5

// hidden is a text of the engine without the values of a task in which people keep passwords. Engines repeat them: one that finds no program names
// the whole argument that it took for one.
func hidden(text string, task api.TaskSpec, labels map[string]string) string {
	if text == "" {
		return ""
	}
	for _, value := range secretsOf(task, labels) {
		text = strings.ReplaceAll(text, value, "(value not shown)")
	}
	return text
}

// hiding is the same for a refusal, without what was shown to the registry.
func hiding(err error, spec api.ServiceSpec, login swarm.Login) error {
	if err == nil {
		return nil
	}
	if text := login.Hide(hidden(err.Error(), spec.TaskTemplate, spec.Labels)); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// secretsOf are the values that may be passwords, the longest first: one may be a part of another. They are the ones that swarm.Change masks.
func secretsOf(task api.TaskSpec, labels map[string]string) []string {
	all := labelValues(labels)
	if d := task.LogDriver; d != nil {
		all = slices.AppendSeq(all, maps.Values(d.Options))
	}
	if c := task.ContainerSpec; c != nil {
		for _, variable := range c.Env {
			_, value, _ := strings.Cut(variable, "=")
			all = append(all, value)
		}
		all = append(append(all, arguments(c.Command)...), arguments(c.Args)...)
		all = append(all, labelValues(c.Labels)...)
		if h := c.Healthcheck; h != nil && len(h.Test) > 1 {
			all = append(all, h.Test[1:]...)
		}
		for _, m := range c.Mounts {
			if o := m.VolumeOptions; o != nil {
				all = append(all, labelValues(o.Labels)...)
				if o.DriverConfig != nil {
					all = slices.AppendSeq(all, maps.Values(o.DriverConfig.Options))
				}
			}
		}
	}
	all = slices.DeleteFunc(all, func(value string) bool { return len(value) < shortest })
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	return all
}

// arguments are those of a command line. The first one is the program, which an error must name, unless it looks like an option.
func arguments(line []string) []string {
	if len(line) > 0 && !strings.HasPrefix(line[0], "-") && !strings.ContainsAny(line[0], "= ") {
		line = line[1:]
	}
	return line
}

// labelValues are the values of labels that people give: those of Docker and of swarmd are names.
func labelValues(labels map[string]string) []string {
	var out []string
	for key, value := range labels {
		if !strings.HasPrefix(key, "com.docker.") && !strings.HasPrefix(key, "swarmd.") {
			out = append(out, value)
		}
	}
	return out
}
