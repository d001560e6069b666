package dockerd

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/docker/docker/api/types/registry"
	api "github.com/docker/docker/api/types/swarm"
)

// Registry is how a registry treats those who ask. The zero Registry gives everything to everybody, as those that nobody has set do.
type Registry struct {
	Username, Password string // without them a question is answered with 401; "" and "": everybody may ask
	Status             int    // that every question is answered with: 429 too many requests, 503 out of order; 0: none
}

// SetRegistry says how the registry at the host treats those who ask from now on. Docker Hub is docker.io.
func (s *Swarm) SetRegistry(host string, r Registry) {
	s.lockForChange()
	defer s.unlock()
	s.registries[host] = r
}

// RegistryAuth is the X-Registry-Auth with which the service of the name was written last, "" if it has none. No engine tells it.
func (s *Swarm) RegistryAuth(service string) string {
	s.lock()
	defer s.unlock()
	for _, c := range s.clusters {
		if found := c.serviceNamed(service); found != nil {
			return found.auth
		}
	}
	return ""
}

// refuse is how the registry answers a question that comes with this X-Registry-Auth, nil if it says what was asked for.
func (r Registry) refuse(auth string) error {
	switch {
	case r.Status == http.StatusTooManyRequests:
		return &apiError{r.Status, "toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading"}
	case r.Status != 0:
		return &apiError{http.StatusInternalServerError, "received unexpected HTTP status: " + http.StatusText(r.Status)}
	case r.Username == "" && r.Password == "":
		return nil
	}
	said := registry.AuthConfig{}
	data, err := base64.URLEncoding.DecodeString(auth)
	if err == nil {
		err = json.Unmarshal(data, &said)
	}
	if err != nil || said.Username != r.Username || said.Password != r.Password {
		return &apiError{http.StatusUnauthorized, "unauthorized: authentication required"}
	}
	return nil
}

// registryOf is the host in a reference: what is before the first slash, if that can be one.
func registryOf(ref string) string {
	host, _, more := strings.Cut(ref, "/")
	if !more || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "docker.io"
	}
	return host
}

// pulls reports whether the task's node gets its image: from the registry with what the task has for it, or because it has it. An image without a digest
// is asked for each time; where that fails, what the node has is taken.
func (c *cluster) pulls(t *task) bool {
	r, set := c.world.registries[registryOf(t.image())]
	have := t.NodeID + " " + manifestName(t.image())
	if !set || c.pulled[have] || r.refuse(t.auth) == nil {
		c.pulled[have] = true
		return true
	}
	return false
}

// otherAuth reports whether a task has something else for its registry than the service. That matters only until it has its image (swarmkit,
// orchestrator: IsTaskDirty).
func otherAuth(s *service, t *task) bool {
	has := rank(t.DesiredState) <= rank(api.TaskStateRunning) && rank(t.Status.State) >= rank(api.TaskStateReady) &&
		rank(t.Status.State) <= rank(api.TaskStateRunning)
	return !has && s.auth != t.auth
}
