package preflight

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/spec/file"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// ranges reports whether a network of the file asks for a range.
func ranges(s *file.Document) bool { return len(s.Subnets()) > 0 }

// subnets finds networks whose range overlaps the VPC's, in which their tasks would reach no machine. One that the swarm has already cannot be
// changed, and what runs on it may do so for long: an edit of something else must get through.
func (j *judgement) subnets() {
	for _, n := range j.spec.Subnets() {
		there := j.silent["networks"] != nil || slices.ContainsFunc(j.networks, func(live swarm.Network) bool { return live.Spec.Name == n.Network })
		subnet, err := netip.ParsePrefix(n.Range)
		if err != nil {
			continue
		}
		keys := n.Keys
		if keys[0] == "networks" {
			keys = append(keys, "ipam", "config", strconv.Itoa(n.Index), "subnet")
		}
		if private, overlaps := j.private(subnet); overlaps {
			j.sayOf(there, fmt.Sprintf("the subnet %s overlaps the VPC's range %s, in which its tasks would reach no machine: choose another", subnet, private),
				"; the network is there already, and has to be removed and made anew", keys...)
		}
	}
}

// vpc finds regions of pools that have no VPC as the file names it.
func (j *judgement) vpc() {
	if _, unknown := j.silent["vpcs"]; unknown || j.spec.Cloud.VPC == "" {
		return
	}
	for _, p := range j.spec.Pools {
		if _, err := cloud.PickVPC(j.vpcs, j.spec.Cloud.VPC, p.Region); err != nil {
			name := func(v cloud.VPC) string { return v.Name }
			there := slices.DeleteFunc(slices.Clone(j.vpcs), func(v cloud.VPC) bool { return v.Region != p.Region })
			j.say(!j.grows(), err.Error()+near(j.spec.Cloud.VPC, there, name, "doctl vpcs list"), "cloud", "digitalocean", "vpc")
		}
	}
}

// private returns the range of a VPC of the pools that overlaps the subnet.
func (j *judgement) private(subnet netip.Prefix) (netip.Prefix, bool) {
	for _, p := range j.spec.Pools {
		v, err := cloud.PickVPC(j.vpcs, j.spec.Cloud.VPC, p.Region)
		if err != nil {
			continue
		}
		if private, err := netip.ParsePrefix(v.IPRange); err == nil && private.Overlaps(subnet) {
			return private, true
		}
	}
	return netip.Prefix{}, false
}
