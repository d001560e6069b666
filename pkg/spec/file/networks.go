package file

import (
	"cmp"
	"maps"
	"slices"

	composetypes "github.com/docker/cli/cli/compose/types"

	"github.com/swarmd/swarmd/pkg/spec"
)

// Subnet is a range that a network of the file's asks for.
type Subnet struct {
	Network string   // as it is named in the swarm
	Keys    []string // that lead to it in the file, as far as it stands there: for Places
	Index   int      // among the network's own
	Range   string
}

// Subnets are those of all stacks, in the order of the networks' keys; the cluster's own stack comes first.
func (d *Document) Subnets() []Subnet {
	all := subnetsOf(d.Cluster, d.Stack, []string{"networks"})
	for _, s := range d.Stacks {
		all = append(all, subnetsOf(s.Name, d.Composed[s.Name], []string{"stacks", s.Name})...)
	}
	return all
}

func subnetsOf(stack string, file *composetypes.Config, at []string) (all []Subnet) {
	for _, key := range slices.Sorted(maps.Keys(file.Networks)) {
		n, name := file.Networks[key], stack+"_"+key
		if n.Extras[spec.SharedKey] == true {
			name = key
		}
		for i, pool := range n.Ipam.Config {
			s := Subnet{Network: cmp.Or(n.Name, name), Index: i, Keys: slices.Clone(at), Range: pool.Subnet}
			if at[0] == "networks" {
				s.Keys = append(s.Keys, key)
			}
			all = append(all, s)
		}
	}
	return all
}
