package docker

import (
	"context"
	"net"

	"github.com/docker/docker/api/types/registry"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// swarmPort is where managers meet, TCP.
const swarmPort = "2377"

// Info tells which node the engine is and whether it is a manager. It works on an engine outside any swarm.
func (c *Client) Info(ctx context.Context) (swarm.Info, error) {
	var info system.Info
	err := c.read(ctx, "engine info", func(ctx context.Context) (err error) {
		info, err = c.api.Info(ctx)
		return err
	})
	if err != nil {
		return swarm.Info{}, err
	}
	out := swarm.Info{
		NodeID:        info.Swarm.NodeID,
		NodeAddr:      info.Swarm.NodeAddr,
		ControlAvail:  info.Swarm.ControlAvailable,
		LocalState:    string(info.Swarm.LocalNodeState),
		EngineVersion: info.ServerVersion,
	}
	if info.Swarm.Cluster != nil {
		out.ClusterID = info.Swarm.Cluster.ID
	}
	return out, nil
}

// Cluster inspects the swarm. Its worker token is a secret: it goes into user-data and nowhere else.
func (c *Client) Cluster(ctx context.Context) (swarm.Cluster, error) {
	return unlessSame(ctx, c, "inspect swarm", &c.cluster, c.api.SwarmInspect, func(s api.Swarm) (swarm.Cluster, error) {
		if err := whole("inspect swarm", []api.Swarm{s}, func(s api.Swarm) string { return s.ID }); err != nil {
			return swarm.Cluster{}, err
		}
		return swarm.Cluster{ID: s.ID, Version: s.Version.Index, WorkerToken: s.JoinTokens.Worker}, nil
	})
}

// InitSwarm makes the engine the first manager of a new swarm. The address is the machine's private one, for
// advertising, listening and the overlay's data path alike: mixing private and public addresses breaks the overlay (moby#37536).
func (c *Client) InitSwarm(ctx context.Context, addr string) error {
	req := api.InitRequest{
		ListenAddr:    net.JoinHostPort(addr, swarmPort),
		AdvertiseAddr: net.JoinHostPort(addr, swarmPort),
		DataPathAddr:  addr,
		Availability:  api.NodeAvailabilityActive,
	}
	return c.write(ctx, "init swarm", func(ctx context.Context) error {
		_, err := c.api.SwarmInit(ctx, req)
		return err
	})
}

// ResolveImage asks the image's registry, through the engine, for the digest of the reference ("sha256:…"). No answer is an error and
// never an unpinned tag: the caller decides what then. Registries that want a login are not asked with one.
func (c *Client) ResolveImage(ctx context.Context, ref string) (string, error) {
	var d registry.DistributionInspect
	err := c.once(ctx, "resolve image", registryTime, func(ctx context.Context) (err error) {
		d, err = c.api.DistributionInspect(ctx, ref, "")
		return err
	})
	if err != nil {
		return "", err
	}
	return d.Descriptor.Digest.String(), nil
}
