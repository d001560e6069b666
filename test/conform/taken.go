package conform

import (
	"github.com/docker/docker/api/types/mount"
	api "github.com/docker/docker/api/types/swarm"
)

// takenCases are specifications that look odd and are stored as they are.
func takenCases() []Case {
	var out []Case
	for _, c := range []struct {
		name string
		edit func(*api.ServiceSpec)
		same func(*T, api.ServiceSpec)
	}{
		{"labels with marks, blanks and lines", func(s *api.ServiceSpec) {
			s.Labels = map[string]string{"caddy.header.?X-Frame-Options": "DENY", "caddy.handle_path./api/* (a+b)": "", "two": "one\ntwo\n"}
		}, func(t *T, s api.ServiceSpec) { t.same("value", "one\ntwo\n", s.Labels["two"]) }},
		{"a volume's name with a template", mounted(mount.Mount{Type: mount.TypeVolume, Source: "db-{{.Task.Slot}}", Target: "/data"}),
			func(t *T, s api.ServiceSpec) {
				t.same("source", "db-{{.Task.Slot}}", s.TaskTemplate.ContainerSpec.Mounts[0].Source)
			}},
		{"templates", func(s *api.ServiceSpec) {
			c := s.TaskTemplate.ContainerSpec
			c.Hostname, c.Env = "web-{{.Task.Slot}}", append(c.Env, `A={{.Node.Hostname}}/{{ .Service.Name }}`, `B={{"{{"}}x}}`, `C={{if eq .Task.Slot "1"}}first{{else}}{{join "-" .Task.ID .Node.Platform.OS}}{{end}}`)
		}, func(t *T, s api.ServiceSpec) {
			t.same("host name", "web-{{.Task.Slot}}", s.TaskTemplate.ContainerSpec.Hostname)
		}},
		{"a host that stands for the machine", func(s *api.ServiceSpec) { s.TaskTemplate.ContainerSpec.Hosts = []string{"host-gateway machine"} },
			func(t *T, s api.ServiceSpec) {
				t.same("hosts", []string{"host-gateway machine"}, s.TaskTemplate.ContainerSpec.Hosts)
			}},
		{"a spread over what is no label", func(s *api.ServiceSpec) {
			s.TaskTemplate.Placement = &api.Placement{Preferences: []api.PlacementPreference{{Spread: &api.SpreadOver{SpreadDescriptor: "node.id"}}}}
		}, func(t *T, s api.ServiceSpec) {
			t.same("spread", "node.id", s.TaskTemplate.Placement.Preferences[0].Spread.SpreadDescriptor)
		}},
		{"more reserved than the limit", func(s *api.ServiceSpec) {
			s.TaskTemplate.Resources = &api.ResourceRequirements{Limits: &api.Limit{MemoryBytes: 64 << 20}, Reservations: &api.Resources{MemoryBytes: 128 << 20}}
		}, func(t *T, s api.ServiceSpec) {
			t.same("reserved", int64(128<<20), s.TaskTemplate.Resources.Reservations.MemoryBytes)
		}},
	} {
		out = append(out, Case{"service taken: " + c.name, Together, func(t *T) {
			id := t.create(t.spec("odd", Good, 1, c.edit))
			t.untilRunning(id, 1)
			c.same(t, t.service(id).Spec)
		}})
	}
	return out
}

func mounted(m mount.Mount) func(*api.ServiceSpec) {
	return func(s *api.ServiceSpec) { s.TaskTemplate.ContainerSpec.Mounts = []mount.Mount{m} }
}
