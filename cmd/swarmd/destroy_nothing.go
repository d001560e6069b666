package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/swarmd/swarmd/pkg/bootstrap"
	"github.com/swarmd/swarmd/pkg/destroy"
)

// somethingThere refuses to say of a cluster that nothing of it is left when there never was one, as far as can be seen: its name may be mistyped.
// A destroy that is run again is told by the list that the first one left.
func (a *app) somethingThere(ctx context.Context, d destroy.Doomed) error {
	if len(d.Droplets)+len(d.Adopted)+len(d.Others)+len(d.Foreign) > 0 {
		return nil
	}
	if before, _ := filepath.Glob(filepath.Join(a.stateDir(), d.Cluster+".destroy-*.json")); len(before) > 0 { // the pattern is well-formed
		return nil
	}
	if first, err := (bootstrap.Intent{Dir: a.stateDir()}).Open(d.Cluster); err != nil || first.Sent {
		return err
	}
	msg := fmt.Sprintf("the account has no droplet of a cluster %s", d.Cluster)
	if a.getenv("DOCKER_HOST") != "" {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		switch known, err := a.knownClusters(ctx); {
		case err != nil:
			msg += fmt.Sprintf(", and the swarm at DOCKER_HOST could not be asked which clusters it knows (%s)", a.redact(err.Error()))
		case slices.ContainsFunc(known, func(c knownCluster) bool { return c.name == d.Cluster }):
			return nil
		case len(known) == 0:
			msg += ", and the swarm at DOCKER_HOST knows no cluster of swarmd"
		default:
			msg += ", and the swarm at DOCKER_HOST knows " + namesOf(known)
		}
	}
	return &exitError{code: 1, msg: msg + ": is the name in the file right? nothing was deleted"}
}
