package quorum

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmd/swarmd/internal/clock"
	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Engine is the one of the manager that is to go on alone.
type Engine interface {
	Info(ctx context.Context) (swarm.Info, error)
	Peers(ctx context.Context) ([]swarm.Peer, error)
	Nodes(ctx context.Context) ([]swarm.Node, error)
	ForceNewCluster(ctx context.Context, addr string) error
	RemoveNode(ctx context.Context, id string) error
}

// Cloud lists the cluster's droplets.
type Cloud interface {
	Droplets(ctx context.Context, tag string) ([]cloud.Droplet, error)
}

// Recovery is of one cluster, on the manager whose engine it is.
type Recovery struct {
	Cluster string
	Engine  Engine
	Cloud   Cloud
	// Ask asks another manager's machine whether its swarm has a leader, by its public address.
	Ask  func(ctx context.Context, address string) (leads bool, err error)
	Say  func(format string, args ...any)
	Pace time.Duration // between looks
}

// Manager is what is known of one while the swarm has no leader.
type Manager struct {
	NodeID  string
	Addr    string        // in the swarm
	Droplet cloud.Droplet // zero: none has its address any more
	Self    bool
	Says    string // what its engine says, "" if it was not asked
}

// Exists reports whether its machine is there, on or off.
func (m Manager) Exists() bool { return m.Self || m.Droplet.ID != 0 }

// Name is its droplet's, else its address.
func (m Manager) Name() string {
	if m.Droplet.Name != "" {
		return m.Droplet.Name
	}
	return m.Addr
}

// how is its machine, in words.
func (m Manager) how() string {
	switch {
	case m.Self:
		return "runs, and is the one that is asked"
	case m.Droplet.ID == 0:
		return "does not exist any more"
	case m.Says != "":
		return "its droplet is " + string(m.Droplet.Status) + ", and its engine " + m.Says
	}
	return "its droplet is " + string(m.Droplet.Status)
}

// ErrRefused is in the chain of an error that says why nothing is forced.
var ErrRefused = errors.New("nothing was changed")

func refused(format string, args ...any) error {
	return fmt.Errorf("%s; %w", fmt.Sprintf(format, args...), ErrRefused)
}

// Survey returns the managers that the engine knows. The error says why there is nothing to recover from here.
func (r *Recovery) Survey(ctx context.Context) ([]Manager, error) {
	info, err := r.Engine.Info(ctx)
	if err != nil {
		return nil, err
	}
	if !info.ControlAvail {
		return nil, refused("the machine that is asked is no manager: set DOCKER_HOST to one of them")
	}
	switch _, err := r.Engine.Nodes(ctx); {
	case err == nil:
		return nil, refused("the swarm has a leader, so its managers have their majority: swarmd status; a leader that has just lost it notices within a minute")
	case apierr.KindOf(err) != apierr.NoLeader:
		return nil, fmt.Errorf("whether the swarm has a leader: %w", err)
	}
	peers, err := r.Engine.Peers(ctx)
	if err != nil {
		return nil, err
	}
	droplets, err := r.Cloud.Droplets(ctx, cloud.ClusterTag(r.Cluster))
	if err != nil {
		return nil, err
	}
	return r.managers(ctx, info, peers, droplets)
}

