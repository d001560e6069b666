package docean_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

func TestDropletLife(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) { o.ActionTime = 4 * time.Second })
	w.fleet.bootTime = 20 * time.Second
	d := w.create(t, "one", "swarmd:c")
	if d.Status != "new" || !d.Locked || len(d.Networks.V4) != 0 {
		t.Fatalf("just created: status %s locked %v networks %v", d.Status, d.Locked, d.Networks.V4)
	}
	if _, err := w.godo.Droplets.Delete(t.Context(), d.ID); text(err) != "Droplet already has a pending event." {
		t.Fatalf("delete while locked: %v", err)
	}
	w.clock.advance(21 * time.Second)
	d, _, err := w.godo.Droplets.Get(t.Context(), d.ID)
	if err != nil {
		t.Fatal(err)
	}
	pub, _ := d.PublicIPv4()
	priv, _ := d.PrivateIPv4()
	if d.Status != "active" || d.Locked || pub != "198.18.0.10" || priv != "10.114.32.10" {
		t.Fatalf("booted: status %s locked %v public %s private %s", d.Status, d.Locked, pub, priv)
	}
	if _, err := w.godo.Droplets.Delete(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.godo.Droplets.Delete(t.Context(), d.ID); status(err) != 404 {
		t.Fatalf("second delete: %v", err)
	}
	if diff := cmp.Diff([]int{d.ID}, w.fleet.destroyed); diff != "" {
		t.Fatal(diff)
	}
}
