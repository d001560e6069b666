package drill_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/apierr"
	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/drill"
	"github.com/swarmd/swarmd/pkg/reconcile/plan"
	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/spec"
)

// well is a cluster of three managers, two workers and one more of another pool, all as wanted, seen through m1.
func well() report.Report {
	r := report.Report{Cluster: "web", Converged: true, Node: "m1", Pools: []plan.PoolCount{{Pool: "ms", Ready: 3}, {Pool: "lone", Ready: 1}, {Pool: "ws", Ready: 2}}}
	for i, name := range []string{"m1", "m2", "m3", "w1", "w2", "l1"} {
		pool, role := map[byte]string{'m': "ms", 'w': "ws", 'l': "lone"}[name[0]], "worker"
		if pool == "ms" {
			role = "manager"
		}
		r.Nodes = append(r.Nodes, report.Node{Name: name, NodeID: name, DropletID: i + 1, Pool: pool, Role: role, Class: "ready", State: "ready", Availability: "active"})
	}
	return r
}

func pools() *spec.Spec {
	return &spec.Spec{Pools: []spec.Pool{{Name: "ms"}, {Name: "ws"}, {Name: "lone"}}}
}

// TestOnlyWhatCanBeSparedIsSwitchedOff: each row is one thing that is otherwise.
func TestOnlyWhatCanBeSparedIsSwitchedOff(t *testing.T) {
	for name, c := range map[string]struct {
		of     string
		change func(*report.Report, *drill.Node)
		want   string // the machine, or what the error says
	}{
		"none is named":         {"", nil, "w1"},
		"a manager":             {"m2", nil, "m2"},
		"by droplet":            {"5", nil, "w2"},
		"no such machine":       {"x", nil, "has no machine x"},
		"the one that is asked": {"m1", nil, "its engine is the one that is asked"},
		"the only one":          {"l1", nil, "--yes-one"},
		"the only one, meant":   {"l1", func(_ *report.Report, d *drill.Node) { d.Alone = true }, "l1"},
		"a manager is down already": {"m2", func(r *report.Report, _ *drill.Node) { r.Nodes[2].State = "down" },
			"it is one of 3 managers, 2 of them ready: without it they would have no majority"},
		"two managers":            {"m2", func(r *report.Report, _ *drill.Node) { r.Nodes = append(r.Nodes[:2:2], r.Nodes[3:]...) }, "it is one of 2 managers"},
		"a manager, meant":        {"m2", func(r *report.Report, d *drill.Node) { d.Alone = true; r.Nodes[2].State = "down" }, "no majority"},
		"adopted":                 {"w1", func(_ *report.Report, d *drill.Node) { d.Spec.Pools[1].Adopt = []int{4} }, "swarmd did not make it"},
		"repair: off":             {"w1", func(_ *report.Report, d *drill.Node) { d.Spec.Pools[1].RepairOff = true }, "repair: off"},
		"not well":                {"w1", func(r *report.Report, _ *drill.Node) { r.Nodes[3].Class = "unknown" }, "it is unknown"},
		"drained":                 {"w1", func(r *report.Report, _ *drill.Node) { r.Nodes[3].Availability = "drain" }, "out of service"},
		"something is held of it": {"w1", func(r *report.Report, _ *drill.Node) { r.Holds = []plan.Hold{{Object: "node/w1"}} }, "out of service"},
		"a stranger":              {"w1", func(r *report.Report, _ *drill.Node) { r.Nodes[3].Pool = "" }, "no machine of the cluster"},
		"not converged":           {"w1", func(r *report.Report, _ *drill.Node) { r.Converged = false }, "not as the file wants it"},
		"nobody acts":             {"w1", func(r *report.Report, _ *drill.Node) { r.Unattended = "nobody acts" }, "nobody would repair it: nobody acts"},
		"none can be spared":      {"", func(r *report.Report, d *drill.Node) { d.Spec.Pools[1].RepairOff = true }, "no worker of cluster web can be spared"},
	} {
		r, d := well(), drill.Node{Spec: pools()}
		if c.change != nil {
			c.change(&r, &d)
		}
		n, err := d.Pick(r, c.of)
		if err != nil && !strings.Contains(err.Error(), c.want) || err == nil && n.Name != c.want {
			t.Errorf("%s: %q, %v, want %s", name, n.Name, err, c.want)
		}
	}
}

// droplets is a cloud with one droplet.
type droplets struct {
	refuse, lost error
	off          time.Time
	back         time.Duration // after which it is on again; 0: never
}

func (d *droplets) PowerOff(context.Context, int) (cloud.Action, error) {
	if d.refuse != nil {
		return cloud.Action{}, d.refuse
	}
	d.off = time.Now().Add(2 * time.Second) // the action takes a while
	return cloud.Action{}, d.lost
}

func (d *droplets) Droplet(context.Context, int) (cloud.Droplet, error) {
	if !d.off.IsZero() && !time.Now().Before(d.off) && (d.back == 0 || time.Since(d.off) < d.back) {
		return cloud.Droplet{Status: cloud.StatusOff}, nil
	}
	return cloud.Droplet{Status: cloud.StatusActive}, nil
}

// TestADrillIsFollowedUntilAllIsWhole, by a list of droplets that lags behind, and ends with its context.
func TestADrillIsFollowedUntilAllIsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, lines := &droplets{back: 20 * time.Second, lost: &apierr.Error{Kind: apierr.Unknown}}, []string(nil)
		d := drill.Node{Cloud: c, Spec: pools(), Pace: time.Second, Say: func(_ time.Duration, text string) { lines = append(lines, text) }, Look: func(context.Context) report.Report {
			r := well()
			if since := time.Since(c.off); since > 5*time.Second && (c.back == 0 || since < 30*time.Second) {
				r.Nodes[3].Class, r.Nodes[3].State, r.Converged = "down", "down", false
			}
			return r
		}}
		w1 := well().Nodes[3]
		if err := d.Break(t.Context(), w1); err != nil {
			t.Fatal(err)
		}
		f, err := d.Follow(t.Context(), w1)
		if want := "off after 2s, lost after 8s, on after 22s, ready after 32s, whole after 32s"; err != nil || f.String() != want {
			t.Errorf("%s, %v, want %s", f, err, want)
		}
		if len(lines) != 5 || lines[1] != "w1 is seen to be lost" {
			t.Errorf("%q", lines)
		}

		c.back = 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := d.Break(ctx, w1); err != nil {
			t.Fatal(err)
		}
		_, err = d.Follow(ctx, w1)
		if want := "w1: its droplet is off, its node is down"; !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}

		c.refuse = &apierr.Error{Kind: apierr.Forbidden, Op: "power off"}
		if err := d.Break(t.Context(), w1); err == nil || !strings.HasSuffix(err.Error(), "; nothing was changed") {
			t.Errorf("a refused call: %v", err)
		}
	})
}

// A task of a job is not killed: nothing of a service would be shown.
func TestAJobIsNoServiceToTry(t *testing.T) {
	seen := well()
	seen.Services = []plan.ServiceCount{{Service: "web_migrate", Job: true, Desired: 3, Completed: 3}}
	if _, err := (drill.Task{}).Pick(t.Context(), seen, "migrate"); err == nil || !strings.Contains(err.Error(), "web_migrate is a job") {
		t.Error(err)
	}
}
