package reconcile_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/cloud/digitalocean"
	"github.com/swarmd/swarmd/pkg/sim"
)

// TestACreateThatIsAnsweredWithAnothersDroplet: the answer is not believed, the droplet that was made is found by its tag, and no machine is made
// twice.
func TestACreateThatIsAnsweredWithAnothersDroplet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 1}, webFile(1, 0, 1, 1))
		defer c.stop()
		c.await(t, 1, 5*time.Minute)
		do, err := digitalocean.New(digitalocean.Options{Token: c.Token(), Transport: c.Transport()})
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := do.CreateDroplet(t.Context(), cloud.CreateDroplet{Name: "database", Region: "fra1", Size: "s-1vcpu-1gb", Image: "debian-12-x64"})
		if err != nil {
			t.Fatal(err)
		}
		var creates atomic.Int32
		c.SetFault(func(call sim.Call) sim.Verdict {
			if call.Method != http.MethodPost || call.Path != "/v2/droplets" {
				return sim.Pass()
			}
			creates.Add(1)
			return sim.Hijack(theirs.ID, theirs.Name)
		})
		c.edits <- webFile(1, 2, 1, 1)
		c.await(t, 2, 20*time.Minute)
		if n := creates.Load(); n != 2 {
			t.Errorf("%d creates for 2 workers", n)
		}
		own, kept := 0, false
		for _, d := range c.Cloud.Droplets() {
			if strings.HasPrefix(d.Name, "web-") {
				own++
			}
			kept = kept || d.ID == theirs.ID
		}
		if own != 3 || !kept {
			t.Errorf("%d machines of the cluster, want 3; the other's droplet is there: %v", own, kept)
		}
		if ops := c.loop.Last().Operations; len(ops) != 0 {
			t.Errorf("open: %v", ops)
		}
	})
}
