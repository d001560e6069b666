package dockerd

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
)

// visible are the networks that an engine shows: its own, and of the swarm's a manager all, a worker those of its tasks.
func (c *call) visible() []network.Inspect {
	out := slices.Clone(c.engine.networks)
	if cl, err := c.engine.manager(); err == nil {
		for _, n := range cl.sortedNetworks() {
			if !n.predefined() {
				out = append(out, n.Inspect)
			}
		}
		return out
	}
	if cl := c.engine.cluster; cl != nil {
		for _, id := range slices.Sorted(maps.Keys(cl.networksOn(c.engine.nodeID))) {
			out = append(out, cl.networks[id].Inspect)
		}
	}
	return out
}

func listNetworks(c *call) (answer, error) {
	args, err := c.filters("driver", "type", "name", "id", "label", "scope", "dangling")
	if err != nil {
		return answer{}, err
	}
	out, mark := []network.Inspect{}, "."
	for _, n := range c.visible() {
		if passesNetwork(n, args) {
			out = append(out, n)
			mark += n.ID // a network never changes
		}
	}
	return answer{http.StatusOK, out, mark}, nil
}

func passesNetwork(n network.Inspect, args filters.Args) bool {
	kind := "custom"
	if predefined(n.Name) {
		kind = "builtin"
	}
	named, known := args.Match("name", n.Name), args.Match("id", n.ID)
	if n.Scope == "swarm" { // which the manager looks up: a whole name, the beginning of an id
		named, known = oneOf(args, "name", n.Name), hasPrefixOf(args, "id", n.ID)
	}
	return (!args.Contains("name") || named) && (!args.Contains("id") || known) &&
		oneOf(args, "driver", n.Driver) && oneOf(args, "scope", n.Scope) && oneOf(args, "type", kind) && hasLabels(args, "label", n.Labels)
}

func predefined(name string) bool {
	return slices.Contains([]string{"bridge", "host", "none", "default"}, name)
}

// network resolves the path's reference: full id, then full name, then prefix of an id.
func (c *call) network() (network.Inspect, error) {
	ref, scope := c.PathValue("id"), c.query.Get("scope")
	all := slices.DeleteFunc(c.visible(), func(n network.Inspect) bool { return scope != "" && n.Scope != scope })
	for _, match := range []func(network.Inspect) bool{
		func(n network.Inspect) bool { return n.ID == ref },
		func(n network.Inspect) bool { return n.Name == ref },
		func(n network.Inspect) bool { return strings.HasPrefix(n.ID, ref) },
	} {
		found := slices.DeleteFunc(slices.Clone(all), func(n network.Inspect) bool { return !match(n) })
		if len(found) > 0 {
			return one("network", ref, found)
		}
	}
	if cl, err := c.engine.manager(); err == nil && scope != "local" {
		if n, err := cl.findNetwork(ref); err == nil {
			return n.Inspect, nil
		}
	}
	return one[network.Inspect]("network", ref, nil)
}

func inspectNetwork(c *call) (answer, error) {
	n, err := c.network()
	if err != nil {
		return answer{}, err
	}
	return ok(n)
}

func createNetwork(c *call) (answer, error) {
	var r network.CreateRequest
	if err := c.decode(&r); err != nil {
		return answer{}, err
	}
	if r.Name == "none" {
		return answer{}, &apiError{http.StatusForbidden, "operation is not permitted on predefined none network "}
	}
	if slices.ContainsFunc(c.visible(), func(n network.Inspect) bool { return n.Name == r.Name }) {
		return answer{}, &apiError{http.StatusConflict, "network with name " + r.Name + " already exists"}
	}
	if r.Driver != "overlay" && r.Scope != "swarm" {
		return created(network.CreateResponse{ID: c.engine.addLocalNetwork(r)})
	}
	cl, err := c.engine.manager()
	switch err { // this one route has answers of its own
	case errWorker:
		err = c.engine.world.dialect.fromWorker
	case errNotInSwarm:
		err = c.engine.world.dialect.fromOutsider
	}
	if err != nil {
		return answer{}, err
	}
	id, err := cl.createNetwork(r)
	if err != nil {
		return answer{}, err
	}
	return created(network.CreateResponse{ID: id})
}

func (e *Engine) addLocalNetwork(r network.CreateRequest) string {
	text(&r.Driver, "bridge")
	n := e.localNetwork(r.Name, r.Driver)
	n.Internal, n.Attachable, n.Options, n.Labels = r.Internal, r.Attachable, orEmpty(r.Options), orEmpty(r.Labels)
	e.networks = append(e.networks, n)
	return n.ID
}

func deleteNetwork(c *call) (answer, error) {
	n, err := c.network()
	if err != nil {
		return answer{}, err
	}
	if n.Scope == "local" && predefined(n.Name) {
		return answer{}, &apiError{http.StatusForbidden, n.Name + " is a pre-defined network and cannot be removed"}
	}
	if n.Scope == "local" {
		c.engine.networks = slices.DeleteFunc(c.engine.networks, func(o network.Inspect) bool { return o.ID == n.ID })
		return noContent()
	}
	cl := c.engine.cluster
	if err := cl.removeNetwork(cl.networks[n.ID]); err != nil {
		return answer{}, err
	}
	return noContent()
}
