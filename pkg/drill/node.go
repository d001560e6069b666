package drill

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/spec"
)

// Cloud switches a machine off, and says how its droplet is.
type Cloud interface {
	PowerOff(ctx context.Context, id int) (cloud.Action, error)
	Droplet(ctx context.Context, id int) (cloud.Droplet, error)
}

// Node is a drill that switches a machine off.
type Node struct {
	Look  func(ctx context.Context) report.Report
	Cloud Cloud
	Spec  *spec.Spec // as it was accepted
	Alone bool       // also where the pool has no other ready machine
	Say   func(after time.Duration, text string)
	Pace  time.Duration // between looks
}

// Pick returns the machine to switch off: the one of that name, or without a name a worker of the pool that has most to spare. The error says what is
// against it.
func (d Node) Pick(seen report.Report, name string) (report.Node, error) {
	if why := Unquiet(seen); why != "" {
		return report.Node{}, fmt.Errorf("%s", why)
	}
	if name != "" {
		i := slices.IndexFunc(seen.Nodes, func(n report.Node) bool {
			return n.Name == name || n.NodeID == name || fmt.Sprint(n.DropletID) == name
		})
		if i < 0 {
			return report.Node{}, fmt.Errorf("cluster %s has no machine %s: swarmd status lists them", seen.Cluster, name)
		}
		if why := d.against(seen, seen.Nodes[i]); why != "" {
			return report.Node{}, fmt.Errorf("%s is not switched off: %s", seen.Nodes[i].Name, why)
		}
		return seen.Nodes[i], nil
	}
	workers := slices.DeleteFunc(slices.Clone(seen.Nodes), func(n report.Node) bool { return n.Role != "worker" || d.against(seen, n) != "" })
	if len(workers) == 0 {
		return report.Node{}, fmt.Errorf("no worker of cluster %s can be spared: swarmd drill node NAME says why not", seen.Cluster)
	}
	slices.SortStableFunc(workers, func(a, b report.Node) int { return cmp.Compare(ready(seen, b.Pool), ready(seen, a.Pool)) })
	return workers[0], nil
}

// Unquiet says what is under way, or that nobody would repair what is broken; "" if nothing is against a drill.
func Unquiet(r report.Report) string {
	switch {
	case r.Unattended != "":
		return "nobody would repair it: " + r.Unattended
	case !r.Converged:
		return "the cluster is not as the file wants it, and a drill begins with one that is: swarmd status says what is lacking"
	}
	return ""
}

// against says why a machine is not switched off, "" if nothing is against it.
func (d Node) against(r report.Report, n report.Node) string {
	pool := d.pool(n.Pool)
	switch {
	case n.Pool == "" || pool == nil:
		return "it is no machine of the cluster"
	case n.DropletID == 0 || slices.Contains(pool.Adopt, n.DropletID):
		return "swarmd did not make it, and does not start it again"
	case pool.RepairOff:
		return "repair: off keeps swarmd from starting it again"
	case n.Class != "ready":
		return "it is " + cmp.Or(n.Class, n.State)
	case n.Availability != "active" || held(r, n):
		return "somebody keeps it out of service"
	case n.NodeID == r.Node:
		return "its engine is the one that is asked: set DOCKER_HOST to another manager"
	case n.Role == "manager":
		return margin(r)
	case ready(r, n.Pool) < 2 && !d.Alone:
		return "pool " + n.Pool + " has no other ready machine; --yes-one switches it off all the same"
	}
	return ""
}

func (d Node) pool(name string) *spec.Pool {
	for i := range d.Spec.Pools {
		if d.Spec.Pools[i].Name == name {
			return &d.Spec.Pools[i]
		}
	}
	return nil
}

// held reports whether something is held about the machine.
func held(r report.Report, n report.Node) bool {
	return slices.ContainsFunc(r.Holds, func(h plan.Hold) bool { return h.Object == "node/"+n.Name })
}

// margin says why no manager may be lost, "" if one may.
func margin(r report.Report) string {
	all, well := 0, 0
	for _, n := range r.Nodes {
		if n.Role == "manager" {
			if all++; n.State == "ready" {
				well++
			}
		}
	}
	if well-1 > all/2 {
		return ""
	}
	return fmt.Sprintf("it is one of %d managers, %d of them ready: without it they would have no majority", all, well)
}

func ready(r report.Report, pool string) int {
	for _, p := range r.Pools {
		if p.Pool == pool {
			return p.Ready
		}
	}
	return 0
}

// Break switches the machine off. An answer that was lost may be a success: it is followed all the same.
func (d Node) Break(ctx context.Context, n report.Node) error {
	if _, err := d.Cloud.PowerOff(ctx, n.DropletID); err != nil && apierr.KindOf(err) != apierr.Unknown {
		return fmt.Errorf("switch off %s: %w; nothing was changed", n.Name, err)
	}
	return nil
}

// Follow looks until the cluster is whole again, and tells each step with its time. It returns how it was at last, in words, and the error of ctx if it
// ended first.
func (d Node) Follow(ctx context.Context, n report.Node) (Figures, error) {
	f := Figures{began: time.Now(), say: d.Say}
	last := "it was switched off"
	for {
		droplet, gone := d.droplet(ctx, n.DropletID)
		r := d.Look(ctx)
		if ctx.Err() != nil {
			return f, fmt.Errorf("%s: %w", last, ctx.Err())
		}
		now, there := machine(r, n.DropletID)
		last = state(n.Name, droplet, now, there)
		f.once("off", droplet == cloud.StatusOff, n.Name+" is off")
		f.once("lost", r.SawAll() && (!there || now.Class != "ready"), n.Name+" is seen to be lost")
		f.once("on", f.has("off") && droplet == cloud.StatusActive, n.Name+" is switched on again")
		f.once("gone", gone, n.Name+" does not exist any more: another machine takes its place")
		broke := f.has("lost") || f.has("on") // the list of droplets may be older than what the droplet itself says
		f.once("ready", broke && there && now.Class == "ready" && droplet != cloud.StatusOff, n.Name+" is ready again")
		if broke && r.Converged && droplet != cloud.StatusOff {
			f.once("whole", true, "everything is as the file wants it again")
			return f, nil
		}
		if err := pause(ctx, d.Pace); err != nil {
			return f, fmt.Errorf("%s: %w", last, err)
		}
	}
}

// droplet returns the status of the droplet, "" if that is not known; gone says that there is none.
func (d Node) droplet(ctx context.Context, id int) (status cloud.Status, gone bool) {
	droplet, err := d.Cloud.Droplet(ctx, id)
	return droplet.Status, apierr.KindOf(err) == apierr.NotFound
}

func machine(r report.Report, droplet int) (report.Node, bool) {
	i := slices.IndexFunc(r.Nodes, func(n report.Node) bool { return n.DropletID == droplet })
	if i < 0 {
		return report.Node{}, false
	}
	return r.Nodes[i], true
}

// state is how the machine is, in words.
func state(name string, droplet cloud.Status, n report.Node, there bool) string {
	words := []string{"its droplet is " + cmp.Or(string(droplet), "not seen")}
	if there && n.NodeID != "" {
		words = append(words, "its node is "+n.State)
	}
	return name + ": " + strings.Join(words, ", ")
}
