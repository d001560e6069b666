package docean_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/digitalocean/godo"
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

func TestListLagsBehindCreateAndDelete(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) { o.ListLag = 30 * time.Second; o.TagDelay = 45 * time.Second })
	d := w.create(t, "one", "swarmd:c")
	w.expect(t, "just created", "")
	if _, _, err := w.godo.Droplets.Get(t.Context(), d.ID); err != nil {
		t.Fatalf("by id it is there at once: %v", err)
	}
	w.clock.advance(31 * time.Second)
	w.expect(t, "listed, but its tags are late", "swarmd:c")
	w.expect(t, "listed without a tag", "", "one active")
	w.clock.advance(15 * time.Second)
	w.expect(t, "tagged", "swarmd:c", "one active")
	if _, err := w.godo.Droplets.Delete(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "deleted, still listed", "swarmd:c", "one off")
	w.clock.advance(31 * time.Second)
	w.expect(t, "gone", "swarmd:c")
}

func (w *world) expect(t *testing.T, when, tag string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.list(t, tag)); diff != "" {
		t.Fatalf("%s (-want +got):\n%s", when, diff)
	}
}

func TestPagesAreLive(t *testing.T) {
	w := newWorld(t, nil)
	var ids []int
	for _, n := range []string{"a", "b", "c", "d"} {
		ids = append(ids, w.create(t, n).ID)
	}
	first, resp, err := w.godo.Droplets.List(t.Context(), &godo.ListOptions{PerPage: 2})
	if err != nil || len(first) != 2 || resp.Meta.Total != 4 || resp.Links.IsLastPage() {
		t.Fatalf("first page: %v %+v %v", first, resp.Meta, err)
	}
	if _, err := w.godo.Droplets.Delete(t.Context(), ids[0]); err != nil {
		t.Fatal(err)
	}
	second, resp, err := w.godo.Droplets.List(t.Context(), &godo.ListOptions{PerPage: 2, Page: 2})
	if err != nil || len(second) != 1 || second[0].Name != "d" || resp.Meta.Total != 3 || !resp.Links.IsLastPage() {
		t.Fatalf("second page must miss c, alive: %v %+v %v", second, resp.Meta, err)
	}
}

func TestPagesNeverExceedTheLargest(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) { o.PageSize = 3 })
	for range 4 {
		w.create(t, "same-name")
	}
	got, resp, err := w.godo.Droplets.List(t.Context(), &godo.ListOptions{PerPage: 200})
	if err != nil || len(got) != 3 || resp.Links.IsLastPage() {
		t.Fatalf("%d droplets, links %+v, %v", len(got), resp.Links, err)
	}
	byName, _, err := w.godo.Droplets.ListByName(t.Context(), "same-name", &godo.ListOptions{Page: 2, PerPage: 3})
	if err != nil || len(byName) != 1 {
		t.Fatalf("by name, page 2: %d %v", len(byName), err)
	}
}

func TestFailedPlacementVanishes(t *testing.T) {
	var seen []error
	w := newWorld(t, func(o *docean.Options) {
		o.ActionTime = 5 * time.Second
		o.OnError = func(err error) { seen = append(seen, err) }
	})
	w.fleet.failCreate = errors.New("no room")
	d := w.create(t, "doomed")
	if _, _, err := w.godo.Droplets.Get(t.Context(), d.ID); err != nil {
		t.Fatalf("while in flight: %v", err)
	}
	w.clock.advance(6 * time.Second)
	if _, _, err := w.godo.Droplets.Get(t.Context(), d.ID); status(err) != 404 {
		t.Fatalf("after placement failed: %v", err)
	}
	if len(seen) != 1 || !errors.Is(seen[0], w.fleet.failCreate) {
		t.Fatalf("errors of Machines: %v", seen)
	}
}

func TestMultiCreate(t *testing.T) {
	w := newWorld(t, nil)
	req := &godo.DropletMultiCreateRequest{
		Names: []string{"a", "b"}, Region: "fra1", Size: "s-1vcpu-1gb", Image: godo.DropletCreateImage{ID: 72067660},
	}
	made, resp, err := w.godo.Droplets.CreateMultiple(t.Context(), req)
	if err != nil || len(made) != 2 || made[0].ID == made[1].ID || len(resp.Links.Actions) != 2 {
		t.Fatalf("%v %v", made, err)
	}
	req.Names = make([]string, 11)
	if _, _, err := w.godo.Droplets.CreateMultiple(t.Context(), req); text(err) != "You can only create 10 Droplets at a time." {
		t.Fatalf("eleven at once: %v", err)
	}
}

func TestAddressesAreReused(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) {
		o.Regions = []string{"fra1"}
		o.PrivateCIDR = netip.MustParsePrefix("10.77.0.0/16")
		o.PublicCIDR = netip.MustParsePrefix("203.0.113.0/29")
		o.FirstHost = 5
	})
	first := w.create(t, "one")
	if m := w.fleet.made[0]; m.PublicIPv4 != "203.0.113.5/29" || m.PrivateIPv4 != "10.77.0.5/16" {
		t.Fatalf("addresses %s %s", m.PublicIPv4, m.PrivateIPv4)
	}
	w.create(t, "two")
	if _, _, err := w.godo.Droplets.Create(t.Context(), createRequest("three")); text(err) != "no free address in 203.0.113.0/29" {
		t.Fatalf("range used up: %v", err)
	}
	if _, err := w.godo.Droplets.Delete(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	w.create(t, "three")
	if m := w.fleet.made[2]; m.PublicIPv4 != "203.0.113.5/29" {
		t.Fatalf("freed address not given again: %s", m.PublicIPv4)
	}
}

func TestSameRequestsSameAnswers(t *testing.T) {
	run := func() []docean.Droplet {
		w := newWorld(t, nil)
		w.create(t, "a", "t")
		w.clock.advance(time.Minute)
		w.create(t, "b")
		return w.Droplets()
	}
	one, two := run(), run()
	if diff := cmp.Diff(one, two, equalPrefixes); diff != "" || len(one) != 2 {
		t.Fatalf("two runs differ: %s", diff)
	}
	if one[0].ID >= one[1].ID {
		t.Fatalf("ids don't grow: %d %d", one[0].ID, one[1].ID)
	}
}

func TestDeleteByTagTakesAll(t *testing.T) {
	w := newWorld(t, nil)
	w.create(t, "a", "x")
	w.create(t, "b", "x", "y")
	w.create(t, "c", "y")
	w.clock.advance(time.Second)
	if _, err := w.godo.Droplets.DeleteByTag(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "after delete by tag", "", "c active")
}

func TestHookSeesTruth(t *testing.T) {
	var seen []string
	w := newWorld(t, func(o *docean.Options) {
		o.ListLag = time.Hour
		o.Hook = func(e docean.Event) {
			seen = append(seen, fmt.Sprint(e.Kind, " ", e.Droplet.Name, " ", e.Droplet.Tags))
		}
	})
	d := w.create(t, "a", "z", "x")
	w.clock.advance(time.Second)
	if _, err := w.godo.Droplets.Delete(t.Context(), d.ID); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"created a [x z]", "deleted a [x z]"}, seen); diff != "" {
		t.Fatal(diff)
	}
	if len(w.Droplets()) != 0 || len(w.History()) != 1 {
		t.Fatalf("living %d, ever %d", len(w.Droplets()), len(w.History()))
	}
}

var equalPrefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
