package dockerd

import (
	"fmt"
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
	for _, m := range args.Get("membership") {
		if m != "" && !strings.EqualFold(m, accepted) && !strings.EqualFold(m, pending) {
			return answer{}, &apiError{500, "Invalid membership filter: '" + m + "'"}
		}
	}
	out := []api.Node{}
	for _, n := range c.cluster.sortedNodes() {
		if hasPrefixOf(args, "name", n.Description.Hostname) && hasPrefixOf(args, "id", n.ID) &&
			hasLabels(args, "label", n.Description.Engine.Labels) && hasLabels(args, "node.label", n.Spec.Labels) &&
			oneOf(args, "role", string(n.role)) && oneOf(args, "membership", n.membership()) {
			out = append(out, c.cluster.view(n))
		}
	}
	return list(c, out, func(i int) (string, *api.Meta, string) {
		return out[i].ID, &out[i].Meta, standing(out[i].ManagerStatus)
	})
}

// What the membership filter knows.
const accepted, pending = "accepted", "pending"

// membership is what a node was given when it joined. The API's specification has no field for it: whoever writes a node puts it back.
func (n *node) membership() string {
	if n.rewritten {
		return pending
	}
	return accepted
}

// standing is what the store does not have of a node.
func standing(m *api.ManagerStatus) string {
	if m == nil {
		return ""
	}
	return fmt.Sprint(" ", m.Leader, m.Reachability, m.Addr)
}

// node resolves the path's reference. It is the command line that knows "self".
func (c *call) node() (*node, error) { return c.cluster.findNode(c.PathValue("id")) }

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
