package destroy

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/reconcile/brake"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
	"github.com/swarmd/swarmd/pkg/spec"
	"github.com/swarmd/swarmd/pkg/swarm"
)

// pendingCreate is a create that was sent, or may have been, and whose droplet no list showed yet. Lists lag behind: taken for nothing,
// that droplet would live on, and be paid for, with nobody left who knows it.
type pendingCreate struct {
	name  string // for people
	until time.Time
}

// pendingCreates are the open operations of the fenced swarmd and the record of a bootstrap on this machine, as far as the survey does not
// show their droplets.
func (r *Run) pendingCreates(open []ledger.Op, s *spec.Spec, d Doomed) ([]pendingCreate, error) {
	shown := map[string]bool{}
	for _, m := range append(slices.Clone(d.Droplets), d.Others...) {
		shown[m.droplet.OpID()] = true
	}
	var out []pendingCreate
	for _, op := range open {
		if op.Kind == ledger.Create && !shown[op.ID] {
			until := op.Deadline
			if latest := time.Now().Add(s.Policies.CreateVisible); until.After(latest) {
				until = latest // it was written by a clock that is ahead
			}
			out = append(out, pendingCreate{op.Name, until})
		}
	}
	first, err := r.Records.Open(s.Cluster)
	if err != nil {
		return nil, err
	}
	if first.Sent && !shown[first.OpID] {
		out = append(out, pendingCreate{"the first manager", first.Started.Add(s.Policies.CreateVisible)})
	}
	return out, nil
}

func underWay(pending []pendingCreate, now time.Time) bool {
	for _, p := range pending {
		if now.Before(p.until) {
			return true
		}
	}
	return false
}

func (r *Run) sayPending(pending []pendingCreate) {
	for _, p := range pending {
		if time.Now().Before(p.until) {
			r.Say("%s may have been asked for just before: looking for it until %s\n", p.name, p.until.Local().Format(time.TimeOnly))
		}
	}
}

// sameAccount holds the cloud's view against the swarm's, where that can be seen. A token of another account shows no droplet: nothing would
// be deleted, swarmd would be stopped for good, and the cluster would be told to be gone.
func (r *Run) sameAccount(ctx context.Context, c *brake.Cloud, d Doomed) error {
	if r.Connect == nil || len(d.Droplets) > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	asm, err := r.Connect()
	if err != nil {
		return err
	}
	defer asm.Close()
	nodes, err := asm.Swarm.Nodes(ctx)
	if err != nil {
		return nil // there is no swarm any more, or none to be reached: haltSwarmd says so
	}
	missing := 0
	for _, n := range nodes {
		switch there, err := standsOn(ctx, c, n); {
		case err != nil:
			return err
		case there:
			return nil
		case n.State == swarm.NodeReady && n.Spec.Labels[swarm.LabelDroplet] != "":
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("the account of this token has none of the cluster's droplets, and %s are ready: "+
			"is it another account's token? nothing was deleted", plural(missing, "node"))
	}
	return nil
}

// standsOn reports whether the account has the droplet that the node is bound to.
func standsOn(ctx context.Context, c *brake.Cloud, n swarm.Node) (bool, error) {
	id, err := strconv.Atoi(n.Spec.Labels[swarm.LabelDroplet])
	if err != nil || id <= 0 {
		return false, nil
	}
	_, err = c.Droplet(ctx, id)
	if apierr.KindOf(err) == apierr.NotFound {
		return false, nil
	}
	return err == nil, err
}
