package docker

import (
	"slices"
	"strings"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// noImageTexts are what engines and registries say of an image that a node did not get (moby, daemon/cluster/executor/container; distribution's errors):
// before 29.6 a refused log-in is told as "No such image", too.
var noImageTexts = []string{"no such image", "pull access denied", "manifest unknown", "manifest for ", "repository does not exist", "failed to resolve reference",
	"toomanyrequests", "too many requests", "unauthorized", "authentication required", "error pulling image", "no matching manifest"}

// causeOf is why a task does not run, in as far as its state and the engine's words say it.
func causeOf(s api.TaskStatus) swarm.Cause {
	text := strings.ToLower(s.Err + " " + s.Message)
	switch s.State {
	case api.TaskStatePending:
		if strings.Contains(text, "no suitable node") {
			return swarm.NoNode
		}
	case api.TaskStateRejected, api.TaskStatePreparing, api.TaskStateFailed:
		if slices.ContainsFunc(noImageTexts, func(known string) bool { return strings.Contains(text, known) }) {
			return swarm.NoImage
		}
		if s.State == api.TaskStateFailed {
			return swarm.Ended
		}
	case api.TaskStateComplete:
		return swarm.Ended
	}
	return ""
}
