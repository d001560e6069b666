package reconcile_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/sim"
)

// TestManyLostAtOnceAreHealedWithinTheBudget: thirty of a thousand machines are gone in one moment.
func TestManyLostAtOnceAreHealedWithinTheBudget(t *testing.T) {
	const machines, lost = 1000, 30
	synctest.Test(t, func(t *testing.T) {
		o := sim.Options{Seed: 7}
		o.Cloud.DropletLimit = machines + 1
		w := sim.New(o)
		if err := w.Populate(sim.Seeded{Cluster: "web", Region: "fra1", Managers: 3, Workers: 500}); err != nil {
			t.Fatal(err)
		}
		c := on(t, w, "web-managers-aaaaa", bytes.Replace(webFile(3, 500, 1, 1), []byte("services:"),
			[]byte("  more: { role: worker, count: 497, size: s-1vcpu-1gb }\npolicies: { max_creates: 100 }\nservices:"), 1))
		defer c.stop()
		c.await(t, 1, 2*time.Hour)
		time.Sleep(time.Hour) // the API's budget is whole again
		c.ResetTrace()
		all := w.Cloud.Droplets()
		for n := range lost {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, fmt.Sprintf("http://api.digitalocean.com/v2/droplets/%d", all[10+31*n].ID), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+w.Token())
			answer, err := w.Transport().RoundTrip(r)
			if err != nil || answer.StatusCode != http.StatusNoContent {
				t.Fatal(answer, err)
			}
			answer.Body.Close()
		}
		began := time.Now()
		whole := func() bool { return c.loop.Last().Converged && len(w.Cloud.Droplets()) == machines }
		for !whole() && time.Since(began) < time.Hour {
			time.Sleep(time.Second)
		}
		calls, minute, most := 0, map[int64]int{}, 0
		for _, call := range c.Trace() {
			if strings.HasPrefix(call.Path, "/v2/") && call.Method != http.MethodHead {
				calls++
				minute[call.At.Unix()/60]++
				most = max(most, minute[call.At.Unix()/60])
			}
		}
		took := time.Since(began)
		t.Logf("%d of %d lost, whole after %s: %d calls of the cloud's API, %d in a minute at most", lost, machines, took, calls, most)
		if !whole() || most > 250 {
			t.Errorf("whole %v after %s, %d calls in a minute; %+v", whole(), took, most, c.loop.Last().Holds)
		}
	})
}
