package docker

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"

	composetypes "github.com/docker/cli/cli/compose/types"
	"github.com/docker/docker/api/types/network"

	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

const (
	defaultNetwork = "default"
	overlayDriver  = "overlay"
)

// stack is a Compose file on its way to the swarm.
type stack struct {
	cluster   string // owns what becomes of it
	namespace string
	file      *composetypes.Config
}

// Convert makes of a Compose file what `docker stack deploy` would make of it under the name of the namespace (names, labels, networks,
// aliases and all), plus our labels, as the stack of the cluster of that name. It does not ask the engine anything. Configs have the hash of their content
// at the end of their names; secrets get theirs when it is known, see swarm.ServiceSpec.SealedAs.
func Convert(namespace string, cfg *composetypes.Config) (swarm.Stack, error) {
	return new(Converter).ConvertFile(&spec.Spec{Cluster: namespace}, cfg, nil)
}

// ConvertFile does so with a whole desired state: own has the services at its top level, which are the stack of the cluster's name, and composed
// has what its Compose files say, by the names of the stacks.
func ConvertFile(s *spec.Spec, own *composetypes.Config, composed map[string]*composetypes.Config) (swarm.Stack, error) {
	return new(Converter).ConvertFile(s, own, composed)
}

// Converter converts a file that is edited again and again: what it has made of a service that did not change is kept. A Stack may share
// specifications with those made before; nothing writes into them. It is not safe for concurrent use; its zero value is ready.
type Converter struct{ last map[string]converted } // by namespace

// converted is what a stack became.
type converted struct {
	stack stack
	made  map[string]conversion // by the service's name in the file
}

type conversion struct {
	of   composetypes.ServiceConfig
	spec swarm.ServiceSpec
}

// ConvertFile is the function ConvertFile, quicker for a file of which most was converted before.
func (c *Converter) ConvertFile(s *spec.Spec, own *composetypes.Config, composed map[string]*composetypes.Config) (swarm.Stack, error) {
	out, now := swarm.Stack{Namespace: s.Cluster}, map[string]converted{}
	all := []stack{{s.Cluster, s.Cluster, own}}
	for _, named := range s.Stacks {
		all = append(all, stack{s.Cluster, named.Name, composed[named.Name]})
		if named.Adopt {
			out.Adopt = append(out.Adopt, named.Name)
		}
	}
	for _, one := range all {
		made, err := c.last[one.namespace].again(one, &out)
		if err != nil {
			return swarm.Stack{}, err
		}
		now[one.namespace] = made
	}
	c.last = now
	slices.Sort(out.Adopt)
	sort.Slice(out.Services, func(i, j int) bool { return out.Services[i].Name < out.Services[j].Name })
	sort.Slice(out.Networks, func(i, j int) bool { return out.Networks[i].Name < out.Networks[j].Name })
	slices.SortFunc(out.Configs, func(a, b swarm.ConfigSpec) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(out.Secrets, func(a, b swarm.SecretSpec) int { return cmp.Compare(a.Of, b.Of) })
	return out, nil
}

// again adds to out what a stack becomes, and takes what it became before where it is the same.
func (c converted) again(s stack, out *swarm.Stack) (converted, error) {
	if c.stack.file == nil || !c.stack.sameAround(s) {
		c.made = nil
	}
	now := converted{s, map[string]conversion{}}
	for _, svc := range s.file.Services {
		one, known := c.made[svc.Name]
		if !known || !reflect.DeepEqual(one.of, svc) {
			spec, err := s.wantedService(svc)
			if err != nil {
				name := svc.Name
				if s.namespace != s.cluster {
					name = s.scope(name)
				}
				return now, fmt.Errorf("service %s: %w", name, err)
			}
			one = conversion{svc, spec}
		}
		now.made[svc.Name] = one
		out.Services = append(out.Services, one.spec)
	}
	for _, name := range s.madeNetworks() {
		spec, err := wantedNetwork(s.networkName(name), s.network(s.file.Networks[name]))
		if err != nil {
			return now, err
		}
		out.Networks = append(out.Networks, spec)
	}
	out.Configs, out.Secrets = append(out.Configs, s.configs()...), append(out.Secrets, s.secrets()...)
	return now, nil
}

// sameAround reports whether a service would become the same in both stacks.
func (s stack) sameAround(other stack) bool {
	return s.cluster == other.cluster && s.namespace == other.namespace && reflect.DeepEqual(s.file.Networks, other.file.Networks) && reflect.DeepEqual(s.file.Volumes, other.file.Volumes) &&
		reflect.DeepEqual(s.file.Configs, other.file.Configs) && reflect.DeepEqual(s.file.Secrets, other.file.Secrets)
}

// wantedService converts a service and adds what is ours: the cluster's label, and the hash of what is wanted.
func (s stack) wantedService(svc composetypes.ServiceConfig) (swarm.ServiceSpec, error) {
	converted, err := s.service(svc)
	if err != nil {
		return swarm.ServiceSpec{}, err
	}
	converted.Labels[swarm.LabelCluster] = s.cluster
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

// madeNetworks are the file's names of the networks that the stack makes, sorted: those that its services use and that are not external, and those that it
// shares.
func (s stack) madeNetworks() []string {
	used := map[string]bool{}
	for _, svc := range s.file.Services {
		if len(svc.Networks) == 0 {
			used[defaultNetwork] = true
		}
		for name := range svc.Networks {
			used[name] = true
		}
	}
	for name, n := range s.file.Networks {
		if shared(n) {
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
	if shared(s.file.Networks[name]) {
		return name
	}
	return s.scope(name)
}

// shared reports whether other stacks use the network under its own name, as an external one.
func shared(n composetypes.NetworkConfig) bool { return n.Extras[spec.SharedKey] == true }

func (s stack) network(n composetypes.NetworkConfig) network.CreateOptions {
	out := network.CreateOptions{Driver: n.Driver, Options: n.DriverOpts, Internal: n.Internal, Attachable: n.Attachable, Labels: s.labelled(n.Labels)}
	out.Labels[swarm.LabelCluster] = s.cluster
	if shared(n) {
		delete(out.Labels, swarm.LabelNamespace) // docker stack rm of the stack would take it from the others
	}
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
