package dockerd

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/docker/docker/api/types/registry"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/versions"
)

func listServices(c *call) (answer, error) {
	args, err := c.filters("name", "id", "label", "mode", "runtime")
	if err != nil {
		return answer{}, err
	}
	status := false
	if raw := c.query.Get("status"); raw != "" && (c.version == "" || versions.GreaterThanOrEqualTo(c.version, "1.41")) {
		if status, err = strconv.ParseBool(raw); err != nil {
			return answer{}, badRequest("invalid value for status: %s: %v", raw, err)
		}
	}
	out := []api.Service{}
	for _, s := range c.cluster.sortedServices() {
		if !hasPrefixOf(args, "name", s.Spec.Name) || !hasPrefixOf(args, "id", s.ID) || !hasLabels(args, "label", s.Spec.Labels) ||
			!oneOf(args, "mode", modeOf(s.Spec)) || !oneOf(args, "runtime", string(api.RuntimeContainer)) {
			continue
		}
		view := s.Service
		if status {
			view.ServiceStatus = c.cluster.status(s)
		}
		out = append(out, view)
	}
	return list(c, out, func(i int) (string, *api.Meta, string) { return out[i].ID, &out[i].Meta, counts(out[i].ServiceStatus) })
}

// counts is what the store does not have of a service.
func counts(s *api.ServiceStatus) string {
	if s == nil {
		return ""
	}
	return fmt.Sprint(" ", *s)
}

func inspectService(c *call) (answer, error) {
	s, err := c.cluster.findService(c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	view := s.Service
	if c.flag("insertDefaults") {
		view.Spec = withDefaults(view.Spec)
	}
	return ok(view)
}

func createService(c *call) (answer, error) {
	var spec api.ServiceSpec
	if err := c.decode(&spec); err != nil {
		return answer{}, err
	}
	id, err := c.cluster.createService(spec, c.Header.Get(registry.AuthHeader))
	if err != nil {
		return answer{}, err
	}
	return created(map[string]string{"ID": id})
}

func updateService(c *call) (answer, error) {
	var spec api.ServiceSpec
	if err := c.decode(&spec); err != nil {
		return answer{}, err
	}
	version, err := c.objectVersion("service")
	if err != nil {
		return answer{}, err
	}
	s, err := c.cluster.findService(c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	auth := c.Header.Get(registry.AuthHeader)
	switch c.query.Get("registryAuthFrom") {
	case "", api.RegistryAuthFromSpec:
		auth = cmp.Or(auth, s.auth)
	case api.RegistryAuthFromPreviousSpec:
		auth = cmp.Or(auth, s.previousAuth)
	default:
		return answer{}, &apiError{500, "unsupported registryAuthFrom value"}
	}
	if err := c.cluster.updateService(s, version, spec, c.query.Get("rollback"), auth); err != nil {
		return answer{}, err
	}
	return ok(api.ServiceUpdateResponse{})
}

func deleteService(c *call) (answer, error) {
	s, err := c.cluster.findService(c.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	c.cluster.removeService(s)
	return ok(nil)
}
