package app

import (
	"context"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/userdata"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
)

// droplets is the cloud as the executor sees it: a network may be named, the API wants its uuid.
type droplets struct{ *brake.Cloud }

func (d droplets) CreateDroplet(ctx context.Context, r cloud.CreateDroplet) (cloud.Droplet, error) {
	if r.VPC != "" {
		network, err := cloud.VPCOf(ctx, d.Cloud, r.VPC, r.Region)
		if err != nil {
			return cloud.Droplet{}, &apierr.Error{Kind: apierr.Invalid, Side: "cloud", Op: "find network", Err: err}
		}
		r.VPC = network.UUID
	}
	return d.Cloud.CreateDroplet(ctx, r)
}

// userData renders what a droplet boots with, at the moment it is created: the worker token of now, the managers of now.
func (a *App) userData(ctx context.Context, d plan.CreateDroplet) (string, error) {
	cluster, err := a.Swarm.Cluster(ctx)
	if err != nil {
		return "", err
	}
	if err := ledger.SameToken(d.Token, cluster.WorkerToken); err != nil {
		return "", err
	}
	nodes, err := a.Swarm.Nodes(ctx)
	if err != nil {
		return "", err
	}
	var managers []string
	for _, n := range nodes {
		if n.Manager != nil && n.Manager.Reachability == "reachable" && n.Addr != "" {
			managers = append(managers, n.Addr)
		}
	}
	network, err := cloud.VPCOf(ctx, a.Cloud, d.VPC, d.Region)
	if err != nil {
		return "", err
	}
	return a.options.render(userdata.Params{Cluster: a.Cluster, Pool: d.Pool, PrivateCIDR: network.IPRange, Patience: d.JoinWithin,
		Join: &userdata.Join{Token: cluster.WorkerToken, Managers: managers}})
}
