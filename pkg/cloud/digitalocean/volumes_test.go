package digitalocean

import (
	"slices"
	"testing"
	"time"

	"github.com/digitalocean/godo"
)

// TestTheVolumesOfADropletAreSeen: what keeps it from being deleted.
func TestTheVolumesOfADropletAreSeen(t *testing.T) {
	d := droplet(&godo.Droplet{ID: 7, VolumeIDs: []string{"b", "a"}}, time.Now())
	if !slices.Equal(d.Volumes, []string{"a", "b"}) {
		t.Errorf("volumes %v", d.Volumes)
	}
}
