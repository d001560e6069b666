package swarm

import (
	"fmt"
	"slices"
	"strings"
)

// The bounds of what is said about a change.
const (
	mostChanges = 20
	mostValue   = 200 // bytes of one line
)

// harmless are the fields of a form whose values nobody keeps a password in. A field's own fields and elements are meant too.
var harmless = []string{
	"Name", "Mode", "UpdateConfig", "RollbackConfig", "EndpointSpec", "TaskTemplate.Placement", "TaskTemplate.Resources", "TaskTemplate.RestartPolicy",
	"TaskTemplate.ContainerSpec.Image", "TaskTemplate.ContainerSpec.Init", "TaskTemplate.ContainerSpec.OpenStdin", "TaskTemplate.ContainerSpec.ReadOnly",
	"TaskTemplate.ContainerSpec.StopGracePeriod", "TaskTemplate.ContainerSpec.StopSignal", "TaskTemplate.ContainerSpec.TTY",
	"TaskTemplate.ContainerSpec.Healthcheck.Interval", "TaskTemplate.ContainerSpec.Healthcheck.Retries", "TaskTemplate.ContainerSpec.Healthcheck.StartInterval",
	"TaskTemplate.ContainerSpec.Healthcheck.StartPeriod", "TaskTemplate.ContainerSpec.Healthcheck.Timeout",
	"Driver", "Internal", "Attachable", "Ingress", "IPAM.Config",
}

// Veiled returns a Diff for everybody's eyes: what a field was and becomes only where that is harmless, and that it changes everywhere else.
// People keep passwords in environments, commands, labels, health checks and the options of drivers, and plans end in logs.
func Veiled(diff []string) []string {
	out := slices.Clone(diff)
	for i, line := range out {
		path, _, _ := strings.Cut(line, ": ")
		if !slices.ContainsFunc(harmless, func(f string) bool { return within(path, f) }) {
			line = path + " changes"
		}
		out[i] = cut(line, mostValue)
	}
	return out
}

// Summary is the Veiled diff in one line, cut after some changes.
func Summary(diff []string) string {
	rest := ""
	if more := len(diff) - mostChanges; more > 0 {
		diff, rest = diff[:mostChanges], fmt.Sprintf(" and %d more changes", more)
	}
	return strings.Join(Veiled(diff), ", ") + rest
}

// Replaces reports whether a Diff of two services' forms replaces tasks: the engine compares the template and the endpoint alone.
func Replaces(diff []string) bool {
	return slices.ContainsFunc(diff, func(line string) bool {
		path, _, _ := strings.Cut(line, ": ")
		return !slices.ContainsFunc([]string{"Name", "Labels", "Mode", "UpdateConfig", "RollbackConfig"}, func(f string) bool { return within(path, f) })
	})
}

// within reports whether a path is the field or below it.
func within(path, field string) bool {
	rest, ok := strings.CutPrefix(path, field)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// cut shortens a line to a number of bytes, at the start of a character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && s[most]&0xC0 == 0x80 {
		most--
	}
	return s[:most] + "…"
}
