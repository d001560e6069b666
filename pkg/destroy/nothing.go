package destroy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// NeverError is that there never was such a cluster, as far as can be seen.
type NeverError struct{ Text string }

func (e *NeverError) Error() string { return e.Text }

// SomethingThere refuses, with a NeverError, to say of a cluster that nothing of it is left when there never was one, as far as can be seen: its
// name may be mistyped. A destroy that is run again is told by the list that the first one left. clusters asks the swarm that DOCKER_HOST names
// which clusters it knows; nil: it names none.
func (r *Run) SomethingThere(ctx context.Context, d Doomed, lists Lists, clusters func(context.Context) ([]string, error)) error {
	if len(d.Droplets)+len(d.Adopted)+len(d.Others)+len(d.Foreign) > 0 || lists.have(d.Cluster) {
		return nil
	}
	if first, err := r.Records.Open(d.Cluster); err != nil || first.Sent {
		return err
	}
	msg := fmt.Sprintf("the account has no droplet of a cluster %s", d.Cluster)
	if clusters != nil {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		switch known, err := clusters(ctx); {
		case err != nil:
			msg += fmt.Sprintf(", and the swarm at DOCKER_HOST could not be asked which clusters it knows (%s)", r.Redact(err.Error()))
		case slices.Contains(known, d.Cluster):
			return nil
		case len(known) == 0:
			msg += ", and the swarm at DOCKER_HOST knows no cluster of swarmd"
		default:
			msg += ", and the swarm at DOCKER_HOST knows " + strings.Join(known, ", ")
		}
	}
	return &NeverError{msg + ": is the name in the file right? nothing was deleted"}
}
