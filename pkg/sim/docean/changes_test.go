package docean_test

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/digitalocean/godo"

	"github.com/swarmd/swarmd/pkg/sim/docean"
)

func (w *world) droplet(t *testing.T, id int) *godo.Droplet {
	t.Helper()
	d, _, err := w.godo.Droplets.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// over waits for the action's end.
func (w *world) over(t *testing.T, a *godo.Action, err error) {
	t.Helper()
	if err != nil || a.Status != "in-progress" {
		t.Fatalf("%+v, %v", a, err)
	}
	w.clock.advance(6 * time.Second)
	if got := w.action(t, a.ResourceID, a.ID); got.Status != "completed" {
		t.Fatalf("%+v", got)
	}
}

// What terraform asks for at the create it must find again, or it wants to replace the droplet.
func TestWhatIsAskedForAtTheCreateIsRemembered(t *testing.T) {
	w := newWorld(t, func(o *docean.Options) { o.ActionTime = 5 * time.Second })
	d, _, err := w.godo.Droplets.Create(t.Context(), &godo.DropletCreateRequest{Name: "one", Region: "fra1", Size: "s-1vcpu-1gb",
		Image: godo.DropletCreateImage{Slug: "ubuntu-22-04-x64"}, Monitoring: true, IPv6: true, Backups: true})
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(6 * time.Second)
	got := w.droplet(t, d.ID)
	for _, f := range []string{"monitoring", "ipv6", "backups"} {
		if !slices.Contains(got.Features, f) {
			t.Errorf("features %v, without %s", got.Features, f)
		}
	}
	if v6, err := got.PublicIPv6(); v6 == "" || err != nil {
		t.Errorf("networks %+v", got.Networks.V6)
	}
	plain := w.droplet(t, w.create(t, "two").ID)
	w.clock.advance(6 * time.Second)
	if len(plain.Networks.V6) > 0 || slices.Contains(plain.Features, "backups") {
		t.Errorf("nothing asked for: %v, %+v", plain.Features, plain.Networks.V6)
	}
}

func TestResize(t *testing.T) {
	w, id := running(t)
	actions, before := w.godo.DropletActions, w.droplet(t, id)
	if _, _, err := actions.Resize(t.Context(), id, "s-2vcpu-4gb", false); status(err) != 422 {
		t.Fatalf("of one that runs: %v", err)
	}
	a, _, err := actions.PowerOff(t.Context(), id)
	w.over(t, a, err)
	a, _, err = actions.Resize(t.Context(), id, "s-2vcpu-4gb", false)
	w.over(t, a, err)
	if d := w.droplet(t, id); d.SizeSlug != "s-2vcpu-4gb" || d.Vcpus != 2 || d.Memory != 4096 || d.Disk != before.Disk {
		t.Errorf("without its disk: %s, %d processors, %d MB, %d GB", d.SizeSlug, d.Vcpus, d.Memory, d.Disk)
	}
	a, _, err = actions.Resize(t.Context(), id, "s-1vcpu-1gb", false)
	w.over(t, a, err)
	a, _, err = actions.Resize(t.Context(), id, "s-2vcpu-4gb", true)
	w.over(t, a, err)
	if d := w.droplet(t, id); d.Disk != 80 {
		t.Errorf("with its disk: %d GB", d.Disk)
	}
	if _, _, err := actions.Resize(t.Context(), id, "s-1vcpu-1gb", false); text(err) != "Size can not decrease size of Droplet's disk image" {
		t.Errorf("below its disk: %v", err)
	}
	if _, _, err := actions.Resize(t.Context(), id, "huge", false); status(err) != 422 {
		t.Errorf("to a size that is none: %v", err)
	}
}

func TestWhatBecomesOfAResize(t *testing.T) {
	for _, c := range []struct {
		fate         docean.Fate
		refused      string
		status, size string
	}{
		{docean.Resized, "", "completed", "s-2vcpu-4gb"},
		{docean.NoRoom, "Size is too large to fit on your droplet's server", "", "s-1vcpu-1gb"},
		{docean.Errored, "", "errored", "s-1vcpu-1gb"},
		{docean.HalfDone, "", "errored", "s-2vcpu-4gb"},
	} {
		w, id := running(t)
		a, _, err := w.godo.DropletActions.PowerOff(t.Context(), id)
		w.over(t, a, err)
		w.SetFate(c.fate)
		a, _, err = w.godo.DropletActions.Resize(t.Context(), id, "s-2vcpu-4gb", false)
		if (err != nil || c.refused != "") && text(err) != c.refused {
			t.Fatalf("%q: %v", c.fate, err)
		}
		w.clock.advance(6 * time.Second)
		if got := w.droplet(t, id); got.SizeSlug != c.size || got.Locked {
			t.Errorf("%q: %s, locked %v", c.fate, got.SizeSlug, got.Locked)
		}
		if want := map[bool]string{true: "2/4096"}[c.size == "s-2vcpu-4gb"]; w.fleet.sizes[id] != want {
			t.Errorf("%q: the machine has %q, want %q", c.fate, w.fleet.sizes[id], want)
		}
		if err == nil && w.action(t, id, a.ID).Status != c.status {
			t.Errorf("%q: %+v", c.fate, a)
		}
	}
}

func TestRenameRebuildAndFeatures(t *testing.T) {
	w, id := running(t)
	actions := w.godo.DropletActions
	a, _, err := actions.Rename(t.Context(), id, "other")
	if w.droplet(t, id).Name != "one" {
		t.Error("renamed before the action is over")
	}
	w.over(t, a, err)
	if _, _, err := actions.Rename(t.Context(), id, "under_score"); status(err) != 422 {
		t.Errorf("a bad name: %v", err)
	}
	a, _, err = actions.RebuildByImageSlug(t.Context(), id, "debian-12-x64")
	w.over(t, a, err)
	a, _, err = actions.EnableIPv6(t.Context(), id)
	w.over(t, a, err)
	a, _, err = actions.EnableBackups(t.Context(), id)
	w.over(t, a, err)
	a, _, err = actions.DisableBackups(t.Context(), id)
	w.over(t, a, err)
	d := w.droplet(t, id)
	if d.Name != "other" || d.Image.Slug != "debian-12-x64" || !slices.Contains(d.Features, "ipv6") || slices.Contains(d.Features, "backups") || d.Status != "active" {
		t.Errorf("%s with %s, %v, %s", d.Name, d.Image.Slug, d.Features, d.Status)
	}
	if made := w.fleet.made; len(made) != 2 || made[1].Image != "debian-12-x64" || made[1].ID != id || !slices.Contains(w.fleet.destroyed, id) {
		t.Errorf("machines made: %+v", made)
	}
	if _, _, err := actions.RebuildByImageSlug(t.Context(), id, "windows"); status(err) != 422 {
		t.Errorf("an image that is none: %v", err)
	}
}

func TestSnapshots(t *testing.T) {
	w, id := running(t)
	a, _, err := w.godo.DropletActions.Snapshot(t.Context(), id, "before")
	w.over(t, a, err)
	d := w.droplet(t, id)
	if len(d.SnapshotIDs) != 1 {
		t.Fatalf("snapshots %v", d.SnapshotIDs)
	}
	all, _, err := w.godo.Droplets.Snapshots(t.Context(), id, nil)
	if err != nil || len(all) != 1 || all[0].Name != "before" || all[0].ID != d.SnapshotIDs[0] {
		t.Errorf("snapshots %+v, %v", all, err)
	}
	if own, _, err := w.godo.Images.ListUser(t.Context(), nil); err != nil || len(own) != 1 || own[0].Public || own[0].Type != "snapshot" {
		t.Errorf("own images %+v, %v", own, err)
	}
	two, _, err := w.godo.Droplets.Create(t.Context(), &godo.DropletCreateRequest{Name: "two", Region: "fra1", Size: "s-1vcpu-1gb",
		Image: godo.DropletCreateImage{ID: d.SnapshotIDs[0]}})
	if err != nil || two.Image.Name != "before" {
		t.Errorf("a droplet of it: %+v, %v", two, err)
	}
	if _, err := w.godo.Images.Delete(t.Context(), d.SnapshotIDs[0]); err != nil {
		t.Error(err)
	}
	if d := w.droplet(t, id); len(d.SnapshotIDs) > 0 {
		t.Errorf("deleted, and still named: %v", d.SnapshotIDs)
	}
	if _, err := w.godo.Images.Delete(t.Context(), d.SnapshotIDs[0]); status(err) != 404 {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestAKeyIsReadRenamedAndDeleted(t *testing.T) {
	w := newWorld(t, nil)
	k, _, err := w.godo.Keys.Create(t.Context(), &godo.KeyCreateRequest{Name: "me", PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqD me"})
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := w.godo.Keys.GetByFingerprint(t.Context(), k.Fingerprint); err != nil || got.ID != k.ID {
		t.Errorf("%+v, %v", got, err)
	}
	if got, _, err := w.godo.Keys.UpdateByID(t.Context(), k.ID, &godo.KeyUpdateRequest{Name: "you"}); err != nil || got.Name != "you" || got.PublicKey != k.PublicKey {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := w.godo.Keys.DeleteByID(t.Context(), k.ID); err != nil {
		t.Error(err)
	}
	if _, _, err := w.godo.Keys.GetByID(t.Context(), k.ID); status(err) != 404 {
		t.Errorf("deleted, and %v", err)
	}
}

func TestATagIsDeletedAndItsDropletsStay(t *testing.T) {
	w, id := running(t)
	if _, _, err := w.godo.Tags.Create(t.Context(), &godo.TagCreateRequest{Name: "blue"}); err != nil {
		t.Fatal(err)
	}
	blue := &godo.TagResourcesRequest{Resources: []godo.Resource{{ID: strconv.Itoa(id), Type: godo.DropletResourceType}}}
	if _, err := w.godo.Tags.TagResources(t.Context(), "blue", blue); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Minute)
	if _, err := w.godo.Tags.Delete(t.Context(), "blue"); err != nil {
		t.Fatal(err)
	}
	if d := w.droplet(t, id); slices.Contains(d.Tags, "blue") {
		t.Errorf("tags %v", d.Tags)
	}
	if _, err := w.godo.Tags.Delete(t.Context(), "blue"); status(err) != 404 {
		t.Errorf("deleted twice: %v", err)
	}
}
