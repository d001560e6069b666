package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/docker/docker/api/types/registry"
	api "github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"

	"github.com/swarmd/swarmd/internal/respcache"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// swarmPort is where managers meet, TCP.
const swarmPort = "2377"

// Info tells which node the engine is and whether it is a manager. It works on an engine outside any swarm.
func (c *Client) Info(ctx context.Context) (swarm.Info, error) {
	return unlessSame(ctx, c, "engine info", &c.info, c.api.Info, func(info system.Info) (swarm.Info, error) { return infoOf(info), nil })
}

// ourInfo takes out of what an engine says of itself, 4 kB that are never twice the same, the two members that infoOf looks at.
func ourInfo(body []byte) []byte {
	var version, membership string
	ok := respcache.Members(string(body), func(name, value string) {
		switch name {
		case "ServerVersion":
			version = value
		case "Swarm":
			membership = value
		}
	})
	if !ok || version == "" || membership == "" {
		return nil
	}
	return []byte(`{"ServerVersion":` + version + `,"Swarm":` + membership + `}`)
}

func infoOf(info system.Info) swarm.Info {
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
	return out
}

// Cluster inspects the swarm. Its worker token is a secret: it goes into user-data and nowhere else.
func (c *Client) Cluster(ctx context.Context) (swarm.Cluster, error) {
	return unlessSame(ctx, c, "inspect swarm", &c.cluster, c.api.SwarmInspect, func(s api.Swarm) (swarm.Cluster, error) {
		if err := requireIDs("inspect swarm", []api.Swarm{s}, func(s api.Swarm) string { return s.ID }); err != nil {
			return swarm.Cluster{}, err
		}
		spec, err := json.Marshal(s.Spec)
		if err != nil {
			return swarm.Cluster{}, fmt.Errorf("inspect swarm: %w", err)
		}
		return swarm.Cluster{ID: s.ID, Version: s.Version.Index, WorkerToken: s.JoinTokens.Worker, Spec: spec}, nil
	})
}

// RotateWorkerToken replaces the join token for workers, if the swarm is still at the version; nodes that have joined stay. spec is the
// whole specification at that version, see swarm.Cluster: engines since 26.1 take what is left out for what is to be reset.
// A stale version is a Conflict.
func (c *Client) RotateWorkerToken(ctx context.Context, version uint64, spec json.RawMessage) error {
	var whole api.Spec
	if err := json.Unmarshal(spec, &whole); err != nil {
		return &apierr.Error{Kind: apierr.Invalid, Side: "swarm", Op: "rotate worker token", Err: err}
	}
	return c.write(ctx, "rotate worker token", func(ctx context.Context) error {
		return c.api.SwarmUpdate(ctx, api.Version{Index: version}, whole, api.UpdateFlags{RotateWorkerToken: true})
	})
}

// subnetSize is that of a network's range within the pool, in bits; the engine's own.
const subnetSize = 24

// InitSwarm makes the engine the first manager of a new swarm. The address is the machine's private one, for
// advertising, listening and the overlay's data path alike: mixing private and public addresses breaks the overlay (moby#37536). Networks take
// their /24s from the pool; "" is the engine's own, 10.0.0.0/8.
func (c *Client) InitSwarm(ctx context.Context, addr, pool string) error {
	req := api.InitRequest{
		ListenAddr:    net.JoinHostPort(addr, swarmPort),
		AdvertiseAddr: net.JoinHostPort(addr, swarmPort),
		DataPathAddr:  addr,
		Availability:  api.NodeAvailabilityActive,
	}
	if pool != "" {
		req.DefaultAddrPool, req.SubnetSize = []string{pool}, subnetSize
	}
	return c.write(ctx, "init swarm", func(ctx context.Context) error {
		_, err := c.api.SwarmInit(ctx, req)
		return err
	})
}

// ResolveImage asks the image's registry, through the engine, what the reference stands for. No answer is an error and never an unpinned
// tag: the caller decides what then. The registry is shown the login.
func (c *Client) ResolveImage(ctx context.Context, ref string, login swarm.Login) (swarm.Pin, error) {
	var d registry.DistributionInspect
	err := c.once(ctx, "resolve image", registryTime, func(ctx context.Context) (err error) {
		d, err = c.api.DistributionInspect(ctx, ref, login.Header())
		if err != nil && login.Hide(err.Error()) != err.Error() {
			return errors.New(login.Hide(err.Error()))
		}
		return err
	})
	if err != nil {
		return swarm.Pin{}, err
	}
	pin := swarm.Pin{Digest: d.Descriptor.Digest.String()}
	for _, p := range d.Platforms {
		pin.Platforms = append(pin.Platforms, swarm.Platform{OS: p.OS, Architecture: nodeArchitecture(p.Architecture)})
	}
	return pin, nil
}

// nodeArchitecture is an image's architecture as the scheduler can compare it with a node's. Images say "arm" where nodes say "armv7l" and the like, so
// that nothing is said of it, as the Docker client does (swarmkit#2294). amd64 and arm64 are taken for x86_64 and aarch64 by the scheduler itself.
func nodeArchitecture(arch string) string {
	if strings.EqualFold(arch, "arm") {
		return ""
	}
	return arch
}
