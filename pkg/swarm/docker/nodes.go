package docker

import (
	"context"
	"maps"
	"slices"
	"sort"

	api "github.com/docker/docker/api/types/swarm"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// Nodes returns all nodes, sorted by id.
func (c *Client) Nodes(ctx context.Context) ([]swarm.Node, error) {
	all, err := unlessSameList(ctx, c, "list nodes", &c.nodes, nodeBounds(), func(ctx context.Context) ([]api.Node, error) {
		return c.api.NodeList(ctx, api.NodeListOptions{})
	}, nodesOf)
	return slices.Clone(all), err
}

func nodesOf(list []api.Node) ([]swarm.Node, error) {
	if err := requireIDs("list nodes", list, func(n api.Node) string { return n.ID }); err != nil {
		return nil, err
	}
	nodes := make([]swarm.Node, 0, len(list))
	for _, n := range list {
		nodes = append(nodes, nodeOf(n))
	}
	sort.Slice(nodes, func(i, j int) bool { return nodes[i].ID < nodes[j].ID })
	return nodes, nil
}

// nodeBounds are those of the nodes: all of their own labels is kept, since that is written back, and little of what their engines say.
func nodeBounds() bounds[api.Node] {
	return bounds[api.Node]{kind: "node", name: func(n api.Node) string { return n.ID }, most: maxList, slim: func(n *api.Node) {
		d := &n.Description
		d.Engine.Plugins, d.TLSInfo, d.Resources.GenericResources = nil, api.TLSInfo{}, nil
		d.Hostname, n.Status.Message = within(d.Hostname, maxName), brief(n.Status.Message)
		d.Platform.OS, d.Platform.Architecture = within(d.Platform.OS, maxName), within(d.Platform.Architecture, maxName)
		if labelsWeight(d.Engine.Labels) > maxText {
			said := d.Engine.Labels
			d.Engine.Labels = map[string]string{"…": ""} // that there are others, tells a node that came up from one that never did
			for _, ours := range []string{swarm.LabelDroplet, swarm.LabelTemplate} {
				if claim, claims := said[ours]; claims {
					d.Engine.Labels[ours] = brief(claim)
				}
			}
		}
	}, weight: func(n api.Node) int {
		return 600 + len(n.Description.Hostname) + len(n.Status.Message) + len(n.Status.Addr) + len(n.Spec.Name) + labelsWeight(n.Spec.Labels) + labelsWeight(n.Description.Engine.Labels)
	}}
}

func labelsWeight(labels map[string]string) (n int) {
	for k, v := range labels {
		n += 100 + len(k) + len(v)
	}
	return n
}

func nodeOf(n api.Node) swarm.Node {
	return swarm.Node{
		ID:      n.ID,
		Version: n.Version.Index,
		Spec: swarm.NodeSpec{Name: n.Spec.Name, Role: swarm.Role(n.Spec.Role), Availability: swarm.Availability(n.Spec.Availability),
			Labels: n.Spec.Labels},
		Hostname:      within(n.Description.Hostname, maxName),
		State:         swarm.NodeState(n.Status.State),
		Message:       brief(n.Status.Message),
		Addr:          n.Status.Addr,
		Manager:       managerOf(n.ManagerStatus),
		Platform:      swarm.Platform{OS: within(n.Description.Platform.OS, maxName), Architecture: within(n.Description.Platform.Architecture, maxName)},
		EngineVersion: n.Description.Engine.EngineVersion,
		EngineLabels:  n.Description.Engine.Labels,
		CPUs:          float64(n.Description.Resources.NanoCPUs) / 1e9,
		MemoryBytes:   n.Description.Resources.MemoryBytes,
		Created:       n.CreatedAt,
		Updated:       n.UpdatedAt,
	}
}

func managerOf(m *api.ManagerStatus) *swarm.ManagerStatus {
	if m == nil {
		return nil
	}
	return &swarm.ManagerStatus{Leader: m.Leader, Reachability: string(m.Reachability), Addr: m.Addr}
}

// UpdateNode replaces a node's whole spec, if the node is still at the version. A stale version is a Conflict.
func (c *Client) UpdateNode(ctx context.Context, id string, version uint64, spec swarm.NodeSpec) error {
	wire := api.NodeSpec{
		Annotations:  api.Annotations{Name: spec.Name, Labels: maps.Clone(spec.Labels)},
		Role:         api.NodeRole(spec.Role),
		Availability: api.NodeAvailability(spec.Availability),
	}
	return c.write(ctx, "update node", func(ctx context.Context) error {
		return c.api.NodeUpdate(ctx, id, api.Version{Index: version}, wire)
	})
}

// RemoveNode removes a node that is down, and no member of the managers' quorum, from the swarm. It never forces.
func (c *Client) RemoveNode(ctx context.Context, id string) error {
	return c.write(ctx, "remove node", func(ctx context.Context) error {
		return c.api.NodeRemove(ctx, id, api.NodeRemoveOptions{})
	})
}
