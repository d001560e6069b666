package reconcile_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/maintenance"
	"github.com/swarmd/swarmd/pkg/sim"
)

// A pool that is taken out of the file keeps its machines; the file that brings it back with no machine permits to delete them all, once somebody has said that
// its last one is meant, too.
func TestAPoolThatComesBackWithNothingIsRemovedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, sim.Options{Seed: 3}, webFile(1, 4, 1, 1))
		defer c.stop()
		c.await(t, 1, 15*time.Minute)
		with := string(webFile(1, 4, 1, 1))
		without := strings.Replace(with, "  workers: { role: worker, count: 4, size: s-1vcpu-1gb }\n", "", 1)
		c.edits <- []byte(without)
		time.Sleep(10 * time.Minute)
		if n := len(c.Cloud.Droplets()); n != 5 {
			t.Fatalf("%d droplets while the pool is not in the file", n)
		}
		c.edits <- []byte(strings.Replace(with, "count: 4", "count: 0", 1))
		time.Sleep(10 * time.Minute)
		if n := len(c.Cloud.Droplets()); n != 5 {
			t.Fatalf("%d droplets before anybody has confirmed it", n)
		}
		if _, err := (maintenance.Cluster{Store: c.store}).Confirm(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		c.await(t, 3, 20*time.Minute)
		if n := len(c.Cloud.Droplets()); n != 1 {
			t.Fatalf("%d droplets", n)
		}
	})
}
