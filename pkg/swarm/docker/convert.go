package docker

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"

	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/docker/docker/api/types/network"

	"github.com/swarmd/swarmd/pkg/swarm"
)

const (
	defaultNetwork = "default"
	overlayDriver  = "overlay"
)

// stack is a Compose file on its way to the swarm.
type stack struct {
	namespace string
	file      *composetypes.Config
}

// Convert makes of a Compose file what `docker stack deploy` would make of it under the name of the namespace (names, labels, networks,
// aliases and all), plus our labels. It does not ask the engine anything. Configs have the hash of their content at the end of their names; secrets get theirs
// when it is known, see swarm.ServiceSpec.SealedAs.
func Convert(namespace string, cfg *composetypes.Config) (swarm.Stack, error) {
	return new(Converter).Convert(namespace, cfg)
}

// Converter converts a file that is edited again and again: what it has made of a service that did not change is kept. A Stack may share
// specifications with those made before; nothing writes into them. It is not safe for concurrent use; its zero value is ready.
type Converter struct {
	last stack
	made map[string]conversion // by the service's name in the file
}

type conversion struct {
	of   composetypes.ServiceConfig
	spec swarm.ServiceSpec
}

// Convert is the function Convert, quicker for a file of which most was converted before.
func (c *Converter) Convert(namespace string, cfg *composetypes.Config) (swarm.Stack, error) {
	s := stack{namespace: namespace, file: cfg}
	out := swarm.Stack{Namespace: namespace}
	if c.last.file == nil || !c.last.sameAround(s) {
		c.made = nil
	}
	made := map[string]conversion{}
	for _, svc := range cfg.Services {
		one, known := c.made[svc.Name]
		if !known || !reflect.DeepEqual(one.of, svc) {
			spec, err := s.wantedService(svc)
			if err != nil {
				return swarm.Stack{}, fmt.Errorf("service %s: %w", svc.Name, err)
			}
			one = conversion{svc, spec}
		}
		made[svc.Name] = one
		out.Services = append(out.Services, one.spec)
	}
	c.last, c.made = s, made
	for _, name := range s.usedNetworks() {
		spec, err := wantedNetwork(s.networkName(name), s.network(s.file.Networks[name]))
		if err != nil {
			return swarm.Stack{}, err
		}
		out.Networks = append(out.Networks, spec)
	}
	out.Configs, out.Secrets = s.configs(), s.secrets()
	sort.Slice(out.Services, func(i, j int) bool { return out.Services[i].Name < out.Services[j].Name })
	sort.Slice(out.Networks, func(i, j int) bool { return out.Networks[i].Name < out.Networks[j].Name })
	return out, nil
}

// sameAround reports whether a service would become the same in both stacks.
func (s stack) sameAround(other stack) bool {
	return s.namespace == other.namespace && reflect.DeepEqual(s.file.Networks, other.file.Networks) && reflect.DeepEqual(s.file.Volumes, other.file.Volumes) &&
		reflect.DeepEqual(s.file.Configs, other.file.Configs) && reflect.DeepEqual(s.file.Secrets, other.file.Secrets)
}

// wantedService converts a service and adds what is ours: the cluster's label, and the hash of what is wanted.
func (s stack) wantedService(svc composetypes.ServiceConfig) (swarm.ServiceSpec, error) {
	converted, err := s.service(svc)
	if err != nil {
		return swarm.ServiceSpec{}, err
	}
	converted.Labels[swarm.LabelCluster] = s.namespace
	spec, err := specOf(converted, nil)
	if err != nil {
		return swarm.ServiceSpec{}, err
	}
	spec.Labels[swarm.LabelHash] = spec.Form().Hash()
	return spec, nil
}

func (s stack) scope(name string) string { return s.namespace + "_" + name }

// labelled returns the labels with the stack's own; the file's map stays untouched.
func (s stack) labelled(labels map[string]string) map[string]string {
	out := maps.Clone(labels)
	if out == nil {
		out = map[string]string{}
	}
	out[swarm.LabelNamespace] = s.namespace
	return out
}

// usedNetworks are the file's names of the networks that services use and that are not external, sorted.
func (s stack) usedNetworks() []string {
	used := map[string]bool{}
	for _, svc := range s.file.Services {
		if len(svc.Networks) == 0 {
			used[defaultNetwork] = true
		}
		for name := range svc.Networks {
			used[name] = true
		}
	}
	maps.DeleteFunc(used, func(name string, _ bool) bool { return s.file.Networks[name].External.External })
	return slices.Sorted(maps.Keys(used))
}

// networkName is what the network is called in the swarm.
func (s stack) networkName(name string) string {
	if named := s.file.Networks[name].Name; named != "" {
		return named
	}
	return s.scope(name)
}

func (s stack) network(n composetypes.NetworkConfig) network.CreateOptions {
	out := network.CreateOptions{Driver: n.Driver, Options: n.DriverOpts, Internal: n.Internal, Attachable: n.Attachable, Labels: s.labelled(n.Labels)}
	out.Labels[swarm.LabelCluster] = s.namespace
	if out.Driver == "" {
		out.Driver = overlayDriver
	}
	if n.Ipam.Driver == "" && len(n.Ipam.Config) == 0 {
		return out
	}
	out.IPAM = &network.IPAM{Driver: n.Ipam.Driver}
	for _, pool := range n.Ipam.Config {
		out.IPAM.Config = append(out.IPAM.Config, network.IPAMConfig{Subnet: pool.Subnet})
	}
	return out
}
