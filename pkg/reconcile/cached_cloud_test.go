package reconcile

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmd/swarmd/pkg/cloud"
	"github.com/swarmd/swarmd/pkg/reconcile/ledger"
)

// counted counts what reaches the cloud.
type counted struct{ lists, gets int }

func (c *counted) Droplets(context.Context, string) ([]cloud.Droplet, error) {
	c.lists++
	return []cloud.Droplet{{ID: 1}}, nil
}

func (c *counted) Droplet(context.Context, int) (cloud.Droplet, error) {
	c.gets++
	return cloud.Droplet{}, nil
}

func TestAFollowerAsksTheCloudSeldom(t *testing.T) {
	for oneShot, want := range map[bool]int{false: 4, true: 10} { // 38 s of looks, 2 s apart: asked at 0, 10, 20 and 30 s, or each 4 s
		synctest.Test(t, func(t *testing.T) {
			c := &counted{}
			g := newCachedCloud(c, oneShot)
			for range 20 {
				if d, err := g.Droplets(t.Context(), "swarmd:web"); err != nil || len(d) != 1 {
					t.Fatal(d, err)
				}
				if _, err := g.Droplet(t.Context(), 7); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
			}
			if c.lists != want || c.gets != want {
				t.Errorf("one shot %v: %d lists and %d gets, want %d each", oneShot, c.lists, c.gets, want)
			}
		})
	}
}

func TestAClosedOperationEndsWhatIsCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counted{}
		g := newCachedCloud(c, false)
		look := func() { _, _ = g.Droplets(t.Context(), "swarmd:web") }
		open := []ledger.Op{{ID: "a"}}
		look()
		if g.outdated(open, time.Now()) {
			t.Error("a list of this very look is not outdated")
		}
		time.Sleep(2 * time.Second)
		look()
		if g.outdated(open, time.Now()) {
			t.Error("the same operations, and yet outdated")
		}
		if !g.outdated(nil, time.Now()) {
			t.Error("the operation was closed, the list is outdated")
		}
		if look(); c.lists != 2 {
			t.Errorf("%d lists, want a second one", c.lists)
		}
	})
}
