package main

import (
	"context"
	"slices"

	"github.com/swarmd/swarmd/pkg/destroy"
)

// destroyServices ends a cluster that owns no nodes.
func (a *cli) destroyServices(ctx context.Context, r *destroy.Run, confirmed string) error {
	b, err := r.Belongings(ctx)
	if err != nil {
		return err
	}
	cluster := r.Spec.Cluster
	printf(a.out, "cluster %s has services only: %s and %s will be removed, the swarm and its nodes stay:\n", cluster,
		plural(len(b.Services), "service"), plural(len(b.Networks), "network"))
	for _, name := range b.Services {
		protected := ""
		if slices.Contains(b.Protected, name) {
			protected = " (protected, and goes all the same)"
		}
		printf(a.out, "  - service %s%s\n", name, protected)
	}
	for _, name := range b.Networks {
		printf(a.out, "  - network %s\n", name)
	}
	for _, name := range b.Configs {
		printf(a.out, "  - config %s\n", name)
	}
	for _, name := range b.Secrets {
		printf(a.out, "  - secret %s\n", name)
	}
	if b.Holder != "" {
		printf(a.out, "  ! its swarmd runs on %s: stop it for good, or with its file it begins the cluster anew when it is started again\n", b.Holder)
	}
	if err := a.confirm(ctx, cluster, confirmed); err != nil {
		return err
	}
	return r.Clear(ctx)
}