func (r *Recovery) managers(ctx context.Context, info swarm.Info, peers []swarm.Peer, droplets []cloud.Droplet) (out []Manager, err error) {
	for _, p := range peers {
		host, _, err := net.SplitHostPort(p.Addr)
		if err != nil {
			host = p.Addr
		}
		m := Manager{NodeID: p.NodeID, Addr: host, Self: p.NodeID == info.NodeID}
		if i := slices.IndexFunc(droplets, func(d cloud.Droplet) bool { return d.PrivateIPv4 == host }); i >= 0 {
			m.Droplet = droplets[i]
		}
		if !m.Self && m.Droplet.Status == cloud.StatusActive && r.Ask != nil {
			leads, err := r.Ask(ctx, m.Droplet.PublicIPv4)
			if m.Says = "says that the swarm has no leader"; err != nil {
				m.Says = "does not answer: " + err.Error()
			} else if leads {
				return nil, refused("%s says that the swarm has a leader: the machine that is asked is cut off from it, and a second swarm would begin; look at the network between them", m.Name())
			}
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(a, b Manager) int { return strings.Compare(a.Name(), b.Name()) })
	return out, nil
}

// Tell says what is known of each.
func (r *Recovery) Tell(managers []Manager) {
	r.Say("the swarm of cluster %s has no leader; it had %d managers, and %d of them decide together:\n", r.Cluster, len(managers), len(managers)/2+1)
	for _, m := range managers {
		name := m.Name()
		if name != m.Addr {
			name += " (" + m.Addr + ")"
		}
		r.Say("  %s: %s\n", name, m.how())
	}
}

// MayReturn says how a majority may come back by itself; "" if too few machines exist for one.
func MayReturn(managers []Manager) string {
	var off, dead []string
	exist := 0
	for _, m := range managers {
		switch {
		case !m.Exists():
			continue
		case m.Self:
		case m.Droplet.Status == cloud.StatusActive:
			dead = append(dead, m.Name())
		default:
			off = append(off, m.Name())
		}
		exist++
	}
	if exist <= len(managers)/2 {
		return ""
	}
	text := fmt.Sprintf("%d of %d managers exist, and a majority of them may come back with all that it knows", exist, len(managers))
	if len(off) > 0 {
		text += "; off: " + strings.Join(off, ", ") + " (swarmd switches them on within minutes, or do it yourself)"
	}
	if len(dead) > 0 {
		text += "; to be looked at: " + strings.Join(dead, ", ")
	}
	return text
}

// Force has the manager that is asked go on alone, and waits until it leads. A write whose answer was lost may have happened: that is looked at.
func (r *Recovery) Force(ctx context.Context) error {
	info, err := r.Engine.Info(ctx)
	if err != nil {
		return err
	}
	r.Say("it takes about half a minute until it leads\n")
	err = r.Engine.ForceNewCluster(ctx, info.NodeAddr)
	if err != nil && apierr.KindOf(err).Refused() {
		return err
	}
	for {
		nodes, look := r.Engine.Nodes(ctx)
		if i := slices.IndexFunc(nodes, func(n swarm.Node) bool { return n.ID == info.NodeID && n.Leads() }); look == nil && i >= 0 {
			r.Say("%s leads the swarm alone: it is the same swarm, with its services, tokens and nodes\n", nodes[i].Hostname)
			return nil
		}
		if sleep := clock.Sleep(ctx, r.Pace); sleep != nil {
			return fmt.Errorf("it was asked to go on alone, and does not lead yet: %w", errors.Join(err, look, sleep))
		}
	}
}

// Forget removes the nodes of managers whose machines do not exist any more, when they are down. The others come back as managers by themselves once
// their machines run.
func (r *Recovery) Forget(ctx context.Context, managers []Manager) error {
	if n := len(slices.DeleteFunc(slices.Clone(managers), Manager.Exists)); n > 0 {
		r.Say("%d of its nodes have no machine any more: they are removed when the swarm sees that they are down, within a minute\n", n)
	}
	for _, m := range managers {
		if m.Exists() {
			continue
		}
		for {
			nodes, err := r.Engine.Nodes(ctx)
			i := slices.IndexFunc(nodes, func(n swarm.Node) bool { return n.ID == m.NodeID })
			if err == nil && i < 0 {
				break
			}
			if err == nil && nodes[i].State == swarm.NodeDown && nodes[i].Manager == nil && !r.back(ctx, nodes[i]) {
				if err = r.Engine.RemoveNode(ctx, m.NodeID); err == nil {
					r.Say("removed the node %s, whose machine does not exist\n", nodes[i].Hostname)
					break
				}
			}
			if sleep := clock.Sleep(ctx, r.Pace); sleep != nil {
				return fmt.Errorf("the node %s is to be removed when it is down (docker node rm %s): %w", m.NodeID, m.NodeID, errors.Join(err, sleep))
			}
		}
	}
	return nil
}

// back reports whether a droplet of the cluster is the node's after all, as far as that can be seen.
func (r *Recovery) back(ctx context.Context, n swarm.Node) bool {
	droplets, err := r.Cloud.Droplets(ctx, cloud.ClusterTag(r.Cluster))
	return err != nil || slices.ContainsFunc(droplets, func(d cloud.Droplet) bool {
		return strconv.Itoa(d.ID) == n.Spec.Labels[swarm.LabelDroplet]
	})
}
