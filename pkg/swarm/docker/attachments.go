package docker

import (
	"slices"

	api "github.com/docker/docker/api/types/swarm"
)

//lint:file-ignore SA1019 the deprecated field is where a service made by an old client still has its networks

// attachments are the networks of a service, wherever the engine keeps them: older clients had them beside the task.
func attachments(s api.ServiceSpec) []api.NetworkAttachmentConfig {
	if len(s.TaskTemplate.Networks) > 0 {
		return s.TaskTemplate.Networks
	}
	return s.Networks
}

// withNetworkNames puts the networks with the task and their names for the ids, as far as they are known.
func withNetworkNames(s api.ServiceSpec, names map[string]string) api.ServiceSpec {
	nets := slices.Clone(attachments(s))
	for i, n := range nets {
		if name, ok := names[n.Target]; ok {
			nets[i].Target = name
		}
	}
	s.TaskTemplate.Networks, s.Networks = nets, nil
	return s
}
