package cloud

import (
	"context"
	"fmt"
)

// Networks lists private networks.
type Networks interface {
	VPCs(ctx context.Context) ([]VPC, error)
}

// VPCOf returns the network with the name or uuid; for "" the region's default. What the file can mend is an error that names its key.
func VPCOf(ctx context.Context, c Networks, want, region string) (VPC, error) {
	all, err := c.VPCs(ctx)
	if err != nil {
		return VPC{}, err
	}
	return PickVPC(all, want, region)
}

// PickVPC is VPCOf of those that are known.
func PickVPC(all []VPC, want, region string) (VPC, error) {
	for _, v := range all {
		if v.Region == region && (want == "" && v.Default || want != "" && (v.UUID == want || v.Name == want)) {
			return v, nil
		}
	}
	if want == "" {
		return VPC{}, fmt.Errorf("region %s has no default VPC: name one in cloud.digitalocean.vpc", region)
	}
	return VPC{}, fmt.Errorf("there is no VPC %q in region %s", want, region)
}
