package docker

import (
	"context"
	"net"

	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"

	"github.com/swarmd/swarmd/pkg/swarm"
)

// Peers returns the managers that the engine knows, itself included. It needs no leader.
func (c *Client) Peers(ctx context.Context) ([]swarm.Peer, error) {
	var info system.Info
	err := c.read(ctx, "engine info", func(ctx context.Context) (err error) {
		info, err = c.api.Info(ctx)
		return err
	})
	var out []swarm.Peer
	for _, p := range info.Swarm.RemoteManagers {
		out = append(out, swarm.Peer{NodeID: p.NodeID, Addr: p.Addr})
	}
	return out, err
}

// ForceNewCluster has the engine, which is a manager, go on as the only one of its swarm, at its own address there. The others' nodes stay, and are no
// members of the managers' quorum any more. A real engine takes twelve seconds for it.
func (c *Client) ForceNewCluster(ctx context.Context, addr string) error {
	req := api.InitRequest{ListenAddr: net.JoinHostPort(addr, swarmPort), AdvertiseAddr: net.JoinHostPort(addr, swarmPort), DataPathAddr: addr, ForceNewCluster: true}
	return c.write(ctx, "force new cluster", func(ctx context.Context) error {
		_, err := c.api.SwarmInit(ctx, req)
		return err
	})
}
