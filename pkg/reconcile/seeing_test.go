package reconcile_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/reconcile/report"
	"github.com/swarmd/swarmd/pkg/sim"
)

// told are all repairs and losses of the reports until one says that a pool is whole again.
func told(t *testing.T, reports <-chan report.Report, limit time.Duration) (repairs []report.Repair, losses []report.Loss, last report.Report) {
	t.Helper()
	timeout := time.After(limit)
	for {
		select {
		case r := <-reports:
			repairs, losses = append(repairs, r.Repairs...), append(losses, r.Losses...)
			if len(losses) > 0 && losses[len(losses)-1].Whole && len(repairs)%2 == 0 {
				return repairs, losses, r
			}
		case <-timeout:
			t.Fatalf("not whole after %s: repairs %+v, losses %+v", limit, repairs, losses)
		}
	}
}

// deleteDroplet is what a person does at the cloud's.
func deleteDroplet(t *testing.T, w *sim.World, id int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, fmt.Sprintf("https://api.digitalocean.com/v2/droplets/%d", id), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.Token())
	resp, err := (&http.Client{Transport: w.Transport()}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusNoContent {
		t.Fatal(resp.Status)
	}
}

// TestALossAndItsRepairAreToldOnce: a machine that is switched off is healed, one that is deleted is replaced, and one that an edit takes is neither.
func TestALossAndItsRepairAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 7}, webFile(1, 3, 1, 2))
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		for _, how := range []struct{ reason, outcome string }{{"off", report.RepairHealed}, {"gone", report.RepairReplaced}} {
			reports := c.loop.Follow(t.Context())
			<-reports
			machines := c.Cloud.Droplets()
			lost := machines[len(machines)-1]
			began := time.Now()
			if how.reason == "off" {
				if err := c.KillMachine(lost.Name); err != nil {
					t.Fatal(err)
				}
			} else {
				deleteDroplet(t, c.World, lost.ID)
			}
			repairs, losses, last := told(t, reports, 10*time.Minute)
			of := func(outcome string) report.Repair {
				return report.Repair{Pool: "workers", Machine: lost.Name, Reason: how.reason, Outcome: outcome}
			}
			if want := []report.Repair{of(report.RepairBegun), of(how.outcome)}; !slices.Equal(repairs, want) {
				t.Errorf("%s: %+v, want %+v", how.reason, repairs, want)
			}
			if len(losses) != 2 || losses[0].Whole || losses[0].Ready != 2 || losses[0].Desired != 3 || !slices.Equal(losses[0].Machines, []string{lost.Name}) {
				t.Fatalf("%s: losses %+v", how.reason, losses)
			}
			if took, most := losses[1].Took, time.Since(began); took <= 10*time.Second || took > most || !slices.Equal(losses[1].Machines, []string{lost.Name}) {
				t.Errorf("%s: whole after %s of %s: %+v", how.reason, took, most, losses[1])
			}
			for _, n := range last.Nodes {
				if n.Class != "ready" || n.Since.IsZero() || n.Since.After(last.At) {
					t.Errorf("%s: %s is %s since %s", how.reason, n.Name, n.Class, n.Since)
				}
				if n.Pool == "workers" && n.Name == lost.Name && (n.SinceAtLeast || n.Since.Before(began)) {
					t.Errorf("%s came back, and is %s since %s (%t)", n.Name, n.Class, n.Since, n.SinceAtLeast)
				}
			}
			c.await(t, 1, 10*time.Minute)
		}
		reports := c.loop.Follow(t.Context())
		c.edits <- webFile(1, 2, 1, 2)
		timeout := time.After(10 * time.Minute)
		for shrunk := false; !shrunk; {
			select {
			case r := <-reports:
				shrunk = r.Revision == 2 && r.Converged
				if len(r.Repairs)+len(r.Losses) > 0 {
					t.Errorf("a shrink is told as %+v %+v", r.Repairs, r.Losses)
				}
			case <-timeout:
				t.Fatal("the pool did not shrink")
			}
		}
		var lines []string
		events, _ := c.loop.Events(0)
		for _, e := range events {
			if e.Reason == "Lost" || e.Reason == "Whole" || e.Reason == "Repair" {
				lines = append(lines, e.Reason+" "+e.Object)
			}
		}
		const one = "Lost pool/workers, Repair pool/workers, "
		if got := strings.Join(lines, ", "); strings.Count(got, "Lost") != 2 || strings.Count(got, "Whole") != 2 || !strings.HasPrefix(got, one) {
			t.Error(got)
		}
	})
}
