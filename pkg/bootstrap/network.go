package bootstrap

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

// apart returns the VPC's range, and refuses a file whose networks overlap it: their tasks would reach no machine there.
func apart(d *file.Document, network cloud.VPC) (netip.Prefix, error) {
	private, err := netip.ParsePrefix(network.IPRange)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("the VPC %s has the range %q: %w", network.Name, network.IPRange, err)
	}
	var faults []error
	for _, n := range d.Subnets() {
		if subnet, err := netip.ParsePrefix(n.Range); err == nil && subnet.Overlaps(private) {
			faults = append(faults, fmt.Errorf("%s: the subnet %s overlaps the VPC's range %s, in which its tasks would reach no machine: choose another", strings.Join(n.Keys, "."), subnet, private))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return private, errors.Join(faults...)
}
