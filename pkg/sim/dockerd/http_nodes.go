package dockerd

import (
	"strings"

	api "github.com/docker/docker/api/types/swarm"
)

// view is a node as the API shows it, with its membership.
func (c *cluster) view(n *node) api.Node {
	out := n.Node
	out.ManagerStatus = c.managerStatus(n.ID)
	return out
}

func listNodes(c *call) (answer, error) {
	args, err := c.filters("name", "id", "label", "role", "membership", "node.label")
	if err != nil {
		return answer{}, err
	}
	for _, r := range args.Get("role") {
		if r != "" && !strings.EqualFold(r, "manager") && !strings.EqualFold(r, "worker") {
			return answer{}, &apiError{500, "Invalid role filter: '" + r + "'"}
		}
	}
	out := []api.Node{}
	for _, n := range c.cluster.sortedNodes() {
		if hasPrefixOf(args, "name", n.Description.Hostname) && hasPrefixOf(args, "id", n.ID) &&
			hasLabels(args, "label", n.Description.Engine.Labels) && hasLabels(args, "node.label", n.Spec.Labels) &&
			oneOf(args, "role", string(n.role)) && oneOf(args, "membership", "accepted") {
			out = append(out, c.cluster.view(n))
		}
	}
	return ok(out)
}

// node resolves the path's reference; "self" is the engine's own node.
func (c *call) node() (*node, error) {
	ref := c.PathValue("id")
	if ref == "self" {
		ref = c.engine.nodeID
	}
	return c.cluster.findNode(ref)
}

func inspectNode(c *call) (answer, error) {
	n, err := c.node()
	if err != nil {
		return answer{}, err
	}
	return ok(c.cluster.view(n))
}

func updateNode(c *call) (answer, error) {
	var spec api.NodeSpec
	if err := c.decode(&spec); err != nil {
		return answer{}, err
	}
	version, err := c.objectVersion("node")
	if err != nil {
		return answer{}, err
	}
	n, err := c.node()
	if err != nil {
		return answer{}, err
	}
	if err := c.cluster.updateNode(n, version, spec); err != nil {
		return answer{}, err
	}
	return ok(nil)
}

func deleteNode(c *call) (answer, error) {
	n, err := c.node()
	if err != nil {
		return answer{}, err
	}
	if err := c.cluster.removeNode(n, c.flag("force")); err != nil {
		return answer{}, err
	}
	return ok(nil)
}
