package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// Networks returns the networks of swarm scope, the ingress network too, sorted by name. One that was removed a moment ago may still be listed: the
// engine's own copy goes when its last task has left (seen on 20.10.24 and 28.5.2). To remove it once more is NotFound, to create it anew a Conflict.
func (c *Client) Networks(ctx context.Context) ([]swarm.Network, error) {
	all, err := unlessSameList(ctx, c, "list networks", &c.networks, held("network", maxNetworks, func(n network.Inspect) string { return n.Name }), func(ctx context.Context) ([]network.Inspect, error) {
		return c.api.NetworkList(ctx, network.ListOptions{Filters: filters.NewArgs(filters.Arg("scope", "swarm"))})
	}, networksOf)
	if err != nil {
		return nil, err
	}
	c.rememberNetworks(all)
	return slices.Clone(all), nil
}

func networksOf(list []network.Inspect) ([]swarm.Network, error) {
	if err := requireIDs("list networks", list, func(n network.Inspect) string { return n.ID }); err != nil {
		return nil, err
	}
	networks := make([]swarm.Network, 0, len(list))
	for _, n := range list {
		spec, err := liveNetwork(n)
		if err != nil {
			return nil, err
		}
		networks = append(networks, swarm.Network{ID: n.ID, Spec: spec})
	}
	sort.Slice(networks, func(i, j int) bool { return networks[i].Spec.Name < networks[j].Spec.Name })
	return networks, nil
}

func (c *Client) rememberNetworks(networks []swarm.Network) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.names)+len(networks) > mostRemembered {
		clear(c.names)
		clear(c.hidden)
	}
	for _, n := range networks {
		c.names[n.ID] = n.Spec.Name
		delete(c.hidden, n.ID)
	}
}

// hiddenPace is how long the name of a network that no list shows is believed: what was answered once may have been wrong.
const hiddenPace = 5 * time.Minute

// networkNames returns id → name for the given ids. It asks the engine only about ids that no list showed, each once in hiddenPace.
func (c *Client) networkNames(ctx context.Context, ids []string) (map[string]string, error) {
	if len(c.unnamed(ids)) > 0 {
		if _, err := c.Networks(ctx); err != nil {
			return nil, err
		}
	}
	for _, id := range c.unnamed(ids) {
		name, err := c.hiddenName(ctx, id)
		if err != nil {
			return nil, err
		}
		c.rememberNetworks([]swarm.Network{{ID: id, Spec: swarm.NetworkSpec{Name: name}}})
		c.mu.Lock()
		c.hidden[id] = time.Now()
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.names), nil
}

func (c *Client) unnamed(ids []string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, id := range ids {
		asked, hidden := c.hidden[id]
		if _, ok := c.names[id]; !ok || hidden && time.Since(asked) > hiddenPace {
			out = append(out, id)
		}
	}
	return out
}

// hiddenName inspects a network that no list shows: "host" and its like have an id of their own in the swarm. One that is gone goes by its id.
func (c *Client) hiddenName(ctx context.Context, id string) (string, error) {
	var n network.Inspect
	err := c.read(ctx, "inspect network", func(ctx context.Context) (err error) {
		n, err = c.api.NetworkInspect(ctx, id, network.InspectOptions{Scope: "swarm"})
		return err
	})
	if apierr.KindOf(err) == apierr.NotFound {
		return id, nil
	}
	return n.Name, err
}

// CreateNetwork creates a network of swarm scope. A name that is taken is a Conflict.
func (c *Client) CreateNetwork(ctx context.Context, spec swarm.NetworkSpec) (string, error) {
	var opts network.CreateOptions
	if err := json.Unmarshal(spec.Raw, &opts); err != nil {
		return "", badSpec("create network", spec.Name, err)
	}
	opts.Labels = maps.Clone(spec.Labels)
	var made network.CreateResponse
	err := c.write(ctx, "create network", func(ctx context.Context) (err error) {
		made, err = c.api.NetworkCreate(ctx, spec.Name, opts)
		return err
	})
	return made.ID, err
}

// RemoveNetwork removes a network that no service uses.
func (c *Client) RemoveNetwork(ctx context.Context, id string) error {
	return c.write(ctx, "remove network", func(ctx context.Context) error { return c.api.NetworkRemove(ctx, id) })
}

// wantedNetwork is a specification from its API form: normal form, our labels, hash.
func wantedNetwork(name string, opts network.CreateOptions) (swarm.NetworkSpec, error) {
	raw, err := json.Marshal(opts)
	if err != nil {
		return swarm.NetworkSpec{}, fmt.Errorf("network %s: %w", name, err)
	}
	form, err := networkForm(name, opts, true)
	if err != nil {
		return swarm.NetworkSpec{}, fmt.Errorf("network %s: %w", name, err)
	}
	labels := maps.Clone(opts.Labels)
	labels[swarm.LabelHash] = form.Hash()
	return swarm.NetworkSpec{Name: name, Labels: labels, Form: form, Raw: raw}, nil
}

// liveNetwork reads a network back. The engine picks a subnet where none was asked for and does not say which it was; the hash that was
// stored with the network does: if the form without a subnet has that hash, none was asked for.
func liveNetwork(n network.Inspect) (swarm.NetworkSpec, error) {
	opts := network.CreateOptions{Driver: n.Driver, Internal: n.Internal, Attachable: n.Attachable, Ingress: n.Ingress,
		IPAM: &n.IPAM, Options: n.Options, Labels: n.Labels}
	if n.EnableIPv6 {
		opts.EnableIPv6 = &n.EnableIPv6
	}
	raw, err := json.Marshal(opts)
	if err != nil {
		return swarm.NetworkSpec{}, fmt.Errorf("network %s: %w", n.Name, err)
	}
	form, err := networkForm(n.Name, opts, false)
	if err == nil && form.Hash() != n.Labels[swarm.LabelHash] {
		form, err = networkForm(n.Name, opts, true)
	}
	if err != nil {
		return swarm.NetworkSpec{}, fmt.Errorf("network %s: %w", n.Name, err)
	}
	return swarm.NetworkSpec{Name: n.Name, Labels: n.Labels, Form: form, Raw: raw}, nil
}
