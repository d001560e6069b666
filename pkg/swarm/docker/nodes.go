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
	all, err := unlessSameList(ctx, c, "list nodes", &c.nodes, held[api.Node](maxWhole, maxItem), func(ctx context.Context) ([]api.Node, error) {
		return c.api.NodeList(ctx, api.NodeListOptions{})
	}, nodesOf)
	return slices.Clone(all), err
}

func nodesOf(list []api.Node) ([]swarm.Node, error) {
	if err := whole("list nodes", list, func(n api.Node) string { return n.ID }); err != nil {
		return nil, err
	}
	nodes := make([]swarm.Node, 0, len(list))
	for _, n := range list {
		nodes = append(nodes, nodeOf(n))
	}
	sort.Slice(nodes, func(i, j int) bool { return nodes[i].ID < nodes[j].ID })
	return nodes, nil
}

func nodeOf(n api.Node) swarm.Node {
	return swarm.Node{
		ID:      n.ID,
		Version: n.Version.Index,
		Spec: swarm.NodeSpec{Name: n.Spec.Name, Role: swarm.Role(n.Spec.Role), Availability: swarm.Availability(n.Spec.Availability),
			Labels: n.Spec.Labels},
		Hostname:      brief(n.Description.Hostname),
		State:         swarm.NodeState(n.Status.State),
		Message:       brief(n.Status.Message),
		Addr:          n.Status.Addr,
		Manager:       managerOf(n.ManagerStatus),
		EngineVersion: n.Description.Engine.EngineVersion,
		EngineLabels:  n.Description.Engine.Labels,
		CPUs:          float64(n.Description.Resources.NanoCPUs) / 1e9,
		MemoryBytes:   n.Description.Resources.MemoryBytes,
		Created:       n.CreatedAt,
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
