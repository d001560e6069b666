package bootstrap

import (
	"context"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/spec/file"
)

// Prepare puts the brakes in front of the cloud, looks at the network that the first manager is made in, and returns the options for it: all but
// Intent, Dial and Progress, with user-data that holds no host key. refused is told each time a brake refused a call; it may be nil. A file whose networks
// overlap that network is an error.
func Prepare(ctx context.Context, d *file.Document, api brake.CloudAPI, refused func(brake string)) (Options, error) {
	braked, _ := brake.New(brake.Options{Cluster: d.Cluster, Cloud: api, Refused: refused}) // there is no swarm yet
	o := Options{Spec: &d.Spec, Cloud: braked}
	pool, err := o.managerPool()
	if err != nil {
		return Options{}, err
	}
	network, err := cloud.VPCOf(ctx, braked, d.Cloud.VPC, pool.Region)
	if err != nil {
		return Options{}, err
	}
	if o.Private, err = apart(d, network); err != nil {
		return Options{}, err
	}
	if d.Cloud.VPC != "" {
		o.VPC = network.UUID
	}
	o.Boot = userdata.Params{Cluster: d.Cluster, Pool: pool.Name, PrivateCIDR: network.IPRange}
	o.UserData = func(context.Context) (string, string, error) {
		text, err := userdata.Render(o.Boot)
		return text, "", err
	}
	return o, nil
}
